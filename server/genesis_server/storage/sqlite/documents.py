"""Documents as rows. Code point order is SQLite's binary order of UTF-8; an expired row counts as absent until it is swept."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from genesis_server.storage.base import ABSENT, ANY_VERSION, Change, Document, Key, Put, VersionConflictError

TOMBSTONE_SECONDS = 3600.0
"""How long a deletion is remembered for those who watch."""

T = TypeVar("T")

_LAST = "\U0010ffff"
_GET = """
    SELECT value, version FROM documents
    WHERE tenant = :tenant AND kind = :kind AND id = :id AND (expires IS NULL OR expires > :now)
"""
_VERSION = """
    SELECT version FROM documents
    WHERE tenant = :tenant AND kind = :kind AND id = :id AND (expires IS NULL OR expires > :now)
"""
_PUT = """
    INSERT INTO documents (tenant, kind, id, value, version, expires, revision) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, kind, id) DO UPDATE
    SET value = excluded.value, version = excluded.version, expires = excluded.expires, revision = excluded.revision
"""
_INSERT = """
    INSERT INTO documents (tenant, kind, id, value, version, expires, revision) VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO NOTHING
"""
_LIST = """
    SELECT id, value, version FROM documents
    WHERE tenant = :tenant AND kind = :kind AND id >= :low AND id < :high AND (expires IS NULL OR expires > :now) ORDER BY id
"""
_CHANGES = """
    SELECT revision, id, value, version FROM documents
    WHERE tenant = :tenant AND kind = :kind AND revision > :after AND (expires IS NULL OR expires > :now)
    UNION ALL SELECT revision, id, NULL, 0 FROM tombstones WHERE tenant = :tenant AND kind = :kind AND revision > :after
    ORDER BY revision LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """What a change of documents gave, and the revisions it took: those after `before` up to `after`, none when they are the same."""

    result: T
    before: int
    after: int


def get(connection: sqlite3.Connection, key: Key, *, now: float) -> Document | None:
    """The document, or None."""
    row = connection.execute(_GET, {"tenant": key.tenant, "kind": key.kind, "id": key.id, "now": now}).fetchone()
    return None if row is None else Document(key, row[0], row[1])


def put_all(connection: sqlite3.Connection, puts: Sequence[Put], *, now: float) -> Changed[Sequence[int]]:
    """Write one after the other; the new versions. The caller takes all back when one raises."""
    after = count_up(connection, "revision", len(puts))
    before = after - len(puts)
    return Changed([_put(connection, one, revision=before + place, now=now) for place, one in enumerate(puts, 1)], before, after)


def _put(connection: sqlite3.Connection, one: Put, *, revision: int, now: float) -> int:
    key = one.key
    # Most documents that must not be there are not; an expired one, which counts as absent, is found below.
    if one.expected == ABSENT and connection.execute(_INSERT, (*_names(key), one.value, one.expires, revision)).rowcount:
        return 1
    found = connection.execute(_VERSION, {"tenant": key.tenant, "kind": key.kind, "id": key.id, "now": now}).fetchone()
    actual = 0 if found is None else found[0]
    if one.expected not in {ANY_VERSION, actual}:
        raise VersionConflictError(key, one.expected, actual)
    connection.execute(_PUT, (*_names(key), one.value, actual + 1, one.expires, revision))
    return actual + 1


def _names(key: Key) -> tuple[str, str, str]:
    return key.tenant, key.kind, key.id


def delete(connection: sqlite3.Connection, key: Key, *, expected: int, now: float) -> Changed[bool]:
    """Delete; False when it was not there, whatever version was expected."""
    found = get(connection, key, now=now)
    if found is None:
        return Changed(False, 0, 0)  # noqa: FBT003  (what it gave)
    if expected not in {ANY_VERSION, found.version}:
        raise VersionConflictError(key, expected, found.version)
    connection.execute("DELETE FROM documents WHERE tenant = ? AND kind = ? AND id = ?", (key.tenant, key.kind, key.id))
    revision = _bury(connection, key, now)
    return Changed(True, revision - 1, revision)  # noqa: FBT003


def listed(
    connection: sqlite3.Connection, tenant: str, kind: str, *, prefix: str, after: str, limit: int, descending: bool, now: float
) -> Sequence[Document]:
    """Documents in order of ids."""
    low, high = prefix, beyond(prefix)
    if after and descending:
        high = after if high is None else min(high, after)
    elif after:
        low = max(low, after + "\0")
    rows = connection.execute(
        f"{_LIST} {'DESC' if descending else 'ASC'} LIMIT :limit",
        # SQLite orders every blob after every text: the empty blob is the bound that holds nothing back.
        {"tenant": tenant, "kind": kind, "low": low, "high": b"" if high is None else high, "now": now, "limit": max(limit, 0)},
    )
    return [Document(Key(tenant, kind, row[0]), row[1], row[2]) for row in rows]


def beyond(prefix: str) -> str | None:
    """The smallest text after all texts that begin with `prefix`; None when there is none."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)


def head(connection: sqlite3.Connection) -> int:
    """The revision of the last change in the store."""
    return connection.execute("SELECT value FROM counters WHERE name = 'revision'").fetchone()[0]


def touch(connection: sqlite3.Connection) -> None:
    """Write a page without changing anything: proves that the disk takes it."""
    connection.execute("UPDATE counters SET value = value WHERE name = 'revision'")


def changes(connection: sqlite3.Connection, tenant: str, kind: str, *, after: int, limit: int, now: float) -> tuple[Sequence[Change], int]:
    """The changes after a revision, oldest first, and the revision up to which they tell everything; call it in a transaction."""
    last = head(connection)
    rows = connection.execute(_CHANGES, {"tenant": tenant, "kind": kind, "after": after, "limit": limit, "now": now}).fetchall()
    found: list[Change] = []
    for revision, name, value, version in rows:
        key = Key(tenant, kind, name)
        found.append(Change(key, None if value is None else Document(key, value, version), revision))
    return found, found[-1].revision if len(found) == limit else last


def sweep(connection: sqlite3.Connection, *, limit: int, now: float) -> int:
    """Delete up to `limit` expired documents and as many forgotten tombstones; how many there were."""
    rows = connection.execute(
        "SELECT number, tenant, kind, id FROM documents WHERE expires <= ? ORDER BY expires LIMIT ?", (now, limit)
    ).fetchall()
    for number, tenant, kind, name in rows:
        connection.execute("DELETE FROM documents WHERE number = ?", (number,))
        _bury(connection, Key(tenant, kind, name), now)
    forgotten = connection.execute(
        "DELETE FROM tombstones WHERE revision IN (SELECT revision FROM tombstones WHERE time <= ? ORDER BY time LIMIT ?)",
        (now - TOMBSTONE_SECONDS, limit),
    ).rowcount
    return len(rows) + forgotten


def _bury(connection: sqlite3.Connection, key: Key, now: float) -> int:
    revision = count_up(connection, "revision")
    connection.execute("INSERT INTO tombstones VALUES (?, ?, ?, ?, ?)", (revision, key.tenant, key.kind, key.id, now))
    return revision


def count_up(connection: sqlite3.Connection, name: str, by: int = 1) -> int:
    """The value of a counter of the store after so many steps."""
    ((value,),) = connection.execute("UPDATE counters SET value = value + ? WHERE name = ? RETURNING value", (by, name))
    return value
