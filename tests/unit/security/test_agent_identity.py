"""An agent acts for itself alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.security.authentication import ANONYMOUS

AGENT = frozenset({Role.AGENT})
IDENTITY = AgentIdentity(lambda tenant, agent: (tenant, agent) == ("default", "keyed"))


def mismatch(caller: Caller, agent_id: str) -> SecurityError:
    with pytest.raises(SecurityError) as caught:
        IDENTITY.check(caller, agent_id)
    assert caught.value.reason == "AGENT_MISMATCH"
    assert caught.value.facts == {"agent_id": agent_id, "subject": caller.subject}
    return caught.value


@given(st.text(max_size=40), st.text(max_size=40))
def test_credentials_of_one_agent_serve_no_other(subject: str, agent_id: str) -> None:
    caller = Caller("acme", subject, AGENT)
    assert IDENTITY.acting(caller) == subject
    if subject == agent_id:
        IDENTITY.check(caller, agent_id)
    else:
        mismatch(caller, agent_id)


def test_an_anonymous_caller_plays_agents_without_a_key_only() -> None:
    assert IDENTITY.acting(ANONYMOUS) is None
    IDENTITY.check(ANONYMOUS, "builder")
    assert "has a key; sign the request" in mismatch(ANONYMOUS, "keyed").message


def test_an_agent_with_a_key_may_come_with_a_token_of_its_own() -> None:
    IDENTITY.check(Caller("default", "keyed", AGENT), "keyed")


def test_a_caller_that_is_no_agent_acts_for_none() -> None:
    ann = Caller("acme", "ann", frozenset({Role.ADMIN}))
    assert IDENTITY.acting(ann) is None
    assert "is no agent" in mismatch(ann, "builder").message
    assert "is no agent" in mismatch(ann, "ann").message
