"""Which agent a caller may act for.

Credentials with the role agent are bound to one agent: their subject is its id, whether they are a signature, a token or a
certificate. Callers without credentials may act for any agent of their tenant that has no key, so that a first run needs no set-up
and an agent that has a key can never be played without it.
"""

from __future__ import annotations

from collections.abc import Callable

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError


class AgentIdentity:
    """Holds callers against the agents they name."""

    def __init__(self, has_key: Callable[[str, str], bool]) -> None:
        """`has_key` says whether an agent, by tenant and id, has a key of its own."""
        self._has_key = has_key

    def acting(self, caller: Caller) -> str | None:
        """The id of the agent a caller is bound to; None for callers without credentials and for those who are no agent."""
        return caller.subject if Role.AGENT in caller.roles and not caller.anonymous else None

    def check(self, caller: Caller, agent_id: str) -> None:
        """Let a caller act for an agent, or raise SecurityError AGENT_MISMATCH."""
        bound = self.acting(caller)
        if bound == agent_id:
            return
        facts = {"agent_id": agent_id, "subject": caller.subject}
        if bound is not None:
            message = f"the credentials are those of agent {bound!r}, and the request names {agent_id!r}; send those of the agent you name"
            raise SecurityError("AGENT_MISMATCH", message, facts=facts)
        if not caller.anonymous:
            message = f"the caller is no agent; send the credentials of agent {agent_id!r}"
            raise SecurityError("AGENT_MISMATCH", message, facts=facts)
        if self._has_key(caller.tenant, agent_id):
            message = f"agent {agent_id!r} has a key; sign the request with it"
            raise SecurityError("AGENT_MISMATCH", message, facts=facts)
