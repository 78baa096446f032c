"""Who is there: the sessions of workers, tenant by tenant, the same in every process on one store.

Every process follows all sessions through the store's watch. A session of which no new beat was seen for the lease's time, by this
process's own monotonic clock since it first saw the last one, is set LOST by compare-and-set: a heartbeat meanwhile wins. Times of
day are never compared, so that a clock that jumps ends nothing; after a restart, and after a fault of the storage, every session has
a full period again. A silent one is looked at twice, so that a process that was itself held up hears first what waited for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import NoReturn

from genesis_server.agents.currencies import currencies_of, one_currency
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.live_catalogue import LiveCatalogue
from genesis_server.agents.session_store import SessionStore, StoredSession, alive, ended, opened, read_session
from genesis_server.model.catalogue import AgentCard, Catalogue
from genesis_server.model.work import Session, SessionState
from genesis_server.resilience.errors import GenesisError, ResourceError, SecurityError
from genesis_server.storage.base import Document, Documents, VersionConflictError

KEPT_SECONDS = 3_600.0
"""How long a session that has ended stays in the store."""
MOST_SESSIONS = 10_000
"""Workers of one tenant that are alive; each costs memory in every process."""
FULL_RETRY_SECONDS = 5.0
"""What a worker is told to wait where there are as many as may be."""
LOOK_SECONDS = 1.0
"""Time between two looks at who is silent; a tenth of the lease's time where that is shorter."""
RETRY_SECONDS = 1.0
"""How long after a fault of the storage it is asked again."""
_ENDED_SECONDS, _ENDED_AT_MOST = 60.0, 10_000
"""How long, and of how many, a tenant's room remembers the ids of ended sessions: a slow answer of the storage brings none of them back."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    """A live session as this process knows it."""

    stored: StoredSession
    since: float
    """When its last beat was first seen, by this process's clock."""
    suspected: bool = False
    """Whether it was silent for too long at the last look."""
    heard: bool = False
    """Whether it said something else since its last beat."""


@dataclass(slots=True)
class _Room:
    """A tenant's sessions."""

    live: dict[str, _Seen] = field(default_factory=dict[str, _Seen])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    """Those of `live`, for others."""
    agents: frozenset[str] | None = frozenset()
    """Theirs; None: to be worked out again."""
    ended: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float])
    """Ids of those that ended lately, with when they did, by the monotonic clock."""
    catalogue: LiveCatalogue = field(default_factory=LiveCatalogue)


