"""Ids of tasks: derived from content, so that the same goal gets the same ids."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MOST_WORDS = 5
LONGEST_SLUG = 40
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


class TaskIds:
    """Gives ids that are readable, and unique in one plan."""

    def __init__(self, goal: str) -> None:
        """Start for a goal; equal goals give equal ids."""
        self._goal = goal
        self._seen: dict[str, int] = {}

    def of(self, text: str) -> str:
        """An id for a task at the top: its first words and a short hash."""
        slug = slug_of(text)
        again = self._seen.get(text, 0)
        self._seen[text] = again + 1
        digest = hashlib.sha256(f"{self._goal}\0{text}\0{again}".encode("utf-8", "surrogatepass")).hexdigest()
        return f"{slug}-{digest[:8]}"


def slug_of(text: str) -> str:
    """The first words of a text in plain letters, joined by hyphens; "task" when it has none."""
    folded = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    parts = [part for part in _NOT_PLAIN.split(folded) if part][:MOST_WORDS]
    return "-".join(parts)[:LONGEST_SLUG].strip("-") or "task"
