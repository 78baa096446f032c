"""Pieces of a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open piece of a text, counted in code points."""

    start: int
    """First code point, from 0."""
    end: int
    """One past the last code point."""
    text: str
    """What stands there."""

    def __post_init__(self) -> None:
        """Refuse a piece that ends before it begins."""
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start} to {self.end}")
