"""Which refusals are security events, and what is noted of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import GenesisError
from genesis_server.security.agent_signatures import SignatureError
from genesis_server.telemetry.context import current_call

_ALWAYS = frozenset({"AGENT_MISMATCH", "LEASE_FOREIGN", "LEASE_LOST", "INJECTION_SUSPECTED"})


class Events(Protocol):
    """Takes notes of security events."""

    def note(self, *, tenant: str | None, kind: str, actor: str, message: str, facts: Mapping[str, str]) -> None:
        """Note one; never waits, never raises. `tenant` is None when it is nobody's."""
        ...


def note_refusal(events: Events, error: GenesisError, caller: Caller | None, *, method: str, peer: str) -> None:
    """Note the error a call or a message of a stream is refused with, when it should not have happened.

    These are refused signatures, LEASE_FOREIGN and LEASE_LOST, AGENT_MISMATCH, blocked injections, and PERMISSION_DENIED of agents. A
    refused signature is its tenant's event only when the key it names exists: who knows no key writes into nobody's record.

    Args:
        events: where it is noted.
        error: why it is refused.
        caller: who called; None when the call is refused before that is known.
        method: full name of the method.
        peer: address of the caller's side of the connection, as gRPC has it.
    """
    if isinstance(error, SignatureError):
        tenant, actor = error.tenant, error.agent
    elif caller is not None and (error.reason in _ALWAYS or (error.reason == "PERMISSION_DENIED" and Role.AGENT in caller.roles)):
        tenant, actor = caller.tenant, caller.subject
    else:
        return
    call = current_call()
    facts = {**error.facts, "method": method.lstrip("/"), "peer": peer.rsplit(":", 1)[0]}
    if call is not None:
        facts["correlation_id"] = call.correlation_id
    events.note(tenant=tenant, kind=error.reason, actor=actor, message=error.message, facts=facts)
