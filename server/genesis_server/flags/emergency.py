"""The emergency flags: set and cleared by hand, kept in the store by themselves, above every definition.

They are read from the store alone: whether the flag file or Redis answers makes no difference to them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.written import AuditDraft
from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.storage.base import SERVER, Documents, Key, Put

SHUTDOWN = "emergency_shutdown"
MAINTENANCE = "maintenance_mode"
READ_ONLY = "read_only_mode"
EMERGENCY_FLAGS = (SHUTDOWN, MAINTENANCE, READ_ONLY)
"""Their keys, in the order of `Modes`: those of data/flags.json whose metadata says `emergency`."""
KIND = "emergency"
"""Kind of their documents; the ids are the keys."""
START_SECONDS = 0.5
"""How long a start waits for the storage to say which are set."""
RETRY_SECONDS = 0.5
"""How long after a fault of the storage it is asked again."""
MAINTENANCE_RETRY_SECONDS = 5.0
"""When a caller who was refused for maintenance asks again."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmergencyState:
    """How an emergency flag is, and who made it so."""

    key: str
    set: bool = False
    cause: str = ""
    """Why it was set or cleared."""
    actor: str = ""
    """Tenant and subject joined by a slash; empty when nobody ever touched it."""
    time: float | None = None
    """Seconds since the epoch; None when nobody ever touched it."""


@dataclass(frozen=True, slots=True)
class Modes:
    """What the emergency flags together mean for calls."""

    shutdown: bool = False
    """New work is refused."""
    maintenance: bool = False
    """Writes are refused for a while."""
    read_only: bool = False
    """Writes are refused until somebody has looked at the data."""

    @property
    def work_refusal(self) -> ResourceError | None:
        """Why new work is refused; None when it is not."""
        if not self.shutdown:
            return None
        message = f"the server takes no new work, {SHUTDOWN} is set; ask another server, or an administrator to clear the flag"
        return ResourceError("EMERGENCY_SHUTDOWN", message, facts={"flag": SHUTDOWN})

    @property
    def write_refusal(self) -> ResourceError | None:
        """Why writes are refused; None when they are not. That waiting does not help is told first."""
        if self.read_only:
            message = f"the server takes no writes, {READ_ONLY} is set because its data may be corrupt; ask an administrator"
            return ResourceError("READ_ONLY_MODE", message, facts={"flag": READ_ONLY})
        if self.maintenance:
            message = f"the server is being maintained and takes no writes, {MAINTENANCE} is set; try again later"
            facts = {"flag": MAINTENANCE}
            return ResourceError("MAINTENANCE_MODE", message, facts=facts, retry_after_seconds=MAINTENANCE_RETRY_SECONDS)
        return None


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(EmergencyState)


