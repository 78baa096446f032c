"""Decisions in plain words: reasons, differences, names, times."""

from __future__ import annotations

from collections.abc import Sequence

from genesis_server.model.catalogue import DataClass
from genesis_server.model.routing import Target, TargetKind

PART_NAMES = ("skill match", "success", "cost", "rules")
SMALLEST_DIFFERENCE = 0.005


def name_of(target: Target) -> str:
    """`build with medium-1`, or the tool's name."""
    if target.kind is TargetKind.TOOL or not target.model_id:
        return target.id
    return f"{target.id} with {target.model_id}"


def difference(gains: Sequence[float]) -> str:
    """What each of PART_NAMES adds to the score of one candidate more than to that of another, the largest first."""
    found = [(gain, name) for gain, name in zip(gains, PART_NAMES, strict=True) if abs(gain) >= SMALLEST_DIFFERENCE]
    found.sort(key=lambda gain: (-round(abs(gain[0]), 2), -gain[0]))
    return ", ".join([f"{name} {value:+.2f}" for value, name in found]) or "no part differs by 0.005 or more"


def seconds_text(seconds: float) -> str:
    """`12.5 s` below two minutes, else `4 min` or `3.5 h`."""
    if seconds < 120:
        return f"{seconds:.4g} s"
    return f"{seconds / 60:.4g} min" if seconds < 7_200 else f"{seconds / 3_600:.4g} h"


def any_of(names: frozenset[str] | None) -> str:
    """`eu or us`; what nobody can satisfy is said so."""
    return " or ".join(sorted(names)) if names else "none, because the task's regions and the call's have nothing in common"


def class_text(data_class: int) -> str:
    """`confidential`."""
    return DataClass(data_class).name.lower()


def load_text(tasks_for_each_slot: float) -> str:
    """`0.5 tasks for each slot`."""
    return f"{tasks_for_each_slot:.3g} tasks for each slot"
