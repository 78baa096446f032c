"""The registry: agents that change while the server runs."""

import os
from importlib.resources import files
from pathlib import Path

import pytest

from genesis_server.agents import registry as registry_module
from genesis_server.agents.loading import AgentsFileError
from genesis_server.agents.registry import AgentRegistry

ONE = '[[agents]]\nid = "one"\n[[agents.skills]]\nid = "s"\n[end]\n'
TWO = ONE.replace('"one"', '"two"')


class Clock:
    def __init__(self) -> None:
        self.now = 4e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "my-agents.toml"
    path.write_text(ONE)
    return path


def _ids(registry: AgentRegistry) -> list[str]:
    return [agent.id for agent in registry.catalogue.agents]


def test_the_shipped_agents_are_the_default(clock: Clock) -> None:
    """Without a file of one's own there are fifteen agents, and they do not change."""
    registry = AgentRegistry(clock=clock)
    assert len(_ids(registry)) == 15
    assert not registry.poll()
    assert registry.status.healthy
    assert registry.snapshot_id == registry.index.catalogue.snapshot_id


def test_a_changed_file_is_taken_after_it_stood_still_for_one_look(path: Path, clock: Clock) -> None:
    """A new agent is there within two polls, without a restart."""
    registry = AgentRegistry(path, clock=clock)
    before = registry.index
    path.write_text(TWO + "\n")
    assert not registry.poll()
    assert registry.index is before
    assert registry.poll()
    assert _ids(registry) == ["two"]
    assert not registry.poll()


def test_a_file_that_says_the_same_in_other_words_keeps_the_snapshot(path: Path, clock: Clock) -> None:
    """A new comment gives no new snapshot."""
    registry = AgentRegistry(path, clock=clock)
    before = registry.index
    path.write_text("# new\n" + ONE)
    assert [registry.poll(), registry.poll(), registry.poll()] == [False] * 3
    assert registry.index is before
    assert registry.status.healthy


def test_a_broken_file_leaves_the_last_good_agents_and_says_so(path: Path, clock: Clock) -> None:
    """A typing mistake takes nobody away, and the status says what, where and since when."""
    registry = AgentRegistry(path, clock=clock)
    before = registry.index
    path.write_text(TWO.replace("id", "idd"))
    registry.poll()
    clock.now += 5
    assert not registry.poll()
    assert registry.index is before
    status = registry.status
    assert not status.healthy
    assert status.since == clock.now
    assert status.message.startswith("my-agents.toml:")
    assert "more); the last good agents stay in use" in status.message
    assert str(path.parent) not in status.message
    path.write_text(TWO)
    registry.poll()
    clock.now += 5
    assert registry.poll()
    assert _ids(registry) == ["two"]
    assert (registry.status.healthy, registry.status.message, registry.status.since) == (True, "", clock.now)


def test_a_file_restored_to_what_it_was_is_healthy_again(path: Path, clock: Clock) -> None:
    """Undoing a mistake ends the degradation, with no new snapshot."""
    registry = AgentRegistry(path, clock=clock)
    before = registry.index
    for text, healthy in (("broken", False), (ONE, True)):
        path.write_text(text)
        assert [registry.poll(), registry.poll()] == [False, False]
        assert registry.status.healthy is healthy
    assert registry.index is before


def test_a_missing_file_leaves_the_last_good_agents(path: Path, clock: Clock) -> None:
    """A deleted file takes nobody away; when it is back it counts again."""
    registry = AgentRegistry(path, clock=clock)
    path.unlink()
    assert not registry.poll()
    assert registry.status.message == "my-agents.toml cannot be read: No such file or directory; the last good agents stay in use"
    since = registry.status.since
    clock.now += 9
    registry.poll()
    assert registry.status.since == since
    path.write_text(TWO)
    registry.poll()
    assert registry.poll()
    assert registry.status.healthy


def test_a_file_that_changes_during_the_read_is_not_taken(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers in a hurry never mix into a snapshot."""
    registry = AgentRegistry(path, clock=clock)
    path.write_text(TWO + "#\n")
    registry.poll()
    read = registry_module._read

    def read_and_disturb(target: Path) -> bytes:
        data = read(target)
        target.write_text(ONE + "# another\n# writer\n")
        return data

    monkeypatch.setattr(registry_module, "_read", read_and_disturb)
    assert not registry.poll()
    assert _ids(registry) == ["one"]


def test_a_replaced_file_of_equal_size_and_time_is_seen(path: Path, clock: Clock) -> None:
    """`mv new.toml agents.toml` counts even when both files were written in the same instant."""
    registry = AgentRegistry(path, clock=clock)
    found = path.stat()
    other = path.with_name("new.toml")
    other.write_text(TWO)
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)
    registry.poll()
    assert registry.poll()


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"\xff", "is not UTF-8"), (b"[[agents]]\n[end]\n", "is missing")]
)
def test_a_broken_file_at_the_start_is_an_error_with_every_mistake(tmp_path: Path, content: bytes | None, message: str) -> None:
    """The server does not start with agents nobody meant, and tells no path."""
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AgentsFileError, match=message) as caught:
        AgentRegistry(path)
    assert str(tmp_path) not in str(caught.value)
    assert all(mistake.file == "x.toml" for mistake in caught.value.mistakes)


def test_a_huge_file_is_refused(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file written over the agents file does not eat the memory."""
    registry = AgentRegistry(path, clock=clock)
    monkeypatch.setattr(registry_module, "MAX_FILE_BYTES", 10)
    path.write_text(TWO + "#")
    registry.poll()
    registry.poll()
    assert "larger than 10 bytes" in registry.status.message
    assert _ids(registry) == ["one"]


def test_a_file_truncated_at_any_byte_is_never_taken(tmp_path: Path, clock: Clock) -> None:
    """Half a file, cut anywhere, leaves the agents as they were, though half a TOML file can be valid TOML."""
    data = (files("genesis_server") / "data" / "agents.toml").read_bytes()
    path = tmp_path / "agents.toml"
    path.write_bytes(data)
    registry = AgentRegistry(path, clock=clock)
    index = registry.index
    whole = len(data.rstrip())
    for size in range(len(data) - 1, -1, -1):
        os.truncate(path, size)
        assert not registry.poll()
        assert not registry.poll()
        assert registry.index is index
        assert registry.status.healthy is (size >= whole), size
    path.write_bytes(data)
    registry.poll()
    registry.poll()
    assert registry.status.healthy
    assert registry.index is index
