"""The engine: the primitives of storage/base.py over the two workers."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from genesis_server.storage.base import ANY_VERSION, Change, Document, Entry, Key, Lease, Put
from genesis_server.storage.sqlite import documents, journal, leases
from genesis_server.storage.sqlite.connection import Session, create, translate
from genesis_server.storage.sqlite.watching import Watchers
from genesis_server.storage.sqlite.worker import Job, Work, Worker
from genesis_server.storage.sqlite.writing import Topic, Writing

BUSY_SECONDS = 5.0
"""How long a write waits for another process's lock."""
SWEEP_SECONDS = 60.0
"""Time between two sweeps of what is over."""
SWEEP_ROWS = 500
"""Rows of each sort that one sweep deletes at most; a full sweep is followed by another one."""
WATCH_ROWS = 100
"""Changes that a watcher reads at once."""

T = TypeVar("T")


class SqliteStore:
    """A `storage.base.Store` in one file, used from one event loop.

    Watchers hear of a deletion for an hour after it (documents.TOMBSTONE_SECONDS), of an expiry when it is swept.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float],
        busy_seconds: float = BUSY_SECONDS,
        temporary: bool = False,
    ) -> None:
        """Open or create the file at `path` and bring its schema up to date.

        `clock` tells seconds since the epoch and is called from the store's threads. `temporary` means that the folder of the file
        belongs to this store: commits do not wait for the disk, and closing deletes it. Raises ResourceError STORAGE_UNAVAILABLE or
        STORAGE_FULL.
        """
        self._clock = clock
        self._folder = path.parent if temporary else None
        self._swept = clock()
        create(path)
        writing = Session(path, busy_seconds=busy_seconds, durable=not temporary)
        reading = Session(path, busy_seconds=busy_seconds, read_only=True)
        try:
            writing.connection()
            reading.connection()
        except BaseException as error:
            writing.close()
            reading.close()
            if isinstance(error, sqlite3.Error):
                raise translate(error, path.parent) from error
            raise
        self._watchers = Watchers(self._head)
        self._writer = Worker("genesis-store-writer", writing, tidy=self._after_writing)
        self._reader = Worker("genesis-store-reader", reading, tidy=lambda _: None)

    async def get(self, key: Key) -> Document | None:
        """The document, or None."""
        return await self._reader.submit(lambda connection: documents.get(connection, key, now=self._clock()))

    async def put(self, key: Key, value: bytes, *, expected: int = ANY_VERSION, expires: float | None = None) -> int:
        """Write and return the new version."""
        return (await self.put_all([Put(key, value, expected, expires)]))[0]

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        """Write all or none; the new versions, in order."""
        together = tuple(puts)
        topics = frozenset([(put.key.tenant, put.key.kind) for put in together])
        return await self._write(topics, lambda connection: documents.put_all(connection, together, now=self._clock()))

    async def delete(self, key: Key, *, expected: int = ANY_VERSION) -> bool:
        """Delete; False when it was not there."""
        topics = frozenset([(key.tenant, key.kind)])
        return await self._write(topics, lambda connection: documents.delete(connection, key, expected=expected, now=self._clock()))

    async def list(
        self, tenant: str, kind: str, *, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> Sequence[Document]:
        """Documents whose id begins with `prefix`, in order of ids, beyond `after`."""
        return await self._reader.submit(
            lambda connection: documents.listed(
                connection, tenant, kind, prefix=prefix, after=after, limit=limit, descending=descending, now=self._clock()
            )
        )

    def watch(self, tenant: str, kind: str, *, after_revision: int | None = None) -> AsyncIterator[Change]:
        """Changes from `after_revision` on; None means from this call on, so that a `list` made after it misses nothing."""
        self._watchers.join()
        start = self._reader.submit(documents.head) if after_revision is None else None
        return self._watch(tenant, kind, after_revision or 0, start)

    async def _watch(self, tenant: str, kind: str, position: int, start: asyncio.Future[int] | None) -> AsyncIterator[Change]:
        def read(connection: sqlite3.Connection) -> tuple[Sequence[Change], int]:
            return documents.changes(connection, tenant, kind, after=position, limit=WATCH_ROWS, now=self._clock())

        if start is not None:
            position = await start
        while not self._watchers.closed:
            found, position = await self._reader.submit(read)
            for change in found:
                yield change
            if len(found) < WATCH_ROWS:
                position = await self._watchers.beyond((tenant, kind), position)

    async def append(self, tenant: str, stream: str, values: Sequence[bytes]) -> int:
        """Append all or none; the sequence number of the last."""
        return await self._writer.submit(lambda connection: journal.append(connection, tenant, stream, values, now=self._clock()))

    async def read(self, tenant: str, stream: str, *, after: int = 0, limit: int = 100) -> Sequence[Entry]:
        """Entries with a larger sequence number than `after`, in order."""
        return await self._reader.submit(lambda connection: journal.read(connection, tenant, stream, after=after, limit=limit))

    async def acquire(self, tenant: str, name: str, holder: str, *, seconds: float, slots: int = 1) -> Lease | None:
        """A lease when fewer than `slots` live ones of this name are out; None otherwise."""
        return await self._writer.submit(
            lambda connection: leases.acquire(connection, tenant, name, holder, seconds=seconds, slots=slots, now=self._clock())
        )

    async def renew(self, lease: Lease, *, seconds: float) -> Lease | None:
        """The lease with a new end and the same token; None when it is gone."""
        return await self._writer.submit(lambda connection: leases.renew(connection, lease, seconds=seconds, now=self._clock()))

    async def release(self, lease: Lease) -> bool:
        """Give it back; False when it was gone already."""
        return await self._writer.submit(lambda connection: leases.release(connection, lease, now=self._clock()))

    async def check(self) -> None:
        """Raise ResourceError when it cannot be read, or a page cannot be written to its disk."""
        await self._head()
        await self._writer.submit(documents.touch)

    async def close(self) -> None:
        """Finish what is under way and let go."""
        self._watchers.close()
        await self._reader.stop()
        await self._writer.stop()  # the last connection to close folds in the log; two at once would leave it lying
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _head(self) -> int:
        return await self._reader.submit(documents.head)

    def _write(self, topics: frozenset[Topic], work: Work[documents.Changed[T]]) -> asyncio.Future[T]:
        return self._writer.submit(Writing(work, topics))

    def _after_writing(self, jobs: Sequence[Job]) -> Job | None:
        """In the writer's thread: wake the watchers, and sweep when it is time."""
        writes = [job.work.written for job in jobs if job.error is None and isinstance(job.work, Writing)]
        if writes:
            self._watchers.notify(writes)
        if abs(self._clock() - self._swept) < SWEEP_SECONDS:
            return None
        return Job(self._sweep)

    def _sweep(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        done = documents.sweep(connection, limit=SWEEP_ROWS, now=now), leases.sweep(connection, limit=SWEEP_ROWS, now=now)
        if max(done) < SWEEP_ROWS:
            self._swept = now
