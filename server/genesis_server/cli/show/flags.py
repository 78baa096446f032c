"""What flags are for somebody, and how they came to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf import json_format
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from genesis.v1 import flags_pb2
from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import enum_word, plain

_WRONG = frozenset({pb.FLAG_REASON_ERROR, pb.FLAG_REASON_STALE})


def flags_table(flags: Sequence[pb.FlagEvaluation]) -> RenderableType:
    """Each flag with its value and why it has it."""
    table = Rows("flag", "value", "reason", "decided by", "what it switches")
    for flag in flags:
        error = f"\n{plain(flag.error)}" if flag.error else ""
        table.add(
            Text(plain(flag.key), "bold"),
            Text(_value(flag)),
            Text(_reason(flag), "yellow" if flag.reason in _WRONG else ""),
            Text.assemble(_source(flag), (error, "red")),
            Text(plain(flag.description)),
        )
    return table


def explained_view(answer: pb.FlagResponse) -> RenderableType:
    """Each flag with the way to its value: the steps through its rule and the draws on it."""
    snapshot = f"snapshot {plain(answer.snapshot_id)}"
    if answer.current_snapshot_id and answer.current_snapshot_id != answer.snapshot_id:
        snapshot += f", pinned by the run; the one in use now is {plain(answer.current_snapshot_id)}"
    return Group(*(line for flag in answer.flags for line in _explained(flag)), Text(snapshot, "dim"))


def _explained(flag: pb.FlagEvaluation) -> Iterator[RenderableType]:
    told = flag.explanation
    yield Text.assemble((plain(flag.key), "bold"), f" = {_value(flag)} · {_reason(flag)}", (f" · {_source(flag)}", "dim"))
    if told.text:
        yield Text(f"  {plain(told.text)}")
    if flag.error:
        yield Text(f"  {plain(flag.error)}", "red")
    for bucket in told.buckets:
        yield from _bucket(bucket)
    if told.steps:
        steps = Rows("step", "operation", "of", "gives")
        for step in told.steps:
            path = Text(plain(step.path) or "/", "cyan")
            steps.add(path, Text(plain(step.operation)), Text(plain(step.arguments)), Text(plain(step.result)))
        yield Padding(steps, (0, 0, 0, 2))


def _bucket(bucket: flags_pb2.FlagBucket) -> Iterator[Text]:
    share = f"{plain(bucket.variant)} has {bucket.lower} to {bucket.upper} of {bucket.total_weight}"
    yield Text.assemble(("  drawn ", "cyan"), f"bucket {bucket.bucket} by {plain(bucket.bucketed_by)}: {share}")
    far = f"    {bucket.distance * 100:.4g} % of all subjects from the nearer end of its share"
    yield Text(f"{far} · hash {bucket.hash} · {plain(bucket.generation)} · {plain(bucket.path) or '/'}", "dim")


def _value(flag: pb.FlagEvaluation) -> str:
    if not flag.HasField("value"):
        return "your default"
    value = json_format.MessageToJson(flag.value, indent=None, ensure_ascii=False)
    return plain(value) + (f" ({plain(flag.variant)})" if flag.variant else "")


def _source(flag: pb.FlagEvaluation) -> str:
    return plain(flag.source) + (f" v{flag.version}" if flag.version else "")


def _reason(flag: pb.FlagEvaluation) -> str:
    return enum_word(pb.FlagReason, flag.reason, "FLAG_REASON_")
