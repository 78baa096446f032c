"""What a measurement of quality is asked for and gives back, its folds, and the seal on gold answers: the common ground of `make quality`.

A measurement is a module beside this one with `measure(run: Run) -> list[Figure]`. It talks to the server through the Python client
only. Gold answers are read by what `Sealed` holds, which opens when every question has been answered.
"""

from __future__ import annotations

import statistics
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

FOLDS = 5
SERVICE = "Genesis"
_PARTS = 5

Record = TypeVar("Record")
Gold = TypeVar("Gold")


@dataclass(frozen=True)
class Run:
    """What a measurement works with."""

    data: Path
    """The folder of data sets."""
    address: str
    """A running server."""
    limit: int | None = None
    """The most records to take of each set; None: all."""
    seed: int = 8
    """What all that is drawn begins with."""


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
    by: str = SERVICE
    """Whose it is: the service's, or that of the baseline of this name."""
    over: str = "folds"
    """What the spread is over."""


class Sealed(Generic[Gold]):
    """Gold answers that nobody reads before the service has answered."""

    def __init__(self, questions: Iterable[str], read: Callable[[], Gold]) -> None:
        """Seal what `read` gives until each of these questions, told by id, has an answer."""
        self._questions = frozenset(questions)
        self._read = read

    def opened(self, answered: Iterable[str]) -> Gold:
        """The gold answers. Raises RuntimeError while a question has no answer."""
        waiting = self._questions.difference(answered)
        if waiting:
            raise RuntimeError(f"{len(waiting)} questions have no answer yet, so their gold stays sealed")
        return self._read()


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
    name: str,
    records: Sequence[str],
    values: Sequence[float],
    *,
    unit: str = "%",
    aim: str = "",
    by: str = SERVICE,
    fold: Callable[[str], object] = fold_of,
    over: str = "folds",
) -> Figure:
    """The mean of a value per record, with the least and the most of its means per fold; shares become percents."""
    scale = 100.0 if unit == "%" else 1.0
    folds: dict[object, list[float]] = defaultdict(list)
    for record, value in zip(records, values, strict=True):
        folds[fold(record)].append(value * scale)
    means = [statistics.fmean(some) for some in folds.values()] or [0.0]
    total = statistics.fmean(values) * scale if values else 0.0
    return Figure(name, total, min(means), max(means), len(values), unit, aim, by, over)


def spread_over(name: str, values: Sequence[float], records: int, *, unit: str, over: str, aim: str = "", by: str = SERVICE) -> Figure:
    """The mean of figures made several times, with the least and the most of them; they are taken as they are."""
    return Figure(name, statistics.fmean(values), min(values), max(values), records, unit, aim, by, over)
