"""An event of a plan, and the plan's next version: a pure function of the plan, what is known and what it is repaired from.

Every event that is taken makes a version; only one that re-plans something counts as an update. Telling once more what a task put out,
or why it failed, changes nothing and makes none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genesis_server.model.plan import (
    MAX_NEW_TASKS_PER_UPDATE,
    MAX_UPDATES_PER_PLAN,
    Plan,
    PlanCounters,
    PlanState,
    Task,
    TaskKind,
    TaskState,
)
from genesis_server.model.update import (
    Cancel,
    Information,
    Known,
    Pause,
    PlanDiff,
    PlanEvent,
    Resume,
    TaskDone,
    TaskFailed,
    UndecidedGuard,
    UserEdit,
)
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.diff import difference
from genesis_server.planning.update.edits import edit
from genesis_server.planning.update.information import give_up_producers, redescribe
from genesis_server.planning.update.ready import settle
from genesis_server.planning.update.refusals import plan_ended, task_ended, task_not_found, update_limit
from genesis_server.planning.update.repair import repair
from genesis_server.resilience.errors import invalid_field

MAX_VALUES_BYTES = 64 * 1024
"""Outputs of one task, or facts of one event, as JSON."""
MAX_KNOWN_BYTES = 4 * 1024 * 1024
"""Everything that was told about one plan, as JSON."""

_LIVE = frozenset({PlanState.UNSPECIFIED, PlanState.ACTIVE, PlanState.PAUSED})


@dataclass(frozen=True, slots=True)
class Updated:
    """A plan after an event."""

    plan: Plan
    known: Known
    diff: PlanDiff
    ready: tuple[Task, ...]
    undecided: tuple[UndecidedGuard, ...]
    replanned: bool
    """Whether the event counts as an update."""
    note: str
    """What happened, in one sentence."""
    is_new: bool = True
    """Whether there is a new version; False when the same was told before."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What an event did, before its consequences."""

    plan: Plan
    known: Known
    note: str
    replanned: bool = False


def update(plan: Plan, event: PlanEvent, *, known: Known, replan: Replan) -> Updated:
    """The plan's next version.

    Finished tasks, their ids and every other id stay. Raises, and nothing has happened then:
        DecompositionError PLAN_ENDED, TASK_ENDED, UPDATE_LIMIT, INVALID_EDIT; ResourceError TASK_NOT_FOUND;
        ValidationError INVALID_FIELD for values that are too large, work told of a heading, or words about no task.
    """
    if _was_told(plan, event, known):
        settled = settle(plan, known)
        return Updated(plan, known, PlanDiff(), settled.ready, settled.undecided, replanned=False, note="told before", is_new=False)
    if plan.state not in _LIVE:
        raise plan_ended(plan)
    taken = _take(plan, event, known, replan)
    created = taken.plan.counters.tasks_created
    updates = plan.counters.updates + taken.replanned
    if updates > MAX_UPDATES_PER_PLAN:
        raise update_limit("updates", MAX_UPDATES_PER_PLAN)
    if created - plan.counters.tasks_created > MAX_NEW_TASKS_PER_UPDATE:
        raise update_limit("new_tasks", MAX_NEW_TASKS_PER_UPDATE)
    settled = settle(taken.plan, taken.known)
    after = replace(settled.plan, version=plan.version + 1, counters=PlanCounters(created, updates))
    note = _with_consequences(taken.note, taken.plan, after)
    return Updated(after, taken.known, difference(plan, after), settled.ready, settled.undecided, taken.replanned, note)


def _was_told(plan: Plan, event: PlanEvent, known: Known) -> bool:
    """Whether a task is told to have ended just as it was told before."""
    if not isinstance(event, TaskDone | TaskFailed):
        return False
    task = next((task for task in plan.tasks if task.id == event.task_id), None)
    if task is None:
        return False
    if isinstance(event, TaskDone):
        return task.state is TaskState.DONE and _as_json(known.outputs.get(task.id, {})) == _as_json(event.outputs)
    return task.state is TaskState.FAILED and task.error == event.error


def _take(plan: Plan, event: PlanEvent, known: Known, replan: Replan) -> _Taken:  # noqa: PLR0911  (one for each kind)
    match event:
        case TaskDone():
            return _done(plan, event, known)
        case TaskFailed():
            return _failed(plan, event, known, replan)
        case Information():
            return _informed(plan, event, known, replan)
        case UserEdit(edits):
            graph = TaskGraph.load(plan)
            edit(graph, plan, edits)
            after = _frozen(graph, plan)
            return _Taken(after, known, _counted(len(edits), "edit"), replanned=(after.tasks, after.edges) != (plan.tasks, plan.edges))
        case Pause():
            return _Taken(replace(plan, state=PlanState.PAUSED), known, "paused")
        case Resume():
            return _Taken(replace(plan, state=PlanState.ACTIVE), known, "resumed")
        case Cancel():
            tasks = [task if task.state.ended else replace(task, state=TaskState.CANCELLED) for task in plan.tasks]
            return _Taken(replace(plan, tasks=tuple(tasks), state=PlanState.CANCELLED), known, "cancelled")


