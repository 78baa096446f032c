"""A thread that runs jobs over one connection, as many as have arrived in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.sqlite.connection import UNAVAILABLE_RETRY_SECONDS, Session

MOST_JOBS = 256
"""Jobs in one transaction at most, so that none waits long for the others."""
IDLE_SECONDS = 30.0
"""How often an idle worker is given the chance to tidy up."""

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


@dataclass(slots=True)
class Job:
    """Something to do over the connection, and where its outcome goes; nobody waits for a job without a future."""

    work: Work[Any]
    future: asyncio.Future[Any] | None = None
    result: Any = None
    error: Exception | None = None


class Worker:
    """One thread, one connection, jobs in the order of their arrival.

    Jobs that arrive while a transaction is under way share the next one; each is answered after the commit. A job that raises is
    undone alone. When SQLite itself fails, the transaction is undone and its jobs run again one by one, so that each gets its own answer.
    """

    def __init__(self, name: str, session: Session, *, tidy: Callable[[Sequence[Job]], Job | None]) -> None:
        """Start. `tidy` runs in the thread after the jobs of each transaction (and now and then without any) and may name one more."""
        self._session = session
        self._tidy = tidy
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue `work`; the future of the running loop gets what it returns or raises. Cancelling it leaves the rest untouched."""
        if self._stopped:
            raise closed()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(Job(work, future))
        return future

    async def stop(self) -> None:
        """Finish what is queued, then close the connection."""
        if not self._stopped:
            self._stopped = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._arrived()
            if jobs:
                self._run(jobs)
            _deliver(jobs)
            if (extra := self._tidy(jobs)) is not None:
                self._run([extra])
        self._session.close()

    def _arrived(self) -> tuple[Sequence[Job], bool]:
        """What has arrived and is still wanted; True when nothing will come after it."""
        jobs: list[Job] = []
        stopping = False
        with contextlib.suppress(queue.Empty):
            job = self._jobs.get(timeout=IDLE_SECONDS)
            while job is not None:
                jobs.append(job)
                if len(jobs) == MOST_JOBS:
                    break
                job = self._jobs.get_nowait()
            stopping = job is None
        return [job for job in jobs if job.future is None or not job.future.cancelled()], stopping

    def _run(self, jobs: Sequence[Job]) -> None:
        """One transaction; jobs without an error were committed."""
        try:
            connection = self._session.begin()
        except (sqlite3.Error, ResourceError) as error:
            for job in jobs:
                job.error = self._session.failed(error)
            return
        try:
            for job in jobs:
                self._attempt(connection, job)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            failure = self._session.failed(error)
            if len(jobs) == 1:
                jobs[0].error = failure
                return
            for job in jobs:
                self._run([job])

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> None:
        job.result = job.error = None
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is for the caller
            job.error = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")


def closed() -> ResourceError:
    """The refusal of a store that was closed."""
    return ResourceError(
        "STORAGE_UNAVAILABLE",
        "The store is closed: the server is stopping, ask another one.",
        retry_after_seconds=UNAVAILABLE_RETRY_SECONDS,
    )


def _deliver(jobs: Sequence[Job]) -> None:
    """Hand out the outcomes, one wake-up for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.future is not None:
            by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, theirs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, theirs)


def _settle(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future is None or job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
