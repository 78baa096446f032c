"""The entry that goes with the only one chosen, by the tool graph that names imply.

What changes a thing takes a reading of that thing before it, where the catalogue has one: what begins something takes one that finds
what there is to choose from, what changes something that is there takes one that tells how it stands. Otherwise
another entry is worth its place only when it explains words of the goal that the first leaves unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genesis_server.planning.tool_graph import ToolGraph
from genesis_server.text.index import Scores

SAME_THING = 0.3
"""Affinity from which a reading is about the thing that another entry changes."""
BY_GOAL = 0.3
"""What its fit with the goal counts beside that affinity."""
SUITS = 0.4
"""What it counts when a reading is of the kind that the change takes."""
UNEXPLAINED = 0.5
"""Worth from which another entry explains enough of what is left."""
BY_AFFINITY = 0.7
"""What being about the same thing counts beside the fit with what is left."""


@dataclass(frozen=True, slots=True)
class SecondEntry:
    """An entry beside the only one."""

    place: int
    behind: bool
    """Whether it comes after it."""


def second_entry(graph: ToolGraph, only: int, text: str, over_goal: Scores) -> SecondEntry | None:
    """The entry that goes with `only`; `text` is what the goal asks for, `over_goal` how well each entry fits it.

    None when `only` tells its inputs or outputs, for then these decide, and when nothing is worth it.
    """
    chosen = graph.entries[only]
    if not chosen.silent:
        return None
    near = graph.affinities(only)
    others = [entry for entry in graph.entries if entry.silent and entry.place != only]
    if not chosen.reads:
        suits = np.array([SUITS if entry.finds == chosen.begins else 0.0 for entry in graph.entries])
        worth = near + BY_GOAL * over_goal + suits
        readings = [entry.place for entry in others if entry.reads and near[entry.place] >= SAME_THING]
        if readings:
            return SecondEntry(max(readings, key=lambda place: (worth[place], -place)), behind=False)
    rest = graph.fit_of_rest(text, only)
    worth = rest + BY_AFFINITY * near
    able = [entry.place for entry in others if rest[entry.place] > 0 and worth[entry.place] >= UNEXPLAINED]
    best = max(able, key=lambda place: (worth[place], -place), default=None)
    return None if best is None else SecondEntry(best, behind=chosen.reads or not graph.entries[best].reads)
