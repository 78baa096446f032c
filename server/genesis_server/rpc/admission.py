"""How many calls are under way, and whether new ones are let in; the limits layer and the drain share it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from genesis_server.resilience.errors import NetworkError, ResourceError

OVERLOADED_RETRY_SECONDS = 0.5
SHUTDOWN_RETRY_SECONDS = 1.0
MAX_WATCHES = 1_000
"""Streams that wait for news at once in one process; each of them costs a read with every write of its tenant."""


class Admission:
    """Counts calls on one event loop. Calls that tell health never come here."""

    def __init__(self, *, max_concurrent: int) -> None:
        """Let `max_concurrent` counted calls run at once."""
        self._max = max_concurrent
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
            raise ResourceError("OVERLOADED", message, facts={"limit": str(self._max)}, retry_after_seconds=OVERLOADED_RETRY_SECONDS)
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
            raise ResourceError("OVERLOADED", message, facts={"limit": str(MAX_WATCHES)}, retry_after_seconds=OVERLOADED_RETRY_SECONDS)
        self._watches += 1
        try:
            yield
        finally:
            self._watches -= 1

    def close(self) -> None:
        """Let no new call in."""
        self._closed.set()

    async def closed(self) -> None:
        """Wait until no new call is let in: time for a stream that waits for news to end."""
        await self._closed.wait()

    async def idle(self) -> None:
        """Wait until no call is under way."""
        await self._idle.wait()


def shutting_down() -> NetworkError:
    """The server stops."""
    message = "the server is about to stop; try again, another server answers"
    return NetworkError("SHUTTING_DOWN", message, retry_after_seconds=SHUTDOWN_RETRY_SECONDS)
