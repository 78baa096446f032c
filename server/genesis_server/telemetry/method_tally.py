"""What is counted of the calls of one method, in plain numbers.

A counter of prometheus-client takes a lock and four calls of Python to count one. Calls are counted by the event loop alone, several times
each, so they are counted here, and told to prometheus-client when it is asked (`rpc_metrics.py`).
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.samples import Exemplar

OK = "OK"
"""Name of the status of calls that ended well."""


class MethodTally:
    """One method's numbers; the event loop counts, any thread may read."""

    __slots__ = ("_bounds", "_buckets", "_exemplars", "handled", "received", "seconds", "sent", "started")

    def __init__(self, codes: Iterable[str], bounds: Sequence[float]) -> None:
        """Begin at 0 for all `codes`, names of statuses; `bounds` are those of the histogram's buckets in seconds, without infinity."""
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self._exemplars: list[Exemplar | None] = [None] * (len(bounds) + 1)
        self.started = 0
        self.handled = dict.fromkeys(codes, 0)
        """Calls that ended, by the name of the status code."""
        self.received = 0
        self.sent = 0
        self.seconds = 0.0
        """Time of all calls that ended."""

    def ended(self, code: str, seconds: float, trace_id: str = "") -> None:
        """A call ended with a status after so long; `trace_id` tells its trace when that is recorded."""
        self.handled[code] += 1
        self.seconds += seconds
        place = bisect_left(self._bounds, seconds)
        self._buckets[place] += 1
        if trace_id:
            self._exemplars[place] = Exemplar({"trace_id": trace_id}, seconds, time.time())

    @property
    def in_flight(self) -> int:
        """Calls that run."""
        # In this order, because calls begin and end meanwhile: there are never fewer than none.
        ended = sum(self.handled.values())
        return self.started - ended

    def buckets(self) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """The histogram: upper bound, how many calls took at most so long, and an example if there is one."""
        counts = accumulate(self._buckets)
        return [
            (bound, count) if example is None else (bound, count, example)
            for bound, count, example in zip((*map(str, self._bounds), "+Inf"), counts, self._exemplars, strict=True)
        ]
