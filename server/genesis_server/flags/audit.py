"""The entries of the audit log and the chain they make; no input or output.

Each entry has the hash of the one before it, so that whoever knows the hash of the newest entry can prove that none was changed, taken
out or put in. The proof is made where the log is read, not by the server that is to be audited: genesis/audit.py of the client.
"""

from __future__ import annotations

import json
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
        object.__setattr__(self, "draft", _told(self.content))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def chain(previous_hash: str, draft: AuditDraft, sequence: int) -> AuditEntry:
    """The entry of a number that comes after the one with `previous_hash`."""
    content = json.dumps({**asdict(draft), "sequence": sequence}, sort_keys=True, separators=(",", ":")).encode()
    return AuditEntry(sequence, previous_hash, sha256(previous_hash.encode() + content).hexdigest(), content)


def entry_to_bytes(entry: AuditEntry) -> bytes:
    """An entry as it is stored."""
    return json.dumps({"previous_hash": entry.previous_hash, "hash": entry.hash, "content": entry.content.decode()}).encode()


def read_entry(sequence: int, value: bytes) -> AuditEntry:
    """The stored entry of a number. What cannot be understood is read all the same, so that the proof finds it."""
    try:
        stored = _adapter(dict[str, str]).validate_json(value)
        return AuditEntry(sequence, stored["previous_hash"], stored["hash"], stored["content"].encode())
    except (ValidationError, KeyError):
        return AuditEntry(sequence, "", "", value)


def _told(content: bytes) -> AuditDraft:
    try:
        return _adapter(AuditDraft).validate_json(content)
    except ValidationError:
        return _NOBODY
