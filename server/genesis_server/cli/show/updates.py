"""What an event changed in a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.v1 import plan_pb2, update_pb2
from genesis_server.cli.show.balance import exhausted
from genesis_server.cli.show.standing import PENDING, standing
from genesis_server.cli.text import counted, enum_word, plain

_TOLD = frozenset({plan_pb2.TASK_STATE_CANCELLED, plan_pb2.TASK_STATE_AWAITING_APPROVAL})
"""States that are told in words."""


def update_view(answer: update_pb2.UpdatePlanResponse) -> RenderableType:
    """The difference, what is ready now, and what still has to be known."""
    state = enum_word(plan_pb2.PlanState, answer.state, "PLAN_STATE_")
    counted_as = f" · update {answer.counters.updates} of 10" if answer.replanned else ""
    head = Text.assemble((plain(answer.plan_id), "bold"), f" version {answer.version} · {state}{counted_as}")
    waiting = [_undecided(guard, answer.plan_id) for guard in answer.undecided_guards]
    out = exhausted(answer.balance)
    spent = [Text(f"  the budget is exhausted: {out}; nothing more starts", style="bold red")] if out else []
    return Group(head, *_diff(answer.diff), *_ready(answer.ready_task_ids), *waiting, *spent)


def change_view(change: update_pb2.WatchPlanResponse) -> RenderableType:
    """One version of a watched plan."""
    state = enum_word(plan_pb2.PlanState, change.state, "PLAN_STATE_")
    head = Text.assemble(
        (f"version {change.version} ", "bold"),
        (f"{change.time.ToDatetime():%H:%M:%S} UTC ", "dim"),
        plain(change.event),
        (f" · {state}", "dim"),
    )
    first = change.version == 1
    lines = [Text(f"  {counted(len(change.diff.added_tasks), 'task')}")] if first else list(_diff(change.diff))
    return Group(head, *lines, *_ready(change.ready_task_ids))


def _diff(diff: update_pb2.PlanDiff) -> Iterator[Text]:
    for task in diff.added_tasks:
        yield Text.assemble(("  + ", "green"), (plain(task.id), "cyan"), f" {plain(task.goal)}")
    for task in diff.changed_tasks:
        far = standing(task)
        mark, style = ("~", "yellow") if far.word == PENDING else (far.mark, far.style)
        state = far.word if task.state in _TOLD else ""
        why = f" ({plain(task.error) or state})" if task.error or state else ""
        yield Text.assemble((f"  {mark} ", style), (plain(task.id), "cyan"), f" {plain(task.goal)}{why}")
    for task_id in diff.removed_task_ids:
        yield Text.assemble(("  - ", "red"), (plain(task_id), "cyan"), " taken out")
    for sign, style, edges in (("+", "green", diff.added_edges), ("-", "red", diff.removed_edges)):
        for edge in edges:
            yield Text.assemble((f"  {sign} ", style), f"{plain(edge.from_task_id)} → {plain(edge.to_task_id)}")


def _ready(task_ids: Sequence[str]) -> Iterator[Text]:
    if task_ids:
        yield Text.assemble(("  ready: ", "bold"), ", ".join(plain(task_id) for task_id in task_ids))


def _undecided(guard: update_pb2.UndecidedGuard, plan_id: str) -> Text:
    tell = f"; tell it with `genesis plans tell {plain(plan_id)} --fact {plain(guard.artefact) or 'NAME'}=VALUE`"
    return Text.assemble(("  waits ", "yellow"), (plain(guard.task_id), "cyan"), f" {plain(guard.text)}", (tell, "dim"))
