"""Failures: another attempt, another agent, or giving up with the reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.dispatch.retrying import (
    MAX_HAND_BACKS,
    MAX_REASON_LENGTH,
    GiveUp,
    Retry,
    after_failure,
    backoff,
    excluded,
    failed,
    story,
)
from genesis_server.model.plan import DEFAULT_ATTEMPTS, MAX_BACKOFF_SECONDS, RetryPolicy, Task
from genesis_server.model.work import Attempt, AttemptOutcome, LeaseToken, TaskRun

NOW = 1000.0
FAILED, DECLINED, RETURNED = AttemptOutcome.FAILED, AttemptOutcome.DECLINED, AttemptOutcome.RETURNED


def task(most: int = 0, per_agent: int = 0, backoff: float | None = None) -> Task:
    return Task("t", "work", retry=RetryPolicy(most, per_agent, backoff))


def attempt(agent_id: str = "a", outcome: AttemptOutcome = FAILED, *, error: str = "it broke", permanent: bool = False) -> Attempt:
    return Attempt(1, agent_id, "s", LeaseToken("l", 1), 0.0, 60.0, outcome=outcome, error=error, permanent=permanent)


def after(policy: Task, *attempts: Attempt, jitter: float = 0.5) -> Retry | GiveUp:
    return after_failure(policy, TaskRun("t", attempts), now=NOW, jitter=jitter)


def test_without_a_policy_a_task_is_tried_three_times_and_twice_by_one_agent() -> None:
    assert after(task(), attempt()) == Retry(NOW + 1.0, frozenset())
    assert after(task(), attempt(), attempt()) == Retry(NOW, frozenset({"a"}))
    assert isinstance(after(task(), attempt(), attempt(), attempt("b")), GiveUp)
    assert DEFAULT_ATTEMPTS == 3


def test_where_nothing_is_tried_again_the_first_failure_is_the_last() -> None:
    """`error_handling_enabled` is off: the task's own policy does not count, what was only handed back does not either."""
    once = after_failure(task(5), TaskRun("t", (attempt(error="no oil"),)), now=NOW, jitter=0.5, most_attempts=1)
    assert isinstance(once, GiveUp)
    assert "no oil" in once.reason
    assert isinstance(after_failure(task(5), TaskRun("t", (attempt(outcome=RETURNED),)), now=NOW, jitter=0.5, most_attempts=1), Retry)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 2.0), (2, 4.0), (3, 8.0), (5, 32.0), (6, 60.0), (60, 60.0)])
def test_the_wait_doubles_up_to_a_minute(attempts: int, seconds: float) -> None:
    assert after(task(100, 100, 2.0), *[attempt()] * attempts) == Retry(NOW + seconds, frozenset())


def test_the_wait_varies_by_a_fifth() -> None:
    assert after(task(backoff=10.0), attempt(), jitter=0.0) == Retry(NOW + 8.0, frozenset())
    assert after(task(backoff=10.0), attempt(), jitter=1.0) == Retry(NOW + 12.0, frozenset())


def test_an_agent_that_cannot_or_will_not_is_left_out_at_once() -> None:
    assert after(task(), attempt(permanent=True)) == Retry(NOW, frozenset({"a"}))
    assert after(task(), attempt(outcome=DECLINED)) == Retry(NOW, frozenset({"a"}))
    assert after(task(), attempt("b", permanent=True), attempt("a")) == Retry(NOW + 2.0, frozenset({"b"}))


def test_who_tried_in_vain_is_known_and_who_handed_it_back_is_not_among_them() -> None:
    outcomes = (AttemptOutcome.LOST, RETURNED, DECLINED, AttemptOutcome.TIMED_OUT, AttemptOutcome.CANCELLED, FAILED)
    run = TaskRun("t", tuple([attempt(outcome.name, outcome) for outcome in outcomes]))
    assert failed(run) == {"LOST", "DECLINED", "TIMED_OUT", "FAILED"}


def test_what_is_handed_back_counts_for_nothing_and_goes_out_again_at_once() -> None:
    assert after(task(most=2), attempt(), attempt(outcome=RETURNED)) == Retry(NOW, frozenset())


def test_who_hands_back_again_and_again_has_to_wait_and_comes_to_an_end() -> None:
    assert after(task(), *[attempt(outcome=RETURNED)] * 2) == Retry(NOW + 1.0, frozenset())
    assert after(task(), *[attempt(outcome=RETURNED)] * 5) == Retry(NOW + 8.0, frozenset())
    assert isinstance(after(task(), *[attempt(outcome=RETURNED)] * MAX_HAND_BACKS), GiveUp)


def test_what_was_stopped_may_begin_again_at_once() -> None:
    assert after(task(), attempt(outcome=AttemptOutcome.CANCELLED)) == Retry(NOW, frozenset())
    assert after(task()) == Retry(NOW, frozenset())


def test_who_goes_on_after_its_last_attempt_waits_as_long_as_if_it_had_more() -> None:
    run = TaskRun("t", (attempt(), attempt()))
    assert excluded(task(), run) == {"a"}
    assert backoff(task(), run, jitter=0.5) == 2.0
    assert backoff(task(), TaskRun("t"), jitter=0.5) == 0.0


def test_the_reason_tells_every_attempt() -> None:
    step = after(
        task(),
        attempt("a", error="disk\n full."),
        attempt("b", DECLINED, error="not mine"),
        attempt("b", AttemptOutcome.LOST, error=""),
        attempt("c", AttemptOutcome.TIMED_OUT, error="60 s are over"),
    )
    assert step == GiveUp(
        "Given up after 3 attempts. a failed: disk full. b declined: not mine. b fell silent. c took too long: 60 s are over."
    )


def test_a_long_story_keeps_its_end() -> None:
    told = story(TaskRun("t", tuple([attempt(f"agent-{number}", error="x" * 5_000) for number in range(50)])))
    assert len(told) <= MAX_REASON_LENGTH
    assert told.startswith("Given up after 50 attempts. 44 earlier attempts are left out. agent-44 failed: xxx")
    assert "agent-49" in told


_ATTEMPTS = st.lists(
    st.builds(
        attempt,
        st.sampled_from("abc"),
        st.sampled_from([FAILED, DECLINED, RETURNED, AttemptOutcome.LOST, AttemptOutcome.TIMED_OUT]),
        error=st.text(max_size=400),
        permanent=st.booleans(),
    ),
    max_size=12,
)


@given(_ATTEMPTS, st.integers(0, 6), st.integers(0, 4), st.none() | st.floats(0, 60), st.floats(0, 1))
def test_every_failure_leads_to_a_bounded_wait_or_an_end(
    attempts: list[Attempt], most: int, per_agent: int, backoff: float | None, jitter: float
) -> None:
    policy, run = task(most, per_agent, backoff), TaskRun("t", tuple(attempts))
    step = after_failure(policy, run, now=NOW, jitter=jitter)
    if isinstance(step, GiveUp):
        assert run.counted >= (most or DEFAULT_ATTEMPTS)
        assert len(step.reason) <= MAX_REASON_LENGTH
    else:
        assert run.counted < (most or DEFAULT_ATTEMPTS)
        assert NOW <= step.not_before <= NOW + MAX_BACKOFF_SECONDS
        assert step.excluded == excluded(policy, run)
