"""Whether an answer is what a scenario expects.

An object matches when each of its fields does: fields it does not name may be anything, and a field that is left out of an answer has its
default (0, false, empty). A list matches element by element. Objects of one key beginning with `$` say it otherwise:

| pattern | matches |
| --- | --- |
| `{"$matches": "REGEX"}` | a text that has it, from its begin |
| `{"$size": N}`, `{"$at_least": N}`, `{"$at_most": N}` | a list or text of that length, or a number of that size |
| `{"$contains": PATTERN}` | a list with such an element; a text with such a text |
| `{"$any": true}` | whatever is there |
| `{"$absent": true}` | what is not there |
| `{"$same_as": "0.answer.plan.id"}` | the same as there in the results of the scenario's steps |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_DEFAULTS: tuple[object, ...] = (None, False, 0, 0.0, "", [], {})


def at(value: Any, path: str) -> Any:
    """What stands at a path of dots; list indexes are numbers. None when nothing does."""
    for step in path.split("."):
        if isinstance(value, list):
            index = int(step)
            value = value[index] if -len(value) <= index < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def mismatches(pattern: Any, value: Any, results: Sequence[Any] = (), place: str = "") -> list[str]:
    """What differs, a sentence each; empty when it matches."""
    if isinstance(pattern, Mapping):
        if len(pattern) == 1 and next(iter(pattern)).startswith("$"):
            return _special(*next(iter(pattern.items())), value, results, place)
        found: list[str] = []
        for key, part in pattern.items():
            inner = value.get(key) if isinstance(value, Mapping) else None
            found += mismatches(part, inner, results, f"{place}.{key}" if place else key)
        return found
    if isinstance(pattern, list):
        length = len(value) if isinstance(value, list) else 0
        if length != len(pattern):
            return [f"{place} has {length} elements, not {len(pattern)}"]
        return [wrong for n, part in enumerate(pattern) for wrong in mismatches(part, value[n], results, f"{place}.{n}")]
    same = value == pattern or (pattern in _DEFAULTS and value is None) or _number(value) == _number(pattern) is not None
    return [] if same else [f"{place} is {_shown(value)}, not {_shown(pattern)}"]


def _special(name: str, wanted: Any, value: Any, results: Sequence[Any], place: str) -> list[str]:
    if name == "$same_as":
        wanted = at(list(results), wanted)
        return [] if value == wanted and value is not None else [f"{place} is {_shown(value)}, not {_shown(wanted)}"]
    if name == "$any":
        return [] if value not in _DEFAULTS else [f"{place} is missing"]
    if name == "$absent":
        return [] if value is None else [f"{place} is {_shown(value)}, and should not be there"]
    if name == "$matches":
        return [] if isinstance(value, str) and re.match(wanted, value) else [f"{place} is {_shown(value)}, not like {wanted}"]
    if name == "$contains":
        fits = wanted in value if isinstance(value, str) else any(not mismatches(wanted, one, results) for one in value or ())
        return [] if fits else [f"{place} has nothing like {_shown(wanted)}: {_shown(value)}"]
    size = len(value) if isinstance(value, str | list | Mapping) and _number(value) is None else _number(value) or 0
    compare = {"$size": size == wanted, "$at_least": size >= wanted, "$at_most": size <= wanted}
    if name not in compare:
        raise ValueError(f"no pattern is called {name}")
    return [] if compare[name] else [f"{place} is of size {size:g}; wanted {name[1:]} {wanted}"]


def _number(value: Any) -> float | None:
    """Numbers, also those of 64 bits, which JSON has as texts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
