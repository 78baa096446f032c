"""Plots of a run and of the recorded ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from figures import Figure
from matplotlib import pyplot as plt

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "genesis", "svg.fonttype": "none"})
_MET, _MISSED, _LINE = "#2a7f62", "#b3392f", "#444444"


def draw_run(figures: Sequence[Figure], echo_microseconds: float, path: Path) -> None:
    """Each figure that something was wanted of, as a share of what may be spent: left of the line is what was wanted."""
    shown = [one.scaled(echo_microseconds) for one in figures if one.aim is not None]
    names, places = [one.name for one in shown], range(len(shown))
    picture, axes = plt.subplots(figsize=(10, 1.2 + 0.32 * len(shown)))
    for place, one in zip(places, shown, strict=True):
        shares = sorted(_share(one, value) for value in (one.low, one.median, one.high))
        colour = _MET if one.met else _MISSED
        axes.barh(place, shares[1], color=colour, height=0.55)
        axes.plot((shares[0], shares[2]), (place, place), color=_LINE, linewidth=1)
    axes.axvline(1.0, color=_LINE, linestyle="--", linewidth=1)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("share of the aim that is used; lines: least to most")
    _save(picture, path)


def draw_history(recorded: Sequence[Mapping[str, Any]], figures: Sequence[Figure], path: Path) -> None:
    """Each figure that something was wanted of, over the recorded runs, in shares of its aim."""
    picture, axes = plt.subplots(figsize=(10, 6))
    for one in figures:
        points = [(place, run["figures"][one.name]) for place, run in enumerate(recorded) if one.name in run["figures"]]
        if one.aim is None or not points:
            continue
        axes.plot(
            [place for place, _ in points], [_share(one, found["median"]) for _, found in points], marker="o", markersize=3, label=one.name
        )
    axes.axhline(1.0, color=_LINE, linestyle="--", linewidth=1)
    axes.set_xticks(range(len(recorded)), [str(run.get("date", "")) for run in recorded], rotation=30, fontsize=7)
    axes.set_ylabel("share of the aim that is used")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _save(picture, path)


def _share(one: Figure, value: float) -> float:
    assert one.aim is not None
    return one.aim / value if one.more_is_better else value / one.aim


def _save(picture: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(picture)
