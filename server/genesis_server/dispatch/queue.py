"""The order in which ready work goes to the free slots of an agent's workers, fair between plans.

Higher priorities go first. Among plans of one priority it is the turn of the one with the fewest tasks under way (max-min fairness),
then of the one whose next task has the earliest deadline, then of the one that has waited longest since its last turn. So that
deadlines starve nobody, a plan that was passed over `PATIENCE` times for each plan in line goes before others with as many tasks under
way. Inside a plan: earliest deadline, then longest remaining path, then the plan's order.

Heaps with lazy deletion: put, pop, discard, started and ended take O(log n) amortised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf

PATIENCE = 8
_SLACK = 64

_TaskKey = tuple[float, float, int, str]
_LineKey = tuple[int, int, float, int]


@dataclass(frozen=True, slots=True)
class Ready:
    """A task that can be handed out."""

    plan_id: str
    task_id: str
    priority: int
    """0 to 9, higher goes first."""
    deadline: float = inf
    """When it should be done, in seconds since the epoch; infinite: no deadline."""
    plan_order: int = 0
    """Its place in the plan."""
    rank: float = 0.0
    """Expected seconds from its begin to the plan's end: the remaining path through it."""


@dataclass(slots=True, eq=False)
class _Line:
    """What is ready of one plan in one priority."""

    plan_id: str
    priority: int
    turn: int
    """When it had its last turn, or came."""
    heap: list[tuple[_TaskKey, int, Ready]] = field(default_factory=list[tuple[_TaskKey, int, Ready]])
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    """Stamp of the entry that counts, by task."""
    key: _LineKey | None = None
    """Its place among the lines; None: nothing waits in it."""


