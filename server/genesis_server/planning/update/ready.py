"""What can be worked on now, and what the guards decide meanwhile.

A task is opened when everything it waits for has ended, here and for every heading above it. Then its guards are asked: when one does
not hold the task is SKIPPED with everything below it, which unblocks what waits for it; when one is undecided the task waits. A guard
whose own task has not ended makes its task wait as an edge would. A heading ends with the last task below it, a plan with its last task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

from genesis_server.model.plan import Guard, Plan, PlanState, Task, TaskKind, TaskState
from genesis_server.model.update import Known, UndecidedGuard
from genesis_server.planning.guards import holds
from genesis_server.planning.update.ids import attempts

_TOP = ""
_ENDED = frozenset({PlanState.DONE, PlanState.FAILED, PlanState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Settled:
    """A plan whose states say all that is known."""

    plan: Plan
    ready: tuple[Task, ...]
    """Primitive tasks that can be worked on, in the plan's order; none while the plan is paused or has ended."""
    undecided: tuple[UndecidedGuard, ...]
    """What else would make tasks ready, when it were told."""


def settle(plan: Plan, known: Known) -> Settled:
    """Skip what guards exclude, end the headings whose tasks have ended and the plan when all have, and see what is ready."""
    if plan.state in _ENDED:
        return Settled(plan, (), ())
    walk = _Walk(plan, known)
    while walk.changed:
        walk.again()
    tasks = tuple([walk.tasks[task.id] for task in plan.tasks])
    state = plan.state
    if all(task.state.ended for task in tasks):
        state = PlanState.DONE
    settled = replace(plan, tasks=tasks, state=state) if tasks != plan.tasks or state is not plan.state else plan
    if state is PlanState.DONE:
        return Settled(settled, (), ())
    ready = tuple([task for task in tasks if task.id in walk.ready]) if state is not PlanState.PAUSED else ()
    return Settled(settled, ready, tuple(walk.undecided))


class _Walk:
    """One plan, gone through from the top until nothing changes any more."""

    def __init__(self, plan: Plan, known: Known) -> None:
        self.tasks = {task.id: task for task in plan.tasks}
        self.ready: set[str] = set()
        self.undecided: list[UndecidedGuard] = []
        self.changed = True
        self._known = known
        self._children: dict[str, list[str]] = {_TOP: []}
        self._before: dict[str, list[str]] = {task.id: [] for task in plan.tasks}
        for task in plan.tasks:
            self._children.setdefault(task.parent_id, []).append(task.id)
        for edge in plan.edges:
            self._before[edge.to_id].append(edge.from_id)
        self._order = {
            parent: list(TopologicalSorter({one: self._before[one] for one in level}).static_order())
            for parent, level in self._children.items()
        }

    def again(self) -> None:
        """Go through the plan once."""
        self.changed = False
        self.ready.clear()
        self.undecided.clear()
        self._level(_TOP)

    def _level(self, parent_id: str) -> None:
        for task_id in self._order.get(parent_id, ()):
            task = self.tasks[task_id]
            if task.state.ended or not all(self.tasks[other].state.ended for other in self._before[task_id]):
                continue
            verdict = self._guards(task)
            if verdict is False:
                self._skip(task_id)
            elif verdict and task.kind is TaskKind.COMPOUND:
                self._level(task_id)
                self._end(task_id)
            elif verdict:
                self.ready.add(task_id)

    def _guards(self, task: Task) -> bool | None:
        """Whether all guards hold; one that does not decides, and work that has begun is not asked about again."""
        if any(self.tasks[one].state is TaskState.DONE for one in self._below(task.id)):
            return True
        verdicts = [self._holds(guard) for guard in task.guards]
        if False in verdicts:
            return False
        for guard, verdict in zip(task.guards, verdicts, strict=True):
            if verdict is None and not self._is_to_come(guard):
                self.undecided.append(UndecidedGuard(task.id, guard.text, guard.artefact))
        return None if None in verdicts else True

    def _holds(self, guard: Guard) -> bool | None:
        if self._is_to_come(guard):
            return None
        verdict = holds(guard, {guard.task_id: self._outputs(guard.task_id)}, self._known.facts)
        source = self.tasks.get(guard.task_id)
        # Without a name no fact can decide, and what was not done never puts anything out.
        if verdict is None and not guard.artefact and source is not None and self._last_attempt(source).state is not TaskState.DONE:
            return False
        return verdict

    def _is_to_come(self, guard: Guard) -> bool:
        """Whether the task whose outputs decide, or the one in its place, has yet to end."""
        source = self.tasks.get(guard.task_id)
        return source is not None and not self._last_attempt(source).state.ended

    def _last_attempt(self, task: Task) -> Task:
        return attempts(task, self.tasks.values())[-1] if task.state is TaskState.FAILED else task

    def _outputs(self, task_id: str) -> Mapping[str, Any]:
        """What a task, or what was done in its place or below it, put out."""
        if task_id not in self.tasks:
            return {}
        found: dict[str, Any] = {}
        for one in [task_id, self._last_attempt(self.tasks[task_id]).id]:
            for below in [one, *self._below(one)]:
                found.update(self._known.outputs.get(below, {}))
        return found

    def _below(self, task_id: str) -> Iterator[str]:
        for child in self._children.get(task_id, ()):
            yield child
            yield from self._below(child)

    def _skip(self, task_id: str) -> None:
        for one in [task_id, *self._below(task_id)]:
            if not self.tasks[one].state.ended:
                self._change(one, TaskState.SKIPPED)

    def _end(self, task_id: str) -> None:
        """End a heading when everything below it has ended."""
        states = {self.tasks[child].state for child in self._children.get(task_id, ())}
        if all(state.ended for state in states):
            worked = not states or TaskState.DONE in states
            self._change(task_id, TaskState.DONE if worked else TaskState.SKIPPED)

    def _change(self, task_id: str, state: TaskState) -> None:
        self.tasks[task_id] = replace(self.tasks[task_id], state=state)
        self.changed = True
