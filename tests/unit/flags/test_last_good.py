"""What was last good of a source is there at the next start."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genesis_server.flags import last_good as module
from genesis_server.flags.last_good import KIND, LastGood
from genesis_server.storage.base import SERVER, Key
from genesis_server.storage.sqlite.store import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


async def test_each_source_gets_back_what_was_saved_last_by_any_process(store: SqliteStore) -> None:
    await LastGood(store).save("a", b"old")
    await LastGood(store).save("a", b"new")
    await LastGood(store).save("b", b"")
    assert [await LastGood(store).load(name) for name in ("a", "b", "c")] == [b"new", b"", None]


async def test_the_same_again_is_not_written(store: SqliteStore) -> None:
    key = Key(SERVER, KIND, "a")
    versions: list[int] = []
    for content in (b"x", b"x", b"y"):
        await LastGood(store).save("a", content)
        found = await store.get(key)
        assert found is not None
        versions.append(found.version)
    assert versions == [1, 1, 2]


async def test_it_is_stored_compressed(store: SqliteStore) -> None:
    await LastGood(store).save("a", b"x" * 1_000_000)
    found = await store.get(Key(SERVER, KIND, "a"))
    assert found is not None
    assert len(found.value) < 10_000


async def test_what_is_damaged_or_was_too_large_is_nothing(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = LastGood(store)
    await kept.save("a", bytes(random.Random(1).randbytes(4000)))
    found = await store.get(Key(SERVER, KIND, "a"))
    assert found is not None
    for value in (b"", b"nonsense", found.value[:-5], found.value[:2000]):
        await store.put(found.key, value)
        assert await kept.load("a") is None
    await store.put(found.key, found.value)
    monkeypatch.setattr(module, "MAX_BYTES", 3999)
    assert await kept.load("a") is None
    await kept.save("b", b"x" * 4000)
    assert await kept.load("b") is None
