"""Keys that change while the server runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from genesis_server.security import agent_key_source as module
from genesis_server.security.agent_key_source import AgentKeySource
from genesis_server.text.toml_file import DataFileError

SECRET = "s" * 32


def table(key: str, agent: str = "builder") -> str:
    return f'[[keys]]\ntenant = "acme"\nagent = "{agent}"\nkey = "{key}"\nsecret = "{SECRET}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "keys.toml"
    found.write_text(table("k1"), encoding="utf-8")
    return found


def test_without_file_and_text_nobody_has_a_key() -> None:
    source = AgentKeySource(clock=lambda: 1.0)
    assert not source.has_key("acme", "builder")
    assert source.poll() is False
    assert (source.mistakes, source.since) == ((), 1.0)


def test_file_and_text_stand_side_by_side(path: Path) -> None:
    source = AgentKeySource(path, f"acme/tester:k1={SECRET}", clock=lambda: 0.0)
    assert source.has_key("acme", "builder")
    assert source.has_key("acme", "tester")
    assert len(source.keys) == 2


def test_a_rotated_key_is_taken_when_the_writer_is_done_and_the_text_stays(path: Path) -> None:
    source = AgentKeySource(path, f"acme/tester:k1={SECRET}", clock=lambda: 0.0)
    path.write_text(table("k1") + table("k2"), encoding="utf-8")
    assert [source.poll(), source.poll(), source.poll()] == [False, True, False]
    assert source.keys.find("acme", "builder", "k1")
    assert source.keys.find("acme", "builder", "k2")
    path.write_text(table("k2"), encoding="utf-8")
    assert [source.poll(), source.poll()] == [False, True]
    assert source.keys.find("acme", "builder", "k1") is None
    assert source.has_key("acme", "tester")


@pytest.mark.parametrize("content", [b"[[keys]]\n", b"", b"\xff", b"x" * 200, table("k1", "tester").encode()])
def test_a_broken_file_leaves_the_last_good_keys_until_it_is_mended(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 199)
    now = 1.0
    source = AgentKeySource(path, f"acme/tester:k1={SECRET}", clock=lambda: now)
    good = source.keys
    path.write_bytes(content)
    now = 2.0
    assert [source.poll(), source.poll(), source.poll()] == [False, False, False]
    assert source.keys is good
    assert source.mistakes
    assert source.since == 2.0
    now = 3.0
    path.write_text(table("k1"), encoding="utf-8")
    source.poll()
    source.poll()
    assert (source.mistakes, source.since, source.keys) == ((), 3.0, good)


def test_a_file_that_is_gone_leaves_the_last_good_keys_and_says_so_without_its_path(path: Path) -> None:
    source = AgentKeySource(path, clock=lambda: 0.0)
    path.unlink()
    assert source.poll() is False
    assert source.has_key("acme", "builder")
    assert source.mistakes == ("keys.toml:1: cannot be read: No such file or directory; give the path of a file of agent keys",)


def test_a_server_with_a_broken_file_or_text_does_not_start(path: Path) -> None:
    path.write_text("nonsense", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"keys\.toml:1"):
        AgentKeySource(path, clock=lambda: 0.0)
    with pytest.raises(DataFileError, match="agent_keys:1"):
        AgentKeySource(None, "nonsense", clock=lambda: 0.0)
