"""Every method is for somebody, and the roles stand in their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.rpc.methods import all_methods
from genesis_server.security.authorization import ANYONE, PERMISSIONS, allowed_roles, as_markdown, authorize, check_table, is_open

ROLES = st.frozensets(st.sampled_from(list(Role)))
METHODS = st.sampled_from(sorted(PERMISSIONS))


def allowed(roles: frozenset[Role], method: str) -> bool:
    try:
        authorize(Caller("acme", "ann", roles), method)
    except SecurityError:
        return False
    return True


def test_the_table_covers_exactly_what_the_descriptors_have() -> None:
    check_table(all_methods())


def test_a_forgotten_and_a_left_over_method_stop_the_server() -> None:
    with pytest.raises(ValueError, match="table of permissions") as caught:
        check_table(["/a.B/New", "/a.B/Kept"], {"/a.B/Kept": (Role.ADMIN,), "/a.B/Gone": (Role.ADMIN,)})
    assert str(caught.value).split("\n") == [
        "/a.B/New has no entry in the table of permissions",
        "/a.B/Gone stands in the table of permissions, and no service has it",
    ]


@given(ROLES, METHODS)
def test_a_call_passes_only_with_a_role_of_the_method(roles: frozenset[Role], method: str) -> None:
    least = PERMISSIONS[method]
    expected = least == ANYONE or (isinstance(least, tuple) and bool(roles & allowed_roles(least)))
    assert allowed(roles, method) == expected


@given(ROLES, ROLES, METHODS)
def test_more_roles_never_allow_less(some: frozenset[Role], more: frozenset[Role], method: str) -> None:
    assert allowed(some | more, method) >= allowed(some, method)


@given(METHODS)
def test_viewer_is_in_client_and_client_in_admin(method: str) -> None:
    viewer, client, admin = (allowed(frozenset({role}), method) for role in (Role.VIEWER, Role.CLIENT, Role.ADMIN))
    assert viewer <= client <= admin
    assert admin or PERMISSIONS[method] == (Role.AGENT,)
    assert allowed_roles((Role.AGENT,)) == {Role.AGENT}


def test_agents_join_and_report_and_do_nothing_else() -> None:
    """A stolen agent key opens neither plans nor administration."""
    may = [method for method in PERMISSIONS if not is_open(method) and allowed(frozenset({Role.AGENT}), method)]
    assert may == [
        *(f"/genesis.v1.AgentService/{name}" for name in ("Deregister", "Heartbeat", "Register", "Work")),
        "/genesis.v1.OrchestratorService/Report",
    ]


def test_a_method_nobody_listed_is_for_nobody() -> None:
    assert not allowed(frozenset(Role), "/a.B/C")


def test_only_grpc_health_is_open() -> None:
    assert [method for method in PERMISSIONS if is_open(method)] == [
        f"/grpc.health.v1.Health/{name}" for name in ("Check", "List", "Watch")
    ]


def test_a_refusal_says_which_role_is_needed() -> None:
    with pytest.raises(SecurityError, match="needs the role client, and the caller has viewer") as caught:
        authorize(Caller("acme", "ann", frozenset({Role.VIEWER})), "/genesis.v1.OrchestratorService/Plan")
    assert caught.value.reason == "PERMISSION_DENIED"
    assert caught.value.facts == {"required_role": "client", "roles": "viewer"}
    with pytest.raises(SecurityError, match="needs the role client or agent") as caught:
        authorize(Caller("acme", "ann", frozenset({Role.VIEWER})), "/genesis.v1.OrchestratorService/Report")
    assert caught.value.facts["required_role"] == "client,agent"


def test_the_table_prints_as_markdown() -> None:
    lines = as_markdown().splitlines()
    assert lines[0] == "| method | no credentials | viewer | client | admin | agent |"
    assert "| `genesis.v1.OrchestratorService/Plan` |  |  | ✓ | ✓ |  |" in lines
    assert "| `genesis.v1.OrchestratorService/Report` |  |  | ✓ | ✓ | ✓ |" in lines
    assert "| `genesis.v1.AgentService/Work` |  |  |  |  | ✓ |" in lines
    assert "| `grpc.health.v1.Health/Check` | ✓ | ✓ | ✓ | ✓ | ✓ |" in lines
    assert len(lines) == len(PERMISSIONS) + 2
