"""Where the parts of a JSON text stand, so that a mistake can name its line.

Nothing is looked for before it is asked for, and what is not asked for is skipped by the JSON decoder itself: a mistake in
one of ten thousand flags costs little more than reading them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and positions from the document down, for example ("flags", "otel_enabled", "state")."""

_MAX_DEPTH = 32
_SHOWN = 128
_BLANK = re.compile(r"[ \t\n\r,:]*")
_DECODER = json.JSONDecoder(parse_int=float)


@dataclass(frozen=True, slots=True)
class _Part:
    """A member of an object or an item of a list."""

    name: str | int
    start: int
    """Where its key, or the item, begins."""
    value: int
    """Where its value begins."""


class JsonLines:
    """The lines of the parts of a text that `json.loads` has accepted, down to 32 levels."""

    def __init__(self, text: str) -> None:
        """Of `text`."""
        self._text = text
        self._members: dict[Path, dict[str | int, _Part]] = {}
        self._counted = (0, 1)
        """An offset, and its line."""

    def line_of(self, path: Path) -> int:
        """Line of `path`, or of the nearest part above it that is there; from 1."""
        line, value = 1, _skip(self._text, 0)
        for depth, name in enumerate(path[:_MAX_DEPTH]):
            part = self._parts(path[:depth], value).get(name)
            if part is None:
                break
            line, value = self._line(part.start), part.value
        return line

    def duplicates(self) -> Iterator[tuple[Path, int]]:
        """Keys that stand twice in one object, with the line of the second, down to 32 levels."""
        waiting: list[tuple[Path, int]] = [((), _skip(self._text, 0))]
        while waiting:
            path, value = waiting.pop()
            seen: set[str | int] = set()
            for part in _parts(self._text, value):
                below = (*path, part.name)
                if part.name in seen:
                    yield below, self._line(part.start)
                seen.add(part.name)
                if len(below) < _MAX_DEPTH:
                    waiting.append((below, part.value))

    def _parts(self, path: Path, value: int) -> dict[str | int, _Part]:
        found = self._members.get(path)
        if found is None:
            found = self._members[path] = {}
            for part in _parts(self._text, value):
                found.setdefault(part.name, part)
        return found

    def _line(self, offset: int) -> int:
        begin, line = self._counted if self._counted[0] <= offset else (0, 1)
        self._counted = (offset, line + self._text.count("\n", begin, offset))
        return self._counted[1]


def _parts(text: str, value: int) -> Iterator[_Part]:
    """The parts of the object or list that begins at `value`; none of anything else."""
    kind = text[value]
    if kind not in "{[":
        return
    at, count = _skip(text, value + 1), 0
    while text[at] not in "}]":
        start, name = at, count
        if kind == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, at)
        yield _Part(name, start, at)
        at, count = _skip(text, _DECODER.raw_decode(text, at)[1]), count + 1


def _skip(text: str, at: int) -> int:
    """Where the next piece begins."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def path_text(path: Path) -> str:
    """A path as JSONPath, for example `$.flags.otel_enabled.state`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else _name(part) for part in path)


def _name(part: str) -> str:
    shown = part if len(part) <= _SHOWN else part[: _SHOWN - 3] + "..."
    return f".{shown}" if shown.isidentifier() else f"[{json.dumps(shown)}]"
