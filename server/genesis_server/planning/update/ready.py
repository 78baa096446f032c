"""What can be worked on now, and what the guards decide meanwhile.

A task is opened when everything it waits for has ended, here and for every heading above it. Then its guards are asked: when one does
not hold the task is SKIPPED with everything below it, which unblocks what waits for it; when one is undecided the task waits. A guard
whose own task has not ended makes its task wait as an edge would. A task or heading that needs an approval nobody gave awaits it
instead of being opened, whether the plan is paused or not. A heading ends with the last task below it, a plan with its last task.

What needs a task that failed with nothing in its place is CANCELLED at once: whatever waits for it or for a heading above it, with
everything below; a task whose guards only such a one could decide is when its turn comes. A heading with such a failure below goes on with
its other tasks, then it is FAILED; one that only has CANCELLED tasks below for want of others is CANCELLED. Everything else goes on, and
the plan is FAILED when all has ended.

Opening never goes back while tasks end, so that each end costs no more than what it opens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from genesis_server.model.plan import Guard, Plan, PlanState, Task, TaskKind, TaskState
from genesis_server.model.update import Known, UndecidedGuard
from genesis_server.planning.guards import holds
from genesis_server.planning.update.ids import attempts

_TOP = ""
_OPEN = (TaskState.PENDING, TaskState.AWAITING_APPROVAL, TaskState.UNSPECIFIED)
_ENDED = (PlanState.DONE, PlanState.FAILED, PlanState.CANCELLED)
_LONGEST_NAME = 128
"""Of a task, in what is told of another."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A plan whose states say all that is known."""

    plan: Plan
    ready: tuple[Task, ...]
    """Primitive tasks that can be worked on, in the plan's order; none while the plan is paused or has ended."""
    undecided: tuple[UndecidedGuard, ...]
    """What else would make tasks ready, when it were told; in the plan's order."""


def settle(plan: Plan, known: Known) -> Settled:
    """Skip what guards exclude, end the headings whose tasks have ended and the plan when all have, and see what is ready.

    Nothing awaits an approval in a plan that has ended. What stays as it is stays the same object.
    """
    return Progress(plan, known).settled()


