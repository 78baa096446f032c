"""A hierarchical task graph under construction.

A tree of levels: the children of one compound task form a level with its own graph, and edges join siblings only. A dependency
between tasks of different levels is lifted to the children of their lowest common ancestor (notes of HTDAG, arXiv 2502.07056).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

from genesis_server.model.plan import MAX_DEPTH, MAX_TASKS_PER_PLAN, Edge, EdgeKind, EdgeOrigin, Plan, PlanCounters, Task, TaskKind
from genesis_server.planning.order import TopologicalOrder

TOP = ""


class TaskGraphError(ValueError):
    """A mutation the graph does not allow; the graph is unchanged."""


class LimitError(TaskGraphError):
    """A plan would become too deep or too large."""


class LifetimeError(LimitError):
    """A plan would get more tasks than it may have in its lifetime."""


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

    @classmethod
    def load(cls, plan: Plan) -> TaskGraph:
        """The graph of a plan, to go on with; what the plan counted as created counts.

        Raises TaskGraphError and CycleError for a plan that is no sound graph.
        """
        graph = cls(plan.goal)
        for task in plan.tasks:
            graph.add_task(task, task.parent_id)
        for edge in plan.edges:
            graph.add_edge(edge.from_id, edge.to_id, edge.kind, edge.artefact, edge.origin)
        graph._created = max(graph._created, plan.counters.tasks_created)
        return graph

    @property
    def created(self) -> int:
        """Tasks ever added, those that were taken out included."""
        return self._created

    def task(self, task_id: str) -> Task:
        """The task of this id."""
        return self._tasks[task_id]

    def __contains__(self, task_id: object) -> bool:
        """Whether there is a task of this id."""
        return task_id in self._tasks

    def tasks(self) -> list[Task]:
        """All tasks, in no order that means anything."""
        return list(self._tasks.values())

    def children(self, parent_id: str = TOP) -> list[str]:
        """Ids of a level in the order they were added."""
        return list(self._children[parent_id])

    def subtree(self, task_id: str) -> list[str]:
        """A task and everything below it, parents first."""
        found = [task_id]
        for one in found:
            found.extend(self._children[one])
        return found

    def before(self, task_id: str) -> list[Edge]:
        """The edges of what a task waits for."""
        level = self._levels[self._tasks[task_id].parent_id]
        return [self._edges[other, task_id] for other in level.before(task_id)]

    def after(self, task_id: str) -> list[Edge]:
        """The edges of what waits for a task."""
        level = self._levels[self._tasks[task_id].parent_id]
        return [self._edges[task_id, other] for other in level.after(task_id)]

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
            raise LifetimeError(f"a plan has at most {self._max_tasks} tasks")
        placed = task if (task.parent_id, task.depth) == (parent_id, depth) else replace(task, parent_id=parent_id, depth=depth)
        self._tasks[task.id] = placed
        self._levels[parent_id].add(task.id)
        self._children[parent_id].append(task.id)
        self._levels[task.id] = TopologicalOrder()
        self._children[task.id] = []
        self._created += 1
        self._done(lambda: self._forget(placed))
        return placed

    def replace_task(self, task: Task) -> None:
        """Put a task in the place of the one with its id, with that one's parent and depth. Raises TaskGraphError when there is none."""
        if task.id not in self._tasks:
            raise TaskGraphError(f"there is no task {task.id!r}")
        old = self._tasks[task.id]
        if task.kind is not TaskKind.COMPOUND and self._children[task.id]:
            raise TaskGraphError(f"{task.id!r} has tasks below it; take them out before it becomes work of its own")
        self._tasks[task.id] = replace(task, parent_id=old.parent_id, depth=old.depth)
        self._done(lambda: self._tasks.update({task.id: old}))

    def remove_task(self, task_id: str) -> None:
        """Take a task out with everything below it and all its edges; it still counts as created."""
        if task_id not in self._tasks:
            raise TaskGraphError(f"there is no task {task_id!r}")
        parent_id = self._tasks[task_id].parent_id
        gone = self.subtree(task_id)
        place = self._children[parent_id].index(task_id)
        tasks = {one: (self._tasks[one], self._levels[one], self._children[one]) for one in gone}
        edges = self._edges
        cut = [pair for pair in edges if task_id in pair]
        self._edges = {pair: edge for pair, edge in edges.items() if pair[0] not in tasks and pair[1] not in tasks}
        self._levels[parent_id].remove(task_id)
        del self._children[parent_id][place]
        for one in gone:
            del self._tasks[one], self._levels[one], self._children[one]

        def put_back() -> None:
            for one, (task, level, children) in tasks.items():
                self._tasks[one], self._levels[one], self._children[one] = task, level, children
            self._children[parent_id].insert(place, task_id)
            self._levels[parent_id].add(task_id)
            for pair in cut:
                self._levels[parent_id].link(*pair)
            self._edges = edges

        self._done(put_back)

    def remove_edge(self, from_id: str, to_id: str) -> None:
        """Let a task not wait for another any more. Raises TaskGraphError when there is no such edge."""
        pair = (from_id, to_id)
        if pair not in self._edges:
            raise TaskGraphError(f"{to_id!r} does not wait for {from_id!r}: there is no such edge")
        level = self._levels[self._tasks[from_id].parent_id]
        edges = self._edges
        self._edges = {other: edge for other, edge in edges.items() if other != pair}
        level.unlink(*pair)

        def put_back() -> None:
            level.link(*pair)
            self._edges = edges

        self._done(put_back)

    def add_edge(
        self, from_id: str, to_id: str, kind: EdgeKind = EdgeKind.ORDER, artefact: str = "", origin: EdgeOrigin | None = None
    ) -> Edge | None:
        """Make `to_id` wait for `from_id`; return the edge between siblings that says so.

        None when one contains the other, for a heading spans its children. Two tasks have one edge: a data edge takes the place of
        an order edge, and the first artefact and `origin` (what gave it) stay. Raises CycleError, and changes nothing, when they would
        wait for each other.
        """
        lifted = self._lift(from_id, to_id)
        if lifted is None:
            return None
        earlier, later = lifted
        level = self._levels[self._tasks[earlier].parent_id]
        edge = Edge(earlier, later, kind, artefact, origin)
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
