"""What only the SQLite engine has to care about: its file, its disk, other processes' locks."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from engines import Clock

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Key, Put
from genesis_server.storage.sqlite import connection, documents, worker
from genesis_server.storage.sqlite.store import SWEEP_ROWS, SqliteStore

KEY = Key("acme", "plan", "p1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "store.db"


@pytest.fixture
async def store(path: Path, clock: Clock) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path, clock=clock, busy_seconds=0.05)
    yield opened
    await opened.close()


async def refused(store: SqliteStore, reason: str) -> ResourceError:
    """The refusal of a write, which must name no path."""
    with pytest.raises(ResourceError) as caught:
        await store.put(KEY, b"x" * 100)
    assert caught.value.reason == reason
    assert caught.value.retry_after_seconds
    assert "/" not in caught.value.message
    return caught.value


async def rows(store: SqliteStore, table: str) -> int:
    return await store._reader.submit(lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


async def test_nobody_else_may_read_the_file(store: SqliteStore, path: Path) -> None:
    """Folder and files are the server's alone, the write-ahead log included."""
    await store.put(KEY, b"secret")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


async def test_a_commit_is_on_disk(store: SqliteStore) -> None:
    """The writer runs with a write-ahead log and a sync at each commit."""

    def pragmas(connection: sqlite3.Connection) -> list[object]:
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert await store._writer.submit(pragmas) == ["wal", 2]


async def test_writes_that_arrive_together_share_a_commit(store: SqliteStore, path: Path) -> None:
    """Two hundred writes at once cost a few commits, not two hundred; an acknowledged one is visible to other processes."""
    before = await store._writer.submit(documents.head)
    commits: list[int] = []

    def watch_commits(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda sql: commits.append(1) if sql == "COMMIT" else None)

    await store._writer.submit(watch_commits)
    await asyncio.gather(*(store.put(Key("acme", "plan", str(number)), b"") for number in range(200)))
    assert 1 <= len(commits) <= 20
    outside = sqlite3.connect(path)
    assert outside.execute("SELECT count(*) FROM documents").fetchone() == (200,)
    outside.close()
    assert await store._writer.submit(documents.head) == before + 200


async def test_more_jobs_than_a_transaction_takes(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood is split over several transactions and loses nothing."""
    monkeypatch.setattr(worker, "MOST_JOBS", 7)
    assert await asyncio.gather(*(store.append("acme", "audit", [b""]) for _ in range(50))) == list(range(1, 51))


async def test_a_full_store_refuses_and_recovers(store: SqliteStore) -> None:
    """When no page is left, writes are refused whole, reads go on, small neighbours are written, and space brings it back."""
    await store.put(KEY, b"small")
    pages = await store._writer.submit(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await store._writer.submit(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone())
    outcomes = await asyncio.gather(
        store.put(KEY, b"tiny"), store.append("acme", "audit", [b"entry", b"x" * 100_000]), store.put(KEY, b"last"), return_exceptions=True
    )
    assert outcomes[::2] == [2, 3]
    assert isinstance(outcomes[1], ResourceError)
    assert outcomes[1].reason == "STORAGE_FULL"
    assert outcomes[1].retry_after_seconds == connection.FULL_RETRY_SECONDS
    assert await store.read("acme", "audit") == []
    found = await store.get(KEY)
    assert found is not None
    assert found.value == b"last"
    await store._writer.submit(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert await store.append("acme", "audit", [b"entry", b"x" * 100_000]) == 2


async def test_a_lock_held_too_long(store: SqliteStore, path: Path) -> None:
    """Another process that sits on the lock makes writes and checks unavailable, not reads; they work again when it lets go."""
    outside = sqlite3.connect(path, isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    error = await refused(store, "STORAGE_UNAVAILABLE")
    assert error.facts == {"cause": "SQLITE_BUSY"}
    with pytest.raises(ResourceError, match="lock"):
        await store.check()
    assert await store.get(KEY) is None
    outside.execute("ROLLBACK")
    outside.close()
    assert await store.put(KEY, b"x") == 1


async def test_a_deleted_file_is_noticed(store: SqliteStore, path: Path) -> None:
    """Writes into a file that is gone are refused instead of lost; when the file is back the store goes on."""
    await store.put(KEY, b"x")
    aside = path.with_name("aside")
    path.rename(aside)
    error = await refused(store, "STORAGE_UNAVAILABLE")
    assert error.facts == {"cause": "SQLITE_CANTOPEN"}
    with pytest.raises(ResourceError):
        await store.get(KEY)
    aside.rename(path)
    assert await store.put(KEY, b"y") == 2


async def test_a_damaged_page_is_reported(path: Path, clock: Clock) -> None:
    """A store whose pages were overwritten says that a backup is needed."""
    store = SqliteStore(path, clock=clock)
    await asyncio.gather(*(store.put(Key("acme", "plan", f"p{number}"), os.urandom(3000)) for number in range(50)))
    await store.close()
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = b"\xff" * (len(data) - 4096 * 2)
    path.write_bytes(data)
    store = SqliteStore(path, clock=clock)
    error = await refused(store, "STORAGE_UNAVAILABLE")
    assert "restore a backup" in error.message
    await store.close()


@pytest.mark.parametrize(
    "content", [b"this is a text file, and it is long enough to be read as one" * 20, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_file_that_is_no_database(path: Path, clock: Clock, content: bytes) -> None:
    """Opening something else fails with a reason, and leaves it as it was."""
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ResourceError) as caught:
        SqliteStore(path, clock=clock)
    assert caught.value.reason == "STORAGE_UNAVAILABLE"
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_made(tmp_path: Path, clock: Clock) -> None:
    """A folder that is a file is reported in words."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be created"):
        SqliteStore(tmp_path / "file" / "store.db", clock=clock)


