"""How long a plan still takes from each task on: the upward rank of HEFT.

Topcuoglu, Hariri & Wu, "Performance-effective and low-complexity task scheduling for heterogeneous computing" (IEEE TPDS 2002): of the
tasks that could be worked on, the one with the longest chain behind it goes first.
"""

from __future__ import annotations

from collections.abc import Mapping

from genesis_server.model.catalogue import DEFAULT_SKILL_SECONDS
from genesis_server.model.plan import Plan, Task, TaskKind

_TOP = ""


def longest_rest(plan: Plan) -> Mapping[str, float]:
    """For each primitive task the expected seconds of the longest chain from its start to the plan's end, its own included.

    A chain runs along the edges of a task and of the headings above it; what waits for a heading waits for all below it. What has ended
    takes no time, what does not say how long it takes DEFAULT_SKILL_SECONDS. Conditions that no edge says are not counted.
    """
    return _Ranking(plan).ranks


class _Ranking:
    """The ranks of one plan, found level by level against the direction of the edges."""

    def __init__(self, plan: Plan) -> None:
        self.ranks: dict[str, float] = {}
        self._children: dict[str, list[Task]] = {}
        self._before: dict[str, list[str]] = {}
        self._behind: dict[str, int] = {}
        """For each task how many that wait for it have no rank yet."""
        for task in plan.tasks:
            self._children.setdefault(task.parent_id, []).append(task)
        for edge in plan.edges:
            self._before.setdefault(edge.to_id, []).append(edge.from_id)
            self._behind[edge.from_id] = self._behind.get(edge.from_id, 0) + 1
        self._level(_TOP, 0.0)

    def _level(self, parent_id: str, rest: float) -> float:
        """The longest chain that begins in a level, when `rest` seconds follow its end."""
        level = {task.id: task for task in self._children.get(parent_id, ())}
        rests = dict.fromkeys(level, rest)
        longest = rest
        queue = [task_id for task_id in level if not self._behind.get(task_id)]
        while queue:
            task_id = queue.pop()
            task = level[task_id]
            rank = self._level(task_id, rests[task_id]) if task.kind is TaskKind.COMPOUND else rests[task_id] + _seconds(task)
            if task.kind is not TaskKind.COMPOUND:
                self.ranks[task_id] = rank
            longest = max(longest, rank)
            for earlier in self._before.get(task_id, ()):
                rests[earlier] = max(rests[earlier], rank)
                self._behind[earlier] -= 1
                if not self._behind[earlier]:
                    queue.append(earlier)
        return longest


def _seconds(task: Task) -> float:
    if task.state.ended:
        return 0.0
    return DEFAULT_SKILL_SECONDS if task.expected_seconds is None else task.expected_seconds
