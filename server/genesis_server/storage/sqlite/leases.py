"""Leases as rows. Tokens come from one counter of the store, so that none is ever given twice, whatever was released or swept."""

from __future__ import annotations

import dataclasses
import sqlite3

from genesis_server.storage.base import Lease
from genesis_server.storage.sqlite.documents import count_up


def acquire(connection: sqlite3.Connection, tenant: str, name: str, holder: str, *, seconds: float, slots: int, now: float) -> Lease | None:
    """A lease when fewer than `slots` live ones are out."""
    (out,) = connection.execute("SELECT count(*) FROM leases WHERE tenant = ? AND name = ? AND expires > ?", (tenant, name, now)).fetchone()
    if out >= slots:
        return None
    lease = Lease(tenant, name, holder, count_up(connection, "token"), now + seconds)
    connection.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", (lease.token, tenant, name, holder, lease.expires))
    return lease


def renew(connection: sqlite3.Connection, lease: Lease, *, seconds: float, now: float) -> Lease | None:
    """The lease with a new end; None when it was released or is over."""
    changed = connection.execute(
        "UPDATE leases SET expires = ? WHERE token = ? AND tenant = ? AND name = ? AND holder = ? AND expires > ?",
        (now + seconds, lease.token, lease.tenant, lease.name, lease.holder, now),
    ).rowcount
    return dataclasses.replace(lease, expires=now + seconds) if changed else None


def release(connection: sqlite3.Connection, lease: Lease, *, now: float) -> bool:
    """Give it back; False when it was released before or is over."""
    changed = connection.execute(
        "DELETE FROM leases WHERE token = ? AND tenant = ? AND name = ? AND holder = ? AND expires > ?",
        (lease.token, lease.tenant, lease.name, lease.holder, now),
    ).rowcount
    return changed == 1


def sweep(connection: sqlite3.Connection, *, limit: int, now: float) -> int:
    """Delete up to `limit` leases that are over; how many there were."""
    return connection.execute(
        "DELETE FROM leases WHERE token IN (SELECT token FROM leases WHERE expires <= ? ORDER BY expires LIMIT ?)", (now, limit)
    ).rowcount
