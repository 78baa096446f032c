"""The share of calls that ended in a server fault, over a sliding window."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from genesis_server.telemetry.names import ERROR_RATE

WINDOW_SECONDS = 300.0
SLOT_SECONDS = 5.0


class ErrorRate:
    """Counts calls and faults in slots of five seconds; a Prometheus collector. One thread counts, any may read.

    The gauge is absent while the window holds no call: no traffic is not an error rate of zero.
    """

    def __init__(self, clock: Callable[[], float], *, window_seconds: float = WINDOW_SECONDS, slot_seconds: float = SLOT_SECONDS) -> None:
        """Take a monotonic `clock` in seconds."""
        self._clock = clock
        self._slot_seconds = slot_seconds
        self._slots_in_window = round(window_seconds / slot_seconds)
        self._slots: deque[list[int]] = deque()
        """[number of the slot, calls, faults], oldest first."""
        self._newest = [-1, 0, 0]
        self._lock = threading.Lock()

    def count(self, *, fault: bool) -> None:
        """A call ended."""
        number = int(self._clock() // self._slot_seconds)
        newest = self._newest
        if newest[0] != number:
            newest = self._newest = [number, 0, 0]
            with self._lock:
                self._forget_before(number)
                self._slots.append(newest)
        newest[1] += 1
        newest[2] += fault

    def value(self) -> float | None:
        """Faults per call in the window, 0 to 1; None while there was no call."""
        with self._lock:
            self._forget_before(int(self._clock() // self._slot_seconds))
            calls = sum(slot[1] for slot in self._slots)
            return sum(slot[2] for slot in self._slots) / calls if calls else None

    def collect(self) -> Iterator[Metric]:
        """The gauge, for the registry."""
        gauge = GaugeMetricFamily(ERROR_RATE, "Share of calls that ended in a server fault, last five minutes; absent without calls.")
        value = self.value()
        if value is not None:
            gauge.add_metric([], value)
        yield gauge

    def _forget_before(self, number: int) -> None:
        """Forget the slots that are out of the window when this one is the newest."""
        while self._slots and self._slots[0][0] <= number - self._slots_in_window:
            self._slots.popleft()
