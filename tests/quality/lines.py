"""Lines of a file: JSON may hold the other characters that Python's `splitlines` splits at."""

from __future__ import annotations

from pathlib import Path


def lines_of(path: Path) -> list[str]:
    """The lines of a text file that are not blank, without their ends."""
    return [line for line in path.read_text("utf-8").split("\n") if line.strip()]
