"""A hierarchical task graph under construction.

A tree of levels: the children of one compound task form a level with its own graph, and edges join siblings only. A dependency
between tasks of different levels is lifted to the children of their lowest common ancestor (notes of HTDAG, arXiv 2502.07056).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

from genesis_server.model.plan import MAX_DEPTH, MAX_TASKS_PER_PLAN, Edge, EdgeKind, Plan, PlanCounters, Task, TaskKind
from genesis_server.planning.order import TopologicalOrder

TOP = ""


class TaskGraphError(ValueError):
    """A mutation the graph does not allow; the graph is unchanged."""


class LimitError(TaskGraphError):
    """A plan would become too deep or too large."""


class TaskGraph:
    """Tasks, levels and edges; every mutation happens as a whole or not at all."""

    def __init__(self, goal: str, *, max_depth: int = MAX_DEPTH, max_tasks: int = MAX_TASKS_PER_PLAN) -> None:
        """Start an empty graph for `goal`; `max_tasks` counts every task ever added."""
        self.goal = goal
        self._max_depth = max_depth
        self._max_tasks = max_tasks
        self._tasks: dict[str, Task] = {}
        self._levels: dict[str, TopologicalOrder] = {TOP: TopologicalOrder()}
        self._children: dict[str, list[str]] = {TOP: []}
        self._edges: dict[tuple[str, str], Edge] = {}
        self._created = 0
        self._undo: list[Callable[[], None]] | None = None

    def task(self, task_id: str) -> Task:
        """The task of this id."""
        return self._tasks[task_id]

    def in_order(self, parent_id: str = TOP) -> list[str]:
        """Ids of a level, each after everything it waits for."""
        return self._levels[parent_id].nodes()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make the mutations inside one: when any of them fails, none has happened. May be nested."""
        outer = self._undo
        mine: list[Callable[[], None]] = []
        self._undo = mine
        try:
            yield
        except BaseException:
            for undo in reversed(mine):
                undo()
            raise
        else:
            if outer is not None:
                outer.extend(mine)
        finally:
            self._undo = outer

    def add_task(self, task: Task, parent_id: str = TOP) -> Task:
        """Add a task below a compound one (or at the top) and return it with its parent and depth.

        Raises LimitError when it would be too deep or one too many, TaskGraphError when the id is taken or the parent is no heading.
        """
        if not task.id or task.id in self._tasks:
            raise TaskGraphError(f"task id {task.id!r} is empty or taken; give every task an id of its own")
        if parent_id != TOP and (parent_id not in self._tasks or self._tasks[parent_id].kind is not TaskKind.COMPOUND):
            raise TaskGraphError(f"{parent_id!r} is no compound task; only those have tasks below them")
        depth = 1 if parent_id == TOP else self._tasks[parent_id].depth + 1
        if depth > self._max_depth:
            raise LimitError(f"{task.id!r} would be at depth {depth}; a plan has at most {self._max_depth} levels")
        if self._created >= self._max_tasks:
            raise LimitError(f"a plan has at most {self._max_tasks} tasks")
        placed = task if (task.parent_id, task.depth) == (parent_id, depth) else replace(task, parent_id=parent_id, depth=depth)
        self._tasks[task.id] = placed
        self._levels[parent_id].add(task.id)
        self._children[parent_id].append(task.id)
        self._levels[task.id] = TopologicalOrder()
        self._children[task.id] = []
        self._created += 1
        self._done(lambda: self._forget(placed))
        return placed

    def add_edge(self, from_id: str, to_id: str, kind: EdgeKind = EdgeKind.ORDER, artefact: str = "") -> Edge | None:
        """Make `to_id` wait for `from_id`; return the edge between siblings that says so.

        None when one contains the other, for a heading spans its children. Two tasks have one edge: a data edge takes the place of
        an order edge, and the first artefact stays. Raises CycleError, and changes nothing, when they would wait for each other.
        """
        lifted = self._lift(from_id, to_id)
        if lifted is None:
            return None
        earlier, later = lifted
        level = self._levels[self._tasks[earlier].parent_id]
        edge = Edge(earlier, later, kind, artefact)
        old = self._edges.get(lifted)
        if old is None:
            level.link(earlier, later)
            self._edges[lifted] = edge
            self._done(lambda: self._drop_edge(lifted, level))
        elif old.kind is EdgeKind.ORDER and kind is EdgeKind.DATA:
            self._edges[lifted] = edge
            self._done(lambda: self._edges.update({lifted: old}))
        else:
            return old
        return edge

    def freeze(self) -> Plan:
        """The graph as a plan: parents before children, siblings in the order they were added, then the edges."""
        ordered: list[Task] = []
        stack = list(reversed(self._children[TOP]))
        while stack:
            task_id = stack.pop()
            ordered.append(self._tasks[task_id])
            stack.extend(reversed(self._children[task_id]))
        counters = PlanCounters(tasks_created=self._created)
        return Plan(goal=self.goal, tasks=tuple(ordered), edges=tuple(self._edges.values()), counters=counters)

    def _lift(self, from_id: str, to_id: str) -> tuple[str, str] | None:
        """The ancestors of both that are siblings, themselves included; None when one is above the other."""
        for task_id in (from_id, to_id):
            if task_id not in self._tasks:
                raise TaskGraphError(f"there is no task {task_id!r}")
        a, b = self._line(from_id), self._line(to_id)
        shared = 0
        while shared < min(len(a), len(b)) and a[shared] == b[shared]:
            shared += 1
        if from_id == to_id:
            return from_id, to_id
        return (a[shared], b[shared]) if shared < min(len(a), len(b)) else None

    def _line(self, task_id: str) -> list[str]:
        """A task and everything above it, from the top down."""
        line: list[str] = []
        while task_id != TOP:
            line.append(task_id)
            task_id = self._tasks[task_id].parent_id
        return line[::-1]

    def _done(self, undo: Callable[[], None]) -> None:
        """Remember how to take back what was just done."""
        if self._undo is not None:
            self._undo.append(undo)

    def _forget(self, task: Task) -> None:
        """Take back an addition; undone in reverse, so nothing hangs on the task any more."""
        self._levels[task.parent_id].remove(task.id)
        self._children[task.parent_id].remove(task.id)
        del self._tasks[task.id], self._levels[task.id], self._children[task.id]
        self._created -= 1

    def _drop_edge(self, pair: tuple[str, str], level: TopologicalOrder) -> None:
        """Take back an edge."""
        level.unlink(*pair)
        del self._edges[pair]
