"""Journals as rows: the sequence is gapless because it is counted inside the write transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from genesis_server.storage.base import Entry

_LAST = "SELECT coalesce(max(sequence), 0) FROM journal WHERE tenant = ? AND stream = ?"


def append(connection: sqlite3.Connection, tenant: str, stream: str, values: Sequence[bytes], *, now: float) -> int:
    """Append all; the sequence number of the last entry of the stream."""
    last: int = connection.execute(_LAST, (tenant, stream)).fetchone()[0]
    connection.executemany(
        "INSERT INTO journal (tenant, stream, sequence, value, time) VALUES (?, ?, ?, ?, ?)",
        [(tenant, stream, sequence, value, now) for sequence, value in enumerate(values, last + 1)],
    )
    return last + len(values)


def read(connection: sqlite3.Connection, tenant: str, stream: str, *, after: int, limit: int) -> Sequence[Entry]:
    """Entries with a larger sequence number than `after`, in order."""
    rows = connection.execute(
        "SELECT sequence, value, time FROM journal WHERE tenant = ? AND stream = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        (tenant, stream, after, max(limit, 0)),
    )
    return [Entry(*row) for row in rows]
