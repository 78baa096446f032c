"""The flag file, followed while the server runs; the last good of each flag and of the whole file hold while it is broken."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import NoReturn

from genesis_server.flags.definition import FlagMistakesError, flags_document
from genesis_server.flags.last_good import LastGood
from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import FlagDocument, read_flags
from genesis_server.flags.sources.directory import follow_directory
from genesis_server.flags.sources.file_content import FileContent
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.errors import GenesisError

START_SECONDS = 0.5
"""How long a start with a broken file waits for the storage to say what was last good."""
SETTLE_SECONDS = 0.2
"""A file that is of no use counts as broken when it is still the same after this long: it may have been half written."""
RETRY_SECONDS = 5.0
"""How long after a fault of the storage the last good flags are given to it again."""

_TOLD = 20
"""Mistakes in one line of the log."""

_LOG = logging.getLogger(__name__)


class FileSource:
    """The flags of a file.

    The directory is watched, so that a file or a symbolic link that takes its place by renaming is seen at once; and the file is looked
    at every `poll_seconds` all the same, where nothing tells of changes. It is compared by content, and read off the event loop.
    """

    def __init__(
        self, path: Path, *, take: Callable[[Layer], None], last_good: LastGood, poll_seconds: float, now: Callable[[], float]
    ) -> None:
        """Begin with nothing known.

        Args:
            path: the file.
            take: told the layer when it changed.
            last_good: keeps the flags for a start with a broken file.
            poll_seconds: between two looks at the file when nothing tells of changes.
            now: seconds since the epoch.
        """
        self._path = path
        self._take = take
        self._last_good = last_good
        self._poll_seconds = poll_seconds
        self._now = now
        self._file = FileContent(path, now=now)
        self._document = FlagDocument({})
        self._doubts: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self._to_keep: asyncio.Queue[tuple[FlagDocument, bytes]] = asyncio.Queue(maxsize=1)
        self._kept_name = f"file {hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]}"
        self.mistakes: tuple[str, ...] = ()
        """Why what is in use may not be what the file says; empty when all is well."""
        self.since = now()
        """When `mistakes` became what they are; seconds since the epoch."""

    async def start(self) -> None:
        """Take what the file says, and the last good of what is wrong in it.

        Raises FlagMistakesError with every mistake when something is wrong and nothing good is known.
        """
        content = await asyncio.to_thread(self._file.read) or b""
        document, mistakes = await asyncio.to_thread(self._tried, content)
        if mistakes:
            last = await self._last()
            if last is None:
                raise FlagMistakesError(mistakes)
            self._document = last
            document, mistakes = await asyncio.to_thread(self._tried, content)
        if document is None:
            self._break(mistakes)
        else:
            self._use(document, content)

    async def follow(self) -> NoReturn:
        """Take every change into use, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(follow_directory(self._path.parent, self._changed.set, retry_seconds=self._poll_seconds))
            group.create_task(self._keep())
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE_SECONDS if self._doubts else self._poll_seconds):
                        await self._changed.wait()
                self._changed.clear()
                try:
                    await self.look()
                except Exception:  # noqa: BLE001  (whatever it is, later changes must be seen)
                    _LOG.exception("looking at the flag file failed")
        raise AssertionError("followers never end by themselves")

    async def look(self) -> None:
        """Take the file into use when it changed; when it is of no use, wait for the next look to tell that it stays so."""
        content = await asyncio.to_thread(self._file.read)
        doubts, self._doubts = self._doubts, ()
        if content is None:
            if doubts:
                self._break(doubts)
            return
        document, mistakes = await asyncio.to_thread(self._tried, content)
        if document is None:
            self._doubts = mistakes
        else:
            self._use(document, content)

    def _tried(self, content: bytes | str) -> tuple[FlagDocument | None, tuple[str, ...]]:
        """The document, unless the whole is of no use, and every mistake."""
        name = self._path.name
        if isinstance(content, str):
            return None, (f"{name}: {content}",)
        try:
            document = read_flags(content, name=name, previous=self._document.definitions)
        except FlagMistakesError as error:
            return None, error.mistakes
        return document, tuple(chain.from_iterable(document.mistakes.values()))

    def _use(self, document: FlagDocument, content: bytes | str) -> None:
        self._document = document
        mistakes = tuple(chain.from_iterable(document.mistakes.values()))
        if document.warnings:
            _LOG.warning("the flag file may be meant otherwise: %s", _told(document.warnings))
        if mistakes:
            _LOG.warning("flags of the file cannot be used, the last good ones hold: %s", _told(mistakes))
        self._publish(mistakes, stale=False)
        if isinstance(content, bytes):
            while not self._to_keep.empty():
                self._to_keep.get_nowait()
            self._to_keep.put_nowait((document, content))

    def _break(self, mistakes: tuple[str, ...]) -> None:
        _LOG.warning("the flag file cannot be used, the last good flags hold: %s", _told(mistakes))
        self._publish(mistakes, stale=True)

    def _publish(self, mistakes: tuple[str, ...], *, stale: bool) -> None:
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._now()
        document = self._document
        self._take(Layer(FlagLayer.FILE, self._path.name, document.definitions, mistakes=document.mistakes, stale=stale))

    async def _last(self) -> FlagDocument | None:
        """What was last good, as far as the storage tells in time."""
        try:
            async with asyncio.timeout(START_SECONDS):
                content = await self._last_good.load(self._kept_name)
            return None if content is None else await asyncio.to_thread(read_flags, content, name="last good flags")
        except (GenesisError, TimeoutError, FlagMistakesError) as error:
            _LOG.warning("the last good flags of the file are not known", extra={"fields": {"reason": type(error).__name__}})
            return None

    async def _keep(self) -> NoReturn:
        """Give what is good to the storage, the newest when it does not answer for a while."""
        told = ""
        while True:
            document, content = await self._to_keep.get()
            try:
                good = await asyncio.to_thread(flags_document, document.definitions.values()) if document.mistakes else content
                await self._last_good.save(self._kept_name, good)
                told = ""
            except GenesisError as error:
                if error.reason != told:
                    _LOG.warning("the last good flags of the file are not kept yet", extra={"fields": {"reason": error.reason}})
                told = error.reason
                await asyncio.sleep(RETRY_SECONDS)
                if self._to_keep.empty():
                    self._to_keep.put_nowait((document, content))
            except Exception:  # noqa: BLE001  (whatever it is, the file is followed, and later flags are kept)
                _LOG.exception("keeping the last good flags of the file failed")


def _told(messages: Sequence[str]) -> str:
    more = len(messages) - _TOLD
    return "; ".join(messages[:_TOLD]) + (f"; and {more} more" if more > 0 else "")
