"""Data files: mistakes collected with the line each is on, so that one run shows them all, and patterns that stay fast."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]")
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")


def bounded_expression(text: str) -> re.Pattern[str]:
    """Compile a pattern. Raises ValueError for a repeat without an upper bound and for one that matches the empty text."""
    if _UNBOUNDED.search(_QUOTED.sub("x", text)):
        raise ValueError("a repeat without an upper bound: write {0,40} instead of * or +")
    compiled = re.compile(text, re.MULTILINE)
    if compiled.search(""):
        raise ValueError("it matches the empty text")
    return compiled


class Complaints:
    """What is wrong with one file."""

    def __init__(self, source: str, name: str) -> None:
        """`source` is the file's text, `name` what readers call the file."""
        self._lines = source.splitlines()
        self._name = name
        self._found: list[str] = []

    def __len__(self) -> int:
        """How many mistakes were noted."""
        return len(self._found)

    def add(self, what: str, near: str = "", after: int = 0) -> None:
        """Note a mistake, on the first line after line `after` that holds `near`, else on line `after`; 0 is the whole file."""
        line = (self.line_of(near, after) if near else 0) or after
        self._found.append(f"{self._name}:{line}: {what}" if line else f"{self._name}: {what}")

    def line_of(self, near: str, after: int = 0) -> int:
        """Number of the first line after line `after` that holds `near`, from 1; 0 when none does."""
        return next((number for number, line in enumerate(self._lines, 1) if number > after and near in line), 0)

    def raise_if_any(self) -> None:
        """Raise ValueError with all mistakes, one a line."""
        if self._found:
            raise ValueError("\n".join(self._found))