def _done(plan: Plan, event: TaskDone, known: Known) -> _Taken:
    task = _open(plan, event.task_id)
    if task.kind is TaskKind.COMPOUND and any(other.parent_id == task.id for other in plan.tasks):
        raise invalid_field("done.task_id", f"{task.id!r} is a heading, which is done with the last task below it; tell of that one")
    outputs = {**known.outputs, task.id: event.outputs} if event.outputs else known.outputs
    known = Known(outputs, known.facts)
    _refuse_large(event.outputs, known, "done.outputs")
    return _Taken(_with(plan, replace(task, state=TaskState.DONE)), known, f"{task.id} is done")


def _failed(plan: Plan, event: TaskFailed, known: Known, replan: Replan) -> _Taken:
    task = _open(plan, event.task_id)
    graph = TaskGraph.load(plan)
    failed = replace(task, state=TaskState.FAILED, error=event.error)
    if task.kind is not TaskKind.COMPOUND:
        graph.replace_task(failed)
    repaired = repair(graph, task.id, facts=list(known.facts), replan=replan)
    if repaired.hopeless:
        graph.replace_task(failed)
    after = _frozen(graph, plan)
    state = PlanState.FAILED if repaired.hopeless else plan.state
    return _Taken(replace(after, state=state), known, f"{task.id} failed; {repaired.note}", repaired.replanned)


def _informed(plan: Plan, event: Information, known: Known, replan: Replan) -> _Taken:
    about = [_open(plan, task_id) for task_id in dict.fromkeys(event.task_ids)]
    if event.text.strip() and not about:
        raise invalid_field("information.task_ids", "say which tasks the text is about")
    known = Known(known.outputs, {**known.facts, **event.facts})
    _refuse_large(event.facts, known, "information.facts")
    graph = TaskGraph.load(plan)
    given_up = give_up_producers(graph, event.facts)
    reworded = [task for task in about if event.text.strip() and task.goal != event.text]
    for task in reworded:
        if task.id in graph and not graph.task(task.id).state.ended:
            redescribe(graph, task.id, event.text, facts=list(known.facts), replan=replan)
    parts = [f"{', '.join(event.facts)} became known" if event.facts else ""]
    parts.append(f"new words for {', '.join(task.id for task in reworded)}" if reworded else "")
    parts.append(f"{', '.join(given_up)} not needed any more" if given_up else "")
    note = "; ".join(part for part in parts if part) or "nothing new"
    return _Taken(_frozen(graph, plan), known, note, replanned=bool(given_up or reworded))


def _open(plan: Plan, task_id: str) -> Task:
    """The task, which has not ended."""
    task = next((task for task in plan.tasks if task.id == task_id), None)
    if task is None:
        raise task_not_found(plan, task_id)
    if task.state.ended:
        raise task_ended(task)
    return task


def _frozen(graph: TaskGraph, plan: Plan) -> Plan:
    after = graph.freeze()
    return replace(plan, tasks=after.tasks, edges=after.edges, counters=replace(plan.counters, tasks_created=graph.created))


def _with(plan: Plan, task: Task) -> Plan:
    return replace(plan, tasks=tuple([task if other.id == task.id else other for other in plan.tasks]))


def _refuse_large(values: Mapping[str, Any], known: Known, field: str) -> None:
    if _size(values) > MAX_VALUES_BYTES:
        raise invalid_field(field, f"more than {MAX_VALUES_BYTES} bytes as JSON; store it elsewhere and tell its URI")
    if values and _size(known.outputs) + _size(known.facts) > MAX_KNOWN_BYTES:
        raise invalid_field(field, f"with it the plan would keep more than {MAX_KNOWN_BYTES} bytes of values; tell URIs instead")


def _size(values: Mapping[str, Any]) -> int:
    return len(_as_json(values).encode("utf-8", "surrogatepass"))


def _as_json(values: Mapping[str, Any]) -> str:
    """The values in the one form that tells true from 1."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=dict)


def _with_consequences(note: str, before: Plan, after: Plan) -> str:
    """The note, with what guards excluded and how the plan ended."""
    ended = {task.id for task in before.tasks if task.state.ended}
    skipped = [task.id for task in after.tasks if task.state is TaskState.SKIPPED and task.id not in ended]
    parts = [note]
    if skipped:
        parts.append(f"{_listed(skipped)} skipped by a condition")
    if after.state is not before.state or after.state is PlanState.FAILED:
        parts.append(f"the plan is {after.state.name.lower()}")
    return "; ".join(parts)


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
