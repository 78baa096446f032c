"""Writes that can tell which revisions they made, and of what, so that nobody is woken for a write that is not about them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from genesis_server.storage.sqlite.documents import Changed
from genesis_server.storage.sqlite.worker import Work

Topic = tuple[str, str]
"""What is watched: the documents of a tenant and a kind."""


@dataclass(frozen=True, slots=True)
class Written:
    """A write that took the store from one revision to another, nobody else's in between."""

    before: int
    after: int
    topics: frozenset[Topic]
    """What it changed documents of, at most."""


@dataclass(slots=True)
class Writing:
    """Work that changes documents of `topics` only."""

    work: Work[Changed[Any]]
    topics: frozenset[Topic]
    written: Written = field(default=Written(0, 0, frozenset()), init=False)
    """What it did the last time it ran."""

    def __call__(self, connection: sqlite3.Connection) -> Any:
        """Do it; the result of the change."""
        changed = self.work(connection)
        self.written = Written(changed.before, changed.after, self.topics)
        return changed.result
