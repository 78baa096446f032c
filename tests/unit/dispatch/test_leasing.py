"""Leases: who holds a task, what ends it, what is charged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.dispatch.leasing import (
    end,
    give_up,
    hand_out,
    holder,
    is_same,
    leases_of,
    progressed,
    spent_elsewhere,
    wait_until,
)
from genesis_server.model.money import Money
from genesis_server.model.work import (
    Attempt,
    AttemptOutcome,
    Declined,
    Done,
    Failed,
    LeaseProgress,
    LeaseToken,
    PlanRun,
    Report,
    RunBudget,
    Usage,
)
from genesis_server.resilience.errors import ResourceError, SecurityError, ValidationError

RUN = PlanRun("p", 1, 100.0)
EXPECTED = Usage(Money(10), 5)
ENDED = [outcome for outcome in AttemptOutcome if outcome not in {AttemptOutcome.UNSPECIFIED, AttemptOutcome.RUNNING}]


def handed(run: PlanRun = RUN, task_id: str = "t", *, agent_id: str = "a", expected: Usage = EXPECTED) -> tuple[PlanRun, Attempt]:
    lease_id = f"lease-{run.last_token + 1}"
    return hand_out(run, task_id, agent_id=agent_id, session_id="s", lease_id=lease_id, seconds=60.0, expected=expected, now=101.0)


def test_a_task_is_handed_out_with_everything_the_worker_is_told() -> None:
    run, attempt = handed(wait_until(RUN, "t", 99.0))
    assert attempt == Attempt(1, "a", "s", LeaseToken("lease-1", 1), 101.0, 60.0, Usage(Money(10), 5, 1))
    assert run.tasks["t"].running == attempt
    assert run.tasks["t"].not_before == 0.0
    assert run.last_token == 1
    assert list(leases_of(run)) == [("t", attempt)]
    assert RUN.tasks == {}


def test_a_held_task_is_not_handed_out_again() -> None:
    run, _ = handed()
    with pytest.raises(ValueError, match="held under token 1"):
        handed(run, agent_id="b")


def test_nothing_is_set_aside_in_a_second_currency() -> None:
    run, _ = handed()
    with pytest.raises(ValueError, match="EUR set aside in a run that counts in USD"):
        handed(run, "u", expected=Usage(Money(1, "EUR")))


@given(st.lists(st.tuples(st.sampled_from(["t", "u"]), st.sampled_from(["a", "b"]), st.sampled_from(ENDED)), max_size=12))
def test_tokens_grow_and_attempts_are_numbered_by_those_that_count(turns: list[tuple[str, str, AttemptOutcome]]) -> None:
    run, tokens = RUN, [0]
    for task_id, agent_id, outcome in turns:
        counted = run.tasks[task_id].counted if task_id in run.tasks else 0
        run, attempt = handed(run, task_id, agent_id=agent_id)
        assert attempt.number == counted + 1
        assert attempt.lease.token > tokens[-1]
        tokens.append(attempt.lease.token)
        run = end(run, task_id, attempt.lease, outcome, now=102.0)
        assert not list(leases_of(run))
    assert run.spent.tasks == sum(outcome.counts for _, _, outcome in turns)


def test_a_worker_and_a_client_find_the_lease_they_name_also_when_it_is_over() -> None:
    run, first = handed()
    run = end(run, "t", first.lease, AttemptOutcome.LOST, now=102.0)
    run, second = handed(run, agent_id="b")
    assert holder(run, "t", first.lease, agent_id="a").outcome is AttemptOutcome.LOST
    assert holder(run, "t", second.lease, agent_id="b") == second
    assert holder(run, "t", second.lease, agent_id=None) == second


@pytest.mark.parametrize(
    ("task_id", "lease", "agent_id"),
    [
        ("t", LeaseToken("lease-1", 1), "b"),
        ("t", LeaseToken("lease-1", 2), "a"),
        ("t", LeaseToken("lease-2", 1), "a"),
        ("t", LeaseToken("lease-é", 1), None),
        ("u", LeaseToken("lease-1", 1), "a"),
    ],
    ids=["another agent", "another token", "another lease", "no such lease", "another task"],
)
def test_a_lease_that_is_not_the_callers_is_foreign(task_id: str, lease: LeaseToken, agent_id: str | None) -> None:
    run, _ = handed()
    with pytest.raises(SecurityError) as raised:
        holder(run, task_id, lease, agent_id=agent_id)
    assert raised.value.reason == "LEASE_FOREIGN"
    assert raised.value.facts == {"plan_id": "p", "task_id": task_id}
    assert "lease-" not in raised.value.message


@pytest.mark.parametrize("outcome", ENDED)
@pytest.mark.parametrize("usage", [None, Usage(Money(3), 2, 99)])
def test_the_end_settles_what_was_set_aside(outcome: AttemptOutcome, usage: Usage | None) -> None:
    run, attempt = handed()
    run = end(run, "t", attempt.lease, outcome, now=105.0, error="why", usage=usage, permanent=True)
    ended = run.tasks["t"].attempts[-1]
    assert ended == replace(attempt, outcome=outcome, end=105.0, error="why", usage=usage, permanent=True)
    used = usage or (EXPECTED if outcome.counts else Usage())
    assert run.spent == replace(used, tasks=int(outcome.counts))


def test_a_lease_ends_once() -> None:
    run, attempt = handed()
    run = end(run, "t", attempt.lease, AttemptOutcome.LOST, now=102.0)
    for task_id, lease in [("t", attempt.lease), ("u", attempt.lease), ("t", replace(attempt.lease, token=2))]:
        with pytest.raises(ResourceError) as raised:
            end(run, task_id, lease, AttemptOutcome.DONE, now=103.0)
        assert raised.value.reason == "LEASE_LOST"
        assert raised.value.facts["token"] == str(lease.token)


def test_another_lease_than_the_running_one_does_not_end_it() -> None:
    run, first = handed()
    run = end(run, "t", first.lease, AttemptOutcome.LOST, now=102.0)
    run, _ = handed(run)
    with pytest.raises(ResourceError, match="is over"):
        end(run, "t", first.lease, AttemptOutcome.DONE, now=103.0)


def test_money_in_another_currency_is_refused_and_the_lease_stays() -> None:
    run, attempt = handed(replace(RUN, budget=RunBudget(cost=Money(100))))
    with pytest.raises(ValidationError, match="EUR, but this run counts in USD") as raised:
        end(run, "t", attempt.lease, AttemptOutcome.DONE, now=102.0, usage=Usage(Money(1, "EUR")))
    assert raised.value.facts == {"field": "usage.cost.currency_code"}
    with pytest.raises(ValidationError):
        spent_elsewhere(run, Usage(Money(1, "EUR")))


def test_a_worker_cannot_change_the_currency_of_a_run_without_a_limit_and_so_bar_the_others() -> None:
    run, attempt = handed()
    with pytest.raises(ValidationError, match="EUR, but this run counts in USD"):
        end(run, "t", attempt.lease, AttemptOutcome.FAILED, now=102.0, usage=Usage(Money(1, "EUR")))
    free, attempt = handed(expected=Usage())
    assert end(free, "t", attempt.lease, AttemptOutcome.FAILED, now=102.0, usage=Usage(Money(1, "EUR"))).spent.cost == Money(1, "EUR")


def test_work_done_elsewhere_counts_as_one_attempt() -> None:
    assert spent_elsewhere(RUN, Usage(Money(4, "EUR"), 7, 5)).spent == Usage(Money(4, "EUR"), 7, 1)


@pytest.mark.parametrize(
    ("outcome", "same", "others"),
    [
        (AttemptOutcome.DONE, [Done()], [Failed("why"), Declined("why")]),
        (AttemptOutcome.FAILED, [Failed("why", permanent=True)], [Done(), Failed("why"), Failed("other", permanent=True)]),
        (AttemptOutcome.DECLINED, [Declined("why")], [Done(), Declined("why", hand_back=True), Declined("other")]),
        (AttemptOutcome.RETURNED, [Declined("why", hand_back=True)], [Declined("why"), Failed("why", permanent=True)]),
        (AttemptOutcome.LOST, [], [Done(), Failed("why", permanent=True), Declined("why")]),
        (AttemptOutcome.CANCELLED, [], [Done(), Failed("why", permanent=True), Declined("why")]),
    ],
)
def test_only_the_report_that_ended_an_attempt_is_told_again(
    outcome: AttemptOutcome, same: list[Done | Failed | Declined], others: list[Done | Failed | Declined]
) -> None:
    run, attempt = handed()
    ended = end(run, "t", attempt.lease, outcome, now=102.0, error="why", permanent=True).tasks["t"].attempts[-1]
    assert all(is_same(ended, Report("p", "t", told, attempt.lease)) for told in same)
    assert not any(is_same(ended, Report("p", "t", told, attempt.lease)) for told in others)


def test_progress_shows_while_the_lease_runs_and_is_news() -> None:
    run, attempt = handed()
    told = LeaseProgress("p", "t", attempt.lease, 0.5, "half")
    moved = progressed(run, told)
    assert moved is not None
    running = moved.tasks["t"].running
    assert running is not None
    assert (running.fraction, running.message) == (0.5, "half")
    assert progressed(moved, told) is None
    assert progressed(run, replace(told, lease=LeaseToken("other", 1))) is None
    assert progressed(run, replace(told, task_id="u")) is None
    assert progressed(end(run, "t", attempt.lease, AttemptOutcome.LOST, now=102.0), told) is None


def test_a_task_is_given_up_or_waits_also_before_anybody_tried() -> None:
    assert give_up(RUN, "t", "nobody can").tasks["t"].dead_letter == "nobody can"
    assert wait_until(RUN, "t", 5.0).tasks["t"].not_before == 5.0
    run, attempt = handed()
    assert give_up(run, "t", "over").tasks["t"].attempts == (attempt,)
