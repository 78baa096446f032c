"""What should not have happened, kept for the administrators of the tenant it concerns.

Nobody who is refused waits for a write, and no flood of refusals fills memory or store: the same thing within a minute is one event
with a count, and what is more than a bound, of one tenant in a minute or of all that wait, is counted in one event of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import NoReturn

from genesis_server.resilience.errors import GenesisError
from genesis_server.security.redaction import redact
from genesis_server.storage.base import Documents, Key, Put

KIND = "security_event"
DROPPED = "EVENTS_DROPPED"
"""Kind of the event that counts those there was no room for."""
KEPT_SECONDS = 30 * 86_400.0
SAME_SECONDS = 60.0
"""The same thing within this time is one event."""
MOST_A_MINUTE = 100
"""New events of one tenant in one process: who may call can make each refusal another one."""
MOST_PENDING = 1_000
WRITE_SECONDS = 1.0
"""Time between writes: what comes meanwhile goes into the next one."""

_BATCH = 200
_LONGEST_MESSAGE = 300
_LONGEST_VALUE = 200
_MOST_FACTS = 16
_DROPPED_MESSAGE = "more happened than could be kept; the count says how much"

_LOG = logging.getLogger(__name__)

_What = tuple[str, str, str, str]
"""Tenant, kind, actor and message: what makes two events the same."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something that should not have happened."""

    id: str
    """Later ids sort later."""
    time: float
    """When it happened first, in seconds since the epoch."""
    kind: str
    """The reason of the error it was refused with."""
    actor: str
    """The caller's subject, or whom the credentials claimed to be."""
    message: str
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those of the first time."""
    count: int = 1
    """How often it happened within a minute."""


class SecurityEvents:
    """Notes events and writes them in the background; belongs to one event loop."""

    def __init__(
        self,
        documents: Documents,
        *,
        now: Callable[[], float],
        new_id: Callable[[float], str],
        observe: Callable[[str], None],
        kept_seconds: float = KEPT_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Keep events in `documents`.

        Args:
            documents: shared by all processes of the service.
            now: seconds since the epoch.
            new_id: makes an id from a time; later ids sort later.
            observe: told the kind of each event, every time.
            kept_seconds: how long events are kept.
            sleep: waits between writes.
        """
        self._documents = documents
        self._now = now
        self._new_id = new_id
        self._observe = observe
        self._kept_seconds = kept_seconds
        self._sleep = sleep
        self._pending: dict[_What, SecurityEvent] = {}
        self._written: OrderedDict[_What, SecurityEvent] = OrderedDict()
        self._minutes: dict[str, tuple[float, int]] = {}
        """When each tenant's minute began, and its new events since."""
        self._noted = asyncio.Event()

    def note(self, *, tenant: str | None, kind: str, actor: str, message: str, facts: Mapping[str, str]) -> None:
        """Note an event; never waits, never raises.

        `tenant` is None when it is nobody's: who has no credentials must not write into a tenant's record, so such an event is
        observed and not kept.
        """
        try:
            self._observe(kind)
            if tenant is not None:
                self._count((tenant, kind, _cut(redact(actor), _LONGEST_VALUE), _cut(redact(message), _LONGEST_MESSAGE)), facts)
        except Exception:  # noqa: BLE001  (what cannot be noted must not change the answer)
            _LOG.exception("a security event could not be noted")

    async def follow(self) -> NoReturn:
        """Write what is noted until cancelled; what cannot be written is tried again."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            try:
                await self.flush()
            except GenesisError as error:
                _LOG.warning("security events could not be written yet (%s)", error.reason)
                self._noted.set()
            await self._sleep(WRITE_SECONDS)

    async def flush(self) -> None:
        """Write all that is noted now. Raises what the store raises; what is not written stays noted."""
        pending = list(self._pending.items())
        for begin in range(0, len(pending), _BATCH):
            batch = pending[begin : begin + _BATCH]
            await self._documents.put_all([self._put(what[0], event) for what, event in batch])
            for what, event in batch:
                # It is another object when it was counted again meanwhile.
                if self._pending.get(what) is event:
                    del self._pending[what]
                    self._written[what] = event
        while len(self._written) > MOST_PENDING:
            self._written.popitem(last=False)

    async def newest(self, tenant: str, *, before: str = "", limit: int = 100) -> Sequence[SecurityEvent]:
        """A tenant's events, newest first, those older than the event of id `before`."""
        found = await self._documents.list(tenant, KIND, after=before, limit=limit, descending=True)
        return [SecurityEvent(document.key.id, **json.loads(document.value)) for document in found]

    def _count(self, what: _What, facts: Mapping[str, str]) -> None:
        now = self._now()
        event = self._pending.get(what)
        if event is None:
            event = self._written.pop(what, None)
            if event is not None and abs(now - event.time) >= SAME_SECONDS:
                event = None
        if event is not None:
            self._pending[what] = replace(event, count=event.count + 1)
        elif what[1] == DROPPED:
            if len(self._pending) < 2 * MOST_PENDING:
                self._pending[what] = self._new(what, facts, now)
        elif len(self._pending) < MOST_PENDING and self._has_room(what[0], now):
            self._pending[what] = self._new(what, facts, now)
        else:
            self._count((what[0], DROPPED, "", _DROPPED_MESSAGE), {})
        self._noted.set()

    def _has_room(self, tenant: str, now: float) -> bool:
        """Whether a tenant may have one more new event in this minute; it counts as one."""
        begin, count = self._minutes.get(tenant, (now, 0))
        if abs(now - begin) >= SAME_SECONDS:
            begin, count = now, 0
        if count >= MOST_A_MINUTE:
            return False
        self._minutes[tenant] = begin, count + 1
        return True

    def _new(self, what: _What, facts: Mapping[str, str], now: float) -> SecurityEvent:
        tenant, kind, actor, message = what
        kept = {_cut(name, _LONGEST_VALUE): _cut(redact(value), _LONGEST_VALUE) for name, value in list(facts.items())[:_MOST_FACTS]}
        event = SecurityEvent(self._new_id(now), now, kind, actor, message, kept)
        _LOG.warning("security event: %s", kind, extra={"fields": {"tenant": tenant, "actor": actor, "reason": message, **kept}})
        return event

    def _put(self, tenant: str, event: SecurityEvent) -> Put:
        value = asdict(event)
        return Put(Key(tenant, KIND, value.pop("id")), json.dumps(value).encode(), expires=event.time + self._kept_seconds)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
