from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from engines import Clock

from genesis_server.storage.backup import REISSUE_GAP, BackupError, back_up, restore, verify
from genesis_server.storage.base import Key
from genesis_server.storage.sqlite import schema
from genesis_server.storage.sqlite.store import SqliteStore

KEY = Key("acme", "plan", "p1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def backup(path: Path, tmp_path: Path, clock: Clock) -> Path:
    """A backup with version 1 of a document; the store has gone on to version 2 and was closed."""
    store = SqliteStore(path, clock=clock)
    await store.put(KEY, b"saved")
    await store.append("acme", "audit", [b"a", b"b"])
    back_up(path, tmp_path / "backup.db")
    await store.put(KEY, b"later")
    await store.close()
    return tmp_path / "backup.db"


async def value_of(path: Path, clock: Clock) -> bytes:
    store = SqliteStore(path, clock=clock)
    found = await store.get(KEY)
    await store.close()
    assert found is not None
    return found.value


async def test_backup_while_writing(path: Path, tmp_path: Path, clock: Clock) -> None:
    """A backup taken under load is a moment in time: batches whole, and everything acknowledged before it began."""
    store = SqliteStore(path, clock=clock)
    await asyncio.gather(*(store.append("acme", "audit", [b"%d" % n] * 3) for n in range(20)))
    running = asyncio.ensure_future(asyncio.gather(*(store.append("acme", "audit", [b"%d" % n] * 3) for n in range(20, 200))))
    facts = await asyncio.to_thread(back_up, path, tmp_path / "backup.db")
    await running
    await store.close()
    assert facts == verify(tmp_path / "backup.db")
    assert facts.schema_version == len(schema.migrations())
    assert facts.journal_entries >= 60
    assert facts.journal_entries % 3 == 0
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("backup")] == ["backup.db"]
    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600


async def test_backup_does_not_overwrite(path: Path, backup: Path) -> None:
    """An older backup is never replaced."""
    before = backup.read_bytes()
    with pytest.raises(BackupError, match="exists: name a new file"):
        back_up(path, backup)
    assert backup.read_bytes() == before


async def test_backup_into_nowhere(path: Path, backup: Path, tmp_path: Path) -> None:
    """A folder that does not exist and a store that does not exist are reported by name."""
    with pytest.raises(BackupError, match="cannot be copied") as caught:
        back_up(path, tmp_path / "missing" / "backup.db")
    assert ".part" not in str(caught.value)
    with pytest.raises(BackupError, match=r"none\.db does not exist"):
        back_up(tmp_path / "none.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "text", "empty", "foreign", "newer"])
async def test_a_bad_backup_is_found_and_not_restored(path: Path, backup: Path, clock: Clock, damage: str) -> None:
    """Whatever is wrong with a backup, verify says so, and restore leaves the store as it was."""
    data = bytearray(backup.read_bytes())
    if damage == "truncated":
        backup.write_bytes(data[: len(data) // 2])
    elif damage == "overwritten":
        data[4096 * 3 : 4096 * 6] = b"\x55" * (4096 * 3)
        backup.write_bytes(data)
    elif damage == "text":
        backup.write_text("not a database at all, but long enough to look at" * 100)
    elif damage == "empty":
        backup.write_bytes(b"")
    else:
        raw = sqlite3.connect(backup)
        raw.execute("PRAGMA user_version = 99" if damage == "newer" else "PRAGMA application_id = 7")
        raw.close()
    for refused in (lambda: verify(backup), lambda: restore(backup, path, now=0.0), lambda: restore(backup, path, now=0.0, force=True)):
        with pytest.raises(BackupError, match=r"backup\.db"):
            refused()
    assert await value_of(path, clock) == b"later"
    assert sorted(file.name for file in path.parent.iterdir()) == ["backup.db", "store.db"]


async def test_restore(path: Path, backup: Path, clock: Clock) -> None:
    """The store is as it was at the backup; the replaced one is kept under a name with the time."""
    kept = restore(backup, path, now=0.0)
    assert kept == path.with_name("store.db.19700101T000000Z.old")
    assert await value_of(path, clock) == b"saved"
    assert await value_of(kept, clock) == b"later"
    assert path.stat().st_mode & 0o777 == 0o600
    assert verify(backup).documents == 1


async def test_restore_to_a_new_place(tmp_path: Path, backup: Path, clock: Clock) -> None:
    """On a new machine there is nothing to keep, and the folder is made."""
    target = tmp_path / "new" / "store.db"
    assert restore(backup, target, now=0.0) is None
    assert await value_of(target, clock) == b"saved"


async def test_tokens_and_revisions_go_on_after_a_restore(path: Path, backup: Path, clock: Clock) -> None:
    """What was given out after the backup is not given again: old lease holders stay fenced off, watchers hear of new changes."""
    store = SqliteStore(path, clock=clock)
    lost = [await store.acquire("acme", "task", "a", seconds=1, slots=9) for _ in range(5)]
    await store.close()
    restore(backup, path, now=0.0)
    store = SqliteStore(path, clock=clock)
    lease = await store.acquire("acme", "task", "b", seconds=1)
    assert lease is not None
    assert all(old is not None and lease.token > old.token for old in lost)
    await store.put(KEY, b"x")
    assert (await anext(store.watch("acme", "plan", after_revision=2))).revision > REISSUE_GAP
    await store.close()


async def test_restore_refuses_a_store_in_use(path: Path, backup: Path, clock: Clock) -> None:
    """A running server's store is not taken away from under it."""
    store = SqliteStore(path, clock=clock)
    await store.put(KEY, b"running")
    with pytest.raises(BackupError, match="is in use"):
        await asyncio.to_thread(restore, backup, path, now=0.0)
    assert await store.put(KEY, b"still running") == 4
    await store.close()
    assert await value_of(path, clock) == b"still running"


async def test_a_forced_restore_reaches_running_servers(path: Path, backup: Path, clock: Clock) -> None:
    """Forced under a running server, its next call sees the restored state; the old state is kept whole, log included."""
    store, other = SqliteStore(path, clock=clock), SqliteStore(path, clock=clock)
    await store.put(KEY, b"running")
    kept = await asyncio.to_thread(restore, backup, path, now=0.0, force=True)
    for each in (store, other):
        found = await each.get(KEY)
        assert found is not None
        assert found.value == b"saved"
    assert await store.put(KEY, b"on") == 2
    assert await other.put(KEY, b"and on") == 3
    await store.close()
    await other.close()
    assert await value_of(path, clock) == b"and on"
    assert kept is not None
    assert await value_of(kept, clock) == b"running"


async def test_a_damaged_store_is_replaced_by_force(path: Path, backup: Path, clock: Clock) -> None:
    """A store that cannot be read needs force, and is kept for whoever wants to look."""
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(BackupError, match="cannot be read"):
        restore(backup, path, now=0.0)
    kept = restore(backup, path, now=0.0, force=True)
    assert kept is not None
    assert kept.read_bytes() == b"garbage" * 1000
    assert await value_of(path, clock) == b"saved"


async def test_two_restores_in_a_second(path: Path, backup: Path, clock: Clock) -> None:
    """A kept file is not overwritten by the next restore."""
    restore(backup, path, now=0.0)
    with pytest.raises(BackupError, match="wait a second"):
        restore(backup, path, now=0.5)
    assert await value_of(path, clock) == b"saved"
