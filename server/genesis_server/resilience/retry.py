"""Retries with exponential backoff and full jitter.

M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: wait uniform(0, min(cap, base * 2^n)) before attempt n + 2.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from genesis_server.resilience.errors import GenesisError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and when a failed call is repeated. All times in seconds."""

    attempts: int = 3
    """Calls at most, the first one included."""
    base_seconds: float = 0.1
    """Upper bound of the first wait; it doubles with each further one."""
    cap_seconds: float = 60.0
    """Longest wait."""
    deadline_seconds: float | None = None
    """No attempt begins later than this after the first; an attempt under way is not cut short."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    uniform: Callable[[float, float], float] = random.uniform

    async def run(self, call: Callable[[], Awaitable[T]], *, retryable: Callable[[Exception], bool]) -> T:
        """Await `call()` until it succeeds, fails with what is not `retryable`, or attempts or time are used up; then its last error.

        An error that carries `retry_after_seconds` is waited for that long, plus the jitter; one that asks for more than the cap or
        than the time left is raised at once. Cancellation passes through.
        """
        start = self.clock()
        attempt = 1
        while True:
            try:
                return await call()
            except Exception as error:
                if attempt >= self.attempts or not retryable(error):
                    raise
                wait = self._wait(attempt, error)
                if wait is None or (self.deadline_seconds is not None and self.clock() + wait - start > self.deadline_seconds):
                    raise
            await self.sleep(wait)
            attempt += 1

    def _wait(self, attempt: int, error: Exception) -> float | None:
        """Seconds to wait after the failed `attempt`; None when the error asks for more than the cap."""
        asked = (error.retry_after_seconds if isinstance(error, GenesisError) else None) or 0.0
        if asked > self.cap_seconds:
            return None
        jitter = self.uniform(0.0, min(self.cap_seconds, self.base_seconds * 2.0 ** (attempt - 1)))
        return min(self.cap_seconds, asked + jitter)
