"""Written flags in a real Redis: a write wins or is told, and every process takes it into use."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from audit_proof import broken_at
from redis_process import CHANGES, OFF, ON, REVISION, WRITTEN, Process, following
from redis_server import DURABLE, RedisServer, running_redis

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.sources.redis_layout import encode_flag
from genesis_server.flags.written import AuditDraft, FlagVersionConflictError, WrittenFlag
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.sqlite.store import SqliteStore


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(shared_redis: RedisServer) -> RedisServer:
    """A Redis that holds nothing."""
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


@pytest.fixture
async def process(redis: RedisServer, store: SqliteStore) -> AsyncIterator[Process]:
    async with following(Process(redis.url, store)) as found:
        yield found


@pytest.fixture
async def other(redis: RedisServer, store: SqliteStore) -> AsyncIterator[Process]:
    """Another process of the same service."""
    async with following(Process(redis.url, store)) as found:
        yield found


async def test_an_empty_redis_holds_no_flags_and_all_is_well(process: Process) -> None:
    assert (process.defaults, process.flags.mistakes, process.layer.stale) == ({}, (), False)
    assert process.layer.kind is FlagLayer.WRITTEN
    assert await process.flags.get("a") is None


async def test_a_write_is_in_use_here_when_it_returns_and_soon_elsewhere(process: Process, other: Process) -> None:
    await process.write("a", 1)
    assert process.defaults == {"a": "on"}
    await other.until(lambda: other.version("a") == 1)
    assert other.defaults == {"a": "on"}
    found = await other.flags.get("a")
    assert found == other.layer.versions["a"]
    assert found is not None
    assert (found.version, found.text, found.actor) == (1, ON, "acme/ann")


async def test_a_write_stands_in_the_audit_log_with_its_intent_before_it(process: Process) -> None:
    assert await process.write("a", 1, cause="first") == 2
    assert await process.write("a", 2, OFF) == 4
    assert await process.actions() == ["intend", "put", "intend", "put"]
    entries = await process.audit.page(limit=10, oldest_first=True)
    assert [entry.draft.cause for entry in entries[:2]] == ["first", "first"]
    assert broken_at(entries, await process.audit.head()) == 0


async def test_a_flag_that_is_taken_away_is_gone_everywhere_and_its_versions_go_on(process: Process, other: Process) -> None:
    await process.write("a", 1)
    await process.write("a", 2, "")
    assert process.defaults == {}
    await other.until(lambda: other.version("a") == 2)
    assert other.defaults == {}
    assert not await other.try_to_write("a", 1)
    await other.write("a", 3, OFF)
    assert other.defaults == {"a": "off"}


@pytest.mark.parametrize("version", [1, 2, 4, 9])
async def test_a_write_that_expects_another_version_changes_nothing_and_says_what_is_there(process: Process, version: int) -> None:
    await process.write("a", 1)
    await process.write("a", 2)
    with pytest.raises(FlagVersionConflictError) as caught:
        await process.write("a", version, OFF)
    assert (caught.value.key, caught.value.expected, caught.value.actual) == ("a", version - 1, 2)
    assert process.defaults == {"a": "on"}
    assert (await process.actions())[-2:] == ["intend", "fail"]
    last = (await process.audit.page(limit=1))[0]
    assert last.draft.cause == "why not (failed: the version was 2)"


async def test_of_two_who_write_a_flag_at_once_exactly_one_wins_each_version(process: Process, other: Process) -> None:
    for version in range(1, 31):
        won = await asyncio.gather(process.try_to_write("a", version, ON), other.try_to_write("a", version, OFF))
        assert sorted(won) == [False, True]
        expected = "on" if won[0] else "off"
        for one in (process, other):
            await one.until(lambda one=one, version=version: one.version("a") == version)
            assert one.defaults == {"a": expected}


async def test_two_hundred_writes_are_seen_by_another_process_in_order_and_soon(process: Process, other: Process) -> None:
    for version in range(1, 21):
        await asyncio.gather(*[process.write(f"flag-{number}", version, ON if version % 2 else OFF) for number in range(10)])
    await other.until(lambda: all(other.version(f"flag-{number}") == 20 for number in range(10)))
    for key in other.layer.versions:
        seen = [layer.versions[key].version for layer in other.layers if key in layer.versions]
        assert seen == sorted(seen)
    assert other.layer.definitions.keys() == {f"flag-{number}" for number in range(10)}
    assert set(other.defaults.values()) == {"off"}
    # Far less than the second after which the counter is looked at.
    assert statistics.median(other.propagated) < 0.1


async def test_a_write_that_nobody_was_told_of_is_seen_within_about_a_second(process: Process, redis: RedisServer) -> None:
    await process.write("a", 1)
    with redis.client() as client:
        client.hset(WRITTEN, "b", encode_flag(WrittenFlag("b", 1, OFF, "by hand", time.time())))
        client.incr(REVISION)
    await process.until(lambda: process.version("b") == 1)
    assert process.defaults == {"a": "on", "b": "off"}


async def test_after_a_message_that_is_missing_or_makes_no_sense_everything_is_read(process: Process, redis: RedisServer) -> None:
    await process.write("a", 1)
    with redis.client() as client:
        for version, message in ((1, b"what?"), (2, f"{client.get(REVISION).decode()}00 1 b\n".encode())):  # type: ignore[union-attr]
            client.hset(WRITTEN, "b", encode_flag(WrittenFlag("b", version, OFF, "by hand", time.time())))
            begun = time.monotonic()
            assert client.publish(CHANGES, message) == 1
            await process.until(lambda version=version: process.version("b") == version)
            assert time.monotonic() - begun < 0.9


async def test_a_process_whose_listening_was_cut_off_goes_on_with_all_it_missed(
    process: Process, other: Process, redis: RedisServer
) -> None:
    await process.write("a", 1)
    await other.until(lambda: other.version("a") == 1)
    with redis.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await process.write("a", 2, OFF)
    await other.until(lambda: other.version("a") == 2 and not other.layer.stale)
    assert other.defaults == {"a": "off"}
    assert other.flags.mistakes == ()


async def test_a_process_that_starts_later_finds_what_was_written(process: Process, redis: RedisServer, store: SqliteStore) -> None:
    await process.write("a", 1)
    await process.write("b", 1, "")
    late = Process(redis.url, store)
    await late.flags.start()
    assert (late.defaults, late.version("b")) == ({"a": "on"}, 1)
    assert late.propagated == []
    await late.flags.close()


async def test_other_names_are_other_flags(process: Process, redis: RedisServer) -> None:
    await process.write("a", 1)
    with redis.client() as client:
        assert sorted(key.decode() for key in client.keys("*")) == sorted([WRITTEN, REVISION])  # type: ignore[union-attr]


async def test_a_write_goes_on_though_its_caller_goes_away(redis: RedisServer, store: SqliteStore) -> None:
    log = _SlowLog(store)
    async with following(Process(redis.url, store, audit=log)) as process:
        task = asyncio.create_task(process.write("a", 1))
        await log.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        log.go_on.set()
        await process.until(lambda: process.version("a") == 1)
    assert await process.actions() == ["intend", "put"]


async def test_a_write_whose_entry_is_refused_afterwards_says_that_it_was_done(redis: RedisServer, store: SqliteStore) -> None:
    async with following(Process(redis.url, store, audit=_FullLog(store, entries=1))) as process:
        with pytest.raises(ResourceError, match="version 1 of the flag 'a' was written, but not the entry that says so") as caught:
            await process.write("a", 1)
        assert (caught.value.reason, caught.value.facts) == ("STORAGE_FULL", {"audit_entry": "1"})
        assert process.defaults == {"a": "on"}
        assert await process.actions() == ["intend"]


async def test_nothing_is_written_when_the_audit_log_takes_no_intent(redis: RedisServer, store: SqliteStore) -> None:
    async with following(Process(redis.url, store, audit=_FullLog(store, entries=0))) as process:
        with pytest.raises(ResourceError, match="the disk is full"):
            await process.write("a", 1)
        assert await process.flags.get("a") is None


async def test_a_conflict_is_told_as_one_though_the_audit_log_cannot_take_it(
    redis: RedisServer, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(Process(redis.url, store, audit=_FullLog(store, entries=1))) as process:
        assert not await process.try_to_write("a", 2)
    assert "the audit log does not say so" in caplog.text


async def test_an_operator_is_warned_once_when_redis_keeps_nothing_on_disk(
    redis: RedisServer, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(Process(redis.url, store)) as process:
        with redis.client() as client:
            for key in ("a", "b"):
                client.hset(WRITTEN, key, encode_flag(WrittenFlag(key, 1, ON, "by hand", time.time())))
                client.incr(REVISION)
                await process.until(lambda key=key: process.version(key) == 1)
                # The next one is seen by a new connection.
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await process.until(lambda: process.layer.stale)
            await process.until(lambda: not process.layer.stale)
        assert await process.place.persistent() is False
    assert caplog.text.count("appendonly off") == 1


async def test_nobody_is_warned_of_a_redis_that_logs_each_write_to_disk(
    tmp_path: Path, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    with running_redis(tmp_path / "durable", *DURABLE) as durable:
        async with following(Process(durable.url, store)) as process:
            await process.write("a", 1)
            await process.until(lambda: process.propagated != [])
            assert await process.place.persistent() is True
    assert "appendonly" not in caplog.text


class _SlowLog(AuditLog):
    """An audit log that waits with the first entry."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def append(self, draft: AuditDraft, also: object = ()) -> object:  # type: ignore[override]
        self.begun.set()
        await self.go_on.wait()
        return await super().append(draft)


class _FullLog(AuditLog):
    """An audit log that takes some entries and no more."""

    def __init__(self, store: SqliteStore, *, entries: int) -> None:
        super().__init__(store)
        self._left = entries

    async def append(self, draft: AuditDraft, also: object = ()) -> object:  # type: ignore[override]
        if self._left == 0:
            raise ResourceError("STORAGE_FULL", "the disk is full")
        self._left -= 1
        return await super().append(draft)
