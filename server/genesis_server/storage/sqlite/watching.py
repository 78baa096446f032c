"""Who waits for a change is woken at once by this process's writes, and by a poll for those of other processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.05
"""Time between two looks at the store's last revision while somebody watches."""


class Watchers:
    """Those who wait for the store's revision to pass the one they know; all on one event loop."""

    def __init__(self, revision: Callable[[], Awaitable[int]], *, poll_seconds: float = POLL_SECONDS) -> None:
        """`revision` asks the store for the revision of its last change."""
        self._revision = revision
        self._poll_seconds = poll_seconds
        self._last = 0
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._poll: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    def join(self) -> None:
        """Somebody on the running loop begins to watch: from now on `notify` reaches it."""
        self._loop = asyncio.get_running_loop()

    async def beyond(self, revision: int) -> None:
        """Return when the store is past `revision`, or closed. Raises what the store raises."""
        if self.closed or self._last > revision:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = revision
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._poll_while_waited(), name="genesis-store-watch")
        try:
            await future
        finally:
            del self._waiting[future]

    def notify(self, revision: Callable[[], int]) -> None:
        """From any thread: something was written. `revision` is only asked when somebody has ever watched."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._advance, revision())

    def close(self) -> None:
        """Let everybody go."""
        self.closed = True
        if self._poll is not None:
            self._poll.cancel()
        for future in self._waiting:
            _wake(future)

    def _advance(self, revision: int) -> None:
        self._last = max(self._last, revision)
        for future, known in self._waiting.items():
            if known < self._last:
                _wake(future)

    async def _poll_while_waited(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._poll_seconds)
            try:
                self._advance(await self._revision())
            except Exception as error:  # noqa: BLE001  # it is for those who wait
                for future in self._waiting:
                    if not future.done():
                        future.set_exception(error)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
