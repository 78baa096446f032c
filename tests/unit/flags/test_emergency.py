"""Emergency flags: set by hand, seen everywhere at once, never lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from genesis_server.flags import emergency as emergency_module
from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.definition import built_in_flags
from genesis_server.flags.emergency import EMERGENCY_FLAGS, KIND, MAINTENANCE, READ_ONLY, SHUTDOWN, EmergencyFlags, EmergencyState, Modes
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import SERVER, Document, Key
from genesis_server.storage.sqlite.store import SqliteStore

NOON = 43_200.0


class Faulty(SqliteStore):
    """A store that can stop answering."""

    answers = True
    silent = False

    async def list(self, *args: str, **kwargs: object) -> Sequence[Document]:
        if self.silent:
            await asyncio.Event().wait()
        if not self.answers:
            raise ResourceError("STORAGE_UNAVAILABLE", "gone")
        return await super().list(*args, **kwargs)  # type: ignore[arg-type]


class Process:
    """One process over the store."""

    def __init__(self, store: SqliteStore) -> None:
        self.taken: list[Mapping[str, EmergencyState]] = []
        self.time = NOON
        self.audit = AuditLog(store)
        self.flags = EmergencyFlags(store, self.audit, take=self.taken.append, now=lambda: self.time)

    @property
    def set(self) -> list[str]:
        return [key for key, state in (self.taken[-1] if self.taken else {}).items() if state.set]

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.flags.follow())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def until(self, keys: list[str]) -> None:
        """Wait until this process has the flags set."""
        async with asyncio.timeout(5):
            while self.set != keys:  # noqa: ASYNC110  (it is another process, as far as this one knows)
                await asyncio.sleep(0.005)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Faulty]:
    opened = Faulty(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


@pytest.fixture
async def other(tmp_path: Path, store: Faulty) -> AsyncIterator[Faulty]:
    opened = Faulty(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Faults are over soon."""
    monkeypatch.setattr(emergency_module, "START_SECONDS", 0.05)
    monkeypatch.setattr(emergency_module, "RETRY_SECONDS", 0.01)
    return


def test_the_emergency_flags_are_those_that_ship_as_such() -> None:
    """Code and data name the same ones."""
    assert list(EMERGENCY_FLAGS) == [key for key, flag in built_in_flags().items() if flag.metadata.get("emergency") is True]
    assert not any(built_in_flags()[key].variants[built_in_flags()[key].default_variant or ""] for key in EMERGENCY_FLAGS)


async def test_a_flag_is_in_use_and_on_record_when_setting_it_returns(store: Faulty) -> None:
    process = Process(store)
    state = await process.flags.set(SHUTDOWN, actor="ops/ann", cause="fire", correlation_id="call-1")
    assert state == EmergencyState(SHUTDOWN, set=True, cause="fire", actor="ops/ann", time=NOON)
    assert (process.set, process.flags.states[SHUTDOWN]) == ([SHUTDOWN], state)
    (entry,) = await process.audit.page(limit=10)
    draft = entry.draft
    assert (draft.action, draft.key, draft.cause, draft.actor, draft.time) == ("set_emergency", SHUTDOWN, "fire", "ops/ann", NOON)
    assert (draft.version, draft.correlation_id) == (0, "call-1")


async def test_setting_what_is_set_records_the_new_cause(store: Faulty) -> None:
    process = Process(store)
    await process.flags.set(READ_ONLY, actor="ops/ann", cause="odd sums")
    process.time += 60
    state = await process.flags.set(READ_ONLY, actor="ops/bob", cause="torn pages")
    assert process.flags.states[READ_ONLY] == state == EmergencyState(READ_ONLY, True, "torn pages", "ops/bob", NOON + 60)
    assert [entry.draft.cause for entry in await process.audit.page(limit=10)] == ["torn pages", "odd sums"]


async def test_clearing_ends_it_and_clearing_again_changes_nothing(store: Faulty) -> None:
    process = Process(store)
    await process.flags.set(MAINTENANCE, actor="ops/ann", cause="new disk")
    state = await process.flags.clear(MAINTENANCE, actor="ops/bob", cause="done")
    assert (state.set, state.cause, process.set) == (False, "done", [])
    assert await process.flags.clear(MAINTENANCE, actor="ops/eve", cause="really done") == state
    assert await process.flags.clear(SHUTDOWN, actor="ops/eve", cause="why not") == EmergencyState(SHUTDOWN)
    assert [entry.draft.action for entry in await process.audit.page(limit=10)] == ["clear_emergency", "set_emergency"]


async def test_no_other_flag_can_be_set_so(store: Faulty) -> None:
    process = Process(store)
    for verb in (process.flags.set, process.flags.clear):
        with pytest.raises(ResourceError, match="there are emergency_shutdown, maintenance_mode, read_only_mode") as caught:
            await verb("otel_enabled", actor="ops/ann", cause="fire")
        assert (caught.value.reason, caught.value.facts) == ("FLAG_NOT_FOUND", {"flag": "otel_enabled"})
    assert await process.audit.page(limit=10) == []


async def test_every_process_has_it_within_a_second(store: Faulty, other: Faulty) -> None:
    here, there = Process(store), Process(other)
    async with there.following():
        await there.until([])
        begin = time.monotonic()
        await here.flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
        await there.until([SHUTDOWN])
        await here.flags.clear(SHUTDOWN, actor="ops/ann", cause="out")
        await there.until([])
        assert time.monotonic() - begin < 1.0


