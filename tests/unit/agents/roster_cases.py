"""Rosters as several processes have them, and documents in memory whose news wait until they are let through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

from engines import Clock

from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.roster import Roster
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import AgentCard, Skill
from genesis_server.model.work import Session
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, ANY_VERSION, Change, Document, Documents, Key, Put, VersionConflictError

LEASE_SECONDS = 30.0
TENANT = "acme"
DECLARED = CatalogueIndex(make_catalogue([AgentCard("build", (Skill("code.write"),)), AgentCard("qa", (Skill("qa.verify"),))], ()))
_NUMBERS = count(1)


def card(name: str, *skills: str, **keys: object) -> AgentCard:
    """An agent with some skills."""
    return AgentCard(name, tuple(map(Skill, skills or ("do",))), **keys)  # type: ignore[arg-type]


class Process:
    """A server process: a roster with a clock of its own, and what it told."""

    def __init__(
        self,
        documents: Documents,
        *,
        clock: Clock | None = None,
        now: Clock | None = None,
        declared: Callable[[], CatalogueIndex] = lambda: DECLARED,
        lease_seconds: float = LEASE_SECONDS,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self.clock, self.now = clock or Clock(7.0), now or Clock()
        self.told: asyncio.Queue[tuple[str, Session]] = asyncio.Queue()
        self.roster = Roster(
            documents,
            declared=declared,
            lease_seconds=lease_seconds,
            clock=self.clock,
            now=self.now,
            new_id=lambda: f"ses_{next(_NUMBERS):06d}",
            may_write=may_write,
        )
        self.roster.on_change(lambda tenant, session: self.told.put_nowait((tenant, session)))

    async def news(self) -> Session:
        """The next session that came, was lost or left."""
        async with asyncio.timeout(5):
            return (await self.told.get())[1]

    async def look_twice(self) -> None:
        """Silent ones are suspected, then lost."""
        await self.roster.expire()
        await self.roster.expire()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Process]:
        """While it follows the others."""
        task = asyncio.create_task(self.roster.follow())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])


class MemoryDocuments:
    """What several processes share. Each of them has a `view`, whose news come when they are let through."""

    def __init__(self) -> None:
        self.documents: dict[Key, Document] = {}
        self.changes: list[Change] = []
        self.failing = False

    def check(self) -> None:
        if self.failing:
            raise ResourceError("STORAGE_UNAVAILABLE", "the storage does not answer")

    def view(self) -> View:
        return View(self)


class View:
    """The documents as one process sees them."""

    def __init__(self, shared: MemoryDocuments) -> None:
        self._shared = shared
        self._heard = len(shared.changes)
        self._news = asyncio.Condition()

    async def let_through(self) -> None:
        """All that was changed by now is told."""
        async with self._news:
            self._heard = len(self._shared.changes)
            self._news.notify_all()

    async def get(self, key: Key) -> Document | None:
        self._shared.check()
        return self._shared.documents.get(key)

    async def put(self, key: Key, value: bytes, *, expected: int = ANY_VERSION, expires: float | None = None) -> int:
        return (await self.put_all([Put(key, value, expected, expires)]))[0]

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        self._shared.check()
        found = [self._shared.documents.get(put.key) for put in puts]
        for put, old in zip(puts, found, strict=True):
            actual = ABSENT if old is None else old.version
            if put.expected not in {ANY_VERSION, actual}:
                raise VersionConflictError(put.key, put.expected, actual)
        for put, old in zip(puts, found, strict=True):
            document = Document(put.key, put.value, (0 if old is None else old.version) + 1)
            self._shared.documents[put.key] = document
            self._shared.changes.append(Change(put.key, document, len(self._shared.changes) + 1))
        return [self._shared.documents[put.key].version for put in puts]

    async def delete(self, key: Key, *, expected: int = ANY_VERSION) -> bool:
        del expected
        self._shared.changes.append(Change(key, None, len(self._shared.changes) + 1))
        return self._shared.documents.pop(key, None) is not None

    async def list(
        self, tenant: str, kind: str, *, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> Sequence[Document]:
        del prefix, descending
        self._shared.check()
        mine = [key for key in self._shared.documents if (key.tenant, key.kind) == (tenant, kind) and key.id > after]
        return [self._shared.documents[key] for key in sorted(mine, key=lambda key: key.id)[:limit]]

    async def watch(self, tenant: str, kind: str, *, after_revision: int | None = None) -> AsyncIterator[Change]:
        del after_revision
        position = 0
        while True:
            async with self._news:
                while self._heard == position and not self._shared.failing:
                    await self._news.wait()
                self._shared.check()
                changes, position = self._shared.changes[position : self._heard], self._heard
            for change in changes:
                if (change.key.tenant, change.key.kind) == (tenant, kind):
                    yield change
