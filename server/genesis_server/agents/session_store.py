"""Sessions of workers as documents, and the tenants that have some.

A session's document is two lines of JSON: what heartbeats change, then the card, which stays as it is, so that a heartbeat is written
and read without taking the card apart. Heartbeats, the end by silence and leaving all go by compare-and-set: one of them wins.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cache

from pydantic import TypeAdapter

from genesis_server.model.catalogue import AgentCard
from genesis_server.model.work import Session, SessionState
from genesis_server.resilience.errors import invalid_field
from genesis_server.storage.base import ABSENT, SERVER, Change, Document, Documents, Key, Put

KIND = "session"
"""Kind of the documents of sessions; their ids are the sessions'."""
TENANTS = "tenant"
"""Kind of the documents that say, under `SERVER`, which tenants ever had a session."""
MAX_CARD_BYTES = 256 * 1024
"""Largest card of a worker, as it is stored: every process keeps one for each worker."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is stored."""

    session: Session
    version: int
    """Of its document."""
    card: bytes
    """The second line."""


class SessionStore:
    """Sessions by tenant and id, on `Documents`. Storage errors pass through."""

    def __init__(self, documents: Documents) -> None:
        """Keep sessions in `documents`."""
        self._documents = documents

    async def create(self, tenant: str, session: Session, *, marked: bool) -> StoredSession:
        """Write a new session, and that its tenant has some unless that is `marked` already, both or none.

        Raises ValidationError INVALID_FIELD for a card of more than MAX_CARD_BYTES.
        """
        card = _cards().dump_json(session.card)
        if len(card) > MAX_CARD_BYTES:
            problem = f"has {len(card)} bytes, and a worker's has at most {MAX_CARD_BYTES}; shorten descriptions and examples"
            raise invalid_field("card", problem, "max_bytes")
        puts = [Put(Key(tenant, KIND, session.id), _encoded(session, card), expected=ABSENT)]
        if not marked:
            puts.append(Put(Key(SERVER, TENANTS, tenant), b"{}"))
        versions = await self._documents.put_all(puts)
        return StoredSession(session, versions[0], card)

    async def get(self, tenant: str, session_id: str) -> StoredSession | None:
        """The session; None when there is none."""
        document = await self._documents.get(Key(tenant, KIND, session_id))
        return None if document is None else read_session(document)

    async def replace(self, tenant: str, stored: StoredSession, session: Session, *, expires: float | None = None) -> StoredSession:
        """Write a session as it is now, with its card as it was. Raises VersionConflictError when it has changed since `stored`.

        After `expires` (seconds since the epoch) it vanishes.
        """
        value = _encoded(session, stored.card)
        version = await self._documents.put(Key(tenant, KIND, session.id), value, expected=stored.version, expires=expires)
        return StoredSession(session, version, stored.card)

    async def sessions(self, tenant: str) -> list[Document]:
        """The documents of all sessions of a tenant, ended ones too, for `read_session`."""
        return await self._all(tenant, KIND)

    def watch_sessions(self, tenant: str) -> AsyncIterator[Change]:
        """Changes of the tenant's sessions from this call on."""
        return self._documents.watch(tenant, KIND)

    async def tenants(self) -> list[str]:
        """Tenants that ever had a session."""
        return [document.key.id for document in await self._all(SERVER, TENANTS)]

    def watch_tenants(self) -> AsyncIterator[Change]:
        """A change for each new tenant from this call on; its id is the tenant."""
        return self._documents.watch(SERVER, TENANTS)

    async def _all(self, tenant: str, kind: str) -> list[Document]:
        found: list[Document] = []
        while page := await self._documents.list(tenant, kind, after=found[-1].key.id if found else "", limit=_PAGE):
            found += page
        return found


def read_session(document: Document, known: StoredSession | None = None) -> StoredSession:
    """A session from its document; with the card of an older version of it, when one is `known`."""
    line, _, card = document.value.partition(b"\n")
    head = json.loads(line)
    return StoredSession(
        Session(
            id=document.key.id,
            agent_id=head["agent_id"],
            card=known.session.card if known is not None and known.card == card else _cards().validate_json(card),
            joined=head["joined"],
            beats=head["beats"],
            load=head["load"],
            state=SessionState(head["state"]),
            streams=head.get("streams", 0),
        ),
        document.version,
        card,
    )


def alive(session: Session, load: float) -> Session:
    """The session after another sign of life."""
    return replace(session, beats=session.beats + 1, load=load)


def opened(session: Session) -> Session:
    """The session after it opened a stream, which is a sign of life."""
    return replace(session, beats=session.beats + 1, streams=session.streams + 1)


def ended(session: Session, state: SessionState) -> Session:
    """The session after its end."""
    return replace(session, state=state)


def _encoded(session: Session, card: bytes) -> bytes:
    head = {
        "agent_id": session.agent_id,
        "joined": session.joined,
        "beats": session.beats,
        "load": session.load,
        "state": session.state.value,
        "streams": session.streams,
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + card


@cache
def _cards() -> TypeAdapter[AgentCard]:
    return TypeAdapter(AgentCard)
