"""Names in client certificates become callers by a mapping that is read as a whole or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.security.certificates import caller_of, parse_identities

MAPPING = """
[[identities]]
name = "spiffe://example.org/ns/*/sa/planner"
tenant = "acme"
roles = ["client"]

[[identities]]
name = "*.ops.example.org"
tenant = "ops"
roles = ["admin", "agent"]
"""
IDENTITIES = parse_identities(MAPPING, "identities.toml")


@pytest.mark.parametrize(
    ("names", "caller"),
    [
        (
            ["spiffe://example.org/ns/prod.eu/sa/planner"],
            Caller("acme", "spiffe://example.org/ns/prod.eu/sa/planner", frozenset({Role.CLIENT})),
        ),
        (["10.0.0.1", "web.ops.example.org"], Caller("ops", "web.ops.example.org", frozenset({Role.ADMIN, Role.AGENT}))),
    ],
)
def test_a_known_name_is_a_caller(names: list[str], caller: Caller) -> None:
    assert caller_of(names, IDENTITIES) == caller


@pytest.mark.parametrize(
    "name",
    [
        "spiffe://example.org/ns/a/b/sa/planner",
        "spiffe://example.org/ns//sa/planner",
        "spiffe://example.org/ns/a/sa/planner/x",
        "spiffe://evil.org/ns/a/sa/planner",
        "a.b.ops.example.org",
        "ops.example.org",
        "webXopsXexampleXorg",
        "",
    ],
)
def test_any_other_name_is_nobody(name: str) -> None:
    with pytest.raises(SecurityError) as caught:
        caller_of([name], IDENTITIES)
    assert caught.value.reason == "CREDENTIALS_INVALID"


@given(st.text(max_size=30))
def test_a_star_never_crosses_a_boundary(part: str) -> None:
    name = f"spiffe://example.org/ns/{part}/sa/planner"
    try:
        caller_of([name], IDENTITIES)
    except SecurityError:
        assert "/" in part or not part or "\n" in part
    else:
        assert "/" not in part


def test_every_mistake_in_the_mapping_is_told_with_its_line() -> None:
    source = '[[identities]]\nname = "**"\ntenant = "a/b"\nroles = ["boss", ["x"]]\nextra = 1\n\n[[identities]]\nname = "x"\ntenant = "y"\n'
    with pytest.raises(ValueError, match="map") as caught:
        parse_identities(source, "map.toml")
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        ["map.toml:2", "identities[0].name"],
        ["map.toml:3", "identities[0].tenant"],
        ["map.toml:4", "identities[0].roles[0]"],
        ["map.toml:4", "identities[0].roles[1]"],
        ["map.toml:5", "identities[0].extra"],
        ["map.toml:7", "identities[1].roles"],
    ]
    assert "must be one of admin, agent, client, viewer, not 'boss'" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "is missing"),
        ("identities = []", "at least 1"),
        ("identities = 3", "valid list"),
        ("identities = [1, 2]", r"identities\[1\]"),
        ("[", "map.toml:1"),
    ],
)
def test_a_file_without_identities_is_refused(source: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_identities(source, "map.toml")
