"""The breakers in front of agents, by tenant: they decide at once, and follow the documents they share with the other processes.

`follow` writes what was decided here and takes over what others decided; without it, or while the storage does not answer, this process
goes on alone but begins no trials. How two processes agree stands in `shared_breaker.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn
from uuid import uuid4

from genesis_server.agents.shared_breaker import BreakerRecord, BreakerView, SharedBreaker, Work, record_from_bytes, record_to_bytes
from genesis_server.resilience.breakers import BreakerState
from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.storage.base import ABSENT, Documents, Key, Put, VersionConflictError

KIND = "agent_breaker"
"""Kind of the breakers' documents; their ids are the agents'."""
RESETS = "agent_breaker_reset"
"""Kind of the entries of resets: one for each, never changed; their ids are the agent's, the time and the version of its breaker."""
KEPT_SECONDS = 30 * 86_400.0
"""How long a breaker's document stays without another transition."""
MOST_BREAKERS = 5_000
"""Breakers of one tenant in one process: clients name the agents they report of. Beyond it closed ones make room."""
RETRY_SECONDS = 1.0
"""How long after a fault of the storage it is asked again."""
TICK_SECONDS = 1.0
"""Time between two looks at a trial that is this process's."""
_PAGE = 1000
_TRIES = 5
"""How often a reset begins again when another transition came first."""

_LOG = logging.getLogger(__name__)

Observe = Callable[[str, str, str, str], None]
"""Told of (tenant, agent id, old state, new state)."""
Listener = Callable[[str, str], None]
"""Told of (tenant, agent id) when `passes` may say something else than before."""


class _Tenant:
    """One tenant's breakers."""

    def __init__(self) -> None:
        self.breakers: dict[str, SharedBreaker] = {}
        self.not_closed: set[str] = set()
        """Agents whose breakers are open or half-open: few of many."""
        self.pending: set[str] = set()
        """Agents whose breakers have, or will have, something to write."""
        self.wake = asyncio.Event()


