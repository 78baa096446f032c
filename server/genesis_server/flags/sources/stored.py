"""Written definitions in the store: one document a flag, followed by every process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.definition import FlagDefinition, FlagMistakesError
from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flag
from genesis_server.flags.written import AuditDraft, FlagVersionConflictError, WrittenFlag
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.errors import GenesisError
from genesis_server.storage.base import SERVER, Document, Documents, Key, Put, VersionConflictError

KIND = "flag"
"""Kind of the documents; their ids are the flags' keys, their versions those of the flags."""
NAME = "definition written in the store"
START_SECONDS = 0.5
"""How long a start waits for the storage to say what is written."""
RETRY_SECONDS = 1.0
"""How long after a fault of the storage it is asked again."""
_PAGE = 1000

_LOG = logging.getLogger(__name__)


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(WrittenFlag)


class StoredFlags:
    """The written definitions of a store, as `WrittenFlags`; used from one event loop.

    A definition with mistakes, which a newer release may have written, leaves the last good one of its flag in use.
    """

    def __init__(
        self,
        documents: Documents,
        audit: AuditLog,
        *,
        take: Callable[[Layer], None],
        now: Callable[[], float],
        propagated: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Begin with nothing written.

        Args:
            documents: shared by all processes of the service.
            audit: gets an entry of every write, in the same transaction.
            take: told the layer when it changed.
            now: seconds since the epoch.
            propagated: told the seconds from each write, by any process, to its use here.
        """
        self._documents = documents
        self._audit = audit
        self._take = take
        self._now = now
        self._propagated = propagated
        self._versions: dict[str, WrittenFlag] = {}
        self._definitions: dict[str, FlagDefinition] = {}
        self._mistakes: dict[str, tuple[str, ...]] = {}
        self._fault = ""
        self._revision = 0
        self._publishing: asyncio.Handle | None = None
        self.mistakes: tuple[str, ...] = ()
        """Why what is in use may not be what is there; empty when all is well."""
        self.since = now()
        """When `mistakes` became what they are; seconds since the epoch."""

    async def start(self) -> None:
        """Take what is there, for a short time; when the storage does not answer nothing is known until `follow` knows."""
        try:
            async with asyncio.timeout(START_SECONDS):
                documents = await self._all()
        except (GenesisError, TimeoutError) as error:
            self._broken(error)
        else:
            self._load(documents)

    async def follow(self) -> NoReturn:
        """Take every change into use within 100 ms, until cancelled."""
        while True:
            try:
                self._load(await self._all())
                async for change in self._documents.watch(SERVER, KIND, after_revision=self._revision):
                    self._revision = change.revision
                    if change.document is not None and (flag := self._newer(change.document)) is not None:
                        self._use(flag)
                        self._publish_soon()
                        self._propagated(max(0.0, self._now() - flag.time))
            except GenesisError as error:
                self._broken(error)
            except Exception as error:  # noqa: BLE001  (whatever it is, later changes must be seen)
                _LOG.exception("following the written flags failed")
                # Nothing is taken into use here: that may be what went wrong.
                self._note((f"the written flags cannot be followed ({type(error).__name__}); those known last are in use",))
            await asyncio.sleep(RETRY_SECONDS)

    async def get(self, key: str) -> WrittenFlag | None:
        """The flag as it is there now. Raises what the storage raises."""
        document = await self._documents.get(_place(key))
        if document is None:
            return None
        # What is not understood counts as taken away, so that it can be written again.
        return _understood(document) or WrittenFlag(key, document.version, "", "", 0.0)

    async def write(self, flag: WrittenFlag, audit: AuditDraft) -> int:
        """Write `flag`, whose version is one above that which must be there, with its entry in the audit log; the entry's number.

        It is on disk, and in use in this process, when this returns. Raises FlagVersionConflictError and what the storage raises.
        """
        put = Put(_place(flag.key), _adapter().dump_json(flag), expected=flag.version - 1)
        try:
            entry = await self._audit.append(audit, also=[put])
        except VersionConflictError as error:
            raise FlagVersionConflictError(flag.key, error.expected, error.actual) from None
        if flag.version > self._known(flag.key):
            self._use(flag)
            self._publish_soon()
            self._propagated(max(0.0, self._now() - flag.time))
        if self._publishing is not None:
            await asyncio.sleep(0)
        return entry.sequence

    async def _all(self) -> Sequence[Document]:
        found: list[Document] = []
        page: Sequence[Document] = await self._documents.list(SERVER, KIND, limit=_PAGE)
        while page:
            found += page
            page = await self._documents.list(SERVER, KIND, after=page[-1].key.id, limit=_PAGE)
        return found

    def _load(self, documents: Sequence[Document]) -> None:
        self._fault = ""
        for document in documents:
            if (flag := self._newer(document)) is not None:
                self._use(flag)
        self._publish()

    def _newer(self, document: Document) -> WrittenFlag | None:
        """What a document says, when that is not known yet."""
        key = document.key.id
        if document.version <= self._known(key):
            return None
        flag = _understood(document)
        if flag is None:
            self._mistakes[key] = (f"{key}: the storage has it in words of another release; write it again",)
            self._publish_soon()
        return flag

    def _known(self, key: str) -> int:
        found = self._versions.get(key)
        return 0 if found is None else found.version

    def _use(self, flag: WrittenFlag) -> None:
        key = flag.key
        self._versions[key] = flag
        self._mistakes.pop(key, None)
        if not flag.text:
            self._definitions.pop(key, None)
            return
        try:
            self._definitions[key] = read_flag(flag.text, key=key)
        except FlagMistakesError as error:
            self._mistakes[key] = error.mistakes
            _LOG.warning("written flag not used, the last good one holds", extra={"fields": {"flag": key, "reason": str(error)}})

    def _publish_soon(self) -> None:
        """Changes that were read, or went to disk, together are taken into use together, in the next turn of the loop."""
        if self._publishing is None:
            self._publishing = asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        mistakes = tuple(text for key in sorted(self._mistakes) for text in self._mistakes[key])
        self._note((self._fault, *mistakes) if self._fault else mistakes)
        self._take(
            Layer(
                FlagLayer.WRITTEN,
                NAME,
                dict(self._definitions),
                versions=dict(self._versions),
                mistakes=dict(self._mistakes),
                stale=self._fault != "",
            )
        )

    def _broken(self, error: GenesisError | TimeoutError) -> None:
        reason = error.reason if isinstance(error, GenesisError) else type(error).__name__
        fault = f"the storage does not tell which flags are written ({reason}); those known last are in use"
        if fault != self._fault:
            self._fault = fault
            _LOG.warning("written flags not followed", extra={"fields": {"reason": reason}})
            self._publish()

    def _note(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._now()


def _place(key: str) -> Key:
    return Key(SERVER, KIND, key)


def _understood(document: Document) -> WrittenFlag | None:
    try:
        return _adapter().validate_json(document.value)
    except ValidationError:
        return None
