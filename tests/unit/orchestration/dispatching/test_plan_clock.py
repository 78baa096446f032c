"""Time for one plan: no jump of a wall clock makes a wait longer or spends a budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import MAX_BACKOFF_SECONDS
from genesis_server.model.work import PlanRun, TaskRun
from genesis_server.orchestration.dispatching.plan_clock import PlanClock


def run_of(not_before: float) -> PlanRun:
    return PlanRun("p", 1, 1000.0, tasks={"a": TaskRun("a", not_before=not_before), "b": TaskRun("b")})


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-7200, 7200)), max_size=20), st.floats(0, 60))
def test_only_the_time_that_passes_counts(steps: list[tuple[float, float]], wait: float) -> None:
    clock, now = 50.0, 1000.0
    times = PlanClock()
    run = run_of(now + wait)
    times.note(run, clock=clock, now=now)
    due = times.due("a")
    assert abs(due - clock - wait) < 1e-6
    begun = clock
    for passes, jumps in steps:
        clock, now = clock + passes, now + passes + jumps
        times.note(run, clock=clock, now=now)
        assert times.due("a") == due
        told = times.now(clock)
        assert told is not None
        assert abs(told - 1000.0 - (clock - begun)) < 1e-6
    assert times.due("b") == times.due("c") == 0.0


@given(st.floats(-1e6, 1e6))
def test_no_wait_is_longer_than_the_longest(away: float) -> None:
    times = PlanClock()
    assert times.now(5.0) is None
    times.note(run_of(1_000_000.0 + away), clock=5.0, now=1_000_000.0)
    assert 5.0 <= times.due("a") <= 5.0 + MAX_BACKOFF_SECONDS
