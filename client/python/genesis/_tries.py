"""Trying a call again by hand, for calls that must look different each time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from genesis.errors import GenesisError, Unauthenticated, Unavailable
from genesis.retry import Retry

_JITTER = 0.2


@dataclass(slots=True)
class Tries:
    """The tries of one call, within its deadline.

    gRPC repeats a call with the same headers, which a server refuses when they are signed; so signed calls are repeated here, by the
    same rules. Calls that gRPC repeats have `retry=None`: one try.
    """

    retry: Retry | None
    timeout: float
    """Seconds over all tries."""
    clock: Callable[[], float] = time.monotonic
    uniform: Callable[[float, float], float] = random.uniform
    _made: int = 0
    _end: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.timeout

    def time_left(self) -> float:
        """Deadline of the next try in seconds."""
        return self._end - self.clock()

    def wait_after(self, error: GenesisError) -> float | None:
        """Seconds to wait before another try; None when there is none."""
        self._made += 1
        replayed = isinstance(error, Unauthenticated) and error.reason == "CREDENTIALS_REPLAYED"
        if self.retry is None or self._made >= self.retry.attempts or not (replayed or isinstance(error, Unavailable)):
            return None
        backoff = min(self.retry.max_backoff, self.retry.initial_backoff * self.retry.multiplier ** (self._made - 1))
        wait = max(backoff * self.uniform(1 - _JITTER, 1 + _JITTER), error.retry_after or 0.0)
        return wait if wait < self.time_left() else None
