"""Written flags when their Redis is gone, frozen, wiped or wrong: what is in use stays right, and it is said what is wrong."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis_process import OFF, ON, PATIENCE_SECONDS, PREFIX, REVISION, WAIT_SECONDS, WRITTEN, Process, flag, following, refused
from redis_server import DURABLE, RedisServer, running_redis

from genesis_server.flags.last_good import KIND, LastGood
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.flags.sources.redis import START_SECONDS
from genesis_server.flags.sources.redis_known import Known
from genesis_server.flags.sources.redis_layout import decode_flag, encode_flag
from genesis_server.resilience.breakers import BreakerState
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import SERVER
from genesis_server.storage.sqlite.store import SqliteStore


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis", *DURABLE, "--enable-debug-command", "yes") as server:
        yield server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


@pytest.fixture
async def process(redis: RedisServer, store: SqliteStore) -> AsyncIterator[Process]:
    """A process that knows two flags."""
    async with following(Process(redis.url, store)) as found:
        await found.write("a", 1)
        await found.write("b", 1, OFF)
        yield found


@pytest.fixture
def fresh_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


KNOWN = {"a": "on", "b": "off"}
KEPT = f"redis {PREFIX}"


async def test_redis_that_is_killed_leaves_the_flags_in_use_and_comes_back(process: Process, redis: RedisServer) -> None:
    redis.kill()
    await process.until(lambda: process.layer.stale)
    assert process.defaults == KNOWN
    assert process.flags.mistakes == ("the Redis that keeps the flags cannot be reached; the last good flags hold",)
    await refused(process)
    begun = process.flags.since
    redis.start()
    await process.until(lambda: not process.layer.stale)
    assert (process.defaults, process.flags.mistakes) == (KNOWN, ())
    assert process.flags.since > begun
    await process.write("a", 2, OFF)
    assert process.defaults == {"a": "off", "b": "off"}


async def test_a_write_that_redis_never_got_leaves_no_intent_behind(process: Process, redis: RedisServer) -> None:
    before = await process.actions()
    redis.kill()
    await refused(process)
    assert await process.actions() == before


async def test_redis_that_stays_gone_is_left_alone_and_used_again_once_it_is_back(process: Process, redis: RedisServer) -> None:
    redis.kill()
    while process.breaker.state is not BreakerState.OPEN:
        with pytest.raises(ResourceError):
            await process.flags.get("a")
    assert "left alone for a while" in (await refused(process))[0].message
    redis.start()
    await process.until(lambda: not process.layer.stale)
    assert process.breaker.state is BreakerState.CLOSED
    await process.write("a", 2)


async def test_a_start_without_redis_begins_with_the_last_good_flags(process: Process, redis: RedisServer, store: SqliteStore) -> None:
    await process.write("c", 1, "")
    await _until_kept(store, versions=3)
    redis.kill()
    begun = time.monotonic()
    async with following(Process(redis.url, store)) as late:
        assert time.monotonic() - begun < PATIENCE_SECONDS
        assert (late.defaults, late.version("c"), late.layer.stale) == (KNOWN, 1, True)
        assert late.flags.mistakes[0].endswith("the last good flags hold")
        redis.start()
        await late.until(lambda: not late.layer.stale)
        assert (late.defaults, late.flags.mistakes) == (KNOWN, ())


async def test_a_start_with_a_frozen_redis_is_short_and_begins_with_the_last_good_flags(
    process: Process, redis: RedisServer, store: SqliteStore
) -> None:
    await _until_kept(store, versions=2)
    redis.freeze()
    late = Process(redis.url, store)
    begun = time.monotonic()
    await late.flags.start()
    assert time.monotonic() - begun < PATIENCE_SECONDS
    assert (late.defaults, late.layer.stale) == (KNOWN, True)
    assert "does not answer within 0.5 s" in late.flags.mistakes[0]
    await late.flags.close()
    redis.thaw()


async def test_a_start_without_redis_begins_with_the_last_good_flags_however_long_they_take_to_understand(
    fresh_port: int, process: Process, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _until_kept(store, versions=2)
    from_bytes = Known.from_bytes

    def slow(content: bytes) -> Known:
        time.sleep(START_SECONDS + 0.1)
        return from_bytes(content)

    monkeypatch.setattr(Known, "from_bytes", slow)
    late = Process(f"redis://127.0.0.1:{fresh_port}/0", store)
    await late.flags.start()
    assert (late.defaults, late.layer.stale) == (KNOWN, True)
    await late.flags.close()


async def test_a_start_with_nothing_that_helps_begins_with_no_flags(
    fresh_port: int, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    await LastGood(store).save(KEPT, b"no JSON")
    late = Process(f"redis://127.0.0.1:{fresh_port}/0", store)
    await late.flags.start()
    assert (late.defaults, late.layer.stale) == ({}, True)
    assert "are not known" in caplog.text
    await late.flags.close()


async def test_flags_that_the_store_cannot_keep_are_kept_later(
    redis: RedisServer, store: SqliteStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [ResourceError("STORAGE_UNAVAILABLE", "try again")] * 2
    save = LastGood.save

    async def refusing_twice(kept: LastGood, name: str, content: bytes) -> None:
        if refusals:
            raise refusals.pop()
        await save(kept, name, content)

    monkeypatch.setattr(LastGood, "save", refusing_twice)
    async with following(Process(redis.url, store)) as process:
        await process.write("a", 1)
        await _until_kept(store, versions=1)
    assert caplog.text.count("the last good flags of Redis are not kept") == 1


async def test_a_fault_of_our_own_is_told_and_flags_are_followed_on(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = process.place.mark
    monkeypatch.setattr(process.place, "mark", _broken)
    await process.until(lambda: process.layer.stale)
    assert process.flags.mistakes == ("the flags in Redis cannot be followed; the log says why; the last good flags hold",)
    monkeypatch.setattr(process.place, "mark", mark)
    await process.until(lambda: not process.layer.stale)
    assert process.defaults == KNOWN


async def test_frozen_redis_is_told_and_no_caller_hangs(process: Process, redis: RedisServer) -> None:
    redis.freeze()
    errors = await refused(process)
    assert "does not answer within 1 s" in errors[0].message
    await process.until(lambda: process.layer.stale)
    assert FlagSnapshot([process.layer]).evaluate("a").value is True
    assert "does not answer within 1 s" in process.flags.mistakes[0]
    redis.thaw()
    await process.until(lambda: not process.layer.stale)
    await process.write("a", 2, OFF)
    assert process.defaults["a"] == "off"


async def test_a_write_that_redis_got_and_never_answered_says_that_nobody_knows(process: Process, redis: RedisServer) -> None:
    async def ping_then_freeze() -> None:
        await ping()
        redis.freeze()

    ping, process.place.ping = process.place.ping, ping_then_freeze
    begun = time.monotonic()
    with pytest.raises(ResourceError, match="not known whether the flag 'a' was written") as caught:
        await process.write("a", 2, OFF)
    assert time.monotonic() - begun < PATIENCE_SECONDS
    assert caught.value.facts == {"source": "redis", "outcome": "unknown"}
    assert (await process.actions())[-1] == "intend"
    process.place.ping = ping
    redis.thaw()
    await process.until(lambda: not process.layer.stale)
    # It was done after all, or it was not: either way the next one goes on from there.
    found = await process.flags.get("a")
    assert found is not None
    await process.write("a", found.version + 1)


async def test_a_write_whose_first_try_had_no_answer_is_made_sure_of_and_done_once(process: Process, redis: RedisServer) -> None:
    with redis.client() as client, socket.create_connection(("127.0.0.1", redis.port)) as sleeper:
        before = int(client.get(REVISION))  # type: ignore[arg-type]

        async def ping_then_stall() -> None:
            await ping()
            sleeper.sendall(b"DEBUG SLEEP 1.2\r\n")

        ping, process.place.ping = process.place.ping, ping_then_stall
        await process.write("a", 2, OFF)
        assert (process.defaults["a"], process.version("a")) == ("off", 2)
        assert (await process.actions())[-2:] == ["intend", "put"]
        assert int(client.get(REVISION)) == before + 1  # type: ignore[arg-type]


async def test_nobody_knows_of_a_write_that_was_overwritten_before_it_was_made_sure_of(process: Process, redis: RedisServer) -> None:
    with redis.client() as client, socket.create_connection(("127.0.0.1", redis.port)) as sleeper:

        async def ping_then_stall() -> None:
            await ping()
            client.hset(WRITTEN, "a", encode_flag(flag("a", 5, OFF)))
            sleeper.sendall(b"DEBUG SLEEP 1.2\r\n")

        ping, process.place.ping = process.place.ping, ping_then_stall
        with pytest.raises(ResourceError, match="was written by somebody else meanwhile"):
            await process.write("a", 2)
        assert (await process.actions())[-1] == "intend"


async def test_slow_redis_is_waited_for(process: Process, redis: RedisServer) -> None:
    with socket.create_connection(("127.0.0.1", redis.port)) as sleeper:
        sleeper.sendall(b"DEBUG SLEEP 0.5\r\n")
        await process.write("a", 2, OFF)
    assert (process.defaults["a"], process.layer.stale, process.flags.mistakes) == ("off", False, ())


async def test_redis_that_was_wiped_takes_no_flag_out_of_use(process: Process, redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()
    await process.until(lambda: process.layer.stale)
    assert process.defaults == KNOWN
    assert "Redis holds none of the 2 flags it had" in process.flags.mistakes[0]
    found = await process.flags.get("a")
    assert found is not None
    assert found.version == 1
    # Each is mended by its next write.
    await process.write("a", 2, OFF)
    assert process.defaults == {"a": "off", "b": "off"}
    assert "flag 'b': is not in Redis any more" in process.flags.mistakes[0]
    await process.write("b", 2, "")
    assert (process.defaults, process.flags.mistakes, process.layer.stale) == ({"a": "off"}, (), False)


async def test_a_restart_after_a_wipe_takes_no_flag_out_of_use(process: Process, redis: RedisServer, store: SqliteStore) -> None:
    await _until_kept(store, versions=2)
    with redis.client() as client:
        client.flushall()
    late = Process(redis.url, store)
    await late.flags.start()
    assert (late.defaults, late.layer.stale) == (KNOWN, True)
    await late.flags.close()


async def test_a_flag_that_somebody_took_out_by_hand_stays_in_use(process: Process, redis: RedisServer) -> None:
    with redis.client() as client:
        client.hdel(WRITTEN, "a")
    await process.until(lambda: process.flags.mistakes != ())
    assert (process.defaults, process.layer.stale) == (KNOWN, False)
    assert process.layer.mistakes.keys() == {"a"}


async def test_a_backup_with_older_versions_is_told_and_mended_by_the_next_write(process: Process, redis: RedisServer) -> None:
    await process.write("a", 2, OFF)
    with redis.client() as client:
        client.hset(WRITTEN, "a", encode_flag(flag("a", 1)))
        client.set(REVISION, 1)
    await process.until(lambda: process.flags.mistakes != ())
    assert process.defaults["a"] == "off"
    assert "version 1 in Redis after version 2" in process.flags.mistakes[0]
    assert not await process.try_to_write("a", 2)
    await process.write("a", 3)
    assert (process.defaults["a"], process.flags.mistakes) == ("on", ())


@pytest.mark.parametrize(
    "value", [b"hello", b'{"version": "one"}', encode_flag(flag("a", 2, '{"state":"MAYBE"}'))], ids=["no JSON", "no version", "no flag"]
)
async def test_a_wrong_value_leaves_the_last_good_one_in_use_and_takes_no_other_along(
    process: Process, redis: RedisServer, value: bytes
) -> None:
    with redis.client() as client:
        client.hset(WRITTEN, mapping={"a": value, "b": encode_flag(flag("b", 2))})
        client.incr(REVISION)
    await process.until(lambda: process.flags.mistakes != ())
    assert process.defaults == {"a": "on", "b": "on"}
    assert all(mistake.startswith("flag 'a': ") for mistake in process.flags.mistakes)
    found = await process.flags.get("a")
    assert found is not None
    await process.write("a", found.version + 1, OFF)
    assert (process.defaults["a"], process.flags.mistakes) == ("off", ())


@pytest.mark.parametrize("key", [WRITTEN, REVISION])
async def test_something_else_under_a_name_of_ours_is_told(process: Process, redis: RedisServer, key: str) -> None:
    with redis.client() as client:
        kept = client.dump(key)
        client.delete(key)
        client.set(key, "mine now")
        await process.until(lambda: process.layer.stale)
        assert process.defaults == KNOWN
        assert "holds something else under a name of the flags" in process.flags.mistakes[0]
        before = await process.actions()
        with pytest.raises(ResourceError, match=r"the Redis that keeps the flags|left alone"):
            await process.write("a", 2)
        assert (await process.actions())[len(before) :] in ([], ["intend", "fail"])
        client.restore(key, 0, kept, replace=True)
    await process.until(lambda: not process.layer.stale)
    assert (process.defaults, process.flags.mistakes) == (KNOWN, ())


async def test_more_flags_than_can_be_read_leave_the_last_good_ones_in_use(
    process: Process, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genesis_server.flags.sources.redis_place.MAX_FLAGS", 3)
    with redis.client() as client:
        client.hset(WRITTEN, mapping={f"more-{number}": "x" for number in range(3)})
    await process.until(lambda: process.layer.stale)
    assert process.defaults == KNOWN
    assert "holds 5 flags, which is more than 3" in process.flags.mistakes[0]


async def test_a_full_redis_takes_no_write_and_the_log_says_why(process: Process, redis: RedisServer) -> None:
    with redis.client() as client:
        client.config_set("maxmemory", 1)
    with pytest.raises(ResourceError, match=r"is out of memory.*\(OOM\)"):
        await process.write("a", 2)
    assert process.defaults == KNOWN
    last = (await process.audit.page(limit=1))[0].draft
    assert (last.action, "out of memory" in last.cause) == ("fail", True)


async def test_a_replica_takes_no_write_and_says_so(process: Process, redis: RedisServer, fresh_port: int) -> None:
    with redis.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", str(fresh_port))
    with pytest.raises(ResourceError, match="is a replica"):
        await process.write("a", 2)


async def test_nothing_that_was_acknowledged_is_lost_when_a_durable_redis_is_killed(redis: RedisServer, store: SqliteStore) -> None:
    acknowledged: dict[str, int] = {}
    moved = asyncio.Event()

    async def write_on(process: Process, key: str, killed: asyncio.Event) -> None:
        while not killed.is_set():
            try:
                found = await process.flags.get(key)
                version = 1 if found is None else found.version + 1
                await process.write(key, version, ON if version % 2 else OFF)
            except ResourceError:
                await asyncio.sleep(0.01)
            else:
                acknowledged[key] = version
                moved.set()

    async with following(Process(redis.url, store)) as process:
        for kill in range(1, 6):
            keys, killed = [f"round-{kill}-{number}" for number in range(4)], asyncio.Event()
            async with asyncio.TaskGroup() as writers:
                for key in keys:
                    writers.create_task(write_on(process, key, killed))
                async with asyncio.timeout(WAIT_SECONDS):
                    while any(acknowledged.get(key, 0) < 5 for key in keys):
                        moved.clear()
                        await moved.wait()
                redis.kill()
                killed.set()
            redis.start()
            await process.until(lambda: not process.layer.stale)
            assert process.flags.mistakes == ()
            with redis.client() as client:
                for key, version in acknowledged.items():
                    # One more may be there whose acknowledgement did not come through.
                    assert decode_flag(key, client.hget(WRITTEN, key)).version >= version  # type: ignore[arg-type]


async def _until_kept(store: SqliteStore, *, versions: int) -> None:
    """Return when the store keeps so many flags."""
    # Watched before it is read, so that nothing falls in between.
    kept = store.watch(SERVER, KIND)
    async with asyncio.timeout(WAIT_SECONDS):
        while (await LastGood(store).load(KEPT) or b"").count(b"version") < versions:
            await anext(kept)


async def _broken() -> None:
    raise RuntimeError("a mistake in the code")
