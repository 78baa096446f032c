"""Events of a plan, and the plan's next version: a pure function of the plan, what is known and what it is repaired from.

Events that arrive together make one version, and every one that is taken leaves the plan as it would have alone. Only one that re-plans
something counts as an update. Telling once more what a task put out, or why it failed, changes nothing and makes no version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    Approve,
    Cancel,
    Edit,
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
from genesis_server.planning.update.notes import listed, note_of
from genesis_server.planning.update.ready import Progress
from genesis_server.planning.update.refusals import (
    not_approved,
    not_awaiting_approval,
    plan_ended,
    task_ended,
    task_not_found,
    update_limit,
)
from genesis_server.planning.update.repair import repair
from genesis_server.planning.update.values import Told
from genesis_server.resilience.errors import GenesisError, invalid_field

_LIVE = (PlanState.UNSPECIFIED, PlanState.ACTIVE, PlanState.PAUSED)


@dataclass(frozen=True, slots=True)
class Updated:
    """A plan after events."""

    plan: Plan
    known: Known
    diff: PlanDiff
    ready: tuple[Task, ...]
    undecided: tuple[UndecidedGuard, ...]
    replanned: bool
    """Whether any of the events counts as an update."""
    note: str
    """What happened, in one sentence."""
    is_new: bool = True
    """Whether there is a new version; False when nothing was taken that was not told before."""


def update(plan: Plan, event: PlanEvent, *, known: Known, replan: Replan) -> Updated:
    """The plan's next version after one event.

    Finished tasks, their ids and every other id stay. Raises, and nothing has happened then:
        DecompositionError PLAN_ENDED, TASK_ENDED, NOT_AWAITING_APPROVAL, NOT_APPROVED, INVALID_EDIT, and UPDATE_LIMIT for edits and
        information; ResourceError TASK_NOT_FOUND; ValidationError INVALID_FIELD for values that are too large, work told of a heading,
        or words about no task.
    A failure nothing can mend, or only a repair beyond the limits, ends what needs it (see `ready`); the note says which limit that is.
    """
    updated, (refusal,) = update_all(plan, [event], known=known, replan=replan)
    if refusal is not None:
        raise refusal
    return updated


def update_all(plan: Plan, events: Sequence[PlanEvent], *, known: Known, replan: Replan) -> tuple[Updated, tuple[GenesisError | None, ...]]:
    """The plan's next version after events that arrived together, and for each why it was refused; None: it was not.

    Each event is taken on what the ones before it left, with all its consequences, as `update` would; one that is refused changes
    nothing. Tasks that stay as they are stay the same objects.
    """
    story = _Story(plan, known, replan)
    refusals: list[GenesisError | None] = []
    for event in events:
        try:
            story.take(event)
        except GenesisError as refusal:
            refusals.append(refusal)
        else:
            refusals.append(None)
    return story.updated(), tuple(refusals)


@dataclass(frozen=True, slots=True)
class _Change:
    """What an event did that may change any part of a plan, before its consequences."""

    plan: Plan
    note: str
    replanned: bool = False
    skipped: tuple[str, ...] = ()
    """Tasks that are not needed any more, as the note says."""


class _Story:
    """A plan on its way through the events of one version."""

    def __init__(self, plan: Plan, known: Known, replan: Replan) -> None:
        self._before = plan
        self._replan = replan
        self._told = Told(known)
        self._progress = Progress(plan, known)
        self._counters = plan.counters
        self._said = plan.state
        self._ended = {task.id for task in plan.tasks if task.state.ended}
        self._done: list[str] = []
        self._notes: list[str] = []

    def updated(self) -> Updated:
        """The version the events made."""
        before, known, settled = self._before, self._told.known, self._progress.settled()
        if not self._done and not self._notes:
            nothing = PlanDiff()
            return Updated(before, known, nothing, settled.ready, settled.undecided, replanned=False, note="told before", is_new=False)
        after = replace(settled.plan, version=before.version + 1, counters=self._counters)
        note = note_of(self._done, self._notes, after=after, said=self._said, ended=self._ended)
        replanned = self._counters.updates > before.counters.updates
        return Updated(after, known, difference(before, after), settled.ready, settled.undecided, replanned, note)

    def take(self, event: PlanEvent) -> None:
        """Take an event. Raises as `update`, and changes nothing then."""
        if self._was_told(event):
            return
        if self._progress.state not in _LIVE:
            raise plan_ended(self._progress.plan)
        match event:
            case TaskDone():
                self._take_done(event)
            case Approve():
                self._take_decision(event)
            case Pause():
                self._stand(PlanState.PAUSED, "paused")
            case Resume():
                self._stand(PlanState.ACTIVE, "resumed")
            case Cancel():
                self._said = PlanState.CANCELLED
                self._go_on(_cancelled(self._progress.plan))
            case TaskFailed(task_id, error):
                self._take_failure(self._open(task_id), error)
            case Information() | UserEdit():
                self._take_change(event)

    def _was_told(self, event: PlanEvent) -> bool:
        """Whether a task is told to have ended just as it was told before."""
        task = self._progress.tasks.get(event.task_id) if isinstance(event, TaskDone | TaskFailed) else None
        if task is None:
            return False
        if isinstance(event, TaskDone):
            return task.state is TaskState.DONE and self._told.was_put_out(event)
        return isinstance(event, TaskFailed) and task.state is TaskState.FAILED and task.error == event.error

    def _take_done(self, event: TaskDone) -> None:
        task = self._open(event.task_id)
        if task.kind is TaskKind.COMPOUND and self._progress.has_below(task.id):
            raise invalid_field("done.task_id", f"{task.id!r} is a heading, which is done with the last task below it; tell of that one")
        if (unapproved := self._progress.unapproved(task.id)) is not None:
            raise not_approved(unapproved)
        self._told = self._told.put_out(event)
        self._progress.end(replace(task, state=TaskState.DONE), self._told.known)
        self._done.append(task.id)
        self._ended.add(task.id)

    def _take_decision(self, event: Approve) -> None:
        task = self._progress.tasks.get(event.task_id)
        if task is None:
            raise task_not_found(self._before, event.task_id)
        if task.state is not TaskState.AWAITING_APPROVAL:
            raise not_awaiting_approval(task)
        why = f": {event.comment}" if event.comment else ""
        if event.refused:
            self._take_failure(task, f"refused by {event.actor}{why}", is_refused=True)
            return
        self._progress.approve(replace(task, state=TaskState.PENDING, approved_by=event.actor))
        self._notes.append(f"{task.id} was approved by {event.actor}{why}")

    def _stand(self, state: PlanState, note: str) -> None:
        self._progress.standing = self._said = state
        self._notes.append(note)

    def _take_failure(self, task: Task, error: str, *, is_refused: bool = False) -> None:
        may_replan = self._counters.updates < MAX_UPDATES_PER_PLAN
        plan, graph = self._progress.plan, TaskGraph.load(self._progress.plan)
        failed = replace(task, state=TaskState.FAILED, error=error)
        if task.kind is not TaskKind.COMPOUND:
            graph.replace_task(failed)
        facts, lost = list(self._told.known.facts), self._progress.lost
        repaired = repair(graph, task.id, facts=facts, replan=self._replan, may_replan=may_replan, is_refused=is_refused, lost=lost)
        if repaired.hopeless:
            graph.replace_task(failed)
            plan = replace(plan, hopeless=(*plan.hopeless, task.id))
        verb = "was refused" if is_refused else "failed"
        self._go_on(_Change(_frozen(graph, plan), f"{task.id} {verb}; {repaired.note}", repaired.replanned))

    def _take_change(self, event: Information | UserEdit) -> None:
        """Take what is not to go beyond the limits."""
        plan, told = self._progress.plan, self._told
        if isinstance(event, UserEdit):
            change = _edited(plan, event.edits)
        else:
            about = [self._open(task_id) for task_id in dict.fromkeys(event.task_ids)]
            told = told.learn(event.facts)
            change = _informed(plan, event, about, list(told.known.facts), self._replan)
        if self._counters.updates + change.replanned > MAX_UPDATES_PER_PLAN:
            raise update_limit("updates", MAX_UPDATES_PER_PLAN)
        if change.plan.counters.tasks_created - plan.counters.tasks_created > MAX_NEW_TASKS_PER_UPDATE:
            raise update_limit("new_tasks", MAX_NEW_TASKS_PER_UPDATE)
        self._told = told
        self._go_on(change)

    def _go_on(self, change: _Change) -> None:
        self._counters = PlanCounters(change.plan.counters.tasks_created, self._counters.updates + change.replanned)
        self._progress = Progress(replace(change.plan, counters=self._counters), self._told.known)
        self._ended.update(change.skipped)
        self._notes.append(change.note)

    def _open(self, task_id: str) -> Task:
        """The task, which has not ended."""
        task = self._progress.tasks.get(task_id)
        if task is None:
            raise task_not_found(self._before, task_id)
        if task.state.ended:
            raise task_ended(task)
        return task


def _cancelled(plan: Plan) -> _Change:
    tasks = [task if task.state.ended else replace(task, state=TaskState.CANCELLED) for task in plan.tasks]
    return _Change(replace(plan, tasks=tuple(tasks), state=PlanState.CANCELLED), "cancelled")


def _edited(plan: Plan, edits: Sequence[Edit]) -> _Change:
    graph = TaskGraph.load(plan)
    edit(graph, plan, edits)
    after = _frozen(graph, plan)
    note = f"{len(edits)} edit{'' if len(edits) == 1 else 's'}"
    return _Change(after, note, replanned=(after.tasks, after.edges) != (plan.tasks, plan.edges))


def _informed(plan: Plan, event: Information, about: Sequence[Task], facts: Sequence[str], replan: Replan) -> _Change:
    if event.text.strip() and not about:
        raise invalid_field("information.task_ids", "say which tasks the text is about")
    graph = TaskGraph.load(plan)
    given_up = give_up_producers(graph, event.facts)
    reworded = [task for task in about if event.text.strip() and task.goal != event.text]
    for task in reworded:
        if task.id in graph and not graph.task(task.id).state.ended:
            redescribe(graph, task.id, event.text, facts=facts, replan=replan)
    parts = [f"{listed(list(event.facts))} became known" if event.facts else ""]
    parts.append(f"new words for {listed([task.id for task in reworded])}" if reworded else "")
    parts.append(f"{listed(given_up)} not needed any more" if given_up else "")
    note = "; ".join(part for part in parts if part) or "nothing new"
    return _Change(_frozen(graph, plan), note, replanned=bool(given_up or reworded), skipped=tuple(given_up))


def _frozen(graph: TaskGraph, plan: Plan) -> Plan:
    """The graph as the plan's next state; what is as before stays the same object."""
    after, old = graph.freeze(), {task.id: task for task in plan.tasks}
    tasks = tuple([old[task.id] if old.get(task.id) == task else task for task in after.tasks])
    edges = plan.edges if after.edges == plan.edges else after.edges
    return replace(plan, tasks=tasks, edges=edges, counters=replace(plan.counters, tasks_created=graph.created))
