"""Keys of agents, from a file and from a text; every mistake is told, and no secret."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.agents.schema import AGENT_ID_PATTERN
from genesis_server.security.agent_keys import AGENT_PATTERN, KEY_PATTERN, AgentKeys, parse_key_file, parse_key_text, together
from genesis_server.security.tokens import TENANT_PATTERN
from genesis_server.text.toml_file import DataFileError

SECRET = "s3cret".ljust(32, "x")
FILE = f"""
[[keys]]
tenant = "acme"
agent = "build/linux:x86"
key = "old"
secret = "{SECRET}"
not_after = 2026-11-30T00:00:00Z

[[keys]]
tenant = "acme"
agent = "build/linux:x86"
key = "new"
secret = "{SECRET}2"
not_before = 2026-11-01T00:00:00+01:00
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(DataFileError) as caught:
        parse_key_file(text, "keys.toml")
    return [str(mistake) for mistake in caught.value.mistakes]


def text_mistakes(text: str) -> list[str]:
    with pytest.raises(DataFileError) as caught:
        parse_key_text(text)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_an_agent_may_have_several_keys_at_once() -> None:
    keys = AgentKeys(parse_key_file(FILE, "keys.toml"))
    old, new = (keys.find("acme", "build/linux:x86", name) for name in ("old", "new"))
    assert old is not None
    assert new is not None
    assert (old.secret, old.not_before, old.not_after) == (SECRET.encode(), None, 1_795_996_800.0)
    assert (new.secret, new.not_before, new.not_after) == (f"{SECRET}2".encode(), 1_793_487_600.0, None)
    assert len(keys) == 2


def test_a_key_is_its_tenants_and_its_agents_alone() -> None:
    keys = AgentKeys(parse_key_text(f"acme/a:k={SECRET}"))
    assert keys.has("acme", "a")
    assert not keys.has("acme", "b")
    assert not keys.has("other", "a")
    assert keys.find("other", "a", "k") is None
    assert keys.find("acme", "b", "k") is None
    assert keys.find("acme", "a", "k2") is None


def test_every_mistake_of_a_file_is_told_with_its_line() -> None:
    bad = """[[keys]]
tenant = "_acme"
agent = "-"
key = "a:b"
secret = "short"
not_before = 2026-11-01T00:00:00
colour = "red"

[[keys]]
tenant = "acme"
agent = "a"
key = "k"
secret = 12345678
not_before = 2026-11-01T00:00:00Z
not_after = 2026-11-01T00:00:00Z

[[keys]]
tenant = "acme"
agent = "a"
key = "k"
"""
    found = mistakes(bad)
    assert [mistake.split(": ")[:2] for mistake in found] == [
        ["keys.toml:2", "keys[0].tenant"],
        ["keys.toml:3", "keys[0].agent"],
        ["keys.toml:4", "keys[0].key"],
        ["keys.toml:5", "keys[0].secret"],
        ["keys.toml:6", "keys[0].not_before"],
        ["keys.toml:7", "keys[0].colour"],
        ["keys.toml:9", "keys[1]"],
        ["keys.toml:13", "keys[1].secret"],
        ["keys.toml:17", "keys[2].secret"],
        ["keys.toml:20", "keys[2].key"],
    ]
    assert "at least 32 characters" in found[3]
    assert "time zone" in found[4]
    assert "not_before must be before not_after" in found[6]
    assert found[8].endswith("is missing")
    assert "stands twice" in found[9]


@pytest.mark.parametrize("text", ["", "keys = []", "keys = 3", "[[keys"])
def test_a_file_without_keys_is_refused(text: str) -> None:
    assert mistakes(text)


@pytest.mark.parametrize("secret", ['"hunter2"', "8271828", '["hunter2"]', "{ value = 'hunter2' }"])
def test_no_mistake_shows_a_secret(secret: str) -> None:
    table = f'[[keys]]\ntenant = "acme"\nagent = "a"\nkey = "k"\nsecret = {secret}\nsecrets = {secret}\n'
    assert "hunter2" not in "\n".join(mistakes(table))
    assert "8271828" not in "\n".join(mistakes(table))
    assert "hunter2" not in "\n".join(text_mistakes(f"acme/a:k=hunter2,hunter2,acme/a:hunter2!=x{SECRET}"))
    assert SECRET not in repr(parse_key_text(f"acme/a:k={SECRET}"))


def test_every_mistake_of_the_text_is_told_with_the_number_of_its_entry() -> None:
    found = text_mistakes(f"acme/a:k={SECRET}, acme/a:k={SECRET},builder={SECRET},acme/a:k2=short,a b/é:k!={SECRET},")
    assert [mistake[:12] for mistake in found] == [f"agent_keys:{n}" for n in (2, 3, 4, 5, 5, 5, 6)]
    assert "stands twice" in found[0]
    assert "must be tenant/agent:key=secret" in found[1]
    assert "at least 32 characters" in found[2]


NAMES = {
    "tenant": st.from_regex(TENANT_PATTERN, fullmatch=True),
    "agent": st.from_regex(AGENT_PATTERN, fullmatch=True),
    "key": st.from_regex(KEY_PATTERN, fullmatch=True),
    "secret": st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S"), exclude_characters=","), min_size=32, max_size=64),
}


@given(**NAMES)
def test_whatever_the_names_the_text_says_what_was_meant(tenant: str, agent: str, key: str, secret: str) -> None:
    """An agent's id may hold slashes, colons and dots."""
    found = AgentKeys(parse_key_text(f"{tenant}/{agent}:{key}={secret}")).find(tenant, agent, key)
    assert found is not None
    assert found.secret == secret.encode()


def test_the_same_key_in_file_and_text_is_a_mistake() -> None:
    file_keys = parse_key_file(FILE, "keys.toml")
    both = together(file_keys, parse_key_text(f"acme/build/linux:x86:newer={SECRET}"))
    assert len(both) == 3
    with pytest.raises(DataFileError, match="agent_keys:2: the key stands in the file of keys too"):
        together(file_keys, parse_key_text(f"acme/a:k={SECRET},acme/build/linux:x86:new={SECRET}"))


def test_agents_are_named_as_the_agents_file_names_them() -> None:
    assert re.compile(AGENT_ID_PATTERN).pattern == f"^{AGENT_PATTERN.pattern}$"
