"""How many calls are under way, and whether new ones are let in; the limits layer and the drain share it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from genesis_server.resilience.errors import NetworkError, ResourceError

OVERLOADED_RETRY_SECONDS = 0.5
SHUTDOWN_RETRY_SECONDS = 1.0
MAX_WATCHES = 1_000
"""Streams that wait for news at once in one process; each of them costs a read with every write of its tenant."""
MAX_WORK_STREAMS = 10_000
"""Streams of workers at once in one process."""


class Admission:
    """Counts calls on one event loop. Calls that tell health never come here."""

    def __init__(self, *, max_concurrent: int, max_work_streams: int = MAX_WORK_STREAMS) -> None:
        """Let `max_concurrent` counted calls and `max_work_streams` streams of workers run at once."""
        self._max = max_concurrent
        self._max_work = max_work_streams
        self._workers: dict[object, Callable[[], None]] = {}
        """What tells each stream of a worker that the server is about to stop."""
        self._counted = 0
        self._watches = 0
        self._in_flight = 0
        self._closed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self, *, counted: bool) -> None:
        """Let a call in, under the bound when it is `counted`; `leave` must follow when it ends.

        Raises NetworkError SHUTTING_DOWN after `close`, ResourceError OVERLOADED when as many counted calls run as may.
        """
        if self._closed.is_set():
            raise shutting_down()
        if counted and self._counted >= self._max:
            message = f"{self._max} calls run already, which is as many as the server takes at once; try again later"
            raise _overloaded(self._max, message)
        self._counted += counted
        self._in_flight += 1
        self._idle.clear()

    def leave(self, *, counted: bool) -> None:
        """A call that was let in ended."""
        self._counted -= counted
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()

    @contextmanager
    def watch(self) -> Generator[None]:
        """Let a stream wait for news, under a bound of its own: it would hold the place of a call for an hour.

        Raises ResourceError OVERLOADED when as many wait as may.
        """
        if self._watches >= MAX_WATCHES:
            message = f"{MAX_WATCHES} streams wait for news already, which is as many as the server keeps; try again later"
            raise _overloaded(MAX_WATCHES, message)
        self._watches += 1
        try:
            yield
        finally:
            self._watches -= 1

    @contextmanager
    def work(self, on_close: Callable[[], None]) -> Generator[None]:
        """Let a worker's stream in, under a bound of its own; `on_close` is called once the server is about to stop.

        Raises ResourceError OVERLOADED when as many are open as may.
        """
        if len(self._workers) >= self._max_work:
            message = f"{self._max_work} workers are served already, which is as many as the server keeps; try again later"
            raise _overloaded(self._max_work, message)
        if self._closed.is_set():
            on_close()
        key = object()
        self._workers[key] = on_close
        try:
            yield
        finally:
            del self._workers[key]

    def close(self) -> None:
        """Let no new call in."""
        if not self._closed.is_set():
            self._closed.set()
            for tell in self._workers.values():
                tell()

    async def closed(self) -> None:
        """Wait until no new call is let in: time for a stream that waits for news to end."""
        await self._closed.wait()

    async def idle(self) -> None:
        """Wait until no call is under way."""
        await self._idle.wait()


def _overloaded(limit: int, message: str) -> ResourceError:
    return ResourceError("OVERLOADED", message, facts={"limit": str(limit)}, retry_after_seconds=OVERLOADED_RETRY_SECONDS)


def shutting_down() -> NetworkError:
    """The server stops."""
    message = "the server is about to stop; try again, another server answers"
    return NetworkError("SHUTTING_DOWN", message, retry_after_seconds=SHUTDOWN_RETRY_SECONDS)