@pytest.mark.parametrize(
    ("code", "free", "reason"),
    [
        (sqlite3.SQLITE_FULL, 10**9, "STORAGE_FULL"),
        (sqlite3.SQLITE_IOERR_FSYNC, 100, "STORAGE_FULL"),
        (sqlite3.SQLITE_IOERR_FSYNC, 10**9, "STORAGE_UNAVAILABLE"),
        (sqlite3.SQLITE_READONLY_DBMOVED, 10**9, "STORAGE_UNAVAILABLE"),
        (sqlite3.SQLITE_ERROR, 0, "STORAGE_UNAVAILABLE"),
    ],
)
def test_what_errors_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, free: int, reason: str) -> None:
    """An input/output error on a disk without space counts as a full disk."""
    monkeypatch.setattr(connection.shutil, "disk_usage", lambda _: os.statvfs_result((0,) * 10) if free < 0 else _Usage(free))
    error = sqlite3.OperationalError("no words of SQLite reach a caller")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "NAME"
    translated = connection.translate(error, tmp_path)
    assert translated.reason == reason
    assert "no words" not in translated.message


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_folder_that_is_gone_is_not_full(tmp_path: Path) -> None:
    """When the free space cannot be asked, the store is unavailable."""
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    error.sqlite_errorname = "SQLITE_IOERR"
    assert connection.translate(error, tmp_path / "gone").reason == "STORAGE_UNAVAILABLE"


async def test_a_store_broken_by_its_disk_opens_anew(store: SqliteStore) -> None:
    """After an input/output error the next call gets a new connection."""
    session = store._writer._session
    old = session.connection()
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    error.sqlite_errorname = "SQLITE_IOERR"
    assert session.failed(error).reason == "STORAGE_UNAVAILABLE"
    assert await store.put(KEY, b"x") == 1
    assert session.connection() is not old


async def test_sweeping_takes_what_is_over(store: SqliteStore, clock: Clock) -> None:
    """Expired documents, old tombstones and old leases leave the file, also when there are more than one sweep takes."""
    many = SWEEP_ROWS + 20
    await asyncio.gather(*(store.put(Key("acme", "tick", str(n)), b"", expires=clock.now + 1) for n in range(many)))
    await asyncio.gather(*(store.acquire("acme", str(n), "me", seconds=1) for n in range(many)))
    clock.now += 61
    for _ in range(3):
        await store.put(KEY, b"")
    assert await rows(store, "documents") == 1
    assert await rows(store, "leases") == 0
    assert await rows(store, "tombstones") == many
    clock.now += documents.TOMBSTONE_SECONDS
    for _ in range(3):
        await store.put(KEY, b"")
    assert await rows(store, "tombstones") == 0


