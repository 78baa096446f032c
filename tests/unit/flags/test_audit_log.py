"""The audit log in the store: no entry without what it tells of, no change without its entry, one chain for all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from audit_proof import broken_at

from genesis_server.flags.audit import AuditEntry, AuditHead
from genesis_server.flags.audit_log import ENTRIES, HEAD, AuditLog
from genesis_server.flags.written import AuditDraft
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, SERVER, Key, Put, VersionConflictError
from genesis_server.storage.sqlite.store import SqliteStore

DRAFT = AuditDraft(time=12.5, actor="acme/ann", action="put", key="dark_mode", cause="why not")
PLACE = Key(SERVER, "flag", "dark_mode")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


@pytest.fixture
async def other(tmp_path: Path, store: SqliteStore) -> AsyncIterator[SqliteStore]:
    """The same data, as another process sees it."""
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


async def numbers(log: AuditLog, **asked: object) -> list[int]:
    return [entry.sequence for entry in await log.page(**{"limit": 100, **asked})]  # type: ignore[arg-type]


async def test_entries_are_numbered_and_chained(store: SqliteStore) -> None:
    log = AuditLog(store)
    assert (await log.head(), await log.page(limit=10)) == (AuditHead(), [])
    written = [await log.append(replace(DRAFT, cause=f"cause {number}")) for number in range(3)]
    assert [entry.sequence for entry in written] == [1, 2, 3]
    assert await log.page(limit=10, oldest_first=True) == written
    assert await log.head() == AuditHead(3, written[-1].hash)
    assert broken_at(await log.page(limit=10, oldest_first=True), await log.head()) == 0


async def test_a_log_goes_on_where_it_was_after_a_restart(store: SqliteStore, other: SqliteStore) -> None:
    first = await AuditLog(store).append(DRAFT)
    second = await AuditLog(other).append(DRAFT)
    assert (second.sequence, second.previous_hash) == (2, first.hash)


async def test_what_is_told_of_is_written_with_the_entry(store: SqliteStore) -> None:
    log = AuditLog(store)
    await log.append(DRAFT, also=[Put(PLACE, b"on", expected=ABSENT)])
    found = await store.get(PLACE)
    assert found is not None
    assert found.value == b"on"


async def test_a_change_that_came_too_late_leaves_no_entry(store: SqliteStore) -> None:
    """The conflict of what is told of is the caller's to solve."""
    log = AuditLog(store)
    await store.put(PLACE, b"on")
    with pytest.raises(VersionConflictError) as caught:
        await log.append(DRAFT, also=[Put(PLACE, b"off", expected=ABSENT)])
    assert (caught.value.key, caught.value.actual) == (PLACE, 1)
    assert await log.head() == AuditHead()
    assert await log.page(limit=10) == []
    assert (await log.append(DRAFT)).sequence == 1


async def test_a_log_that_knows_an_older_newest_entry_tells_the_conflict_of_the_caller(store: SqliteStore, other: SqliteStore) -> None:
    log, stranger = AuditLog(store), AuditLog(other)
    await log.append(DRAFT)
    await stranger.append(DRAFT, also=[Put(PLACE, b"on")])
    with pytest.raises(VersionConflictError) as caught:
        await log.append(DRAFT, also=[Put(PLACE, b"off", expected=ABSENT)])
    assert caught.value.key == PLACE


async def test_processes_that_write_at_once_make_one_chain(store: SqliteStore, other: SqliteStore) -> None:
    logs = [AuditLog(store), AuditLog(other), AuditLog(store)]
    written = await asyncio.gather(*[logs[number % 3].append(replace(DRAFT, cause=f"{number}")) for number in range(60)])
    assert sorted(entry.sequence for entry in written) == list(range(1, 61))
    entries = await logs[0].page(limit=100, oldest_first=True)
    assert broken_at(entries, await logs[0].head()) == 0
    assert sorted(entry.draft.cause for entry in entries) == sorted(f"{number}" for number in range(60))


async def test_pages_go_on_in_both_directions(store: SqliteStore) -> None:
    log = AuditLog(store)
    for _ in range(5):
        await log.append(DRAFT)
    assert await numbers(log, limit=2) == [5, 4]
    assert await numbers(log, limit=2, after=4) == [3, 2]
    assert await numbers(log, limit=2, after=2) == [1]
    assert await numbers(log, limit=2, after=1) == []
    assert await numbers(log, limit=3, oldest_first=True) == [1, 2, 3]
    assert await numbers(log, limit=3, oldest_first=True, after=3) == [4, 5]


async def test_the_entries_of_one_flag_are_those_of_no_other(store: SqliteStore) -> None:
    """Also where keys begin alike, or hold quotes."""
    log = AuditLog(store)
    keys = ["a", "a 000000000001", 'a"', "a", 'a\\"', "ä", "a"]
    for key in keys:
        await log.append(replace(DRAFT, key=key))
    for key in set(keys):
        expected = [number for number, each in enumerate(keys, 1) if each == key]
        assert await numbers(log, key=key, oldest_first=True) == expected
        assert await numbers(log, key=key) == expected[::-1]
    assert await numbers(log, key="a", limit=1) == [7]
    assert await numbers(log, key="a", limit=1, after=7) == [4]
    assert await numbers(log, key="a", oldest_first=True, after=1) == [4, 7]
    assert await numbers(log, key="b") == []


