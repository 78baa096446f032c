"""Time as the worker sees it: a clock, waits and chance, all of them replaceable."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock with its waits."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform

    async def first(self, *events: asyncio.Event, seconds: float | None = None) -> None:
        """Wait until one of the events is set, or the time is over; None: as long as it takes."""
        if any(event.is_set() for event in events):
            return
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait()) for event in events]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self.sleep(max(0.0, seconds))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def backoff(self, failures: int, *, first: float = 0.1, longest: float = 10.0) -> float:
        """Seconds to wait after so many failures in a row, from 0: twice as long each time, half of it drawn ("equal jitter")."""
        whole = min(longest, first * 2.0 ** min(failures, 30))
        return self.uniform(whole / 2, whole)
