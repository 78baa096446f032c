"""Who waits for a change is woken at once by this process's writes, and by a poll for those of other processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from genesis_server.storage.sqlite.writing import Topic, Written

POLL_SECONDS = 0.05
"""Time between two looks at the store's last revision while somebody watches."""


@dataclass(slots=True)
class _Waiter:
    topic: Topic
    known: int
    """The revision up to which it misses nothing of its topic."""


class Watchers:
    """Those who wait for a change of their topic beyond the revision they know; all on one event loop."""

    def __init__(self, revision: Callable[[], Awaitable[int]], *, poll_seconds: float = POLL_SECONDS) -> None:
        """`revision` asks the store for the revision of its last change."""
        self._revision = revision
        self._poll_seconds = poll_seconds
        self._last = 0
        self._waiting: dict[asyncio.Future[None], _Waiter] = {}
        self._poll: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    def join(self) -> None:
        """Somebody on the running loop begins to watch: from now on `notify` reaches it."""
        self._loop = asyncio.get_running_loop()

    async def beyond(self, topic: Topic, revision: int) -> int:
        """Return when there may be a change of `topic` past `revision`, or the store is closed. Raises what the store raises.

        Returns the revision up to which there is none, from which on to read.
        """
        if self.closed or self._last > revision:
            return revision
        future = asyncio.get_running_loop().create_future()
        waiter = self._waiting[future] = _Waiter(topic, revision)
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._poll_while_waited(), name="genesis-store-watch")
        try:
            await future
        finally:
            del self._waiting[future]
        return waiter.known

    def notify(self, writes: Sequence[Written]) -> None:
        """From any thread: this was written and committed, in this order."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._advance, writes)

    def close(self) -> None:
        """Let everybody go."""
        self.closed = True
        if self._poll is not None:
            self._poll.cancel()
        for future in self._waiting:
            _wake(future)

    def _advance(self, writes: Sequence[Written]) -> None:
        for write in writes:
            self._last = max(self._last, write.after)
            for waiter in self._waiting.values():
                if write.before <= waiter.known < write.after and waiter.topic not in write.topics:
                    waiter.known = write.after
        self._wake_behind()

    def _wake_behind(self) -> None:
        for future, waiter in self._waiting.items():
            if waiter.known < self._last:
                _wake(future)

    async def _poll_while_waited(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._poll_seconds)
            try:
                self._last = max(self._last, await self._revision())
            except Exception as error:  # noqa: BLE001  # it is for those who wait
                for future in self._waiting:
                    if not future.done():
                        future.set_exception(error)
            else:
                self._wake_behind()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