class EmergencyFlags:
    """The emergency flags as the store has them; used from one event loop."""

    def __init__(
        self,
        documents: Documents,
        audit: AuditLog,
        *,
        take: Callable[[Mapping[str, EmergencyState]], None],
        now: Callable[[], float],
    ) -> None:
        """Begin with none set.

        Args:
            documents: shared by all processes of the service.
            audit: gets an entry of every change, in the same transaction.
            take: told all states by key when one of them changed.
            now: seconds since the epoch.
        """
        self._documents = documents
        self._audit = audit
        self._take = take
        self._now = now
        self._refreshing = asyncio.Lock()
        self._changes = 0
        """Those that this process made."""
        self.states: Mapping[str, EmergencyState] = {key: EmergencyState(key) for key in EMERGENCY_FLAGS}
        """Every emergency flag by key, as far as this process knows."""
        self.mistakes: tuple[str, ...] = ()
        """Why `states` may not be what is stored; empty when all is well."""
        self.since = now()
        """When `mistakes` became what they are."""

    async def start(self) -> None:
        """Take what is stored, for a short time; when the store does not answer none is set until `follow` knows."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.refresh()
        except (GenesisError, TimeoutError) as error:
            self._fault(error)

    async def follow(self) -> NoReturn:
        """Take every change within 100 ms, until cancelled; a store that stops answering changes nothing."""
        while True:
            try:
                await self.refresh()
                async for _ in self._documents.watch(SERVER, KIND, after_revision=0):
                    await self.refresh()
            except GenesisError as error:
                self._fault(error)
            except Exception as error:  # noqa: BLE001  (whatever it is, later changes must be seen)
                _LOG.exception("following the emergency flags failed")
                self._fault(error)
            await asyncio.sleep(RETRY_SECONDS)

    async def refresh(self) -> None:
        """Take what is stored now. Raises the storage's errors; everything stays as it was then."""
        async with self._refreshing:
            while True:
                changes = self._changes
                found = {document.key.id: document.value for document in await self._documents.list(SERVER, KIND)}
                if changes == self._changes:  # what was looked at before a change must not undo it
                    break
            mistakes: list[str] = []
            states: dict[str, EmergencyState] = {}
            for key in EMERGENCY_FLAGS:
                states[key] = EmergencyState(key)
                if key in found:
                    try:
                        states[key] = _adapter().validate_json(found[key])
                    except ValidationError:
                        states[key] = self.states[key]
                        mistakes.append(f"the storage does not tell in words of this release whether {key} is set; set or clear it again")
            self._note(tuple(mistakes))
            self._use(states)

    async def set(self, key: str, *, actor: str, cause: str, correlation_id: str = "") -> EmergencyState:
        """Set a flag; one that is set gets the new cause.

        It is on disk with its entry in the audit log, and in use in this process, when this returns. Raises ResourceError FLAG_NOT_FOUND
        and what the storage raises.
        """
        return await self._write(EmergencyState(self._known(key), set=True, cause=cause, actor=actor, time=self._now()), correlation_id)

    async def clear(self, key: str, *, actor: str, cause: str, correlation_id: str = "") -> EmergencyState:
        """Clear a flag, as `set` sets it; one that is not set stays as it is."""
        await self.refresh()
        before = self.states[self._known(key)]
        if not before.set:
            return before
        return await self._write(EmergencyState(key, cause=cause, actor=actor, time=self._now()), correlation_id)

    async def _write(self, state: EmergencyState, correlation_id: str) -> EmergencyState:
        draft = AuditDraft(
            time=self._now() if state.time is None else state.time,
            actor=state.actor,
            action="set_emergency" if state.set else "clear_emergency",
            key=state.key,
            cause=state.cause,
            correlation_id=correlation_id,
        )
        await self._audit.append(draft, also=[Put(Key(SERVER, KIND, state.key), _adapter().dump_json(state))])
        self._changes += 1
        self._use({**self.states, state.key: state})
        try:
            # Another process may have come right after.
            await self.refresh()
        except GenesisError as error:
            self._fault(error)
        return state

    def _use(self, states: Mapping[str, EmergencyState]) -> None:
        if states == self.states:
            return
        for key, state in states.items():
            if state.set != self.states[key].set:
                fields = {"flag": key, "set": state.set, "actor": state.actor, "cause": state.cause}
                _LOG.warning("emergency flag %s", "set" if state.set else "cleared", extra={"fields": fields})
        self.states = states
        self._take(states)

    def _fault(self, error: Exception) -> None:
        reason = error.reason if isinstance(error, GenesisError) else type(error).__name__
        self._note((f"the storage does not tell which emergency flags are set ({reason}); those known last are",))

    def _note(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._now()
            if mistakes:
                _LOG.warning("emergency flags not followed", extra={"fields": {"reason": mistakes[0]}})

    def _known(self, key: str) -> str:
        if key not in EMERGENCY_FLAGS:
            message = f"there is no emergency flag {key[:128]!r}; there are {', '.join(EMERGENCY_FLAGS)}"
            raise ResourceError("FLAG_NOT_FOUND", message, facts={"flag": key[:128]})
        return key
