"""Written definitions in the store: in use at once where they are written, soon everywhere, and never gone because one is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.layers import Layer
from genesis_server.flags.sources import stored as stored_module
from genesis_server.flags.sources.stored import KIND, StoredFlags
from genesis_server.flags.written import AuditDraft, FlagVersionConflictError, WrittenFlag
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import SERVER, Document, Key
from genesis_server.storage.sqlite.store import SqliteStore

NOON = 43_200.0


def definition(default: str = "on") -> str:
    return json.dumps({"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default})


def flag(key: str = "dark_mode", version: int = 1, text: str | None = None) -> WrittenFlag:
    return WrittenFlag(key, version, definition() if text is None else text, "ops/ann", NOON - 2)


def draft(of: WrittenFlag) -> AuditDraft:
    return AuditDraft(time=of.time, actor=of.actor, action="put", key=of.key, cause="why not", version=of.version, after=of.text)


class Faulty(SqliteStore):
    """A store that can stop answering, and counts what it lists."""

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
        self.store = store
        self.taken: list[Layer] = []
        self.seconds: list[float] = []
        self.time = NOON
        self.audit = AuditLog(store)
        self.flags = StoredFlags(store, self.audit, take=self.taken.append, now=lambda: self.time, propagated=self.seconds.append)

    @property
    def layer(self) -> Layer:
        return self.taken[-1]

    def variant(self, key: str = "dark_mode") -> str | None:
        """The default variant in use; None when there is no definition."""
        found = self.layer.definitions.get(key) if self.taken else None
        return None if found is None else found.default_variant

    async def write(self, of: WrittenFlag) -> int:
        return await self.flags.write(of, draft(of))

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.flags.follow())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def until(self, key: str, version: int) -> None:
        """Wait until this process knows a version."""
        async with asyncio.timeout(5):
            while not self.taken or key not in self.layer.versions or self.layer.versions[key].version < version:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def until_stale(self, stale: bool) -> None:
        async with asyncio.timeout(5):
            while not self.taken or self.layer.stale is not stale:  # noqa: ASYNC110
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
    monkeypatch.setattr(stored_module, "START_SECONDS", 0.05)
    monkeypatch.setattr(stored_module, "RETRY_SECONDS", 0.01)
    return


async def test_a_write_is_in_use_and_on_record_when_it_returns(store: Faulty) -> None:
    process = Process(store)
    assert await process.write(flag()) == 1
    assert (process.layer.kind, process.layer.stale, process.variant()) == (FlagLayer.WRITTEN, False, "on")
    assert await process.write(flag(version=2, text=definition("off"))) == 2
    assert (process.variant(), process.layer.versions["dark_mode"].version) == ("off", 2)
    assert await process.flags.get("dark_mode") == flag(version=2, text=definition("off"))
    assert [entry.draft.version for entry in await process.audit.page(limit=10)] == [2, 1]
    assert process.seconds == [2.0, 2.0]


async def test_nobody_writes_over_a_version_they_have_not_read(store: Faulty, other: Faulty) -> None:
    here, there = Process(store), Process(other)
    await here.write(flag())
    for version, expected in ((1, 0), (3, 2)):
        with pytest.raises(FlagVersionConflictError) as caught:
            await there.write(flag(version=version))
        assert (caught.value.key, caught.value.expected, caught.value.actual) == ("dark_mode", expected, 1)
    assert (await there.audit.head()).sequence == 1
    assert there.taken == []


async def test_a_deletion_counts_as_a_version(store: Faulty) -> None:
    """So that a flag which is written again has a version nobody ever saw."""
    process = Process(store)
    await process.write(flag())
    await process.write(flag(version=2, text=""))
    assert (process.variant(), process.layer.versions["dark_mode"].version) == (None, 2)
    with pytest.raises(FlagVersionConflictError):
        await process.write(flag(version=1))
    await process.write(flag(version=3))
    assert process.variant() == "on"


async def test_another_process_follows_within_a_tenth_of_a_second(store: Faulty, other: Faulty) -> None:
    here, there = Process(store), Process(other)
    async with there.following():
        await there.until_stale(False)
        await here.write(flag())
        await there.until("dark_mode", 1)
        took: list[float] = []
        for version in range(2, 12):
            begin = time.monotonic()
            await here.write(flag(version=version, text=definition("off" if version % 2 else "on")))
            await there.until("dark_mode", version)
            took.append(time.monotonic() - begin)
        assert sorted(took)[3] < 0.1
        assert there.variant() == "off"
        await here.write(flag(version=12, text=""))
        await there.until("dark_mode", 12)
        assert there.variant() is None
    assert there.seconds == [2.0] * 12
    assert here.seconds == [2.0] * 12


async def test_a_clock_that_is_behind_makes_no_time_negative(store: Faulty) -> None:
    process = Process(store)
    process.time = NOON - 10
    await process.write(flag())
    assert process.seconds == [0.0]


async def test_what_was_written_holds_after_a_restart(store: Faulty, other: Faulty) -> None:
    """However much it is; and that it was written long ago is no slow spreading."""
    here = Process(store)
    for number in range(12):
        await here.write(flag(f"flag.{number:02}"))
    await here.write(flag("flag.03", 2, ""))
    there = Process(other)
    await there.flags.start()
    assert sorted(there.layer.definitions) == [f"flag.{number:02}" for number in range(12) if number != 3]
    assert (there.layer.versions, there.layer.mistakes, there.flags.mistakes) == (here.layer.versions, {}, ())
    assert (len(there.taken), there.seconds) == (1, [])


async def test_more_flags_than_one_page_are_all_taken(store: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_module, "_PAGE", 4)
    here = Process(store)
    for number in range(9):
        await here.write(flag(f"flag.{number}"))
    process = Process(store)
    await process.flags.start()
    assert len(process.layer.definitions) == 9


async def test_a_wrong_definition_leaves_the_last_good_one(store: Faulty) -> None:
    process = Process(store)
    await process.write(flag())
    await process.write(flag(version=2, text='{"state": "ENABLED", "variants": {}}'))
    assert (process.variant(), process.layer.versions["dark_mode"].version) == ("on", 2)
    assert process.flags.mistakes == process.layer.mistakes["dark_mode"] != ()
    process.time += 60
    await process.write(flag(version=3, text=definition("off")))
    assert (process.variant(), process.layer.mistakes, process.flags.mistakes, process.flags.since) == ("off", {}, (), NOON + 60)


async def test_a_wrong_definition_takes_no_other_along(store: Faulty, other: Faulty) -> None:
    """Also at a start, when there is no last good one."""
    here = Process(store)
    await here.write(flag("bad", text="[]"))
    await here.write(flag("good"))
    there = Process(other)
    await there.flags.start()
    assert (list(there.layer.definitions), list(there.layer.mistakes)) == (["good"], ["bad"])
    await here.write(flag("bad", 2, ""))
    async with there.following():
        await there.until("bad", 2)
    assert there.flags.mistakes == ()


async def test_a_document_nobody_here_understands_changes_nothing_and_is_told(store: Faulty, other: Faulty) -> None:
    here, there = Process(store), Process(other)
    await here.write(flag())
    async with there.following():
        await there.until("dark_mode", 1)
        await store.put(Key(SERVER, KIND, "dark_mode"), b'{"what": "is this"}')
        async with asyncio.timeout(5):
            while not there.flags.mistakes:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert there.variant() == "on"
        assert "words of another release" in there.flags.mistakes[0]
        assert await there.flags.get("dark_mode") == WrittenFlag("dark_mode", 2, "", "", 0.0)
        await here.write(flag(version=3, text=definition("off")))
        await there.until("dark_mode", 3)
        assert (there.variant(), there.flags.mistakes) == ("off", ())


@pytest.mark.parametrize("silent", [True, False])
async def test_a_start_without_the_store_goes_on_and_takes_all_later(store: Faulty, quick: None, silent: bool) -> None:
    await Process(store).write(flag())
    store.silent, store.answers = silent, silent
    process = Process(store)
    process.time += 5
    await process.flags.start()
    reason = "TimeoutError" if silent else "STORAGE_UNAVAILABLE"
    told = f"the storage does not tell which flags are written ({reason}); those known last are in use"
    assert (process.layer.definitions, process.layer.stale) == ({}, True)
    assert (process.flags.mistakes, process.flags.since) == ((told,), NOON + 5)
    store.silent, store.answers = False, True
    async with process.following():
        await process.until_stale(False)
    assert (process.variant(), process.flags.mistakes) == ("on", ())


async def test_a_store_that_stops_answering_leaves_what_is_known(
    store: Faulty, other: Faulty, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Process(store), Process(other)
    await here.write(flag())

    async def lost(revision: int) -> None:
        raise ResourceError("STORAGE_UNAVAILABLE", "gone")

    async with there.following():
        await there.until("dark_mode", 1)
        other.answers = False
        with monkeypatch.context() as patched:
            patched.setattr(other._watchers, "beyond", lost)
            await store.put(Key(SERVER, "other", "any"), b"")
            await there.until_stale(True)
        assert (there.variant(), len(there.flags.mistakes)) == ("on", 1)
        await here.write(flag(version=2, text=definition("off")))
        other.answers = True
        await there.until_stale(False)
        assert (there.variant(), there.flags.mistakes) == ("off", ())


async def test_a_burst_of_changes_is_taken_together(store: Faulty, other: Faulty) -> None:
    """A snapshot is made for what was read at once, not for each flag of it."""
    here, there = Process(store), Process(other)
    async with there.following():
        await there.until_stale(False)
        before = len(there.taken)
        await asyncio.gather(*[here.write(flag(f"flag.{number}")) for number in range(80)])
        await asyncio.gather(*[there.until(f"flag.{number}", 1) for number in range(80)])
        assert len(there.taken) - before < 40


async def test_a_write_is_in_use_when_it_returns_whoever_tells_of_it_first(store: Faulty) -> None:
    """The watch may tell a process of its own write before the write itself is done."""
    process = Process(store)
    async with process.following():
        await process.until_stale(False)
        for version in range(1, 40):
            await process.write(flag(version=version, text=definition("off" if version % 2 else "on")))
            assert process.variant() == ("off" if version % 2 else "on")
        assert process.seconds == [2.0] * 39


async def test_writes_that_went_to_disk_together_are_taken_together(store: Faulty) -> None:
    process = Process(store)
    await asyncio.gather(*[process.write(flag(f"flag.{number}")) for number in range(80)])
    assert len(process.layer.definitions) == 80
    assert len(process.taken) < 20


async def test_following_survives_a_mistake_of_ours(store: Faulty, other: Faulty, quick: None) -> None:
    """Whatever goes wrong while one change is taken, the next one is seen."""
    told: list[Layer] = []

    def take(layer: Layer) -> None:
        told.append(layer)
        if len(told) == 1:
            raise RuntimeError("bug")

    flags = StoredFlags(other, AuditLog(other), take=take, now=lambda: NOON)
    task = asyncio.create_task(flags.follow())
    async with asyncio.timeout(5):
        while not told:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert flags.mistakes == ("the written flags cannot be followed (RuntimeError); those known last are in use",)
    await Process(store).write(flag())
    async with asyncio.timeout(5):
        while "dark_mode" not in told[-1].definitions:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert flags.mistakes == ()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_reading_a_flag_says_what_the_store_has_now(store: Faulty, other: Faulty) -> None:
    here, there = Process(store), Process(other)
    assert await there.flags.get("dark_mode") is None
    await here.write(flag())
    assert await there.flags.get("dark_mode") == flag()
    assert there.taken == []
