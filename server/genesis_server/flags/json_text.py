"""Reads JSON piece by piece, so that what was read before need not be read again, and tells what other readers understand otherwise."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import cast

from genesis_server.flags.json_lines import Path
from genesis_server.model.flags import JsonValue

LARGEST_INTEGER = 2**53 - 1
"""Up to here every language keeps an integer as it is (RFC 8259, 6)."""
_DIGITS = 16
_BLANK = re.compile(r"[ \t\n\r]*")


class JsonText:
    """A JSON text and a place in it. Every method but `value_at` begins at the place, and leaves it behind what was read.

    All of them raise json.JSONDecodeError where the text is no JSON, and RecursionError where it is nested too deep.
    """

    def __init__(self, text: str) -> None:
        """Stand before the outermost value of `text`."""
        self.text = text
        self.at = self._skip(0)
        self.repeats = False
        """A key stands twice in one of the objects that were read."""
        self.odd_numbers = False
        """There may be numbers in what was read that `odd_numbers` tells."""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_int=self._integer, parse_float=self._number, parse_constant=self._number
        )

    def stands_at(self, mark: str) -> bool:
        """Whether `mark` stands here."""
        return self.text.startswith(mark, self.at)

    def passes_over(self, known: str) -> bool:
        """Pass over `known`, a whole object, when it stands here letter for letter."""
        if not known or not self.text.startswith(known, self.at):
            return False
        self.at += len(known)
        return True

    def value(self) -> JsonValue:
        """The value here."""
        found, self.at = self._decoder.raw_decode(self.text, self.at)
        return cast("JsonValue", found)

    def value_at(self, at: int) -> JsonValue:
        """The value that begins at `at`."""
        return cast("JsonValue", self._decoder.raw_decode(self.text, at)[0])

    def members(self) -> Iterator[str]:
        """The names of the members of the object here; whoever asks reads the value of each before the next."""
        self._expect("{", "Expecting an object")
        if self._passes("}"):
            return
        seen: set[str] = set()
        while True:
            if not self.text.startswith('"', self.at):
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self.text, self.at)
            name = cast("str", self.value())
            self.repeats |= name in seen
            seen.add(name)
            self.at = self._skip(self.at)
            self._expect(":", "Expecting ':' delimiter")
            yield name
            self.at = self._skip(self.at)
            if self._passes("}"):
                return
            self._expect(",", "Expecting ',' delimiter")

    def end(self) -> None:
        """Nothing may follow."""
        self.at = self._skip(self.at)
        if self.at < len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, self.at)

    def _expect(self, mark: str, otherwise: str) -> None:
        if not self._passes(mark):
            raise json.JSONDecodeError(otherwise, self.text, self.at)
        self.at = self._skip(self.at)

    def _passes(self, mark: str) -> bool:
        passes = self.text.startswith(mark, self.at)
        self.at += passes
        return passes

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        members = dict(pairs)
        if len(members) != len(pairs):
            self.repeats = True
        return members

    def _integer(self, digits: str) -> int:
        if len(digits) < _DIGITS:
            return int(digits)
        self.odd_numbers = True
        return int(digits[: _DIGITS + 4])

    def _number(self, digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            self.odd_numbers = True
        return value


def odd_numbers(value: JsonValue) -> Iterator[tuple[Path, str]]:
    """Where a value holds a number that is no JSON or that other languages round, and what is wrong with it."""
    waiting: list[tuple[Path, JsonValue]] = [((), value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(((*path, name), inner) for name, inner in part.items())
        elif isinstance(part, list):
            waiting.extend(((*path, at), inner) for at, inner in enumerate(part))
        elif isinstance(part, float) and not math.isfinite(part):
            yield path, "is no number of JSON, or too large for one"
        elif isinstance(part, int) and abs(part) > LARGEST_INTEGER:
            yield path, f"is an integer beyond {LARGEST_INTEGER}, which other languages round; write it as a text"


def depth_of(value: JsonValue) -> int:
    """How many objects and lists stand in one another at the deepest place."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else None
        if inner is not None:
            deepest = max(deepest, depth)
            waiting.extend((item, depth + 1) for item in inner)
    return deepest


def short(value: object) -> str:
    """A value as JSON, cut after 60 characters, for messages."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
