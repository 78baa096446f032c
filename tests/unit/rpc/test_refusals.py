"""Which refusals are noted as security events, and for whom."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

import pytest
from edge_server import NotedEvents

from genesis.v1.errors_pb2 import ErrorReason
from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import GenesisError, ResourceError, SecurityError
from genesis_server.rpc.refusals import note_refusal
from genesis_server.security.agent_signatures import SignatureError
from genesis_server.telemetry.context import begin_call, set_call
from genesis_server.telemetry.metrics import SECURITY_REASONS

AGENT = Caller("acme", "builder", frozenset({Role.AGENT}))
ANN = Caller("acme", "ann", frozenset({Role.CLIENT}))


def noted(error: GenesisError, caller: Caller | None) -> list[dict[str, Any]]:
    events = NotedEvents()
    note_refusal(events, error, caller, method="/genesis.v1.AgentService/Work", peer="ipv4:10.0.0.7:4711")
    return events.noted


@pytest.mark.parametrize("reason", ["AGENT_MISMATCH", "LEASE_FOREIGN", "LEASE_LOST", "INJECTION_SUSPECTED"])
@pytest.mark.parametrize("caller", [AGENT, ANN])
def test_what_should_not_have_happened_is_the_callers_tenants_event(reason: str, caller: Caller) -> None:
    (event,) = noted(SecurityError(reason, "so it was", facts={"plan_id": "p"}), caller)
    facts = event.pop("facts")
    assert event == {"tenant": "acme", "kind": reason, "actor": caller.subject, "message": "so it was"}
    assert (facts["plan_id"], facts["method"], facts["peer"]) == ("p", "genesis.v1.AgentService/Work", "ipv4:10.0.0.7")


def test_each_refusal_that_is_noted_has_a_series_of_its_own_and_no_other_reason_has() -> None:
    reasons = [name.removeprefix("ERROR_REASON_") for name in list(ErrorReason.keys())]
    of_signatures = {"CREDENTIALS_INVALID", "CREDENTIALS_EXPIRED", "CREDENTIALS_REPLAYED"}
    assert set(SECURITY_REASONS) == of_signatures | {reason for reason in reasons if noted(SecurityError(reason, "m"), AGENT)}


def test_the_event_has_the_calls_correlation_id() -> None:
    def refused() -> list[dict[str, Any]]:
        set_call(begin_call("x", {"x-correlation-id": "abc"}))
        return noted(SecurityError("AGENT_MISMATCH", "m"), AGENT)

    # In a context of its own: other tests are outside of any call.
    assert copy_context().run(refused)[0]["facts"]["correlation_id"] == "abc"


def test_only_agents_that_call_what_is_not_for_them_are_noted() -> None:
    error = SecurityError("PERMISSION_DENIED", "m")
    assert noted(error, AGENT)
    assert noted(error, ANN) == []


def test_ordinary_errors_and_bad_tokens_are_not_noted() -> None:
    for error in (
        ResourceError("PLAN_NOT_FOUND", "m"),
        SecurityError("CREDENTIALS_INVALID", "m"),
        SecurityError("CREDENTIALS_MISSING", "m"),
    ):
        assert noted(error, None) == noted(error, AGENT) == []


@pytest.mark.parametrize("tenant", ["acme", None])
def test_a_refused_signature_is_the_event_of_the_tenant_whose_key_it_names(tenant: str | None) -> None:
    error = SignatureError("CREDENTIALS_REPLAYED", "m")
    error.tenant, error.agent = tenant, "builder"
    (event,) = noted(error, None)
    assert (event["tenant"], event["actor"], event["kind"]) == (tenant, "builder", "CREDENTIALS_REPLAYED")
