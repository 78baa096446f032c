"""Runs and outcomes come back from the store as they went in."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.dispatch.codec import (
    OUTCOME_KIND,
    RUN_KIND,
    decode_outcome,
    decode_run,
    encode_outcome,
    encode_run,
    encode_run_again,
    outcome_key,
    run_key,
)
from genesis_server.model.caller import Caller, Role
from genesis_server.model.money import Money
from genesis_server.model.work import Attempt, AttemptOutcome, LeaseToken, Outcome, PlanRun, RunBudget, TaskRun, Usage
from genesis_server.storage.base import Key
from genesis_server.storage.pieces import NO_PIECES

_TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
_TIME = st.floats(0, 1e11)
_MONEY = st.builds(Money, st.integers(0, 2**63), st.sampled_from(["USD", "EUR"]))
_USAGE = st.builds(Usage, _MONEY, st.integers(0, 2**40), st.integers(0, 9))
_ATTEMPT = st.builds(
    Attempt,
    st.integers(1, 9),
    _TEXT,
    _TEXT,
    st.builds(LeaseToken, _TEXT, st.integers(0, 2**63)),
    _TIME,
    _TIME,
    _USAGE,
    st.sampled_from(AttemptOutcome),
    _TEXT,
    st.none() | _TIME,
    st.none() | _USAGE,
    st.booleans(),
    st.floats(0, 1),
    _TEXT,
)
_TASK = st.builds(TaskRun, _TEXT, st.lists(_ATTEMPT, max_size=3).map(tuple), _TIME, _TEXT)
_BUDGET = st.builds(RunBudget, st.none() | _MONEY, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9), st.none() | _TIME)
_CALLER = st.builds(Caller, _TEXT, _TEXT, st.frozensets(st.sampled_from(Role)), st.booleans())
_RUN = st.builds(
    PlanRun,
    _TEXT,
    st.integers(0, 99),
    _TIME,
    _BUDGET,
    _USAGE,
    st.booleans(),
    st.integers(0, 9),
    st.integers(0, 2**63),
    st.dictionaries(_TEXT, _TASK, max_size=3),
    _TEXT,
    _TEXT,
    st.none() | _CALLER,
)
_OUTCOME = st.builds(
    Outcome,
    _TEXT,
    _TEXT,
    _TEXT,
    _TEXT,
    _TEXT,
    st.integers(0, 9),
    st.sampled_from(AttemptOutcome),
    _TIME,
    st.none() | _TIME,
    _TEXT,
    st.none() | _USAGE,
    st.none() | _USAGE,
)


@given(_RUN)
def test_a_run_comes_back_as_it_was(run: PlanRun) -> None:
    assert decode_run(encode_run(run)) == run


@given(_RUN, _RUN)
def test_a_run_that_is_written_again_is_written_as_if_it_were_new(before: PlanRun, after: PlanRun) -> None:
    after = replace(after, tasks={**before.tasks, **after.tasks})
    _, pieces = encode_run_again(before, NO_PIECES)
    assert encode_run_again(after, pieces)[0] == encode_run(after)


@given(_OUTCOME)
def test_an_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    assert decode_outcome(encode_outcome(outcome)) == outcome


def test_what_is_stored_is_json_without_what_goes_without_saying() -> None:
    assert json.loads(encode_run(PlanRun("p", 1, 2.0))) == {"plan_id": "p", "plan_version": 1, "begin": 2.0}


def test_keys_tell_plans_tasks_and_attempts_apart_in_order() -> None:
    assert run_key("acme", "p") == Key("acme", RUN_KIND, "p")
    assert outcome_key("acme", "p", "t", 7) == Key("acme", OUTCOME_KIND, "p/t/0000000007")
    assert outcome_key("acme", "p", "t", "e1").id == "p/t/e1"
    assert outcome_key("acme", "p", "t", 9).id < outcome_key("acme", "p", "t", 10).id
