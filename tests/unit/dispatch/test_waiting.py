"""Why a ready task is not worked on, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from genesis_server.dispatch.budget import PARTS
from genesis_server.dispatch.waiting import waiting
from genesis_server.model.plan import Task, TaskState
from genesis_server.model.work import Attempt, AttemptOutcome, LeaseToken, TaskRun, WaitingFor

TASK = Task("t", "work")
ATTEMPT = Attempt(1, "a", "s", LeaseToken("l", 1), 0.0, 1.0)
FAILED = TaskRun("t", (replace(ATTEMPT, outcome=AttemptOutcome.FAILED),), not_before=107.2)


def told(task: Task = TASK, run: TaskRun | None = None, **other: Any) -> tuple[WaitingFor, str]:
    facts: dict[str, Any] = {"agent_id": "a", "live": True, "breaker_open_seconds": None, "budget_part": None, "now": 100.0} | other
    return waiting(task, run, **facts)


@pytest.mark.parametrize(
    ("facts", "reason", "words"),
    [
        ({}, WaitingFor.SLOT, "the workers of agent a are busy"),
        ({"breaker_open_seconds": 12.1}, WaitingFor.BREAKER, "agent a failed too often; it is tried again in 13 s"),
        ({"breaker_open_seconds": -1.0}, WaitingFor.BREAKER, "agent a failed too often; it is tried again in 0 s"),
        ({"live": False, "breaker_open_seconds": 12.1}, WaitingFor.AGENT, "no worker of agent a is there"),
        ({"agent_id": "", "live": False}, WaitingFor.AGENT, "no agent that is there can do it"),
        ({"run": FAILED, "live": False}, WaitingFor.RETRY, "attempt 2 begins in 8 s"),
        ({"run": FAILED, "now": 107.2}, WaitingFor.SLOT, "the workers of agent a are busy"),
        ({"run": FAILED, "budget_part": "cost"}, WaitingFor.BUDGET, "the budget has too little money left"),
        (
            {"task": replace(TASK, state=TaskState.AWAITING_APPROVAL), "budget_part": "tokens"},
            WaitingFor.APPROVAL,
            "somebody has to approve it",
        ),
    ],
)
def test_the_first_thing_in_the_way_is_told(facts: dict[str, Any], reason: WaitingFor, words: str) -> None:
    assert told(**facts) == (reason, words)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_budget_has_a_word(part: str) -> None:
    assert told(budget_part=part)[0] is WaitingFor.BUDGET


@pytest.mark.parametrize(
    ("task", "run"),
    [
        (TASK, TaskRun("t", (ATTEMPT,))),
        (TASK, TaskRun("t", dead_letter="nobody can")),
        (replace(TASK, state=TaskState.DONE), None),
    ],
    ids=["worked on", "given up", "done"],
)
def test_what_does_not_wait_says_nothing(task: Task, run: TaskRun | None) -> None:
    assert told(task, run) == (WaitingFor.UNSPECIFIED, "")
