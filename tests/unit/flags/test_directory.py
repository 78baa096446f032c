"""A change in a directory is told soon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import watchfiles

from genesis_server.flags.sources.directory import follow_directory

SOON = 20.0
"""Seconds in which a change must be told, on a machine that is very busy."""


@asynccontextmanager
async def following(directory: Path) -> AsyncIterator[asyncio.Event]:
    changed = asyncio.Event()
    task = asyncio.create_task(follow_directory(directory, changed.set, retry_seconds=0.01))
    try:
        yield changed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def told(changed: asyncio.Event, act: Callable[[], Awaitable[object] | object]) -> None:
    """Do it again and again until it is told, as the watch may not stand yet."""
    async with asyncio.timeout(SOON):
        while True:
            act()
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 0.3)
                changed.clear()
                return


async def test_writing_renaming_and_removing_are_told(tmp_path: Path) -> None:
    target, other = tmp_path / "own.json", tmp_path / "other"
    async with following(tmp_path) as changed:
        await told(changed, lambda: target.write_text("x"))
        await told(changed, lambda: (other.write_text("y"), other.rename(target)))
        await told(changed, lambda: (target.write_text("z"), target.unlink()))


async def test_a_log_in_the_same_directory_does_not_log_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with following(tmp_path) as changed:
            await told(changed, lambda: (tmp_path / "own.json").write_text("x"))
    assert caplog.records == []


async def test_a_directory_that_comes_later_or_again_is_watched(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    async with following(directory) as changed:
        for _ in range(2):
            await asyncio.sleep(0)
            directory.mkdir()
            await told(changed, lambda: (directory / "own.json").write_text("x"))
            (directory / "own.json").unlink()
            directory.rename(tmp_path / f"gone {len(list(tmp_path.iterdir()))}")


async def test_where_the_system_gives_out_no_watches_it_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []
    often = asyncio.Event()

    def refused(*_: object, **__: object) -> object:
        tries.append(1)
        if len(tries) == 3:
            often.set()
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "awatch", refused)
    with caplog.at_level(logging.WARNING):
        async with following(tmp_path), asyncio.timeout(SOON):
            await often.wait()
    assert [record.getMessage() for record in caplog.records] == ["the directory of the flag file is not watched"]