async def test_an_idle_store_sweeps_too(store: SqliteStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody calls still lets go of what is over."""
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)
    await store.put(KEY, b"", expires=clock.now + 1)
    clock.now += 100
    async with asyncio.timeout(5):
        while await rows(store, "documents"):
            await store.get(KEY)


async def test_a_watcher_of_this_process_does_not_wait_for_the_poll(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write wakes the watchers of its own process at once, and many changes are read without pauses."""
    monkeypatch.setattr(store._watchers, "_poll_seconds", 1000.0)
    await asyncio.gather(*(store.put(Key("acme", "plan", str(number)), b"") for number in range(300)))
    changes = store.watch("acme", "plan", after_revision=0)
    async with asyncio.timeout(5):
        for _ in range(300):
            await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        await store.get(KEY)
        await store.put(KEY, b"x")
        assert (await waiting).key == KEY


async def test_a_write_that_was_queued_before_the_first_watcher_came_wakes_it(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins to watch while it is on its way need not wait for the poll."""
    monkeypatch.setattr(store._watchers, "_poll_seconds", 1000.0)
    started, go_on = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        started.set()
        go_on.wait(5)

    held = store._writer.submit(hold)
    await asyncio.to_thread(started.wait, 5)
    written = asyncio.ensure_future(store.put(KEY, b"x"))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(anext(store.watch("acme", "plan")))
    while not store._watchers._waiting:
        await store.get(KEY)
    go_on.set()
    async with asyncio.timeout(5):
        assert (await waiting).key == KEY
    await held
    await written


async def test_nothing_is_read_for_writes_of_other_kinds(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions are written all the time; those who watch something else need not look each time."""
    looks: list[int] = []
    changes = documents.changes

    def counted(*args: Any, after: int, **more: Any) -> Any:
        looks.append(after)
        return changes(*args, after=after, **more)

    monkeypatch.setattr(documents, "changes", counted)
    monkeypatch.setattr(store._watchers, "_poll_seconds", 1000.0)
    waiting = asyncio.ensure_future(anext(store.watch("acme", "plan", after_revision=0)))
    await store.get(KEY)
    for _ in range(5):
        await store.put(Key("acme", "decision", "d"), b"")
    await store.put(KEY, b"x")
    assert (await waiting).key == KEY
    assert looks == [0, 5]


async def test_a_newer_file_under_a_running_server(store: SqliteStore, path: Path) -> None:
    """A store that a newer Genesis took over meanwhile is refused with the reason, not written to."""
    newer = path.with_name("newer")
    with sqlite3.connect(path) as old, sqlite3.connect(newer) as copy:
        old.backup(copy)
    copy.execute("PRAGMA user_version = 99")
    old.close()
    copy.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    newer.replace(path)
    for _ in range(2):
        with pytest.raises(ResourceError, match="schema version 99"):
            await store.put(KEY, b"x")


async def test_watchers_hear_of_a_broken_store(store: SqliteStore, path: Path) -> None:
    """Who waits for changes is told when the store stops answering."""
    waiting = asyncio.ensure_future(anext(store.watch("acme", "plan")))
    await store.get(KEY)
    await asyncio.sleep(0)
    path.rename(path.with_name("aside"))
    async with asyncio.timeout(5):
        with pytest.raises(ResourceError, match="cannot be opened"):
            await waiting
    path.with_name("aside").rename(path)


async def test_an_abandoned_loop_does_not_stop_the_store(path: Path, clock: Clock) -> None:
    """Outcomes for an event loop that is closed are dropped; the threads go on."""

    def call_and_leave() -> SqliteStore:
        loop = asyncio.new_event_loop()
        store = SqliteStore(path, clock=clock)

        async def begin() -> None:
            store.watch("acme", "plan", after_revision=0)
            store._write(frozenset(), lambda connection: documents.put_all(connection, [Put(KEY, b"x", expected=0)], now=clock.now))

        loop.run_until_complete(begin())
        loop.close()
        return store

    store = await asyncio.to_thread(call_and_leave)
    assert await store.put(KEY, b"y") == 2
    await store.close()


async def test_the_event_loop_is_not_held(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is ever used in the thread of the event loop."""
    import threading

    seen: set[str] = set()
    monkeypatch.setattr(store, "_clock", lambda: (seen.add(threading.current_thread().name), 1_000_000.0)[1])
    await store.put(KEY, b"x")
    await store.get(KEY)
    await store.list("acme", "plan")
    await store.append("acme", "audit", [b"x"])
    assert seen == {"genesis-store-writer", "genesis-store-reader"}
