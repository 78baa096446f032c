"""What a measurement finds: a median with its spread, and what was wanted of it.

Times of the processor are told twice, as they were and as they would be where a call of the bare echo server takes 124 µs of it: that is
the machine the aims are stated for. Ratios, sizes, and times that are mostly waiting are told as they were.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

ECHO_MICROSECONDS = 124.0
"""CPU of a bare echo call on the machine that the aims are stated for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    aim: float | None = None
    """The most it should be, or the least when more is better; None: nothing was asked."""
    more_is_better: bool = False
    scales: bool = False
    """Whether it is a time of the processor, or how much is done in one, and so depends on the machine as the echo does."""

    def scaled(self, echo_microseconds: float) -> Figure:
        """The same on a machine whose echo takes 124 µs, when it takes `echo_microseconds` here; itself where that makes no difference."""
        if not self.scales:
            return self
        factor = echo_microseconds / ECHO_MICROSECONDS if self.more_is_better else ECHO_MICROSECONDS / echo_microseconds
        return Figure(
            name=self.name,
            unit=self.unit,
            median=self.median * factor,
            low=self.low * factor,
            high=self.high * factor,
            aim=self.aim,
            more_is_better=self.more_is_better,
        )

    @property
    def met(self) -> bool | None:
        """Whether the median is what was wanted; None: nothing was asked."""
        if self.aim is None:
            return None
        return self.median >= self.aim if self.more_is_better else self.median <= self.aim


def figure(name: str, unit: str, values: Sequence[float], **more: object) -> Figure:
    """The median of some values, with the least and the most."""
    return Figure(name=name, unit=unit, median=statistics.median(values), low=min(values), high=max(values), **more)  # type: ignore[arg-type]


def single(name: str, unit: str, value: float, **more: object) -> Figure:
    """A figure that was found once."""
    return figure(name, unit, [value], **more)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """P50, P99 and the greatest."""
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cut[49], "p99": cut[98], "max": max(values)}


def cpu_seconds(pid: int) -> float:
    """Processor time of a process with its children so far, to the nanosecond; times that tools show count in steps of 10 ms."""
    pids = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return sum(time.clock_gettime((~one << 3) | 2) for one in pids)  # the clock that clock_getcpuclockid(3) gives
