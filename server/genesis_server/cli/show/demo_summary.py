"""How the demo came out: what it cost, who failed, who took over, and what was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.v1 import work_pb2
from genesis_server.cli.picture import RunPicture, counts
from genesis_server.cli.show.balance import LABEL, balance_lines
from genesis_server.cli.show.standing import outcome, standing, why, workers
from genesis_server.cli.text import counted, plain, span


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSummary:
    """What there is to tell."""

    picture: RunPicture
    routed: Mapping[str, str]
    """Whom tasks were routed to at first, by task id."""
    breakers: Sequence[policy.AgentBreaker]
    files: Mapping[str, int]
    """Bytes by name."""
    took: float
    """Seconds."""


def summary_view(summary: DemoSummary, now: float) -> RenderableType:
    """The whole of it. `now`: seconds since the epoch."""
    picture = summary.picture
    leaves = [node for node in picture.graph.walk() if not node.children]
    words = [standing(node.task, picture.run_of(node.task.id)).word for node in leaves]
    lines = [Text.assemble("\n", (f"After {span(summary.took)}", "bold"), f": {counts(words)}")]
    if picture.balance is not None:
        lines += balance_lines(picture.balance, now)
    lines += _attempts(picture.runs)
    lines += _rerouted(picture, summary.routed)
    lines += _breakers(summary.breakers)
    lines += _waiting(picture)
    if summary.files:
        sizes = ", ".join(f"{plain(name)} {size}" for name, size in summary.files.items())
        lines.append(_line("files", f"{len(summary.files)}, {sum(summary.files.values())} bytes in all: {sizes}"))
    return Group(*lines)


def _line(name: str, words: str, style: str = "") -> Text:
    return Text.assemble((f"{name:{LABEL}}", "bold"), (words, style))


def _attempts(runs: Mapping[str, work_pb2.TaskRun]) -> Iterator[Text]:
    outcomes = Counter(outcome(attempt) for run in runs.values() for attempt in run.attempts)
    if outcomes:
        yield _line("attempts", f"{outcomes.total()}: {', '.join(f'{number} {word}' for word, number in outcomes.most_common())}")


def _rerouted(picture: RunPicture, routed: Mapping[str, str]) -> Iterator[Text]:
    moved: dict[tuple[str, str], list[str]] = {}
    for node in picture.graph.walk():
        tried = workers(picture.run_of(node.task.id))
        first = routed.get(node.task.id) or (tried[0] if tried else "")
        if tried and tried[-1] != first:
            moved.setdefault((first, tried[-1]), []).append(node.number)
    for (before, after), numbers in moved.items():
        yield _line("re-routed", f"{counted(len(numbers), 'task')} from {plain(before)} to {plain(after)}: {', '.join(numbers)}", "yellow")


def _breakers(breakers: Sequence[policy.AgentBreaker]) -> Iterator[Text]:
    for breaker in breakers:
        if breaker.state != policy.BREAKER_STATE_CLOSED:
            until = f", next trial {breaker.retry_time.ToDatetime():%H:%M:%S} UTC" if breaker.HasField("retry_time") else ""
            yield _line("breaker", f"of {plain(breaker.agent_id)} is open: {plain(breaker.reason)}{until}", "red")


def _waiting(picture: RunPicture) -> Iterator[Text]:
    for node in picture.graph.walk():
        run = picture.run_of(node.task.id)
        if not node.children and run is not None and (run.waiting_for or run.dead_letter):
            yield _line(
                "waits" if run.waiting_for else "given up", f"{node.number} {plain(node.task.goal)}: {why(node.task, run)}", "yellow"
            )
