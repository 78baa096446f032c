"""The flag file may break at any moment and in any way; the server keeps the last good flags, and says so."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from genesis_server.flags.definition import FlagMistakesError
from genesis_server.flags.last_good import LastGood
from genesis_server.flags.layers import Layer
from genesis_server.flags.sources import file as module
from genesis_server.flags.sources.file import FileSource
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import SERVER, Document, Key
from genesis_server.storage.sqlite.store import SqliteStore

SOON = 20.0
"""Seconds in which a change must be in use, on a machine that is very busy."""
NOON = 43_200.0


def flag(default: str = "off", **changes: Any) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default, **changes}


def flags(**found: Any) -> bytes:
    return json.dumps({"flags": found}, indent=1).encode()


class Faulty(SqliteStore):
    """A store that can stop answering."""

    answers = True
    silent = False

    def __init__(self, path: Path) -> None:
        super().__init__(path, clock=time.time)
        self.asked = asyncio.Event()
        self.written = asyncio.Event()

    async def put(self, *args: Any, **kwargs: Any) -> int:
        version = await super().put(*args, **kwargs)
        self.written.set()
        return version

    async def get(self, key: Key) -> Document | None:
        self.asked.set()
        if self.silent:
            await asyncio.Event().wait()
        if not self.answers:
            raise ResourceError("STORAGE_UNAVAILABLE", "gone")
        return await super().get(key)


class Process:
    """One process that follows the file."""

    def __init__(self, path: Path, store: SqliteStore, poll_seconds: float = 3600.0) -> None:
        self.taken: list[Layer] = []
        self.time = NOON
        self.changed = asyncio.Event()
        self.source = FileSource(
            path, take=self._take, last_good=LastGood(store), poll_seconds=poll_seconds, now=lambda: self.time + time.time() - NOON
        )

    def _take(self, layer: Layer) -> None:
        self.taken.append(layer)
        self.changed.set()

    @property
    def layer(self) -> Layer:
        return self.taken[-1]

    def default(self, key: str = "dark") -> str | None:
        found = self.layer.definitions.get(key)
        return None if found is None else found.default_variant

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await self.source.look()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.source.follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def soon(self, act: Callable[[], object], holds: Callable[[], bool]) -> None:
        """Do it again and again until it is in use, as the watch may not stand yet."""
        async with asyncio.timeout(SOON):
            while not holds():
                act()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.until(holds), 1)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "etc" / "own.json"
    target.parent.mkdir()
    target.write_bytes(flags(dark=flag("off"), theme=flag("on")))
    return target


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Faulty]:
    opened = Faulty(tmp_path / "store.db")
    yield opened
    await opened.close()


@pytest.fixture
async def process(path: Path, store: Faulty) -> Process:
    started = Process(path, store)
    await started.source.start()
    return started


async def kept(process: Process, store: Faulty) -> None:
    """Wait until the last good flags are in the storage."""
    store.written.clear()
    async with process.following(), asyncio.timeout(SOON):
        await store.written.wait()


async def test_the_flags_of_the_file_are_taken_at_the_start(process: Process) -> None:
    layer = process.layer
    assert (layer.kind, layer.name, layer.stale, layer.mistakes) == (FlagLayer.FILE, "own.json", False, {})
    assert (process.default("dark"), process.default("theme")) == ("off", "on")
    assert process.source.mistakes == ()


async def test_a_change_is_taken_at_the_next_look_and_nothing_when_nothing_changed(process: Process, path: Path) -> None:
    await process.look(2)
    assert len(process.taken) == 1
    theme = process.layer.definitions["theme"]
    path.write_bytes(flags(dark=flag("on"), theme=flag("on")))
    await process.look(2)
    assert len(process.taken) == 2
    assert process.default() == "on"
    assert process.layer.definitions["theme"] is theme


async def test_a_flag_with_a_mistake_keeps_its_last_good_definition_while_the_others_change(process: Process, path: Path) -> None:
    path.write_bytes(flags(dark=flag("onn"), theme=flag("off"), new=flag("x")))
    await process.look()
    assert (process.default("dark"), process.default("theme"), process.default("new")) == ("off", "off", None)
    assert set(process.layer.mistakes) == {"dark", "new"}
    assert not process.layer.stale
    assert len(process.source.mistakes) == 2
    assert process.source.mistakes[0].startswith("own.json:9: $.flags.dark.defaultVariant:")
    path.write_bytes(flags(dark=flag("on")))
    await process.look()
    assert process.default("dark") == "on"
    assert process.source.mistakes == ()


async def test_what_may_be_meant_otherwise_is_logged_with_all_mistakes_cut_to_a_line(
    process: Process, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(flags(**{"otel-enabled": flag(), **{f"bad_{number}": flag("x") for number in range(25)}}))
    await process.look()
    warned, told = (record.getMessage() for record in caplog.records)
    assert "did you mean otel_enabled?" in warned
    assert told.endswith("; and 5 more")
    assert len(process.source.mistakes) == 25


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path.unlink(), "own.json: is not there"),
    (lambda path: path.write_bytes(b""), "own.json:1: not JSON"),
    (lambda path: path.write_bytes(path.read_bytes()[:-5]), "own.json:"),
    (lambda path: path.write_bytes(b"\xff" + path.read_bytes()), "own.json:1: not UTF-8"),
    (lambda path: path.write_bytes(b"{}"), 'own.json:1: $: has no "flags"'),
    (lambda path: os.truncate(path, 100 * 1024 * 1024), "own.json: larger than 16777216 bytes"),
    (lambda path: (path.unlink(), path.mkdir()), "own.json: is no regular file"),
    (lambda path: (path.unlink(), os.mkfifo(path)), "own.json: is no regular file"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
async def test_a_damaged_file_keeps_the_last_good_flags_until_it_is_mended(
    process: Process, path: Path, damage: Callable[[Path], object], says: str
) -> None:
    whole, since = path.read_bytes(), process.source.since
    damage(path)
    await process.look()
    assert process.source.mistakes == (), "it may be half written"
    process.time += 60
    await process.look()
    assert process.source.mistakes[0].startswith(says)
    assert process.source.since >= since + 60
    assert process.layer.stale
    assert process.default() == "off"
    await process.look(3)
    assert len(process.taken) == 2
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(whole)
    await process.look()
    assert process.source.mistakes == ()
    assert not process.layer.stale


async def test_a_file_that_may_not_be_read_keeps_the_last_good_flags(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    await process.look(2)
    assert process.source.mistakes == ("own.json: cannot be read: Permission denied",)
    assert process.default() == "off"


async def test_a_file_that_is_written_piece_by_piece_is_never_told_to_be_broken(process: Process, path: Path) -> None:
    whole = flags(dark=flag("on"), theme=flag("on"))
    for length in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:length])
        await process.look()
    path.write_bytes(whole)
    await process.look()
    assert process.default() == "on"
    assert len(process.taken) == 2


async def test_a_file_cut_at_every_byte_leaves_the_flags_as_they_were(process: Process, path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        await process.look(2)
        assert process.layer.stale
        assert (process.default("dark"), process.default("theme")) == ("off", "on")


async def test_every_bit_of_a_file_flipped_leaves_each_flag_as_it_was_or_as_a_sound_definition(path: Path, store: Faulty) -> None:
    path.write_bytes(json.dumps({"flags": {"dark": flag("off")}}).encode())
    process = Process(path, store)
    await process.source.start()
    whole, before = path.read_bytes(), process.layer.definitions["dark"]
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        await process.look(2)
        for key, definition in process.layer.definitions.items():
            sound = definition.default_variant is None or definition.default_variant in definition.variants
            assert sound
            assert key not in process.layer.mistakes or definition is before
        path.write_bytes(whole)
        await process.look()
        assert (process.default(), process.source.mistakes) == ("off", ())
        before = process.layer.definitions["dark"]


# Starts


async def test_a_broken_file_with_nothing_to_go_back_to_fails_the_start_with_every_mistake(path: Path, store: Faulty) -> None:
    path.write_bytes(flags(dark=flag("x"), theme=flag("y")))
    with pytest.raises(FlagMistakesError) as caught:
        await Process(path, store).source.start()
    assert [mistake.split(": ")[0] for mistake in caught.value.mistakes] == ["own.json:9", "own.json:17"]


@pytest.mark.parametrize("content", [b"", b"{", flags(dark=flag("x"))[:-3]])
async def test_a_start_with_a_broken_file_begins_with_the_last_good_flags(
    process: Process, path: Path, store: Faulty, content: bytes
) -> None:
    await kept(process, store)
    path.write_bytes(content)
    again = Process(path, store)
    await again.source.start()
    assert again.layer.stale
    assert (again.default("dark"), again.default("theme")) == ("off", "on")
    assert again.source.mistakes[0].startswith("own.json:")
    path.write_bytes(flags(dark=flag("on")))
    await again.look()
    assert (again.default("dark"), again.default("theme"), again.source.mistakes) == ("on", None, ())


async def test_a_start_with_one_bad_flag_begins_with_the_last_good_definition_of_that_flag(
    process: Process, path: Path, store: Faulty
) -> None:
    await kept(process, store)
    path.write_bytes(flags(dark=flag("x"), theme=flag("off")))
    again = Process(path, store)
    await again.source.start()
    assert (again.default("dark"), again.default("theme"), again.layer.stale) == ("off", "off", False)
    assert list(again.layer.mistakes) == ["dark"]


async def test_what_is_kept_holds_the_flags_in_use_where_the_file_has_mistakes(process: Process, path: Path, store: Faulty) -> None:
    await kept(process, store)
    path.write_bytes(flags(dark=flag("x"), theme=flag("off")))
    second = Process(path, store)
    await second.source.start()
    await store.delete(Key(SERVER, "flag_last_good", second.source._kept_name))
    await kept(second, store)
    path.unlink()
    third = Process(path, store)
    await third.source.start()
    assert (third.default("dark"), third.default("theme"), third.layer.stale) == ("off", "off", True)


async def test_flags_of_one_file_are_not_taken_for_those_of_another(process: Process, path: Path, store: Faulty) -> None:
    await kept(process, store)
    with pytest.raises(FlagMistakesError):
        await Process(path.with_name("other.json"), store).source.start()


@pytest.mark.parametrize("fault", ["answers", "silent"])
async def test_a_storage_that_is_down_delays_no_start_and_what_is_good_is_kept_later(
    path: Path, store: Faulty, fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.05)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    setattr(store, fault, fault == "silent")
    process = Process(path, store)
    await process.source.start()
    assert process.default() == "off"
    path.write_bytes(b"")
    with pytest.raises(FlagMistakesError):
        await Process(path, store).source.start()
    store.silent = False
    store.answers = False
    async with process.following(), asyncio.timeout(SOON):
        for _ in range(3):
            store.asked.clear()
            await store.asked.wait()
        store.answers = True
        await store.written.wait()
    assert caplog.text.count("are not kept yet") == 1


# Following


async def test_a_file_that_takes_the_place_by_renaming_is_in_use_soon(process: Process, path: Path) -> None:
    other = path.with_name("other")
    async with process.following():
        for default in ("on", "off") * 3:
            await process.soon(
                lambda: (other.write_bytes(flags(dark=flag(default))), other.rename(path)),  # noqa: B023
                lambda: process.default() == default,  # noqa: B023
            )


async def test_without_any_word_of_changes_the_file_is_looked_at_by_time(
    path: Path, store: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "follow_directory", deaf)
    process = Process(path, store, poll_seconds=0.05)
    await process.source.start()
    async with process.following():
        path.write_bytes(flags(dark=flag("on")))
        await process.until(lambda: process.default() == "on")
        path.unlink()
        await process.until(lambda: process.layer.stale)


async def test_a_fault_of_ones_own_does_not_end_the_following(
    path: Path, store: Faulty, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(path, store, poll_seconds=0.01)
    await process.source.start()
    real, failed = module.read_flags, asyncio.Event()
    loop = asyncio.get_running_loop()

    def failing(*_: object, **__: object) -> None:
        loop.call_soon_threadsafe(failed.set)
        raise MemoryError

    monkeypatch.setattr(module, "read_flags", failing)
    async with process.following(), asyncio.timeout(SOON):
        path.write_bytes(flags(dark=flag("on")))
        await failed.wait()
        monkeypatch.setattr(module, "read_flags", real)
        path.write_bytes(flags(dark=flag("on"), new=flag("on")))
        await process.until(lambda: process.default("new") == "on")
    assert "looking at the flag file failed" in caplog.text


async def test_a_fault_of_ones_own_in_keeping_ends_neither_the_keeping_nor_the_following(
    process: Process, path: Path, store: Faulty, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, failed = LastGood.save, asyncio.Event()

    async def failing(*_: object) -> None:
        failed.set()
        raise MemoryError

    monkeypatch.setattr(LastGood, "save", failing)
    async with process.following(), asyncio.timeout(SOON):
        await failed.wait()
        monkeypatch.setattr(LastGood, "save", real)
        path.write_bytes(flags(dark=flag("on")))
        await process.source.look()
        assert process.default() == "on"
        await store.written.wait()
    assert "keeping the last good flags of the file failed" in caplog.text


async def test_a_swapped_link_is_in_use_soon_as_a_config_map_is_mounted(path: Path, store: Faulty) -> None:
    mount = path.parent
    path.unlink()
    for default in ("off", "on"):
        (mount / default).mkdir()
        (mount / default / "own.json").write_bytes(flags(dark=flag(default)))
    (mount / "..data").symlink_to("off")
    path.symlink_to("..data/own.json")
    process = Process(path, store)
    await process.source.start()
    async with process.following():
        for default in ("on", "off") * 2:
            await process.soon(
                lambda: ((mount / "..tmp").symlink_to(default), (mount / "..tmp").rename(mount / "..data")),  # noqa: B023
                lambda: process.default() == default,  # noqa: B023
            )
    assert process.source.mistakes == ()


async def test_a_file_replaced_a_hundred_times_a_second_ends_up_in_use_and_is_never_half_read(path: Path, store: Faulty) -> None:
    process = Process(path, store, poll_seconds=1.0)
    await process.source.start()
    other = path.with_name("other")
    async with process.following():
        for number in range(200):
            other.write_bytes(flags(dark=flag(metadata={"number": number}), theme=flag(metadata={"number": number})))
            other.rename(path)
            await asyncio.sleep(0.01)
        await process.until(lambda: process.layer.definitions["dark"].metadata.get("number") == 199)
    numbers = [tuple(layer.definitions[key].metadata.get("number") for key in ("dark", "theme")) for layer in process.taken]
    assert all(dark == theme for dark, theme in numbers)
    assert numbers[1:] == sorted(numbers[1:])  # type: ignore[type-var]
    assert not any(layer.stale or layer.mistakes for layer in process.taken)
