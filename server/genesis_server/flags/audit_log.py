"""The audit log of flags in the store: written with what it tells of, or not at all.

Entries that are appended while others are being written go to disk together in the next write, so that a slow disk makes no queue.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.flags.audit import AuditEntry, AuditHead, chain, entry_to_bytes, read_entry
from genesis_server.flags.written import AuditDraft
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, SERVER, Documents, Key, Put, VersionConflictError
from genesis_server.storage.guarded import is_fault

ENTRIES = "flag_audit"
"""Kind of the entries; their ids are their numbers, with 12 digits."""
BY_KEY = "flag_audit_key"
"""Kind of the entries by flag, empty documents; their ids are the flag's key as JSON and the number."""
HEAD = Key(SERVER, "flag_audit_head", "head")
"""The newest entry's number and hash. It is written with each entry and never else, so that its version is the number."""
KINDS = frozenset({ENTRIES, BY_KEY, HEAD.kind})
"""What is written for each entry."""

_TRIES = 50
"""How often an entry is numbered again because another process was first; one of all who try gets through each time."""
_BUSY_RETRY_SECONDS = 1.0
_TOGETHER = 50
"""Entries in one write at most."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry that is to be written."""

    draft: AuditDraft
    also: Sequence[Put]
    written: asyncio.Future[AuditEntry]


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AuditHead)


class AuditLog:
    """The log; every process of a store appends to the same one. Used from one event loop."""

    def __init__(self, documents: Documents) -> None:
        """Keep it in `documents`."""
        self._documents = documents
        self._known = AuditHead()
        """The newest entry as far as this process knows."""
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def append(self, draft: AuditDraft, also: Sequence[Put] = ()) -> AuditEntry:
        """Write an entry and `also`, all or nothing; they are on disk when this returns.

        Raises VersionConflictError when one of `also` finds another version, and what the storage raises.
        """
        written: asyncio.Future[AuditEntry] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(draft, also, written))
        if self._writing is None or self._writing.done():
            # Of no caller: whoever is gone, and whatever flags he sees, the others' entries are written.
            self._writing = asyncio.get_running_loop().create_task(self._write_all(), name="genesis-flag-audit", context=Context())
        return await written

    async def _write_all(self) -> None:
        while self._waiting:
            together = [one for one in self._waiting[:_TOGETHER] if not one.written.done()]
            del self._waiting[:_TOGETHER]
            await self._write(together)

    async def _write(self, together: Sequence[_Waiting]) -> None:
        """Write entries together, or one by one when what one of them tells of is refused."""
        try:
            entries = await self._write_once(together)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is for the caller)
            if len(together) > 1 and not is_fault(error):
                for one in together:
                    await self._write([one])
                return
            for one in together:
                if not one.written.done():
                    one.written.set_exception(error)
        else:
            for one, entry in zip(together, entries, strict=True):
                if not one.written.done():
                    one.written.set_result(entry)

    async def _write_once(self, together: Sequence[_Waiting]) -> Sequence[AuditEntry]:
        for _ in range(_TRIES):
            entries: list[AuditEntry] = []
            puts: list[Put] = []
            last = self._known
            for one in together:
                entry = chain(last.hash, one.draft, last.sequence + 1)
                last = AuditHead(entry.sequence, entry.hash)
                entries.append(entry)
                puts += (*one.also, *_puts(entry))
            try:
                await self._documents.put_all(puts)
            except VersionConflictError as error:
                if error.key.kind not in KINDS:
                    raise
                self._known = await self.head()
            else:
                self._known = last
                return entries
        message = "other processes wrote to the audit log each time; nothing was written, try again"
        raise ResourceError("STORAGE_UNAVAILABLE", message, retry_after_seconds=_BUSY_RETRY_SECONDS)

    async def head(self) -> AuditHead:
        """The newest entry."""
        document = await self._documents.get(HEAD)
        return AuditHead() if document is None else _adapter().validate_json(document.value)

    async def page(self, *, after: int = 0, limit: int, oldest_first: bool = False, key: str = "") -> Sequence[AuditEntry]:
        """At most `limit` entries beyond the one numbered `after` (0: from the beginning), newest first unless `oldest_first`.

        `key`: only entries of this flag.
        """
        if key:
            return await self._page_of(key, after=after, limit=limit, descending=not oldest_first)
        place = _entry_key(after).id if after else ""
        found = await self._documents.list(SERVER, ENTRIES, after=place, limit=limit, descending=not oldest_first)
        return [read_entry(int(document.key.id), document.value) for document in found]

    async def _page_of(self, key: str, *, after: int, limit: int, descending: bool) -> Sequence[AuditEntry]:
        # No flag's key as JSON begins another's: the closing quote stands in none but at its end.
        prefix = json.dumps(key)
        place = _place(prefix, after) if after else ""
        places = await self._documents.list(SERVER, BY_KEY, prefix=prefix, after=place, limit=limit, descending=descending)
        numbers = [int(document.key.id.removeprefix(prefix)) for document in places]
        found = await asyncio.gather(*[self._documents.get(_entry_key(number)) for number in numbers])
        return [read_entry(number, document.value) for number, document in zip(numbers, found, strict=True) if document is not None]


def _puts(entry: AuditEntry) -> Sequence[Put]:
    head = AuditHead(entry.sequence, entry.hash)
    return (
        Put(_entry_key(entry.sequence), entry_to_bytes(entry), expected=ABSENT),
        Put(Key(SERVER, BY_KEY, _place(json.dumps(entry.draft.key), entry.sequence)), b"", expected=ABSENT),
        Put(HEAD, _adapter().dump_json(head), expected=entry.sequence - 1),
    )


def _entry_key(sequence: int) -> Key:
    return Key(SERVER, ENTRIES, f"{sequence:012d}")


def _place(prefix: str, sequence: int) -> str:
    return f"{prefix}{sequence:012d}"