async def test_what_is_set_is_set_after_a_restart(store: Faulty, other: Faulty) -> None:
    await Process(store).flags.set(READ_ONLY, actor="ops/ann", cause="odd sums")
    process = Process(other)
    await process.flags.start()
    assert process.set == [READ_ONLY]
    assert process.flags.mistakes == ()


async def test_clearing_counts_what_another_process_has_just_set(store: Faulty, other: Faulty) -> None:
    here, there = Process(store), Process(other)
    await there.flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
    assert (await here.flags.clear(SHUTDOWN, actor="ops/ann", cause="out")).cause == "out"
    await there.flags.refresh()
    assert there.set == []


@pytest.mark.parametrize("silent", [True, False])
async def test_a_store_that_does_not_answer_sets_nothing_and_is_told(store: Faulty, quick: None, silent: bool) -> None:
    """The server starts all the same, and takes what is set as soon as it is told."""
    await Process(store).flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
    store.silent, store.answers = silent, silent
    process = Process(store)
    process.time += 5
    await process.flags.start()
    assert process.taken == []
    reason = "TimeoutError" if silent else "STORAGE_UNAVAILABLE"
    told = f"the storage does not tell which emergency flags are set ({reason}); those known last are"
    assert (process.flags.mistakes, process.flags.since) == ((told,), NOON + 5)
    store.silent, store.answers = False, True
    async with process.following():
        await process.until([SHUTDOWN])
    assert process.flags.mistakes == ()


async def test_a_store_that_stops_answering_clears_nothing(store: Faulty, other: Faulty, quick: None) -> None:
    here, there = Process(store), Process(other)
    async with there.following():
        await here.flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
        await there.until([SHUTDOWN])
        other.answers = False
        await here.flags.clear(SHUTDOWN, actor="ops/ann", cause="out")
        async with asyncio.timeout(5):
            while not there.flags.mistakes:  # noqa: ASYNC110  (it is another process, as far as this one knows)
                await asyncio.sleep(0.005)
        assert there.set == [SHUTDOWN]
        other.answers = True
        await there.until([])
        assert there.flags.mistakes == ()


async def test_a_write_holds_though_the_store_is_gone_right_after(store: Faulty) -> None:
    process = Process(store)
    store.answers = False
    await process.flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
    assert process.set == [SHUTDOWN]
    assert process.flags.mistakes


async def test_a_look_that_began_before_a_change_does_not_undo_it(store: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    process, read, go_on = Process(store), asyncio.Event(), asyncio.Event()
    real = store.list

    async def slow(*args: str, **kwargs: object) -> Sequence[Document]:
        found = await real(*args, **kwargs)
        read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(store, "list", slow)
    look = asyncio.create_task(process.flags.refresh())
    await read.wait()
    change = asyncio.create_task(process.flags.set(SHUTDOWN, actor="ops/ann", cause="fire"))
    async with asyncio.timeout(5):
        while not process.set:  # noqa: ASYNC110  (it is on its way to the disk)
            await asyncio.sleep(0.005)
    go_on.set()
    await asyncio.gather(look, change)
    assert [states[SHUTDOWN].set for states in process.taken] == [True]


async def test_what_is_not_understood_changes_nothing_and_is_told(store: Faulty) -> None:
    process = Process(store)
    await process.flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
    await store.put(Key(SERVER, KIND, SHUTDOWN), b'{"set": "perhaps"}')
    await process.flags.refresh()
    assert process.set == [SHUTDOWN]
    (told,) = process.flags.mistakes
    assert SHUTDOWN in told
    await process.flags.clear(SHUTDOWN, actor="ops/ann", cause="out")
    assert (process.set, process.flags.mistakes) == ([], ())


async def test_following_survives_a_mistake_of_ours(store: Faulty, quick: None) -> None:
    """Whatever goes wrong while one change is taken, the next one is seen."""
    process = Process(store)
    told = list[Mapping[str, EmergencyState]]()

    def take(states: Mapping[str, EmergencyState]) -> None:
        told.append(states)
        if len(told) == 1:
            raise RuntimeError("bug")

    process.flags = EmergencyFlags(store, process.audit, take=take, now=lambda: NOON)
    async with process.following():
        await Process(store).flags.set(SHUTDOWN, actor="ops/ann", cause="fire")
        await Process(store).flags.set(READ_ONLY, actor="ops/ann", cause="fire")
        async with asyncio.timeout(5):
            while not told or not told[-1][READ_ONLY].set:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


def test_new_work_is_refused_in_a_shutdown_alone() -> None:
    refusal = Modes(shutdown=True).work_refusal
    assert refusal is not None
    assert (refusal.reason, refusal.facts, refusal.retry_after_seconds) == ("EMERGENCY_SHUTDOWN", {"flag": SHUTDOWN}, None)
    assert Modes(maintenance=True, read_only=True).work_refusal is None


def test_who_waits_for_maintenance_is_told_when_to_come_again() -> None:
    refusal = Modes(maintenance=True).write_refusal
    assert refusal is not None
    assert (refusal.reason, refusal.facts, refusal.retry_after_seconds) == ("MAINTENANCE_MODE", {"flag": MAINTENANCE}, 5.0)
    assert Modes(shutdown=True).write_refusal is None


def test_where_waiting_does_not_help_nobody_is_told_to_wait() -> None:
    refusal = Modes(maintenance=True, read_only=True).write_refusal
    assert refusal is not None
    assert (refusal.reason, refusal.facts, refusal.retry_after_seconds) == ("READ_ONLY_MODE", {"flag": READ_ONLY}, None)
