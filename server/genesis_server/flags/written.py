"""Definitions written while the server runs, and where they may live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, Protocol


@dataclass(frozen=True, slots=True)
class WrittenFlag:
    """A definition as it was written, or that it was taken away."""

    key: str
    version: int
    """Counts from 1 for each key, deletions included."""
    text: str
    """The flag's object of flagd's format as JSON; empty: it was taken away."""
    actor: str
    """Tenant and subject joined by a slash."""
    time: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """An entry of the audit log that has no number yet."""

    time: float
    actor: str
    action: str
    key: str
    cause: str
    version: int = 0
    before: str = ""
    after: str = ""
    correlation_id: str = ""


class FlagVersionConflictError(Exception):
    """A write expected another version than there is; `actual` is 0 when the flag was never written."""

    def __init__(self, key: str, expected: int, actual: int) -> None:
        """Keep what was expected and what is there."""
        super().__init__(f"flag {key!r} has version {actual}, not {expected}")
        self.key, self.expected, self.actual = key, expected, actual


class WrittenFlags(Protocol):
    """Where written definitions live: the store, or Redis."""

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Why what is in use may not be what is there; empty when all is well."""
        ...

    @property
    def since(self) -> float:
        """When `mistakes` became what they are; seconds since the epoch."""
        ...

    async def start(self) -> None:
        """Take what is there, for a short time; when it does not answer, the last good definitions are used until `follow` knows."""
        ...

    async def follow(self) -> NoReturn:
        """Take every change into use within 100 ms, until cancelled."""
        ...

    async def get(self, key: str) -> WrittenFlag | None:
        """The flag as it is there now. Raises ResourceError when that is not known."""
        ...

    async def write(self, flag: WrittenFlag, audit: AuditDraft) -> int:
        """Write `flag`, whose version is one above that which must be there, with its entry in the audit log; the entry's number.

        It is on disk, and in use in this process, when this returns. Raises FlagVersionConflictError, and ResourceError when nothing was
        written or that is not known.
        """
        ...
