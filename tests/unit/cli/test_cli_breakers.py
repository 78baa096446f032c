"""`genesis breakers` and `genesis security`."""

from __future__ import annotations

import json

import pytest
from fake_server import FakeServer

from genesis.admin.v1 import policy_service_pb2 as policy


def _breaker(state: policy.BreakerState) -> policy.AgentBreaker:
    breaker = policy.AgentBreaker(agent_id="quick", state=state, failures=5, reason="the disk is full")
    breaker.opened_time.FromSeconds(3_600)
    breaker.retry_time.FromSeconds(3_660)
    return breaker


def test_breakers_are_listed_with_reason_and_next_trial(fake: FakeServer, run) -> None:
    """Also when there are none yet."""
    closed = policy.AgentBreaker(agent_id="steady", state=policy.BREAKER_STATE_CLOSED)
    fake.on("ListBreakers", policy.ListBreakersResponse(breakers=[_breaker(policy.BREAKER_STATE_OPEN), closed]))
    result = run("breakers")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    for words in ("quick open 5 01:00:00 UTC 01:01:00 UTC the disk is full", "steady closed 0"):
        assert words in text, text
    assert len(json.loads(run("breakers", "--json").stdout)["breakers"]) == 2
    fake.on("ListBreakers", policy.ListBreakersResponse())
    assert "no agent has reported yet" in run("breakers").stdout


def test_a_breaker_is_reset_with_a_cause(fake: FakeServer, run) -> None:
    """For the record."""
    fake.on("ResetBreaker", policy.ResetBreakerResponse(breaker=policy.AgentBreaker(agent_id="quick", state=policy.BREAKER_STATE_CLOSED)))
    result = run("breakers", "reset", "quick", "--cause", "a new disk", "--request-id", "r")
    assert result.exit_code == 0, result.output
    assert "closed" in result.stdout
    [request] = fake.asked("ResetBreaker")
    assert (request.agent_id, request.cause, request.request_id) == ("quick", "a new disk", "r")
    assert json.loads(run("breakers", "reset", "quick", "--cause", "x", "--json").stdout)["breaker"]["agentId"] == "quick"


@pytest.mark.parametrize(
    "args", [["breakers", "reset", "quick"], ["breakers", "reset"], ["breakers", "shut"], ["security", "--limit", "0"]]
)
def test_wrong_input_is_exit_code_2_and_nothing_is_sent(fake: FakeServer, run, args: list[str]) -> None:
    """A cause must be given."""
    assert run(*args).exit_code == 2
    assert not fake.requests


def test_security_events_are_listed_with_who_and_how_often(fake: FakeServer, run) -> None:
    """Newest first, as the server has them; at most as many as asked for."""
    event = policy.SecurityEvent(
        id="1", kind="LEASE_FOREIGN", actor="mallory", message="reported another agent's lease", facts={"plan": "p"}
    )
    event.time.FromSeconds(3_600)
    fake.on("ListSecurityEvents", policy.ListSecurityEventsResponse(events=[event, policy.SecurityEvent(kind="LEASE_LOST", count=3)]))
    text = " ".join(run("security").stdout.split())
    assert "1970-01-01 01:00:00 UTC LEASE_FOREIGN mallory 1 reported another agent's lease" in text
    assert "plan p" in text
    assert len(json.loads(run("security", "--limit", "1", "--json").stdout)["events"]) == 1
    fake.on("ListSecurityEvents", policy.ListSecurityEventsResponse())
    assert "no security events" in run("security").stdout
