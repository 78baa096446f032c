"""The three primitives: documents, journals and leases. One behaviour suite (tests/unit/storage) runs on every engine.

Every key begins with the tenant. Every method may raise `ResourceError` with reason STORAGE_FULL (nothing was written) or
STORAGE_UNAVAILABLE; a write that returned is on disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

ANY_VERSION = -1
"""Expected version of a write that does not care."""
ABSENT = 0
"""Expected version of a write that must create the document."""
SERVER = "_server"
"""Tenant of what belongs to the server and to no caller."""


@dataclass(frozen=True, slots=True)
class Key:
    """Where a document is. Listing goes by (tenant, kind, id) in code point order."""

    tenant: str
    kind: str
    """Collection, for example "plan"."""
    id: str


@dataclass(frozen=True, slots=True)
class Document:
    """A stored value with its version, which counts from 1 and never goes back while the document exists."""

    key: Key
    value: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Put:
    """A write of a document, as one of several that happen together."""

    key: Key
    value: bytes
    expected: int = ANY_VERSION
    """Version the document must have; ABSENT: none yet."""
    expires: float | None = None
    """Seconds since the epoch after which it vanishes; None: never."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a document as `watch` tells it: `document` is None when it was deleted."""

    key: Key
    document: Document | None
    revision: int
    """Position in the store's order of changes; watch again from here to miss nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a journal."""

    sequence: int
    """From 1, without gaps."""
    value: bytes
    time: float
    """Seconds since the epoch, by the engine's clock."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A counted, expiring, fenced permission."""

    tenant: str
    name: str
    holder: str
    token: int
    """Fencing token: every lease given for a name has a larger one than all before it."""
    expires: float
    """Seconds since the epoch, by the engine's clock."""


class VersionConflictError(Exception):
    """A compare-and-set write found another version; `actual` is 0 when the document is absent."""

    def __init__(self, key: Key, expected: int, actual: int) -> None:
        """Keep what was expected and what is there."""
        super().__init__(f"{key.kind} {key.id!r} has version {actual}, not {expected}")
        self.key, self.expected, self.actual = key, expected, actual


class Documents(Protocol):
    """Versioned values."""

    async def get(self, key: Key) -> Document | None:
        """The document, or None."""
        ...

    async def put(self, key: Key, value: bytes, *, expected: int = ANY_VERSION, expires: float | None = None) -> int:
        """Write and return the new version. `expires` (seconds since the epoch) makes it vanish later. Raises VersionConflictError."""
        ...

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        """Write all or none, with one wait for the disk; the new versions, in order.

        Puts of the same key see each other. Raises VersionConflictError for the first put that finds another version than it expects.
        """
        ...

    async def delete(self, key: Key, *, expected: int = ANY_VERSION) -> bool:
        """Delete; False when it was not there, whatever was expected. Raises VersionConflictError."""
        ...

    async def list(
        self, tenant: str, kind: str, *, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> Sequence[Document]:
        """Documents whose id begins with `prefix`, in order of ids, beyond `after`."""
        ...

    def watch(self, tenant: str, kind: str, *, after_revision: int | None = None) -> AsyncIterator[Change]:
        """Changes from `after_revision` on (None: from now), the latest state of each document at least; ends when closed.

        Deletions are remembered for one hour: who resumes later than that must list again.
        """
        ...


class Journal(Protocol):
    """Append-only streams, on disk before an append returns."""

    async def append(self, tenant: str, stream: str, values: Sequence[bytes]) -> int:
        """Append all or none; the sequence number of the last."""
        ...

    async def read(self, tenant: str, stream: str, *, after: int = 0, limit: int = 100) -> Sequence[Entry]:
        """Entries with a larger sequence number than `after`, in order."""
        ...


class Leases(Protocol):
    """Counted, expiring, fenced permissions."""

    async def acquire(self, tenant: str, name: str, holder: str, *, seconds: float, slots: int = 1) -> Lease | None:
        """A lease when fewer than `slots` live ones of this name are out; None otherwise."""
        ...

    async def renew(self, lease: Lease, *, seconds: float) -> Lease | None:
        """The lease with a new end and the same token; None when it is gone."""
        ...

    async def release(self, lease: Lease) -> bool:
        """Give it back; False when it was gone already."""
        ...


class Store(Documents, Journal, Leases, Protocol):
    """An engine: all three primitives over one file or service."""

    async def check(self) -> None:
        """Raise ResourceError when it does not answer."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go."""
        ...
