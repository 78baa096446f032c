"""By when each task must end, so that everything after it can still be in time.

First the plan is run with the fastest candidates: what is late even then is late whatever is chosen, and binds nobody. Then the
deadlines that can be kept are carried back through the plan, less the fastest time of each task (Kelley & Walker 1959).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from genesis_server.model.plan import Plan
from genesis_server.routing.timeline import Timeline

TOLERANCE_SECONDS = 1e-6


def latest_ends(plan: Plan, timeline: Timeline, fastest: Sequence[float], deadline_seconds: float | None) -> list[float]:
    """For each task the latest end in seconds from the plan's start; infinite where nothing binds.

    `fastest` holds the shortest time of each task, 0 for headings. A choice that always keeps the latest end keeps every deadline
    that the fastest choice keeps.
    """
    own = [_own_deadline(task.constraints.deadline_seconds, deadline_seconds) for task in plan.tasks]
    if all(math.isinf(deadline) for deadline in own):
        return own
    times = [0.0] * len(timeline.before)
    for event in timeline.order:
        start = max([times[earlier] for earlier in timeline.before[event]], default=0.0)
        times[event] = start + fastest[event // 2] if event % 2 else start
    latest = [math.inf] * len(timeline.before)
    for number, deadline in enumerate(own):
        if times[2 * number + 1] <= deadline + TOLERANCE_SECONDS:
            latest[2 * number + 1] = deadline
    for event in reversed(timeline.order):
        begin_by = latest[event] - (fastest[event // 2] if event % 2 else 0.0)
        for earlier in timeline.before[event]:
            latest[earlier] = min(latest[earlier], begin_by)
    return [min(latest[2 * number + 1], deadline) for number, deadline in enumerate(own)]


def _own_deadline(task_seconds: float | None, call_seconds: float | None) -> float:
    return min(math.inf if task_seconds is None else task_seconds, math.inf if call_seconds is None else call_seconds)
