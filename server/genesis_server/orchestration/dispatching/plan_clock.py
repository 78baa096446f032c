"""Time as it passes for one plan, by this process's monotonic clock.

What a time of day says is taken over once, when it is first seen; after that a wall clock that jumps changes nothing here: no budget runs
out by it, and no wait becomes longer. A wait is never longer than the longest one a retry policy can ask for.
"""

from __future__ import annotations

from genesis_server.model.plan import MAX_BACKOFF_SECONDS
from genesis_server.model.work import PlanRun


class PlanClock:
    """When a plan's run began and when its tasks may be tried again, by a clock that does not jump."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._begin: float | None = None
        self._origin = 0.0
        """When the run began, by the monotonic clock."""
        self._waits: dict[str, tuple[float, float]] = {}
        """By task: the time of day as it is stored, and what it is by the monotonic clock."""

    def note(self, run: PlanRun, *, clock: float, now: float) -> None:
        """Take over what is new in a run; `now` is in seconds since the epoch."""
        if self._begin != run.begin:
            self._begin, self._origin = run.begin, clock - max(0.0, now - run.begin)
        old, self._waits = self._waits, {}
        for task_id, task in run.tasks.items():
            if not task.not_before:
                continue
            known = old.get(task_id)
            if known is None or known[0] != task.not_before:
                known = task.not_before, clock + min(max(0.0, task.not_before - now), MAX_BACKOFF_SECONDS)
            self._waits[task_id] = known

    def now(self, clock: float) -> float | None:
        """Seconds since the epoch as this run counts them: its begin and the time that has passed; None: no run is known."""
        return None if self._begin is None else self._begin + clock - self._origin

    def due(self, task_id: str) -> float:
        """When a task may be tried, by the monotonic clock; 0: at any time."""
        return self._waits.get(task_id, (0.0, 0.0))[1]
