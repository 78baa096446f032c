from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from engines import Clock

from genesis_server.storage.base import Key
from genesis_server.storage.opening import open_store, sqlite_path

KEY = Key("acme", "plan", "p1")


async def test_a_path_opens_a_file(tmp_path: Path, clock: Clock) -> None:
    """What follows sqlite:// is the file, spaces, percent and question marks included."""
    path = tmp_path / "a b%20?c#d" / "store.db"
    store = open_store(f"sqlite://{path}", clock=clock)
    await store.put(KEY, b"x")
    await store.close()
    assert path.is_file()


@pytest.mark.parametrize("url", ["sqlite://:memory:", "sqlite:///:memory:"])
async def test_memory_leaves_nothing(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A store in memory works like the others, is alone, and is gone when closed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store, another = open_store(url, clock=clock), open_store(url, clock=clock)
    await store.put(KEY, b"x")
    assert await another.get(KEY) is None
    assert len(list(tmp_path.iterdir())) == 2
    await store.close()
    await another.close()
    assert list(tmp_path.iterdir()) == []


def test_paths() -> None:
    """Absolute with three slashes, relative with two."""
    assert sqlite_path("sqlite:///var/lib/store.db") == Path("/var/lib/store.db")
    assert sqlite_path("sqlite://store.db") == Path("store.db")
    assert sqlite_path("sqlite://:memory:") is None


@pytest.mark.parametrize("url", ["", "store.db", "mysql://host/db", "sqlite:store.db", "sqlite://", "sqlite:///"])
def test_urls_that_name_no_store(url: str, clock: Clock) -> None:
    """Any other URL is refused with what to write instead."""
    with pytest.raises(ValueError, match="use sqlite:///path"):
        open_store(url, clock=clock)