class Roster:
    """Sessions of workers and the agents they make live. Used on one event loop; storage errors pass through."""

    def __init__(
        self,
        documents: Documents,
        *,
        declared: Callable[[], CatalogueIndex],
        lease_seconds: float,
        clock: Callable[[], float],
        now: Callable[[], float],
        new_id: Callable[[], str],
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nobody is known before `follow` runs, but for those who register here.

        Args:
            documents: the store.
            declared: the agents file's index in use.
            lease_seconds: how long a worker may be silent.
            clock: monotonic seconds.
            now: seconds since the epoch.
            new_id: makes the ids of sessions, unguessable.
            may_write: whether anything is written now; while it is not, `clock` should stand still.
        """
        self._may_write = may_write
        self._store = SessionStore(documents)
        self._declared = declared
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._now = now
        self._new_id = new_id
        self._rooms: dict[str, _Room] = {}
        self._change_listeners: list[Callable[[str, Session], None]] = []
        self._stream_listeners: list[Callable[[str, Session], None]] = []
        self._tenant_listeners: list[Callable[[str], None]] = []
        self._followers: asyncio.TaskGroup | None = None
        self._trouble = ""

    @property
    def tenants(self) -> Collection[str]:
        """Tenants that ever had a session, as far as known here."""
        return self._rooms.keys()

    def on_tenant(self, listener: Callable[[str], None]) -> None:
        """Tell `listener` once of every tenant: of those known by now at once, of the others when they become known."""
        self._tenant_listeners.append(listener)
        for tenant in list(self._rooms):
            listener(tenant)

    def on_change(self, listener: Callable[[str, Session], None]) -> None:
        """Tell `listener` of (tenant, session) whenever one comes, falls silent or leaves, on the loop, at once."""
        self._change_listeners.append(listener)

    def on_stream(self, listener: Callable[[str, Session], None]) -> None:
        """Call listener(tenant, session) whenever a worker has opened a stream, at any process; on the loop, at once."""
        self._stream_listeners.append(listener)

    async def register(self, tenant: str, card: AgentCard) -> Session:
        """Begin a session of a worker of the card's agent; it is known here at once.

        Raises ValidationError INVALID_FIELD for prices in another currency than those of the tenant's other agents and for a card that is
        too large, ResourceError OVERLOADED when the tenant has as many workers as it may.
        """
        if len(self.sessions(tenant)) >= MOST_SESSIONS:
            raise ResourceError(
                "OVERLOADED",
                f"{MOST_SESSIONS} workers of this tenant are alive, which is as many as the server keeps; stop some, or try again later",
                facts={"limit": str(MOST_SESSIONS)},
                retry_after_seconds=FULL_RETRY_SECONDS,
            )
        self._check_currency(tenant, card)
        session = Session(self._new_id(), card.id, card, joined=self._now())
        stored = await self._store.create(tenant, session, marked=tenant in self._rooms)
        self._take(tenant, stored)
        return session

    async def beat(self, tenant: str, session_id: str, *, agent_id: str | None, load: float) -> Session:
        """Note a sign of life of a worker; `load` is 0 to 1 by its own measure.

        `agent_id` is who calls; None: anybody. While nothing is written it is noted here alone. Raises ResourceError SESSION_NOT_FOUND when
        the session is not there any more, and SecurityError AGENT_MISMATCH when it is another agent's.
        """
        if not self._may_write():
            session = _of_agent((await self._live(tenant, session_id)).session, agent_id)
            self.heard(tenant, session_id)
            return session
        return await self._write(tenant, session_id, agent_id, lambda session: alive(session, load))

    def heard(self, tenant: str, session_id: str) -> None:
        """A worker has said something else, which is a sign of life as well: a beat is noted for it when its own are late."""
        seen = self._live_here(tenant).get(session_id)
        if seen is not None:
            seen.heard = True

    async def open_stream(self, tenant: str, session_id: str) -> Session:
        """Note that a live session opens a stream: `streams` of what is given is its number. Raises as `session`."""
        return await self._write(tenant, session_id, None, opened)

    async def leave(self, tenant: str, session_id: str, *, agent_id: str | None) -> Session:
        """End a session; raises as `beat`, also when it has ended before."""
        expires = self._now() + KEPT_SECONDS
        return await self._write(tenant, session_id, agent_id, lambda session: ended(session, SessionState.LEFT), expires=expires)

    async def session(self, tenant: str, session_id: str) -> Session:
        """A live session, also one that another process has only just begun. Raises ResourceError SESSION_NOT_FOUND."""
        return (await self._live(tenant, session_id)).session

    def sessions(self, tenant: str) -> Mapping[str, Session]:
        """The live sessions known here, by id."""
        room = self._rooms.get(tenant)
        return MappingProxyType(room.sessions) if room is not None else {}

    def live_agents(self, tenant: str) -> Collection[str]:
        """Agents with a live session."""
        room = self._rooms.get(tenant)
        if room is None:
            return frozenset()
        if room.agents is None:
            room.agents = frozenset([session.agent_id for session in room.sessions.values()])
        return room.agents

    def index(self, tenant: str) -> CatalogueIndex:
        """The agents plans of a tenant are made with: the declared ones and, marked as live and in their place, those that joined.

        It is made when it is asked for, a large one aside: until it is ready the one before is served. While nobody is live it is the
        declared one itself.
        """
        room = self._rooms.get(tenant)
        if room is None:
            return self._declared()
        return room.catalogue.index(self._declared(), room.sessions.values())

    async def follow(self) -> NoReturn:
        """Follow all sessions of all tenants and end the silent ones, until cancelled; faults of the storage are waited out."""
        async with asyncio.TaskGroup() as followers:
            self._followers = followers
            try:
                for tenant in self._rooms:
                    self._follow_aside(tenant)
                followers.create_task(self._again_and_again(self._follow_tenants), name="genesis-tenants")
                await self._look_again_and_again()
            finally:
                self._followers = None

    async def expire(self) -> None:
        """Look at who is silent: those that were for the lease's time at the last look already are lost, unless they beat meanwhile."""
        await self._beat_for_who_spoke()
        now, lost = self._clock(), list[tuple[str, StoredSession]]()
        for tenant, room in self._rooms.items():
            for seen in room.live.values():
                silent = now - seen.since >= self._lease_seconds
                if silent and seen.suspected:
                    lost.append((tenant, seen.stored))
                seen.suspected = silent
        try:
            await asyncio.gather(*[self._lose(tenant, stored) for tenant, stored in lost])
        except GenesisError:
            self._begin_again()
            raise

    async def _beat_for_who_spoke(self) -> None:
        late = self._clock() - self._lease_seconds / 2
        spoke = [(tenant, seen) for tenant, room in self._rooms.items() for seen in room.live.values() if seen.heard and seen.since <= late]
        for _, seen in spoke:
            seen.heard = False
        beats = [self.beat(tenant, seen.stored.session.id, agent_id=None, load=seen.stored.session.load) for tenant, seen in spoke]
        for outcome in await asyncio.gather(*beats, return_exceptions=True):
            # Who has left meanwhile needs none; a store that does not answer is asked again at the next look.
            if isinstance(outcome, BaseException) and not isinstance(outcome, GenesisError):
                raise outcome

    async def _lose(self, tenant: str, stored: StoredSession) -> None:
        try:
            session = ended(stored.session, SessionState.LOST)
            self._take(tenant, await self._store.replace(tenant, stored, session, expires=self._now() + KEPT_SECONDS))
        except VersionConflictError:
            await self._read(tenant, stored.session.id)

    async def _write(
        self, tenant: str, session_id: str, agent_id: str | None, change: Callable[[Session], Session], *, expires: float | None = None
    ) -> Session:
        """Change a live session by compare-and-set, again when somebody else was first."""
        while True:
            stored = await self._live(tenant, session_id)
            _of_agent(stored.session, agent_id)
            try:
                stored = await self._store.replace(tenant, stored, change(stored.session), expires=expires)
            except VersionConflictError:
                await self._read(tenant, session_id)
            else:
                self._take(tenant, stored)
                return stored.session

    async def _live(self, tenant: str, session_id: str) -> StoredSession:
        seen = self._live_here(tenant).get(session_id)
        stored = seen.stored if seen is not None else await self._read(tenant, session_id)
        if stored is None or stored.session.state is not SessionState.LIVE:
            raise ResourceError(
                "SESSION_NOT_FOUND",
                f"there is no session {session_id!r}: the worker was silent for too long, or has left; register again",
                facts={"session_id": session_id},
            )
        return stored

    async def _read(self, tenant: str, session_id: str) -> StoredSession | None:
        """What the store has of a session, noted."""
        stored = await self._store.get(tenant, session_id)
        if stored is not None:
            self._take(tenant, stored)
        else:
            self._gone(tenant, session_id)
        return stored

    def _live_here(self, tenant: str) -> Mapping[str, _Seen]:
        room = self._rooms.get(tenant)
        return room.live if room is not None else {}

    def _take(self, tenant: str, stored: StoredSession) -> None:
        """Note what is stored of a session, unless something later is known."""
        room, session = self._room(tenant), stored.session
        seen = room.live.get(session.id)
        if session.id in room.ended or (seen is not None and stored.version <= seen.stored.version):
            return
        if session.state is not SessionState.LIVE:
            self._end(tenant, room, session)
            return
        former = None
        if seen is None:
            room.live[session.id] = _Seen(stored, self._clock())
        else:
            if session.beats != seen.stored.session.beats:
                seen.since, seen.suspected = self._clock(), False
            former, seen.stored = seen.stored.session, stored
        room.sessions[session.id] = session
        if seen is None:
            self._tell(tenant, room, session)
        elif former is not None and session.streams != former.streams:
            for listener in self._stream_listeners:
                listener(tenant, session)

    def _gone(self, tenant: str, session_id: str) -> None:
        """A session is not stored any more."""
        room = self._rooms.get(tenant)
        session = room.sessions.get(session_id) if room is not None else None
        if room is not None and session is not None:
            self._end(tenant, room, ended(session, SessionState.LOST))

    def _end(self, tenant: str, room: _Room, session: Session) -> None:
        now = room.ended[session.id] = self._clock()
        while len(room.ended) > _ENDED_AT_MOST or next(iter(room.ended.values())) < now - _ENDED_SECONDS:
            room.ended.popitem(last=False)
        if room.live.pop(session.id, None) is not None:
            del room.sessions[session.id]
            self._tell(tenant, room, session)

    def _tell(self, tenant: str, room: _Room, session: Session) -> None:
        """Somebody came or went."""
        room.agents = None
        room.catalogue.changed()
        for listener in self._change_listeners:
            listener(tenant, session)

    def _room(self, tenant: str) -> _Room:
        """A tenant's sessions; a new tenant is told and followed."""
        room = self._rooms.get(tenant)
        if room is None:
            room = self._rooms[tenant] = _Room()
            self._follow_aside(tenant)
            for listener in self._tenant_listeners:
                listener(tenant)
        return room

    def _check_currency(self, tenant: str, card: AgentCard) -> None:
        others = self._declared().currencies or next(
            filter(None, (currencies_of(Catalogue((session.card,))) for session in self.sessions(tenant).values())), ()
        )
        mine = [(currency, path.replace("catalogue.agents[0]", "card")) for currency, path in currencies_of(Catalogue((card,)))]
        one_currency([*others[:1], *mine])

    def _follow_aside(self, tenant: str) -> None:
        if self._followers is not None:
            follow = partial(self._follow_sessions, tenant)
            self._followers.create_task(self._again_and_again(follow), name=f"genesis-sessions {tenant}")

    async def _follow_tenants(self) -> None:
        # Watched before it is read, so that nothing falls in between; likewise below.
        changes = self._store.watch_tenants()
        for tenant in await self._store.tenants():
            self._room(tenant)
        async for change in changes:
            self._room(change.key.id)

    async def _follow_sessions(self, tenant: str) -> None:
        changes = self._store.watch_sessions(tenant)
        before = set(self.sessions(tenant))
        documents = await self._store.sessions(tenant)
        for document in documents:
            self._take_document(tenant, document)
        for session_id in before - {document.key.id for document in documents}:
            self._gone(tenant, session_id)
        self._trouble = ""
        async for change in changes:
            if change.document is None:
                self._gone(tenant, change.key.id)
            else:
                self._take_document(tenant, change.document)

    def _take_document(self, tenant: str, document: Document) -> None:
        seen = self._live_here(tenant).get(document.key.id)
        if seen is None:
            self._take(tenant, read_session(document))
        elif document.version > seen.stored.version:
            self._take(tenant, read_session(document, seen.stored))

    async def _look_again_and_again(self) -> NoReturn:
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self._lease_seconds / 10))
            await self._guarded(self.expire)

    async def _again_and_again(self, follow: Callable[[], Awaitable[None]]) -> NoReturn:
        while True:
            await self._guarded(follow)
            self._begin_again()
            await asyncio.sleep(RETRY_SECONDS)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except GenesisError as error:
            if error.reason != self._trouble:
                self._trouble = error.reason
                _LOG.warning("workers' sessions are not followed", extra={"fields": {"reason": error.reason}})
        except Exception:  # noqa: BLE001  (whatever it is, later changes must be seen)
            _LOG.exception("following workers' sessions failed")

    def _begin_again(self) -> None:
        """Nobody could be heard for a time: every session has a full period again."""
        now = self._clock()
        for room in self._rooms.values():
            for seen in room.live.values():
                seen.since, seen.suspected = now, False


def _of_agent(session: Session, agent_id: str | None) -> Session:
    """The session. Raises SecurityError AGENT_MISMATCH when it is another agent's than `agent_id`; None: anybody's will do."""
    if agent_id is not None and agent_id != session.agent_id:
        raise SecurityError(
            "AGENT_MISMATCH",
            f"session {session.id!r} is not one of agent {agent_id!r}; use the session that Register gave this agent",
            facts={"agent_id": session.agent_id, "subject": agent_id},
        )
    return session