class FairQueue:
    """Ready tasks of many plans; a task is in it once."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[int, _Line]] = {}
        self._places: dict[tuple[str, str], int] = {}
        self._running: dict[str, int] = {}
        self._line_count = 0
        self._by_deadline: list[tuple[_LineKey, int, _Line]] = []
        self._by_turn: list[tuple[tuple[int, int, int], int, _LineKey, _Line]] = []
        self._last_stamp = 0
        self._turns: dict[int, int] = {}

    def __len__(self) -> int:
        """How many tasks are waiting."""
        return len(self._places)

    def __contains__(self, place: object) -> bool:
        """Whether the task with this (plan id, task id) is waiting."""
        return place in self._places

    def put(self, ready: Ready) -> None:
        """Let a task wait; in the place of itself when it does already."""
        place = (ready.plan_id, ready.task_id)
        if self._places.get(place, ready.priority) != ready.priority:
            self.discard(*place)
        lines = self._lines.setdefault(ready.plan_id, {})
        line = lines.get(ready.priority)
        if line is None:
            line = lines[ready.priority] = _Line(ready.plan_id, ready.priority, self._turns.get(ready.priority, 0))
            self._line_count += 1
        stamp = self._next_stamp()
        line.waiting[ready.task_id] = stamp
        self._places[place] = ready.priority
        heappush(line.heap, ((ready.deadline, -ready.rank, ready.plan_order, ready.task_id), stamp, ready))
        self._place(line)

    def discard(self, plan_id: str, task_id: str) -> None:
        """Let a task not wait any more; nothing happens when it does not."""
        priority = self._places.pop((plan_id, task_id), None)
        if priority is not None:
            line = self._lines[plan_id][priority]
            del line.waiting[task_id]
            self._place(line)

    def discard_plan(self, plan_id: str) -> None:
        """Let no task of a plan wait any more."""
        for line in list(self._lines.get(plan_id, {}).values()):
            for task_id in line.waiting:
                del self._places[plan_id, task_id]
            line.waiting.clear()
            self._place(line)

    def peek(self) -> Ready | None:
        """What `pop` would take."""
        line = self._next()
        return None if line is None else line.heap[0][2]

    def pop(self) -> Ready | None:
        """Take the task whose turn it is; None when none waits."""
        line = self._next()
        return None if line is None else self._take(line)

    def pop_of(self, plan_id: str, *, fewer: int) -> Ready | None:
        """Take the task whose turn it would be if the plan had `fewer` tasks less under way, when it is one of this plan."""
        first, lines = self._next(), self._lines.get(plan_id)
        if first is None or first.key is None or not lines:
            return None
        running = self._running.get(plan_id, 0)
        line = lines[max(lines)]
        place = -line.priority, max(0, running - fewer)
        if place != first.key[:2]:
            return self._take(line) if line is first or place < first.key[:2] else None
        # With as many under way as others, deadlines and turns decide.
        self._count(plan_id, running - fewer)
        first = self._next()
        ready = self._take(line) if first is line else None
        self._count(plan_id, running)
        return ready

    def started(self, plan_id: str) -> None:
        """A plan has one more task under way."""
        self._count(plan_id, self._running.get(plan_id, 0) + 1)

    def ended(self, plan_id: str) -> None:
        """A plan has one task less under way."""
        self._count(plan_id, self._running.get(plan_id, 0) - 1)

    def _take(self, line: _Line) -> Ready:
        """Take the first task of a line, whose turn it is."""
        ready = line.heap[0][2]
        line.turn = self._turns[line.priority] = self._turns.get(line.priority, 0) + 1
        self.discard(ready.plan_id, ready.task_id)
        return ready

    def _next_stamp(self) -> int:
        self._last_stamp += 1
        return self._last_stamp

    def _count(self, plan_id: str, running: int) -> None:
        """So many tasks of a plan are under way."""
        if running > 0:
            self._running[plan_id] = running
        else:
            self._running.pop(plan_id, None)
        for line in self._lines.get(plan_id, {}).values():
            self._place(line)

    def _next(self) -> _Line | None:
        """The line whose turn it is. Both heaps begin with the lines of the highest priority with the fewest tasks under way."""
        while self._by_deadline and self._by_deadline[0][2].key is not self._by_deadline[0][0]:
            heappop(self._by_deadline)
        while self._by_turn and self._by_turn[0][3].key is not self._by_turn[0][2]:
            heappop(self._by_turn)
        if not self._by_deadline:
            return None
        longest = self._by_turn[0][3]
        passed = self._turns.get(longest.priority, 0) - longest.turn
        return longest if passed >= PATIENCE * self._line_count else self._by_deadline[0][2]

    def _place(self, line: _Line) -> None:
        """Put a line where it belongs now."""
        if not line.waiting:
            line.key = None
            del self._lines[line.plan_id][line.priority]
            if not self._lines[line.plan_id]:
                del self._lines[line.plan_id]
            self._line_count -= 1
            return
        if len(line.heap) > 2 * len(line.waiting) + _SLACK:
            line.heap = [entry for entry in line.heap if line.waiting.get(entry[2].task_id) == entry[1]]
            heapify(line.heap)
        while line.waiting.get(line.heap[0][2].task_id) != line.heap[0][1]:
            heappop(line.heap)
        key = (-line.priority, self._running.get(line.plan_id, 0), line.heap[0][0][0], line.turn)
        if key != line.key:
            line.key = key
            self._enter(line, key)

    def _enter(self, line: _Line, key: _LineKey) -> None:
        stamp = self._next_stamp()
        heappush(self._by_deadline, (key, stamp, line))
        heappush(self._by_turn, ((key[0], key[1], key[3]), stamp, key, line))
        if len(self._by_deadline) > 2 * self._line_count + _SLACK:
            self._by_deadline = [entry for entry in self._by_deadline if entry[2].key is entry[0]]
            heapify(self._by_deadline)
        if len(self._by_turn) > 2 * self._line_count + _SLACK:
            self._by_turn = [entry for entry in self._by_turn if entry[3].key is entry[2]]
            heapify(self._by_turn)
