"""How many calls are under way, and whether new ones are let in; the limits layer and the drain share it."""

from __future__ import annotations

import asyncio

from genesis_server.resilience.errors import NetworkError, ResourceError

OVERLOADED_RETRY_SECONDS = 0.5
SHUTDOWN_RETRY_SECONDS = 1.0


class Admission:
    """Counts calls on one event loop. Calls that tell health never come here."""

    def __init__(self, *, max_concurrent: int) -> None:
        """Let `max_concurrent` counted calls run at once."""
        self._max = max_concurrent
        self._counted = 0
        self._in_flight = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self, *, counted: bool) -> None:
        """Let a call in, under the bound when it is `counted`; `leave` must follow when it ends.

        Raises NetworkError SHUTTING_DOWN after `close`, ResourceError OVERLOADED when as many counted calls run as may.
        """
        if self._closed:
            message = "the server is about to stop; try again, another server answers"
            raise NetworkError("SHUTTING_DOWN", message, retry_after_seconds=SHUTDOWN_RETRY_SECONDS)
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

    def close(self) -> None:
        """Let no new call in."""
        self._closed = True

    async def idle(self) -> None:
        """Wait until no call is under way."""
        await self._idle.wait()
