"""The rulebook decisions are made by, the same on every process: the file's, or the one that was activated last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn

from genesis_server.orchestration.policy.file import RulebookFile
from genesis_server.orchestration.policy.versions import Pointer, RulebookChange, RulebookVersions
from genesis_server.resilience.errors import GenesisError
from genesis_server.routing.rules.loading import load_rulebook
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.text.toml_file import DataFileError

START_SECONDS = 0.5
"""How long a start waits for the storage to say which rulebook is in use."""
RETRY_SECONDS = 1.0
"""How long after a fault of the storage it is asked again."""

_LOG = logging.getLogger(__name__)


class RulebookSource(IntEnum):
    """Where a rulebook comes from."""

    UNSPECIFIED = 0
    SHIPPED = 1
    FILE = 2
    ACTIVATED = 3


class ActiveRulebook:
    """The rulebook in use. Readers take `rulebook` once per decision; it is swapped by one assignment, and never for a broken one."""

    def __init__(self, file: RulebookFile, versions: RulebookVersions, *, clock: Callable[[], float]) -> None:
        """Begin with the file's; `clock` gives seconds since the epoch."""
        self.file = file
        self._versions = versions
        self._clock = clock
        self._refreshing = asyncio.Lock()
        self._activated: Rulebook | None = None
        self._problem = ""
        self._problem_since = clock()
        self.change: RulebookChange | None = None
        """The last change; None when there was none."""

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook in use."""
        return self._activated or self.file.rulebook

    @property
    def source(self) -> RulebookSource:
        """Where it comes from."""
        if self._activated is not None:
            return RulebookSource.ACTIVATED
        return self.file_source

    @property
    def file_source(self) -> RulebookSource:
        """Where the file's comes from."""
        return RulebookSource.SHIPPED if self.file.ships else RulebookSource.FILE

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it may be another one than it should be; empty when all is well."""
        return (self._problem,) if self._problem else self.file.mistakes if self._activated is None else ()

    @property
    def since(self) -> float:
        """When `problems` became what they are."""
        return self._problem_since if self._problem else self.file.since

    async def start(self) -> None:
        """Ask the storage which rulebook is in use, for a short time; when it does not answer, the file's is, until `follow` knows."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.refresh()
        except (GenesisError, TimeoutError) as error:
            self._fault(error)

    async def refresh(self) -> Pointer | None:
        """Take what the pointer says now, and return it. Raises the storage's errors; the rulebook stays as it was then."""
        async with self._refreshing:
            pointer = await self._versions.pointer()
            await self._take(pointer)
            return pointer

    async def follow(self) -> NoReturn:
        """Take every change, until cancelled."""
        while True:
            try:
                await self.refresh()
                async for _ in self._versions.watch():
                    await self.refresh()
            except GenesisError as error:
                self._fault(error)
            except Exception:  # noqa: BLE001  (whatever it is, later changes must be seen)
                _LOG.exception("following the rulebook in use failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _take(self, pointer: Pointer | None) -> None:
        if pointer is None or pointer.follows_file:
            activated = None
        elif self._activated is not None and self._activated.version == pointer.change.to_version:
            activated = self._activated
        else:
            stored = await self._versions.stored(pointer.change.to_version)
            if stored is None:
                return self._degrade(f"the rulebook {pointer.change.to_version} was activated, but its text is gone; activate one again")
            try:
                activated = await asyncio.to_thread(load_rulebook, stored.text)
            except DataFileError as error:
                return self._degrade(f"this server does not understand the rulebook that was activated: {error.mistakes[0]}")
        before = self.rulebook.version
        self._activated, self.change = activated, pointer.change if pointer else None
        self._problem = ""
        if self.rulebook.version != before:
            _LOG.info("rulebook in use changed", extra={"fields": {"from": before, "to": self.rulebook.version}})
        return None

    def _fault(self, error: GenesisError | TimeoutError) -> None:
        reason = error.reason if isinstance(error, GenesisError) else "TIMEOUT"
        self._degrade(f"the storage does not tell which rulebook is in use ({reason}); the last one known is")

    def _degrade(self, problem: str) -> None:
        if problem != self._problem:
            self._problem, self._problem_since = problem, self._clock()
            _LOG.warning("rulebook not followed", extra={"fields": {"reason": problem}})
