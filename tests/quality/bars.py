"""The figures that must hold (bars.toml), and which of them do not."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from measurement import SERVICE, Figure

BARS = Path(__file__).with_name("bars.toml")
_CLOSE = 1e-9


@dataclass(frozen=True)
class Bar:
    """A bound of one figure, in its unit."""

    measurement: str
    figure: str
    at_least: float = -math.inf
    at_most: float = math.inf

    def holds(self, figure: Figure) -> bool:
        """Whether a figure keeps it, which one of no records at all does not."""
        return figure.records > 0 and self.at_least - _CLOSE <= figure.value <= self.at_most + _CLOSE


def load_bars(path: Path = BARS) -> list[Bar]:
    """The bars. Raises TypeError on keys that are none."""
    return [Bar(**bar) for bar in tomllib.loads(path.read_text("utf-8"))["bars"]]


def broken(bars: Sequence[Bar], measured: Mapping[str, Sequence[Figure]]) -> list[str]:
    """What does not hold of the measurements that were made, in words; a figure that is missing does not."""
    found: list[str] = []
    for bar in bars:
        if bar.measurement not in measured:
            continue
        figures = [figure for figure in measured[bar.measurement] if figure.name == bar.figure and figure.by == SERVICE]
        if not figures:
            found.append(f"{bar.measurement}, {bar.figure}: not measured")
        found += [
            f"{bar.measurement}, {bar.figure}: {figure.value:.3f} {figure.unit}, not {_bound(bar)}"
            for figure in figures
            if not bar.holds(figure)
        ]
    return found


def _bound(bar: Bar) -> str:
    return f"at least {bar.at_least:g}" if bar.at_least > -math.inf else f"at most {bar.at_most:g}"
