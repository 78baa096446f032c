"""A caller's edits of a plan: all of them, or none."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from genesis_server.model.plan import MAX_TASKS_PER_PLAN, EdgeOrigin, EdgeSource, Plan, Task, TaskKind, TaskOrigin, TaskSource, TaskState
from genesis_server.model.update import AddEdgeEdit, AddTaskEdit, ChangeTaskEdit, Edit, RemoveEdgeEdit, RemoveTaskEdit
from genesis_server.planning.dag import TOP, LifetimeError, TaskGraph, TaskGraphError
from genesis_server.planning.order import CycleError
from genesis_server.planning.update.approval import approved_as
from genesis_server.planning.update.refusals import invalid_edit, task_ended, task_not_found, update_limit
from genesis_server.planning.update.waits import circle

MAX_BRIDGES = 1_000
"""Edges that take the place of one removed task at most."""


def edit(graph: TaskGraph, plan: Plan, edits: Sequence[Edit]) -> None:
    """Make the edits in their order; what has ended is not touched.

    Raises DecompositionError INVALID_EDIT, TASK_ENDED or UPDATE_LIMIT, or ResourceError TASK_NOT_FOUND, and changes nothing then.
    """
    sound = not circle(graph)
    with graph.transaction():
        editing = _Editing(graph, plan, edits)
        for place, one in enumerate(edits):
            with _said_of(place):
                editing.make(place, one)
        if sound and (problem := circle(graph)):
            raise invalid_edit(len(edits) - 1, problem)
        if not graph.children():
            raise invalid_edit(len(edits) - 1, "a plan keeps at least one task; cancel it when nothing is to be done")


@contextmanager
def _said_of(place: int) -> Generator[None]:
    """What the graph refuses is the fault of this edit."""
    try:
        yield
    except LifetimeError:
        raise update_limit("tasks", MAX_TASKS_PER_PLAN) from None
    except (TaskGraphError, CycleError) as error:
        raise invalid_edit(place, str(error)) from None


class _Editing:
    """The edits of one event."""

    def __init__(self, graph: TaskGraph, plan: Plan, edits: Sequence[Edit]) -> None:
        self._graph = graph
        self._plan = plan
        self._parents = {one.task.parent_id for one in edits if isinstance(one, AddTaskEdit)}

    def make(self, place: int, one: Edit) -> None:
        """Make one edit."""
        match one:
            case AddTaskEdit(task):
                self._add(place, task)
            case ChangeTaskEdit(task):
                self._change(place, task)
            case RemoveTaskEdit(task_id):
                self._remove(place, task_id)
            case AddEdgeEdit(edge):
                self._open(edge.to_id)
                self._found(edge.from_id)
                origin = edge.origin or EdgeOrigin(EdgeSource.EDIT)
                if self._graph.add_edge(edge.from_id, edge.to_id, edge.kind, edge.artefact, origin) is None:
                    raise invalid_edit(place, f"{edge.from_id!r} and {edge.to_id!r} contain one another, and so cannot wait for each other")
            case RemoveEdgeEdit(from_id, to_id):
                self._open(to_id)
                self._found(from_id)
                self._graph.remove_edge(from_id, to_id)

    def _add(self, place: int, task: Task) -> None:
        if task.parent_id != TOP:
            self._open(task.parent_id)
        self._check(place, task)
        kind = TaskKind.COMPOUND if task.kind is TaskKind.UNSPECIFIED and task.id in self._parents else task.kind
        self._graph.add_task(_made(replace(task, approved_by=""), kind, TaskState.PENDING), task.parent_id)

    def _change(self, place: int, task: Task) -> None:
        old = self._open(task.id)
        self._check(place, task)
        if task.parent_id != old.parent_id:
            raise invalid_edit(place, f"{task.id!r} cannot move to another heading; remove it and add it there")
        kind = old.kind if task.kind is TaskKind.UNSPECIFIED else task.kind
        self._graph.replace_task(_made(approved_as(task, old), kind, old.state))

    def _check(self, place: int, task: Task) -> None:
        """An edit says what is to be done, not how far it is; a guard asks a task that is there."""
        if task.state.ended or task.error:
            raise invalid_edit(place, f"an edit cannot say that {task.id!r} has ended; tell that it is done or failed")
        if not task.goal.strip() and not task.capability:
            raise invalid_edit(place, f"{task.id!r} says neither in words nor by a capability what is to be done; give it a goal")
        for guard in task.guards:
            if guard.task_id and guard.task_id not in self._graph:
                raise invalid_edit(place, f"a condition of {task.id!r} asks the task {guard.task_id!r}, which is not there")
            if not guard.task_id and not guard.artefact:
                raise invalid_edit(place, f"a condition of {task.id!r} names neither a task nor a fact that would decide it")

    def _remove(self, place: int, task_id: str) -> None:
        graph = self._graph
        gone = self._found_with_all_below(task_id)
        asked = [task for task in graph.tasks() if task.id not in gone and any(guard.task_id in gone for guard in task.guards)]
        if asked := [task for task in asked if not task.state.ended]:
            raise invalid_edit(place, f"a condition of {asked[0].id!r} asks what {task_id!r} puts out; change that task first")
        before, after = graph.before(task_id), graph.after(task_id)
        if len(before) * len(after) > MAX_BRIDGES:
            raise invalid_edit(place, f"too many tasks wait for {task_id!r} and it for too many; remove some of its edges first")
        graph.remove_task(task_id)
        for earlier in before:
            for later in after:
                if not graph.task(later.to_id).state.ended:
                    graph.add_edge(earlier.from_id, later.to_id, origin=EdgeOrigin(EdgeSource.EDIT))

    def _found_with_all_below(self, task_id: str) -> set[str]:
        self._open(task_id)
        gone = self._graph.subtree(task_id)
        for one in gone:
            self._open(one)
        return set(gone)

    def _found(self, task_id: str) -> Task:
        if task_id not in self._graph:
            raise task_not_found(self._plan, task_id)
        return self._graph.task(task_id)

    def _open(self, task_id: str) -> Task:
        """The task, which has not ended."""
        task = self._found(task_id)
        if task.state.ended:
            raise task_ended(task)
        return task


def _made(task: Task, kind: TaskKind, state: TaskState) -> Task:
    kind = TaskKind.PRIMITIVE if kind is TaskKind.UNSPECIFIED else kind
    return replace(task, kind=kind, state=state, origin=task.origin or TaskOrigin(TaskSource.EDIT))
