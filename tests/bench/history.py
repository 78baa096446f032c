"""Runs that were recorded, and whether this one is slower.

One line of JSON a run. What is compared is what depends on the machine least: ratios, and times as they would be where the echo takes
124 µs. A figure got worse when its median is more than a tenth beyond all that the last recorded runs saw of it, and their median beyond
all that this run saw: both spreads are taken seriously.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Figure

SLACK = 1.1
"""A tenth: figures that were found once in a run have no spread."""
LAST = 5
"""Recorded runs that a new one is compared with."""


@dataclass(frozen=True, slots=True)
class Worse:
    """A figure that got worse."""

    name: str
    unit: str
    before: float
    now: float

    def __str__(self) -> str:
        """In a sentence."""
        return f"{self.name}: {self.before:.4g} {self.unit} before, {self.now:.4g} {self.unit} now"


def entry(figures: Sequence[Figure], *, echo_microseconds: float, **about: object) -> dict[str, Any]:
    """A run as it is recorded."""
    scaled = [one.scaled(echo_microseconds) for one in figures]
    found = {one.name: {"unit": one.unit, "median": _short(one.median), "low": _short(one.low), "high": _short(one.high)} for one in scaled}
    return {**about, "echo_us": _short(echo_microseconds), "figures": found}


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def read(path: Path) -> list[dict[str, Any]]:
    """The recorded runs, oldest first; none without the file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line] if path.exists() else []


def append(path: Path, run: dict[str, Any]) -> None:
    """Record a run."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run, ensure_ascii=False) + "\n")


def worse(figures: Sequence[Figure], *, echo_microseconds: float, recorded: Sequence[dict[str, Any]]) -> list[Worse]:
    """What got worse since the last recorded runs that have the figure too, in the order of the figures."""
    found: list[Worse] = []
    for one in figures:
        before = [run["figures"][one.name] for run in recorded if one.name in run["figures"]][-LAST:]
        if not before:
            continue
        now = one.scaled(echo_microseconds)
        median = statistics.median(run["median"] for run in before)
        if one.more_is_better:
            beyond = now.median * SLACK < min(run["low"] for run in before) and now.high < median
        else:
            beyond = now.median > SLACK * max(run["high"] for run in before) and now.low > median
        if beyond:
            found.append(Worse(one.name, one.unit, median, now.median))
    return found