class Progress:
    """A settled plan that stays settled while tasks end and are approved."""

    def __init__(self, plan: Plan, known: Known) -> None:
        """Settle a plan by what is known."""
        self.known = known
        self.tasks = {task.id: task for task in plan.tasks}
        self.standing = plan.state
        """What was said of the plan: active, paused, cancelled; `state` says whether it is done or failed."""
        self._plan = plan
        self._unended = {task.id for task in plan.tasks if task.state in _OPEN}
        self._opened = {_TOP}
        self._ready: set[str] = set()
        self._awaiting: set[str] = set()
        self._asked: dict[str, None] = {}
        """Tasks that could be opened when their guards were decided."""
        self._queue: list[str] = []
        self._moved = False
        """Whether something ended since the guards of `_asked` were asked."""
        self._children: dict[str, list[str]] = {}
        self._left: dict[str, int] = {}
        """For each heading how many of its tasks have not ended."""
        self._after: dict[str, list[str]] = {}
        self._waits: dict[str, int] = {}
        """For each task how many others it still waits for."""
        self._failing: set[str] = set()
        """What failed with nothing in its place, and the headings above."""
        self._lost: set[str] = set()
        """What will never be done because of that, the headings above included."""
        if plan.state not in _ENDED:
            self._begin()
        for task in plan.tasks:
            if task.state is TaskState.AWAITING_APPROVAL and task.id in self._unended and task.id not in self._awaiting:
                self.tasks[task.id] = replace(self.tasks[task.id], state=TaskState.PENDING)

    @property
    def state(self) -> PlanState:
        """How far the plan has come."""
        if self._unended or self.standing in _ENDED:
            return self.standing
        return PlanState.FAILED if self._plan.hopeless else PlanState.DONE

    @property
    def lost(self) -> AbstractSet[str]:
        """Tasks that will never be done because a task failed with nothing in its place; headings among them may be open still."""
        return self._lost

    @property
    def plan(self) -> Plan:
        """The plan as it is now; the one there was when nothing has changed."""
        state = self.state
        tasks = [self.tasks[task.id] for task in self._plan.tasks]
        if all(now is before for now, before in zip(tasks, self._plan.tasks, strict=True)):
            return self._plan if state is self._plan.state else replace(self._plan, state=state)
        return replace(self._plan, tasks=tuple(tasks), state=state)

    def settled(self) -> Settled:
        """The plan with what is ready and what would make more so."""
        plan = self.plan
        if plan.state in _ENDED:
            return Settled(plan, (), ())
        ready = () if plan.state is PlanState.PAUSED else tuple([task for task in plan.tasks if task.id in self._ready])
        return Settled(plan, ready, tuple(self._undecided()) if self._asked else ())

    def has_below(self, task_id: str) -> bool:
        """Whether a task has tasks below it."""
        return bool(self._children.get(task_id))

    def unapproved(self, task_id: str) -> Task | None:
        """The task, or the heading above it, that needs an approval nobody gave; None when there is none."""
        while task_id != _TOP:
            task = self.tasks[task_id]
            if task.needs_approval and not task.approved_by:
                return task
            task_id = task.parent_id
        return None

    def end(self, task: Task, known: Known) -> None:
        """Take a task that has ended, and what is known since."""
        self.known = known
        self.tasks[task.id] = task
        self._ended(task.id)
        self._run()

    def approve(self, task: Task) -> None:
        """Take a task that awaited approval and got it."""
        self.tasks[task.id] = task
        self._awaiting.discard(task.id)
        self._queue.append(task.id)
        self._run()

    def _begin(self) -> None:
        for task in self._plan.tasks:
            self._children.setdefault(task.parent_id, []).append(task.id)
            if task.id in self._unended:
                self._left[task.parent_id] = self._left.get(task.parent_id, 0) + 1
        for edge in self._plan.edges:
            self._after.setdefault(edge.from_id, []).append(edge.to_id)
            if edge.from_id in self._unended:
                self._waits[edge.to_id] = self._waits.get(edge.to_id, 0) + 1
        if self._plan.hopeless:
            self._lose_hopeless()
        self._open_level(_TOP)
        self._run()

    def _run(self) -> None:
        """Go on until nothing changes any more."""
        while self._queue or (self._moved and self._asked):
            if not self._queue:
                self._moved = False
                self._queue.extend(self._asked)
            self._consider(self._queue.pop())

    def _consider(self, task_id: str) -> None:
        """Look at a task that waits for nothing but its guards and its approval."""
        if task_id not in self._unended:
            return
        task = self.tasks[task_id]
        verdict = self._guards(task) if task.guards else True
        if verdict is None:
            if (why := self._never_decided(task)) is None:
                self._asked[task_id] = None
                return
            self._cancel(task_id, why)
            self._lose([(task_id, why)])
            self._ended(task_id)
            return
        self._asked.pop(task_id, None)
        if not verdict:
            self._skip(task_id)
        elif task.needs_approval and not task.approved_by:
            self._awaiting.add(task_id)
            if task.state is not TaskState.AWAITING_APPROVAL:
                self.tasks[task_id] = replace(task, state=TaskState.AWAITING_APPROVAL)
        elif task.kind is TaskKind.COMPOUND:
            self._opened.add(task_id)
            self._open_level(task_id)
            self._end_heading(task_id)
        else:
            self._ready.add(task_id)

    def _open_level(self, parent_id: str) -> None:
        self._queue.extend([one for one in self._children.get(parent_id, ()) if one in self._unended and not self._waits.get(one)])

    def _end_heading(self, task_id: str) -> None:
        """End a heading when everything below it has ended."""
        if self._left.get(task_id):
            return
        children = self._children.get(task_id, ())
        if task_id in self._lost:
            lost = self._failing if task_id in self._failing else self._lost
            why = next(self._why(child) for child in children if child in lost)
            self._change(task_id, TaskState.FAILED if task_id in self._failing else TaskState.CANCELLED, why)
        else:
            states = [self.tasks[child].state for child in children]
            worked = not states or TaskState.DONE in states
            self._change(task_id, TaskState.DONE if worked else TaskState.SKIPPED)
        self._ended(task_id)

    def _skip(self, task_id: str) -> None:
        for one in [task_id, *self._below(task_id)]:
            if one in self._unended:
                self._change(one, TaskState.SKIPPED)
                self._forget(one)
        self._ended(task_id)

    def _lose_hopeless(self) -> None:
        """Cancel everything that needs what failed with nothing in its place."""
        for failed in self._plan.hopeless:
            one = failed
            while one != _TOP:
                self._failing.add(one)
                one = self.tasks[one].parent_id
            self._cancel(failed, self._why(failed))
        lost = [*self._plan.hopeless, *(task.id for task in self._plan.tasks if self.tasks[task.id].state is TaskState.CANCELLED)]
        self._lose([(one, self._why(one)) for one in lost])

    def _lose(self, lost: Iterable[tuple[str, str]]) -> None:
        """Note what will never be done, each with why, nearest first; cancel what waits for it."""
        queue, cancelled = list(lost), list[str]()
        for task_id, why in queue:
            if task_id in self._lost:
                continue
            self._lost.add(task_id)
            if (parent_id := self.tasks[task_id].parent_id) != _TOP:
                queue.append((parent_id, why))
            for later in self._after.get(task_id, ()):
                if later in self._unended:
                    self._cancel(later, why)
                    cancelled.append(later)
                    queue.append((later, why))
        # Headings end only when everything that will never be done is known.
        for one in cancelled:
            self._ended(one)

    def _cancel(self, task_id: str, why: str) -> None:
        for one in [task_id, *self._below(task_id)]:
            if one in self._unended:
                self._change(one, TaskState.CANCELLED, why)
                self._forget(one)
                if one != task_id:
                    self._lost.add(one)

    def _why(self, task_id: str) -> str:
        """What is told of whatever needs a task that has ended and will never be done."""
        if task_id in self._plan.hopeless:
            return _needs(task_id, "failed")
        return self.tasks[task_id].error or _needs(task_id, "was cancelled")

    def _never_decided(self, task: Task) -> str | None:
        """Why nothing will decide the guards of a task; None while something could."""
        if not self._lost:
            return None
        lost: list[str] = []
        for guard in task.guards:
            if self._is_to_come(guard):
                return None
            source = self.tasks.get(guard.task_id)
            if source is not None and (last := self._last_attempt(source).id) in self._lost and self._holds(guard) is None:
                lost.append(last)
        return self._why(lost[0]) if lost else None

    def _ended(self, task_id: str) -> None:
        """Let what waited for a task go on, and the heading above it end."""
        self._forget(task_id)
        self._moved = True
        for later in self._after.get(task_id, ()):
            self._waits[later] -= 1
            if not self._waits[later] and self.tasks[later].parent_id in self._opened:
                self._queue.append(later)
        parent_id = self.tasks[task_id].parent_id
        self._left[parent_id] -= 1
        if parent_id in self._opened and parent_id != _TOP:
            self._end_heading(parent_id)

    def _forget(self, task_id: str) -> None:
        self._unended.discard(task_id)
        self._ready.discard(task_id)
        self._awaiting.discard(task_id)
        self._asked.pop(task_id, None)

    def _change(self, task_id: str, state: TaskState, error: str = "") -> None:
        self.tasks[task_id] = replace(self.tasks[task_id], state=state, error=error)

    def _guards(self, task: Task) -> bool | None:
        """Whether all guards hold; one that does not decides, and work that has begun is not asked about again."""
        if any(self.tasks[one].state is TaskState.DONE for one in self._below(task.id)):
            return True
        verdicts = [self._holds(guard) for guard in task.guards]
        return False if False in verdicts else None if None in verdicts else True

    def _undecided(self) -> Iterator[UndecidedGuard]:
        for task in self._plan.tasks:
            if task.id in self._asked:
                for guard in task.guards:
                    if not self._is_to_come(guard) and self._holds(guard) is None:
                        yield UndecidedGuard(task.id, guard.text, guard.artefact)

    def _holds(self, guard: Guard) -> bool | None:
        if self._is_to_come(guard):
            return None
        verdict = holds(guard, {guard.task_id: self._outputs(guard.task_id)}, self.known.facts)
        source = self.tasks.get(guard.task_id)
        # Without a name no fact can decide, and what was not done never puts anything out.
        if verdict is None and not guard.artefact and source is not None:
            last = self._last_attempt(source)
            return None if last.state is TaskState.DONE or last.id in self._lost else False
        return verdict

    def _is_to_come(self, guard: Guard) -> bool:
        """Whether the task whose outputs decide, or the one in its place, has yet to end."""
        source = self.tasks.get(guard.task_id)
        return source is not None and self._last_attempt(source).id in self._unended

    def _last_attempt(self, task: Task) -> Task:
        return attempts(task, self.tasks.values())[-1] if task.state is TaskState.FAILED else task

    def _outputs(self, task_id: str) -> Mapping[str, Any]:
        """What a task, or what was done in its place or below it, put out."""
        if task_id not in self.tasks:
            return {}
        found: dict[str, Any] = {}
        for one in [task_id, self._last_attempt(self.tasks[task_id]).id]:
            for below in [one, *self._below(one)]:
                found.update(self.known.outputs.get(below, {}))
        return found

    def _below(self, task_id: str) -> Iterator[str]:
        for child in self._children.get(task_id, ()):
            yield child
            yield from self._below(child)


def _needs(task_id: str, end: str) -> str:
    name = task_id if len(task_id) <= _LONGEST_NAME else f"{task_id[: _LONGEST_NAME - 1]}…"
    return f"needs {name}, which {end}"
