"""How often a caller may call: one token bucket each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

MAX_CALLERS = 10_000


class CallerRates:
    """Token buckets by caller; those least recently used are forgotten beyond a bound, which is in the caller's favour."""

    def __init__(self, *, per_second: float, burst: float, clock: Callable[[], float], max_callers: int = MAX_CALLERS) -> None:
        """Each caller may call `burst` times at once and `per_second` times a second in the long run; `clock` is monotonic, in seconds."""
        self.per_second = per_second
        self._burst = burst
        self._clock = clock
        self._max_callers = max_callers
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        """Caller → (tokens, when they were counted)."""

    def take(self, caller: Hashable) -> float:
        """Take a token: 0 when there was one, else the seconds until there is one."""
        now = self._clock()
        tokens, counted = self._buckets.get(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - counted) * self.per_second)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._max_callers:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self.per_second
