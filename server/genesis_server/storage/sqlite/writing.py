"""Writes that can tell which revisions they made, and of what, so that nobody is woken for a write that is not about them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from genesis_server.storage.sqlite import documents
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

    work: Work[Any]
    topics: frozenset[Topic]
    written: Written = field(default=Written(0, 0, frozenset()), init=False)
    """What it did the last time it ran."""

    def __call__(self, connection: sqlite3.Connection) -> Any:
        """Do it, in a transaction that keeps others from writing."""
        before = documents.head(connection)
        result = self.work(connection)
        self.written = Written(before, documents.head(connection), self.topics)
        return result
