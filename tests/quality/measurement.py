"""What a measurement of quality gives back, and its folds: the common ground of `make quality`.

A measurement is a module beside this one with `measure(data, address, limit) -> list[Figure]`: `data` is the folder of data sets,
`address` a running server, `limit` the most records to take (None: all). It talks to the server through the Python client only, and
looks at a gold answer only after the service has answered.
"""

from __future__ import annotations

import statistics
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

FOLDS = 5
_PARTS = 5

Record = TypeVar("Record")


@dataclass(frozen=True)
class Figure:
    """One measured number with its spread."""

    name: str
    value: float
    low: float
    """Least over the folds or seeds."""
    high: float
    """Most over the folds or seeds."""
    records: int
    unit: str = "%"
    aim: str = ""
    """What it should be, in words; empty: only reported."""


def in_view(records: Sequence[Record], what: str) -> Iterator[Record]:
    """The records one after the other; tells on standard error after each fifth of them how far it is."""
    start = time.perf_counter()
    told = {len(records) * part // _PARTS for part in range(1, _PARTS + 1)}
    for number, record in enumerate(records, start=1):
        yield record
        if number in told:
            print(f"  {what}: {number} of {len(records)} after {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def fold_of(record: str) -> int:
    """The fold, 0 to FOLDS - 1, of a record's id; the same on every machine."""
    return zlib.crc32(record.encode()) % FOLDS


def spread_over_folds(
    name: str, records: Sequence[str], values: Sequence[float], *, unit: str = "%", aim: str = "", fold: Callable[[str], int] = fold_of
) -> Figure:
    """The mean of a value per record, with the least and the most of its means per fold; shares become percents."""
    scale = 100.0 if unit == "%" else 1.0
    folds: dict[int, list[float]] = defaultdict(list)
    for record, value in zip(records, values, strict=True):
        folds[fold(record)].append(value * scale)
    means = [statistics.fmean(some) for some in folds.values()] or [0.0]
    total = statistics.fmean(values) * scale if values else 0.0
    return Figure(name, total, min(means), max(means), len(values), unit, aim)
