"""Rulebooks that were in use, the pointer to the one that is, and the entries of every change, on `Documents`.

A change writes the pointer (compare-and-set), the entry and the texts in one transaction, so that there is no change without its
entry. The entries are numbered by the pointer's versions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.orchestration.decisions.coding import rulebook_text
from genesis_server.orchestration.decisions.keys import snapshot_key
from genesis_server.storage.base import ABSENT, SERVER, Change, Documents, Key, Put

POINTER = Key(SERVER, "policy", "rulebook")
_CHANGES = "policy_change"
_TEXTS = "rulebook"


@dataclass(frozen=True, slots=True)
class RulebookChange:
    """A durable entry: one change of the rulebook in use."""

    sequence: int
    """From 1."""
    time: float
    """Seconds since the epoch."""
    actor: str
    """Tenant and subject of who did it."""
    from_version: str
    to_version: str
    cause: str
    roll_back: bool
    """Whether it goes back to a version that was in use before."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which rulebook is in use."""

    follows_file: bool
    """The one of each server's file; `change.to_version` otherwise."""
    change: RulebookChange


@dataclass(frozen=True, slots=True)
class StoredRulebook:
    """A rulebook that was in use."""

    text: str
    change: RulebookChange | None = None
    """The last change that took it into use; None when it was a file's."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


class RulebookVersions:
    """The repository. Storage errors pass through."""

    def __init__(self, documents: Documents) -> None:
        """Keep them in `documents`."""
        self._documents = documents

    async def pointer(self) -> Pointer | None:
        """Which rulebook is in use; None when none was ever activated."""
        document = await self._documents.get(POINTER)
        return None if document is None else _adapter(Pointer).validate_json(document.value)

    async def stored(self, version: str) -> StoredRulebook | None:
        """A rulebook that was in use: one that was activated, or one that recorded decisions were made from."""
        document = await self._documents.get(Key(SERVER, _TEXTS, version))
        if document is not None:
            return _adapter(StoredRulebook).validate_json(document.value)
        snapshot = await self._documents.get(snapshot_key(SERVER, "rulebook", version))
        return None if snapshot is None else StoredRulebook(rulebook_text(snapshot.value))

    async def put(self, pointer: Pointer, *, text: str, replaced: str) -> None:
        """Write a change; `text` is the new rulebook, `replaced` the text of the one before. Raises VersionConflictError.

        The conflict says that another change came first: `pointer.change.sequence` is not the next one.
        """
        change = pointer.change
        texts = {change.to_version: StoredRulebook(text, change)}
        if change.from_version not in texts:
            before = await self.stored(change.from_version)
            texts[change.from_version] = StoredRulebook(replaced, before.change if before else None)
        await self._documents.put_all(
            [
                Put(POINTER, _adapter(Pointer).dump_json(pointer), expected=change.sequence - 1),
                Put(_change_key(change.sequence), _adapter(RulebookChange).dump_json(change), expected=ABSENT),
                *(Put(Key(SERVER, _TEXTS, version), _adapter(StoredRulebook).dump_json(stored)) for version, stored in texts.items()),
            ]
        )

    async def changes(self, *, before: int = 0, limit: int) -> Sequence[RulebookChange]:
        """The entries with a smaller number than `before` (0: all), newest first."""
        after = _change_key(before).id if before else ""
        documents = await self._documents.list(SERVER, _CHANGES, after=after, limit=limit, descending=True)
        return [_adapter(RulebookChange).validate_json(document.value) for document in documents]

    def watch(self) -> AsyncIterator[Change]:
        """Changes of the pointer, beginning with what it is. Raises at the first fault of the storage."""
        return self._documents.watch(POINTER.tenant, POINTER.kind, after_revision=0)


def _change_key(sequence: int) -> Key:
    return Key(SERVER, _CHANGES, f"{sequence:012d}")
