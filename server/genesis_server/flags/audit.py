"""The entries of the audit log and the chain they make; no input or output.

Each entry has the hash of the one before it, so that whoever knows the hash of the newest entry can prove that none was changed, taken
out or put in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from genesis_server.flags.written import AuditDraft

GENESIS_HASH = "0" * 64
"""What the first entry has for the hash of the one before."""

_NOBODY = AuditDraft(time=0.0, actor="", action="", key="", cause="")


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest entry."""

    sequence: int = 0
    """Its number; 0: there is none."""
    hash: str = GENESIS_HASH
    """Its hash; that before the first when there is none."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the log."""

    sequence: int
    """Counts from 1 without gaps."""
    previous_hash: str
    hash: str
    """SHA-256 of the 64 characters of `previous_hash` and then `content`, in lower-case hexadecimal."""
    content: bytes
    """The entry as JSON, exactly as it was hashed."""
    draft: AuditDraft = field(init=False, compare=False)
    """What `content` says; blank when it cannot be understood."""

    def __post_init__(self) -> None:
        """Read the content."""
        found = _understood(self.content)
        object.__setattr__(self, "draft", _NOBODY if found is None else found.draft)


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """The first place where the log is not what was written."""

    sequence: int
    """The entry."""
    what: str
    """What is wrong there."""


@dataclass(frozen=True, slots=True)
class _Content:
    sequence: int
    draft: AuditDraft


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def chain(previous_hash: str, draft: AuditDraft, sequence: int) -> AuditEntry:
    """The entry of a number that comes after the one with `previous_hash`."""
    content = json.dumps({**asdict(draft), "sequence": sequence}, sort_keys=True, separators=(",", ":")).encode()
    return AuditEntry(sequence, previous_hash, _hash(previous_hash, content), content)


def entry_to_bytes(entry: AuditEntry) -> bytes:
    """An entry as it is stored."""
    return json.dumps({"previous_hash": entry.previous_hash, "hash": entry.hash, "content": entry.content.decode()}).encode()


def read_entry(sequence: int, value: bytes) -> AuditEntry:
    """The stored entry of a number. What cannot be understood is read all the same, so that `verify` can tell of it."""
    try:
        stored = _adapter(dict[str, str]).validate_json(value)
        return AuditEntry(sequence, stored["previous_hash"], stored["hash"], stored["content"].encode())
    except (ValidationError, KeyError):
        return AuditEntry(sequence, "", "", value)


def verify(entries: Iterable[AuditEntry], head: AuditHead) -> BrokenChain | None:
    """The first place where `entries`, which are all in order, are not a whole chain up to `head`; None when they are.

    Entries beyond the head are held to the chain too: they may have been written since the head was read.
    """
    last = AuditHead()
    for entry in entries:
        if what := _mistake(entry, last, head):
            return BrokenChain(last.sequence + 1, what)
        last = AuditHead(entry.sequence, entry.hash)
    if last.sequence < head.sequence:
        return BrokenChain(last.sequence + 1, f"is missing: the log says that it goes on to {head.sequence}")
    return None


def _mistake(entry: AuditEntry, last: AuditHead, head: AuditHead) -> str:
    content = _understood(entry.content)
    if entry.sequence != last.sequence + 1:
        return f"is missing: {entry.sequence} comes next"
    if entry.previous_hash != last.hash:
        return "does not follow the entry before it: that one's hash is another"
    if entry.hash != _hash(entry.previous_hash, entry.content):
        return "was changed: its content does not have its hash"
    if content is None or content.sequence != entry.sequence:
        return "is not an entry of this number"
    if entry.sequence == head.sequence and entry.hash != head.hash:
        return "is another one than the log says is its newest"
    return ""


def _hash(previous_hash: str, content: bytes) -> str:
    return sha256(previous_hash.encode() + content).hexdigest()


def _understood(content: bytes) -> _Content | None:
    try:
        found = json.loads(content)
        return _Content(_adapter(int).validate_python(found["sequence"], strict=True), _adapter(AuditDraft).validate_python(found))
    except (ValueError, KeyError, TypeError):
        return None