async def test_a_damaged_entry_is_listed_and_found(store: SqliteStore) -> None:
    log = AuditLog(store)
    for _ in range(3):
        await log.append(DRAFT)
    await store.put(Key(SERVER, ENTRIES, f"{2:012d}"), b"\xff")
    assert broken_at(await log.page(limit=10, oldest_first=True), await log.head()) == 2
    await store.delete(Key(SERVER, ENTRIES, f"{2:012d}"))
    assert await numbers(log, key=DRAFT.key) == [3, 1]
    assert broken_at(await log.page(limit=10, oldest_first=True), await log.head()) == 2


class Picky(SqliteStore):
    """A store that refuses some documents, and counts the writes."""

    tries = 0
    refused: Callable[[Put], Exception | None] = staticmethod(lambda _: None)

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        self.tries += 1
        for put in puts:
            if (error := self.refused(put)) is not None:
                raise error
        return await super().put_all(puts)


@pytest.fixture
async def picky(tmp_path: Path) -> AsyncIterator[Picky]:
    opened = Picky(tmp_path / "picky.db", clock=time.time)
    yield opened
    await opened.close()


def place(number: int) -> Put:
    return Put(Key(SERVER, "flag", f"{number}"), b"on", expected=ABSENT)


async def appended(log: AuditLog, *numbers: int) -> list[AuditEntry | BaseException]:
    """Append at once; the entries or the errors."""
    return await asyncio.gather(
        *[log.append(replace(DRAFT, cause=f"{number}"), also=[place(number)]) for number in numbers], return_exceptions=True
    )


async def test_a_log_that_never_gets_its_turn_says_so(picky: Picky) -> None:
    """Nothing was written, and the caller is told to come again."""
    picky.refused = lambda put: VersionConflictError(HEAD, 0, 7) if put.key == HEAD else None
    with pytest.raises(ResourceError) as caught:
        await AuditLog(picky).append(DRAFT)
    assert (caught.value.reason, caught.value.retry_after_seconds) == ("STORAGE_UNAVAILABLE", 1.0)
    assert picky.tries == 50


async def test_entries_that_wait_go_to_disk_together(picky: Picky) -> None:
    """A burst costs few writes, in the order in which it came."""
    log = AuditLog(picky)
    found = await appended(log, *range(120))
    assert [entry.sequence for entry in found if isinstance(entry, AuditEntry)] == list(range(1, 121))
    assert [entry.draft.cause for entry in await log.page(limit=200, oldest_first=True)] == [f"{number}" for number in range(120)]
    assert picky.tries == 3


async def test_a_conflict_of_one_is_that_of_no_other(picky: Picky) -> None:
    log = AuditLog(picky)
    found = await appended(log, 1, 2, 2, 3, 1)
    assert [isinstance(one, VersionConflictError) for one in found] == [False, False, True, False, True]
    assert [entry.draft.cause for entry in await log.page(limit=10, oldest_first=True)] == ["1", "2", "3"]
    assert broken_at(await log.page(limit=10, oldest_first=True), await log.head()) == 0


async def test_what_is_refused_in_a_mode_holds_nothing_else_back(picky: Picky) -> None:
    """An emergency flag is cleared although a flag that may not be written now came along."""
    refusal = ResourceError("READ_ONLY_MODE", "no writes")
    picky.refused = lambda put: refusal if put.key == place(2).key else None
    found = await appended(AuditLog(picky), 1, 2, 3)
    assert [one is refusal for one in found] == [False, True, False]


async def test_a_store_that_does_not_answer_is_not_asked_again_for_each(picky: Picky) -> None:
    fault = ResourceError("STORAGE_UNAVAILABLE", "gone")
    picky.refused = lambda _: fault
    log = AuditLog(picky)
    assert await appended(log, 1, 2, 3) == [fault] * 3
    assert picky.tries == 1
    picky.refused = lambda _: None
    assert [one.sequence for one in await appended(log, 1, 2) if isinstance(one, AuditEntry)] == [1, 2]


async def test_a_caller_who_is_gone_takes_no_other_along(picky: Picky) -> None:
    log = AuditLog(picky)
    going, *staying = [asyncio.create_task(log.append(replace(DRAFT, cause=f"{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    going.cancel()
    assert len(await asyncio.gather(*staying)) == 2
    with pytest.raises(asyncio.CancelledError):
        await going
    assert broken_at(await log.page(limit=10, oldest_first=True), await log.head()) == 0


async def test_a_caller_who_is_gone_does_not_break_the_chain(store: SqliteStore) -> None:
    """The entry may have been written or not; the next one follows whatever is there."""
    log = AuditLog(store)
    going = asyncio.create_task(log.append(DRAFT))
    await asyncio.sleep(0)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    await log.append(DRAFT)
    assert broken_at(await log.page(limit=10, oldest_first=True), await log.head()) == 0
