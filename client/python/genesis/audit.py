"""Proves that the audit log of the flags is whole: each entry carries the hash of the one before.

    with genesis.connect(...) as client:
        proof = audit.proven(client.audit_pages(oldest_first=True, page_size=200))

An entry that was changed, taken out or put in breaks the chain. What no chain can tell is whether entries at its end were taken away, or
all of it was written anew: keep a head somewhere else, and look for it in the log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from typing import Any

from genesis.admin.v1.flag_admin_service_pb2 import AuditEntry, ListAuditEntriesResponse

NO_HASH = "0" * 64
"""What the first entry has as the hash of the one before."""
_TOLD = {
    "sequence": "sequence",
    "actor": "actor",
    "action": "action",
    "key": "key",
    "cause": "cause",
    "version": "version",
    "before": "before_json",
    "after": "after_json",
    "correlation_id": "correlation_id",
}
"""What the content says, by the field that tells the same."""


class BrokenChainError(Exception):
    """The log is not what was written."""

    def __init__(self, sequence: int, what: str) -> None:
        """Keep the number of the first entry that is wrong, and what is wrong with it."""
        super().__init__(f"entry {sequence}: {what}")
        self.sequence, self.what = sequence, what


@dataclass(frozen=True, slots=True)
class Proof:
    """A log whose every hash was computed again."""

    entries: int
    """How many; also the number of the last one."""
    head: str
    """Hash of the last entry; empty when there is none."""
    expected_at: int
    """Number of the entry whose hash was looked for; 0 when none was."""


class AuditChain:
    """Checks a log page by page, oldest first."""

    def __init__(self, expected: str = "") -> None:
        """`expected` is the hash of an entry that must be in the log, for example a head that was kept elsewhere."""
        self._expected = expected.lower()
        self._expected_at = 0
        self._entries = 0
        self._hash = ""
        self._head = 0

    def add(self, page: ListAuditEntriesResponse) -> None:
        """Check the next page.

        Raises:
            BrokenChainError: at the first entry that does not follow the one before, or is not what its hash was made of.
        """
        hashes = {self._entries: self._hash}
        for entry in page.entries:
            self._follow(entry)
            hashes[self._entries] = self._hash
        # Entries that were written since the server read the head may be in the page as well.
        known = hashes.get(page.head_sequence)
        if page.head_sequence < self._head or (known is not None and known != page.head_hash):
            raise BrokenChainError(page.head_sequence, f"is said to be the last one, with the hash {page.head_hash or 'none'}, and is not")
        self._head = page.head_sequence

    def end(self) -> Proof:
        """What was proven, when there is no further page.

        Raises:
            BrokenChainError: when entries at the end are missing, or the expected hash was not among the entries.
        """
        if self._entries < self._head:
            raise BrokenChainError(self._entries + 1, f"is missing: the log is said to end with number {self._head}")
        if self._expected and not self._expected_at:
            raise BrokenChainError(self._entries + 1, f"is missing, or the log was written anew: no entry has the hash {self._expected}")
        return Proof(self._entries, self._hash, self._expected_at)

    def _follow(self, entry: AuditEntry) -> None:
        sequence, before = self._entries + 1, self._hash or NO_HASH
        if entry.sequence != sequence:
            raise BrokenChainError(sequence, f"is missing: number {entry.sequence} comes instead")
        if entry.previous_hash != before:
            raise BrokenChainError(sequence, f"was not written behind entry {self._entries}: it names {entry.previous_hash or 'no hash'}")
        computed = hashlib.sha256(entry.previous_hash.encode() + entry.content).hexdigest()
        if entry.hash != computed:
            raise BrokenChainError(sequence, f"was changed: its hash is {entry.hash or 'none'}, that of its content {computed}")
        if wrong := _told_otherwise(entry):
            raise BrokenChainError(sequence, f"tells another {wrong} than its content")
        self._entries, self._hash = sequence, computed
        if computed == self._expected:
            self._expected_at = sequence


def proven(pages: Iterable[ListAuditEntriesResponse], *, expected: str = "") -> Proof:
    """Check the whole log, given page by page and oldest first; `expected` is a hash that one of its entries must have.

    Raises:
        BrokenChainError: at the first entry that is wrong.
    """
    chain = AuditChain(expected)
    for page in pages:
        chain.add(page)
    return chain.end()


async def proven_async(pages: AsyncIterable[ListAuditEntriesResponse], *, expected: str = "") -> Proof:
    """`proven` for the asyncio client."""
    chain = AuditChain(expected)
    async for page in pages:
        chain.add(page)
    return chain.end()


def _told_otherwise(entry: AuditEntry) -> str:
    """Name of the first field that is not what the content says; empty when there is none."""
    try:
        content: Any = json.loads(entry.content)
        for name, told in _TOLD.items():
            if content[name] != getattr(entry, told):
                return told
        # The contract's times are whole microseconds.
        return "" if round(content["time"] * 1e6) == entry.time.ToMicroseconds() else "time"
    except (ValueError, KeyError, TypeError):
        return "thing"
