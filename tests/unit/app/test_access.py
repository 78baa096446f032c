"""Agents' keys from the settings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from agent_calls import REGISTER, authorization, key

from genesis_server.app.access import agent_keys, authenticator
from genesis_server.app.errors import StartError
from genesis_server.security.agent_signatures import SignatureVerifier
from genesis_server.settings import Settings

SECRET = "s" * 40


class Unused:
    """Nonces that were never used before."""

    async def use(self, *_: object, **__: object) -> bool:
        return True


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


async def test_keys_of_file_and_text_let_agents_in(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(f'[[keys]]\ntenant = "acme"\nagent = "builder"\nkey = "k1"\nsecret = "{SECRET}"\n', encoding="utf-8")
    given = settings(agent_keys_file=path, agent_keys=f"acme/tester:k1={SECRET}")
    source = agent_keys(given)
    nonces: Any = Unused()
    made = authenticator(given, SignatureVerifier(lambda: source.keys, nonces, now=time.time))
    for agent in ("builder", "tester"):
        header = authorization(key(agent, secret=SECRET), b"x", time=time.time())
        assert (await made.authenticate(header, method=REGISTER, body=b"x")).subject == agent


def test_every_mistake_in_keys_is_told_before_the_start_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[[keys]]\ntenant = "acme"\nagent = "!"\nkey = "k1"\nsecret = "hunter2"\n', encoding="utf-8")
    with pytest.raises(StartError) as caught:
        agent_keys(settings(agent_keys_file=path))
    assert [message.split(": ")[:2] for message in caught.value.messages] == [
        ["keys.toml:3", "keys[0].agent"],
        ["keys.toml:5", "keys[0].secret"],
    ]
    with pytest.raises(StartError) as caught:
        agent_keys(settings(agent_keys="acme/a:k=hunter2"))
    assert "hunter2" not in str(caught.value.messages)


def test_without_keys_no_agent_has_one() -> None:
    assert not agent_keys(settings()).has_key("default", "builder")
