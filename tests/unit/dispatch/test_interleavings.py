"""Whatever happens in whatever order: no task is held twice, no accepted result is lost or taken twice, and all work gets done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lease_world import Explorer, Faults, Room, ViolationError

from genesis_server.dispatch.leasing import end, hand_out
from genesis_server.model.work import Attempt, AttemptOutcome, LeaseToken, PlanRun, Report
from genesis_server.resilience.errors import SecurityError

ALL = [
    pytest.param(Faults(crashes=1, expiries=1, duplicates=1), 1, 50, 19_000, id="the server dies, a lease runs out, a report comes twice"),
    pytest.param(Faults(deaths=1, expiries=1, drops=1), 1, 50, 20_000, id="a worker dies, a lease runs out, a message is lost"),
    pytest.param(Faults(crashes=1, deaths=1, failures=1), 1, 50, 4_000, id="the server and a worker die, a task fails"),
    pytest.param(Faults(deaths=1, expiries=1, failures=1), 1, 2, 5_000, id="a task is given up after two attempts"),
    pytest.param(Faults(failures=1), 2, 50, 4_000, id="two tasks"),
]


@pytest.mark.parametrize(("faults", "tasks", "max_attempts", "at_least"), ALL)
def test_no_interleaving_breaks_a_promise(faults: Faults, tasks: int, max_attempts: int, at_least: int) -> None:
    explorer = Explorer(faults, tasks=tasks, max_attempts=max_attempts)
    explorer.explore()
    print(f"{explorer.states} states, {explorer.quiet} ends, {explorer.given_up} with a task given up")
    assert explorer.states >= at_least
    assert explorer.quiet
    assert bool(explorer.given_up) is (max_attempts == 2)


def holder_of_the_task(run: PlanRun, task_id: str, lease: LeaseToken, *, agent_id: str | None) -> Attempt:
    """Whoever reports is taken for the holder."""
    if task_id not in run.tasks:
        raise SecurityError("LEASE_FOREIGN", "nobody holds it")
    return run.tasks[task_id].attempts[-1]


def end_without_a_check(run: PlanRun, task_id: str, lease: LeaseToken, outcome: AttemptOutcome, **told: Any) -> PlanRun:
    """Ends the named attempt, whether it runs or not."""
    task = run.tasks[task_id]
    named = next(place for place, attempt in enumerate(task.attempts) if attempt.lease.lease_id == lease.lease_id)
    again = replace(task, attempts=(*task.attempts[:named], replace(task.attempts[named], outcome=AttemptOutcome.RUNNING)))
    ended = end(replace(run, tasks={**run.tasks, task_id: again}), task_id, again.attempts[-1].lease, outcome, **told)
    attempts = (*ended.tasks[task_id].attempts, *task.attempts[named + 1 :])
    return replace(ended, tasks={**ended.tasks, task_id: replace(task, attempts=attempts)})


def holder_that_runs(run: PlanRun, task_id: str, lease: LeaseToken, *, agent_id: str | None) -> Attempt:
    """Finds the named attempt and says that it runs."""
    attempts = run.tasks[task_id].attempts
    return next(replace(attempt, outcome=AttemptOutcome.RUNNING) for attempt in attempts if attempt.lease == lease)


def end_that_charges_nothing(run: PlanRun, *named: Any, **told: Any) -> PlanRun:
    return replace(end(run, *named, **told), spent=run.spent)


def hand_out_under_the_old_token(run: PlanRun, task_id: str, **told: Any) -> tuple[PlanRun, Attempt]:
    return hand_out(replace(run, last_token=0), task_id, **told)


def is_always_the_same(attempt: Attempt, report: Report) -> bool:
    return True


def is_never_the_same(attempt: Attempt, report: Report) -> bool:
    return False


def hand_out_to_all(run: PlanRun, task_id: str, **told: Any) -> tuple[PlanRun, Attempt]:
    """Forgets who had the task before."""
    return hand_out(replace(run, tasks={}), task_id, **told)


@pytest.mark.parametrize(
    ("room", "faults", "problem"),
    [
        pytest.param(Room(holder=holder_of_the_task), Faults(expiries=1), "which does not hold", id="no fencing check"),
        pytest.param(
            Room(holder=holder_that_runs, end=end_without_a_check), Faults(expiries=1), "which does not hold", id="what is over may report"
        ),
        pytest.param(Room(compares=False), Faults(), "vanished", id="no compare-and-set"),
        pytest.param(Room(answers_first=True), Faults(crashes=1), "was told that its report is taken", id="answered before written"),
        pytest.param(Room(is_same=is_always_the_same), Faults(expiries=1), "was told that its report is taken", id="all is a duplicate"),
        pytest.param(Room(is_same=is_never_the_same), Faults(duplicates=1), "refused, and it was taken", id="nothing is a duplicate"),
        pytest.param(Room(end=end_that_charges_nothing), Faults(), "the budget counts", id="nothing is charged"),
        pytest.param(Room(hand_out=hand_out_under_the_old_token), Faults(expiries=1), "no larger token", id="a token twice"),
        pytest.param(Room(hand_out=hand_out_to_all), Faults(expiries=1), "vanished", id="history is forgotten"),
    ],
)
def test_a_planted_mistake_is_found_and_shown(room: Room, faults: Faults, problem: str) -> None:
    explorer = Explorer(faults, room)
    with pytest.raises(ViolationError, match=problem) as raised:
        explorer.explore()
    print(raised.value)
    assert 2 <= len(raised.value.trace) <= 14


def test_the_way_to_a_missing_fencing_check_can_be_read() -> None:
    with pytest.raises(ViolationError) as raised:
        Explorer(Faults(expiries=1), Room(holder=holder_of_the_task)).explore()
    trace = raised.value.trace
    assert any("take t1 back" in step for step in trace)
    assert trace[-1].startswith("the server writes: success at t1 from")
