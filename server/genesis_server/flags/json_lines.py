"""Where the parts of a JSON text stand, so that a mistake can name its line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and positions from the document down, for example ("flags", "otel_enabled", "state")."""

_MAX_DEPTH = 32
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\n', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """The line of every part of a document, and its repeated keys."""

    lines: dict[Path, int]
    """Line of each key of an object and each item of a list, from 1."""
    duplicates: tuple[tuple[Path, int], ...]
    """Keys that stand twice in one object, with the line of the second."""

    def line_of(self, path: Path) -> int:
        """Line of `path`, or of the nearest part above it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def locate(text: str) -> JsonLines:
    """Find the lines of a JSON text that `json.loads` has accepted, down to 32 levels."""
    walk = _Walk()
    for piece in _PIECE.findall(text):
        walk.step(piece)
    return JsonLines(walk.lines, tuple(walk.duplicates))


class _Walk:
    """A walk over the pieces of a text, knowing where in the document it is."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.duplicates: list[tuple[Path, int]] = []
        self._line = 1
        self._path: list[str | int] = []
        self._awaits_key = False

    def step(self, piece: str) -> None:
        if piece == "\n":
            self._line += 1
        elif piece in "}]":
            self._path.pop()
            self._awaits_key = False
        elif piece == ",":
            self._next()
        elif self._awaits_key:
            self._key(piece)
        elif piece != ":":
            self._value(piece)

    def _next(self) -> None:
        last = self._path[-1]
        if isinstance(last, int):
            self._path[-1] = last + 1
        else:
            self._awaits_key = True

    def _key(self, piece: str) -> None:
        self._path[-1] = str(json.loads(piece))
        self._awaits_key = False
        if len(self._path) <= _MAX_DEPTH and tuple(self._path) in self.lines:
            self.duplicates.append((tuple(self._path), self._line))
        self._note()

    def _value(self, piece: str) -> None:
        self._note()
        if piece in "{[":
            self._path.append(0 if piece == "[" else "")
            self._awaits_key = piece == "{"

    def _note(self) -> None:
        if len(self._path) <= _MAX_DEPTH:
            self.lines.setdefault(tuple(self._path), self._line)


def path_text(path: Path) -> str:
    """A path as JSONPath, for example `$.flags.otel_enabled.state`."""
    return "$" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" if part.isidentifier() else f"[{json.dumps(part)}]" for part in path
    )
