"""Figures as a table on the terminal, as JSON, as Markdown, and as plots."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from measurement import SERVICE, Figure

Measured = Mapping[str, Sequence[Figure]]
_NAME = 62
_COLOURS = ("#3465a4", "#b0b0b0", "#8a6d3b", "#d9a441")
_ROW_INCHES = 0.32


def row(figure: Figure) -> str:
    """A figure as a line of the table on the terminal."""
    return f"  {figure.name:<{_NAME}} {figure.by:<33} {_value(figure):>11} {_spread(figure):>26} {figure.records:>7}  {figure.aim}".rstrip()


def heading() -> str:
    """The line above."""
    return f"  {'figure':<{_NAME}} {'by':<33} {'value':>11} {'least to most':>26} {'records':>7}  aim"


def to_markdown(measured: Measured, titles: Mapping[str, str]) -> str:
    """A table for each measurement."""
    lines: list[str] = []
    for name, figures in measured.items():
        lines += [
            f"### {name}: {titles[name]}",
            "",
            "| figure | by | value | least to most | records | aim |",
            "| --- | --- | ---: | --- | ---: | --- |",
        ]
        lines += [f"| {f.name} | {f.by} | {_value(f)} | {_spread(f)} | {f.records} | {f.aim} |" for f in figures]
        lines.append("")
    return "\n".join(lines)


def to_json(measured: Measured, *, seed: int, limit: int | None, command: Sequence[str]) -> str:
    """All figures with what they were made by, when and where."""
    whole = {
        "command": list(command),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "load": [round(load, 1) for load in os.getloadavg()],
        },
        "commit": _commit(),
        "seed": seed,
        "limit": limit,
        "figures": {name: [dataclasses.asdict(figure) for figure in figures] for name, figures in measured.items()},
    }
    return json.dumps(whole, indent=1) + "\n"


def draw(measured: Measured, titles: Mapping[str, str], folder: Path) -> list[Path]:
    """A plot of the shares of each measurement, the service's beside the baselines', with their spread; the files written."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "genesis", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"})
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, figures in measured.items():
        shares = [figure for figure in figures if figure.unit == "%"]
        names = list(dict.fromkeys(figure.name for figure in shares))
        if not names:
            continue
        owners = sorted({figure.by for figure in shares}, key=lambda by: (by != SERVICE, by))
        plot, axes = plt.subplots(figsize=(8, 1.1 + _ROW_INCHES * len(shares)))
        thick = 0.8 / len(owners)
        for number, by in enumerate(owners):
            some = {figure.name: figure for figure in shares if figure.by == by}
            places = [names.index(each) + number * thick for each in some]
            values = [figure.value for figure in some.values()]
            errors = [[max(0.0, f.value - f.low) for f in some.values()], [max(0.0, f.high - f.value) for f in some.values()]]
            axes.barh(places, values, thick, xerr=errors, color=_COLOURS[number % len(_COLOURS)], ecolor="#555555", capsize=2, label=by)
        axes.set_yticks([place + 0.4 - thick / 2 for place in range(len(names))], names)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("% (bars from the least to the most over folds, draws or sources)")
        axes.set_title(titles[name], fontsize=10)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        path = folder / f"quality-{name}.svg"
        plot.savefig(path, bbox_inches="tight", metadata={"Date": None, "Creator": None})
        plt.close(plot)
        written.append(path)
    return written


def _value(figure: Figure) -> str:
    return f"{_number(figure.value)} {figure.unit}"


def _spread(figure: Figure) -> str:
    return f"{_number(figure.low)} to {_number(figure.high)} ({figure.over})" if figure.over != "-" else ""


def _number(value: float) -> str:
    """One decimal, two of what is small."""
    return f"{value:.2f}" if 0 < abs(value) < 1 else f"{value:.1f}"


def _commit() -> str:
    """The state of the source, for whoever compares; empty outside a clone."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
