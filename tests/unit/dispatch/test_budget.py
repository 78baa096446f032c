"""Budgets of runs: hard, exact, and in one currency."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.dispatch.budget import balance, charged, currency_of, exhausted_error, refused_part, reserved
from genesis_server.dispatch.leasing import end, hand_out, leases_of
from genesis_server.model.money import Money
from genesis_server.model.work import AttemptOutcome, PlanRun, RunBudget, Usage
from genesis_server.resilience.errors import ValidationError

RUN = PlanRun("p", 1, 1000.0)
LIMITS = RunBudget(Money(100), 50, 3, 60.0)


def handed(run: PlanRun, task_id: str, expected: Usage) -> PlanRun:
    return hand_out(run, task_id, agent_id="a", session_id="s", lease_id=task_id, seconds=1.0, expected=expected, now=1001.0)[0]


def test_what_is_under_way_is_set_aside_and_told_in_the_balance() -> None:
    run = handed(replace(RUN, budget=LIMITS, spent=Usage(Money(30), 10, 1)), "t", Usage(Money(20), 7))
    told = balance(run, now=1010.0)
    assert reserved(run) == told.reserved == Usage(Money(20), 7, 1)
    assert (told.limit, told.spent, told.begin, told.exhausted) == (LIMITS, Usage(Money(30), 10, 1), 1000.0, ())


@pytest.mark.parametrize(
    ("expected", "now", "part"),
    [
        (Usage(Money(50), 33), 1059.9, None),
        (Usage(Money(51), 0), 1010.0, "cost"),
        (Usage(Money(1, "EUR"), 0), 1010.0, "cost"),
        (Usage(Money(0, "EUR"), 0), 1010.0, None),
        (Usage(Money(0), 34), 1010.0, "tokens"),
        (Usage(), 1060.0, "time"),
        (Usage(), 900.0, None),
    ],
)
def test_an_attempt_that_does_not_fit_is_refused_with_the_part(expected: Usage, now: float, part: str | None) -> None:
    run = handed(replace(RUN, budget=LIMITS, spent=Usage(Money(30), 10, 1)), "t", Usage(Money(20), 7))
    assert refused_part(run, expected, now=now) == part


def test_attempts_are_counted_while_they_run() -> None:
    run = handed(replace(RUN, budget=RunBudget(tasks=1)), "t", Usage())
    assert refused_part(run, Usage(), now=1001.0) == "tasks"


def test_without_a_budget_everything_fits_in_one_currency() -> None:
    run = replace(RUN, spent=Usage(Money(10**18), 10**12, 10**6))
    assert refused_part(run, Usage(Money(10**18), 10**12), now=1e9) is None
    assert refused_part(run, Usage(Money(1, "EUR")), now=1e9) == "cost"
    assert balance(run, now=1e9).exhausted == ()


def test_a_limit_in_another_currency_than_what_was_spent_lets_nothing_begin() -> None:
    run = replace(RUN, spent=Usage(Money(1, "USD")), budget=RunBudget(cost=Money(100, "EUR")))
    assert refused_part(run, Usage(), now=1001.0) == "cost"
    assert balance(run, now=1001.0).exhausted == ("cost",)


def test_each_part_of_which_nothing_is_left_is_told() -> None:
    assert balance(replace(RUN, budget=LIMITS, spent=Usage(Money(100), 50, 3)), now=1060.0).exhausted == ("cost", "tokens", "tasks", "time")
    assert balance(replace(RUN, budget=LIMITS, spent=Usage(Money(99), 49, 2)), now=1059.0).exhausted == ()


def test_the_currency_is_that_of_what_was_spent_else_set_aside_else_of_the_limit() -> None:
    assert currency_of(RUN) is None
    limited = replace(RUN, budget=RunBudget(cost=Money(5, "CHF")))
    assert currency_of(limited) == "CHF"
    assert currency_of(handed(RUN, "t", Usage(Money(1, "EUR")))) == "EUR"
    assert currency_of(replace(limited, spent=Usage(Money(1, "JPY")))) == "JPY"


def test_what_cannot_be_added_is_refused() -> None:
    with pytest.raises(ValidationError, match="convert the amount"):
        charged(replace(RUN, spent=Usage(Money(1))), Usage(Money(1, "EUR")))
    mixed = handed(handed(RUN, "t", Usage(Money(1))), "u", Usage())
    task = mixed.tasks["u"]
    euros = replace(task, attempts=(replace(task.attempts[0], expected=Usage(Money(1, "EUR"))),))
    with pytest.raises(ValueError, match="EUR cannot be added to USD"):
        reserved(replace(mixed, tasks={**mixed.tasks, "u": euros}))


@pytest.mark.parametrize(
    ("part", "limit", "spent", "aside"),
    [
        ("cost", "0.0000001 USD", "0.00000003 USD", "0.00000002 USD"),
        ("tokens", "50 tokens", "10", "7"),
        ("tasks", "3 attempts", "1", "1"),
        ("time", "60 s", "61.5 s", "0 s"),
    ],
)
def test_the_refusal_says_what_is_used_up(part: str, limit: str, spent: str, aside: str) -> None:
    run = handed(replace(RUN, budget=LIMITS, spent=Usage(Money(30), 10, 1)), "t", Usage(Money(20), 7))
    error = exhausted_error(run, part, 1061.5)
    assert error.reason == "BUDGET_EXHAUSTED"
    assert error.facts == {"plan_id": "p", "part": part, "limit": limit, "spent": spent, "reserved": aside}
    assert error.quota_subject == "plan:p"
    assert limit in error.message
    assert "UpdatePlan" in error.message


_USAGE = st.builds(Usage, st.builds(Money, st.integers(0, 10**20)), st.integers(0, 10**12))
_LIMIT = st.builds(
    RunBudget,
    st.none() | st.builds(Money, st.integers(0, 10**20)),
    st.none() | st.integers(0, 10**12),
    st.none() | st.integers(0, 5),
)
_TURN = st.tuples(
    _USAGE, st.floats(0, 1), st.booleans(), st.sampled_from([AttemptOutcome.DONE, AttemptOutcome.LOST, AttemptOutcome.RETURNED])
)


@given(_LIMIT, st.lists(_TURN, max_size=8))
def test_handing_out_what_fits_never_goes_beyond_a_limit(limit: RunBudget, turns: list[tuple[Usage, float, bool, AttemptOutcome]]) -> None:
    run, told = replace(RUN, budget=limit), Usage()
    for number, (expected, share, reports, outcome) in enumerate(turns):
        if refused_part(run, expected, now=1001.0) is None:
            run = handed(run, f"t{number}", expected)
        if number % 2:
            for task_id, attempt in list(leases_of(run)):
                used = Usage(Money(int(attempt.expected.cost.nanos * share)), int(attempt.expected.tokens * share)) if reports else None
                run = end(run, task_id, attempt.lease, outcome, now=1002.0, usage=used)
                charge = used or (attempt.expected if outcome.counts else Usage())
                told = Usage(Money(told.cost.nanos + charge.cost.nanos), told.tokens + charge.tokens, told.tasks + outcome.counts)
        assert run.spent == told
        aside = reserved(run)
        assert limit.cost is None or run.spent.cost.nanos + aside.cost.nanos <= limit.cost.nanos
        assert limit.tokens is None or run.spent.tokens + aside.tokens <= limit.tokens
        assert limit.tasks is None or run.spent.tasks + aside.tasks <= limit.tasks
