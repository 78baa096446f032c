"""Agents' breakers and security events as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis_server.agents.shared_breaker import BreakerView
from genesis_server.resilience.breakers import BreakerState
from genesis_server.rpc.convert.values import time_to_proto

if TYPE_CHECKING:
    from genesis_server.security.events import SecurityEvent

_STATES: Mapping[BreakerState, policy.BreakerState] = {
    BreakerState.CLOSED: policy.BREAKER_STATE_CLOSED,
    BreakerState.OPEN: policy.BREAKER_STATE_OPEN,
    BreakerState.HALF_OPEN: policy.BREAKER_STATE_HALF_OPEN,
}


def breaker_to_proto(view: BreakerView) -> policy.AgentBreaker:
    """A breaker."""
    return policy.AgentBreaker(
        agent_id=view.agent_id,
        state=_STATES[view.state],
        failures=view.failures,
        reason=view.reason,
        opened_time=None if view.opened_at is None else time_to_proto(view.opened_at),
        retry_time=None if view.retry_at is None else time_to_proto(view.retry_at),
    )


def event_to_proto(event: SecurityEvent) -> policy.SecurityEvent:
    """A security event."""
    return policy.SecurityEvent(
        id=event.id,
        time=time_to_proto(event.time),
        kind=event.kind,
        actor=event.actor,
        message=event.message,
        facts=event.facts,
        count=event.count,
    )