class AgentBreakers:
    """Every breaker in front of an agent; used from one event loop. Five faults in a row open one for 60 s, then one task is the trial."""

    def __init__(
        self,
        documents: Documents,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        observe: Observe,
        process: str = "",
        enabled: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin with none.

        Args:
            documents: shared with the other processes.
            clock: monotonic seconds; it alone decides.
            now: seconds since the epoch, for what is shown.
            observe: told of every transition; must be quick and must not raise.
            process: unique among the processes; by default a random one.
            enabled: while it says no, every agent passes and nothing is counted: the flag `error_handling_enabled`.
        """
        self._enabled = enabled
        self._documents = documents
        self._clock = clock
        self._now = now
        self._observe = observe
        self._process = process or uuid4().hex
        self._tenants: dict[str, _Tenant] = {}
        self._new_tenant = asyncio.Event()
        self._listeners: list[Listener] = []

    # What the dispatcher and the router ask.

    def passes(self, tenant: str, agent_id: str) -> bool:
        """Whether `take` may be asked for a task of this agent now: the breaker is closed, or a trial is due. Changes nothing."""
        breaker = self._standing(tenant, agent_id)
        return breaker is None or breaker.passes

    def take(self, tenant: str, agent_id: str) -> bool:
        """Whether a task may be handed to the agent now.

        Unless the breaker is closed the task is then the trial, and everybody is refused until it ends. When a trial is due the first
        asking is refused too: it claims the trial from the other processes, which takes a write; `on_change` tells when it is here.
        """
        breaker = self._standing(tenant, agent_id)
        if breaker is None:
            return True
        taken = breaker.take()
        if breaker.wanted() is not None or breaker.holds:
            self._write_soon(tenant, agent_id)
        return taken

    def begin(self, tenant: str, agent_id: str, work: Work) -> None:
        """What was taken last is for this work; when it was the trial, it is the trial until it ends."""
        breaker = self._standing(tenant, agent_id)
        if breaker is not None:
            breaker.begin(work)

    def release(self, tenant: str, agent_id: str, work: Work | None = None) -> None:
        """Work ended without a verdict (declined, returned, cancelled): when it was this process's trial, other work may be the next.

        `work`: what it was; None: what was taken last was not begun. Every process tells it, for the trial is its holder's alone.
        """
        breaker = self._standing(tenant, agent_id)
        if breaker is not None:
            with self._changing(tenant, breaker):
                breaker.release(work)

    def tell(self, tenant: str, agent_id: str, fault: str | None) -> None:
        """The agent succeeded with a task (None), or failed, with the reason in words; while half-open this decides."""
        breaker = self._made(tenant, agent_id) if self._enabled() else None
        if breaker is None:
            return
        with self._changing(tenant, breaker):
            breaker.tell(fault)

    def retry_in(self, tenant: str, agent_id: str) -> float | None:
        """Seconds until it is worth asking `take` again, 0 when it is now; None while closed."""
        breaker = self._standing(tenant, agent_id)
        return None if breaker is None else breaker.retry_in

    def unhealthy(self, tenant: str) -> frozenset[str]:
        """Agents that are to get no work now: open and not due, or half-open with the trial under way."""
        found = self._tenants.get(tenant) if self._enabled() else None
        return frozenset() if found is None else frozenset([id_ for id_ in found.not_closed if not found.breakers[id_].passes])

    def listed(self, tenant: str) -> Sequence[BreakerView]:
        """The breakers this process knows, those that are not closed first, by agent id."""
        found = self._tenants.get(tenant)
        views = [] if found is None else [breaker.view for breaker in found.breakers.values()]
        return sorted(views, key=lambda view: (view.state is BreakerState.CLOSED, view.agent_id))

    def on_change(self, listener: Listener) -> None:
        """Tell `listener` after each transition, and when a trial may be taken or claimed again."""
        self._listeners.append(listener)

    # What operators do.

    async def reset(self, tenant: str, agent_id: str, *, actor: str, cause: str) -> BreakerView:
        """Close it now, here and on every process, and keep who did it, why and when, on disk when this returns.

        Raises ResourceError BREAKER_NOT_FOUND when no process has a breaker for this agent, and what the storage raises.
        """
        key = Key(tenant, KIND, agent_id)
        for _ in range(_TRIES):
            document = await self._documents.get(key)
            if document is None and self._found(tenant, agent_id) is None:
                raise ResourceError(
                    "BREAKER_NOT_FOUND",
                    f"no breaker stands in front of agent {agent_id!r} in this tenant; ListBreakers tells which there are",
                    facts={"agent_id": agent_id},
                )
            version = ABSENT if document is None else document.version
            record = BreakerRecord(BreakerState.CLOSED, self._now(), actor=actor, cause=cause)
            value = record_to_bytes(record)
            # A breaker that was forgotten counts its versions anew.
            entry = Key(tenant, RESETS, f"{agent_id}/{int(record.changed * 1000):015d}/{version + 1:010d}")
            try:
                expires = self._now() + KEPT_SECONDS
                written = await self._documents.put_all([Put(key, value, expected=version, expires=expires), Put(entry, value)])
            except VersionConflictError:
                continue
            breaker = self._made(tenant, agent_id) or self._new(tenant, agent_id)
            with self._changing(tenant, breaker):
                breaker.adopt(written[0], record)
            _LOG.warning("agent breaker reset", extra={"fields": {"agent": agent_id, "actor": actor, "reason": cause}})
            return breaker.view
        raise ResourceError(
            "VERSION_MISMATCH",
            f"the breaker of agent {agent_id!r} changed each time; look at it, and decide again",
            facts={"agent_id": agent_id},
        )

    async def refresh(self, tenant: str) -> None:
        """Take over what the documents say now, for a tenant that may not be followed. Raises what the storage raises."""
        last = ""
        while page := await self._documents.list(tenant, KIND, after=last, limit=_PAGE):
            for document in page:
                self._adopt(tenant, document.key.id, document.version, document.value)
            if len(page) < _PAGE:
                return
            last = page[-1].key.id

    # What is shared.

    def know(self, tenant: str) -> None:
        """Follow this tenant from now on."""
        if tenant not in self._tenants:
            self._tenants[tenant] = _Tenant()
            self._new_tenant.set()

    async def follow(self) -> NoReturn:
        """Follow every tenant that is known, until cancelled; survives faults of the storage."""
        followed: set[str] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                self._new_tenant.clear()
                for tenant in self._tenants.keys() - followed:
                    followed.add(tenant)
                    group.create_task(self._write_changes(tenant, self._tenants[tenant]), name="agent breakers writer")
                    group.create_task(self._watch_changes(tenant), name="agent breakers watcher")
                await self._new_tenant.wait()

    async def _watch_changes(self, tenant: str) -> NoReturn:
        trouble = ""
        while True:
            try:
                # Watched before it is read, so that nothing falls in between.
                changes = self._documents.watch(tenant, KIND)
                await self.refresh(tenant)
                trouble = ""
                async for change in changes:
                    if change.document is not None:
                        self._adopt(tenant, change.key.id, change.document.version, change.document.value)
                    elif (breaker := self._found(tenant, change.key.id)) is not None:
                        breaker.skip(0)
            except GenesisError as error:
                if error.reason != trouble:
                    trouble = error.reason
                    _LOG.warning("agent breakers not followed", extra={"fields": {"reason": trouble}})
            except Exception:  # noqa: BLE001  (whatever it is, later changes must be seen)
                _LOG.exception("following agent breakers failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _write_changes(self, tenant: str, group: _Tenant) -> NoReturn:
        while True:
            holds = any(breaker.holds for breaker in map(group.breakers.__getitem__, group.pending))
            # Not `wait_for`, which before Python 3.12 loses a cancellation that comes together with what it waits for.
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS if holds else None):
                    await group.wake.wait()
            group.wake.clear()
            for agent_id in tuple(group.pending):
                await self._write(tenant, group, group.breakers[agent_id])

    async def _write(self, tenant: str, group: _Tenant, breaker: SharedBreaker) -> None:
        """Write what a breaker wants until it wants nothing more, or the storage does not answer."""
        key = Key(tenant, KIND, breaker.agent_id)
        try:
            while (record := breaker.wanted()) is not None:
                try:
                    expires = self._now() + KEPT_SECONDS
                    version = await self._documents.put(key, record_to_bytes(record), expected=breaker.version, expires=expires)
                except VersionConflictError:
                    await self._take_over(tenant, key, breaker)
                else:
                    with self._changing(tenant, breaker):
                        breaker.adopt(version, record)
        except Exception as error:  # noqa: BLE001  (whatever it is, later transitions must be written)
            reason = error.reason if isinstance(error, GenesisError) else type(error).__name__
            _LOG.warning("agent breaker not written", extra={"fields": {"agent": breaker.agent_id, "reason": reason}})
            await asyncio.sleep(RETRY_SECONDS)
            group.wake.set()
        else:
            if not breaker.holds:
                group.pending.discard(breaker.agent_id)

    async def _take_over(self, tenant: str, key: Key, breaker: SharedBreaker) -> None:
        document = await self._documents.get(key)
        if document is None:
            breaker.skip(0)
        else:
            self._adopt(tenant, key.id, document.version, document.value)

    def _adopt(self, tenant: str, agent_id: str, version: int, value: bytes) -> None:
        breaker = self._made(tenant, agent_id)
        if breaker is None:
            return
        with self._changing(tenant, breaker):
            record = record_from_bytes(value)
            if record is None:
                breaker.skip(version)
                _LOG.warning("agent breaker not understood", extra={"fields": {"agent": agent_id}})
            else:
                breaker.adopt(version, record)

    # How.

    def _standing(self, tenant: str, agent_id: str) -> SharedBreaker | None:
        """The breaker that stands in front of an agent now."""
        return self._found(tenant, agent_id) if self._enabled() else None

    def _found(self, tenant: str, agent_id: str) -> SharedBreaker | None:
        group = self._tenants.get(tenant)
        return None if group is None else group.breakers.get(agent_id)

    def _made(self, tenant: str, agent_id: str) -> SharedBreaker | None:
        """The breaker, closed when it was not there; None when there is no room for it."""
        self.know(tenant)
        group = self._tenants[tenant]
        if agent_id not in group.breakers:
            if len(group.breakers) >= MOST_BREAKERS and not _make_room(group):
                return None
            group.breakers[agent_id] = self._new(tenant, agent_id)
        return group.breakers[agent_id]

    def _new(self, tenant: str, agent_id: str) -> SharedBreaker:
        return SharedBreaker(
            agent_id,
            process=self._process,
            clock=self._clock,
            now=self._now,
            on_transition=lambda old, new: self._observe(tenant, agent_id, old, new),
        )

    def _write_soon(self, tenant: str, agent_id: str) -> None:
        group = self._tenants[tenant]
        group.pending.add(agent_id)
        group.wake.set()

    @contextmanager
    def _changing(self, tenant: str, breaker: SharedBreaker) -> Generator[None]:
        """Tell who listens when the breaker is another one afterwards, and have it written."""
        before = breaker.state, breaker.passes
        yield
        if self._found(tenant, breaker.agent_id) is breaker:
            not_closed = self._tenants[tenant].not_closed
            (not_closed.discard if breaker.state is BreakerState.CLOSED else not_closed.add)(breaker.agent_id)
        if breaker.wanted() is not None or breaker.holds:
            self._write_soon(tenant, breaker.agent_id)
        if (breaker.state, breaker.passes) != before:
            for listener in self._listeners:
                listener(tenant, breaker.agent_id)


def _make_room(group: _Tenant) -> bool:
    """Forget the oldest breaker that is closed and has nothing to write; whether there was one."""
    for agent_id, breaker in group.breakers.items():
        if breaker.state is BreakerState.CLOSED and agent_id not in group.pending:
            del group.breakers[agent_id]
            return True
    return False
