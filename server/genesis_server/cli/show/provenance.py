"""How an answer was made, with the time of each phase."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.v1 import common_pb2
from genesis_server.cli.text import amount, counted, enum_word, plain, seconds, span


def provenance_view(provenance: common_pb2.Provenance, *, stored: bool | None = None) -> RenderableType:
    """The provenance in a few lines; `stored` tells whether the plan can be read again, where the answer says so."""
    return Group(*_lines(provenance, stored))


def _lines(provenance: common_pb2.Provenance, stored: bool | None) -> Iterator[Text]:
    level = enum_word(common_pb2.DegradationLevel, provenance.level, "DEGRADATION_LEVEL_")
    reason = f" ({plain(provenance.level_reason)})" if provenance.level_reason else ""
    yield Text.assemble(("Provenance ", "bold"), level, (reason, "dim"))
    phases = [(plain(phase.phase), seconds(phase.duration)) for phase in provenance.phases]
    if phases:
        total = sum(time for _, time in phases)
        yield Text("  times: " + " · ".join(f"{name} {span(time)}" for name, time in phases) + f" · together {span(total)}")
    snapshots = (
        ("agents", provenance.agents_snapshot_id),
        ("methods", provenance.methods_snapshot_id),
        ("flags", provenance.flags_snapshot_id),
        ("rulebook", provenance.rulebook_version),
    )
    made_from = [f"{name} {plain(value)}" for name, value in snapshots if value]
    versions = (("policy", provenance.policy_version), ("server", provenance.server_version), ("seed", str(provenance.seed)))
    made_from += [f"{name} {plain(value)}" for name, value in versions if value]
    yield Text("  made from: " + " · ".join(made_from), style="dim")
    if provenance.HasField("model_use"):
        use = provenance.model_use
        cost = f" · {amount(use.cost)}" if use.HasField("cost") else ""
        tokens = f"{use.input_tokens} tokens in, {use.output_tokens} out"
        yield Text(f"  language model {plain(use.model)}: {counted(use.requests, 'request')} · {tokens}{cost}", style="dim")
    for hit in provenance.tripwire_hits:
        yield Text(f"  looks like an instruction ({plain(hit.family)}) in {plain(hit.field)}: “{plain(hit.span.text)}”", style="yellow")
    kept = "" if stored is None else " · stored" if stored else " · not stored"
    decision = f" · decision {plain(provenance.decision_id)}" if provenance.decision_id else ""
    yield Text(f"  correlation id {plain(provenance.correlation_id)}{decision}{kept}", style="dim")
