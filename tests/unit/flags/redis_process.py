"""A process of the service that keeps its written flags in a Redis, for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.last_good import LastGood
from genesis_server.flags.layers import Layer
from genesis_server.flags.sources.redis import RedisFlags, is_fault, open_place
from genesis_server.flags.written import AuditDraft, FlagVersionConflictError, WrittenFlag
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Store

PREFIX = "test:flags"
WRITTEN = f"{{{PREFIX}}}:written"
REVISION = f"{{{PREFIX}}}:revision"
CHANGES = f"{{{PREFIX}}}:changes"
ON = '{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}'
OFF = ON.replace(':"on"}', ':"off"}')
WAIT_SECONDS = 15.0
"""How long something may take that is waited for: far more than it does."""

PATIENCE_SECONDS = 2.0
"""How long a caller waits at most while Redis is gone."""


def flag(key: str, version: int, text: str = ON) -> WrittenFlag:
    return WrittenFlag(key, version, text, "acme/ann", time.time())


def draft(key: str, cause: str = "why not") -> AuditDraft:
    return AuditDraft(time=time.time(), actor="acme/ann", action="put", key=key, cause=cause)


class Process:
    """One process; what its flags take into use is kept in `layers`."""

    def __init__(self, url: str, store: Store, *, audit: AuditLog | None = None, timeout_seconds: float = 1.0) -> None:
        self.layers: list[Layer] = []
        self.propagated: list[float] = []
        self.audit = audit or AuditLog(store)
        self.place = open_place(url, prefix=PREFIX, timeout_seconds=timeout_seconds)
        self.breaker = Breaker("flag_source", clock=time.monotonic, is_fault=is_fault)
        self._moved = asyncio.Event()
        self.flags = RedisFlags(
            self.place,
            breaker=self.breaker,
            audit=self.audit,
            last_good=LastGood(store),
            take=self._take,
            now=time.time,
            propagated=self.propagated.append,
            # A new try comes soon, so that tests need not wait for it.
            sleep=lambda seconds: asyncio.sleep(seconds / 20),
        )

    def _take(self, layer: Layer) -> None:
        self.layers.append(layer)
        self._moved.set()

    @property
    def layer(self) -> Layer:
        """What is in use."""
        return self.layers[-1] if self.layers else Layer(FlagLayer.WRITTEN, "", {})

    @property
    def defaults(self) -> dict[str, str | None]:
        """The default variant of each flag in use."""
        return {key: found.default_variant for key, found in self.layer.definitions.items()}

    def version(self, key: str) -> int:
        """The version of a flag that is known; 0 for none."""
        found = self.layer.versions.get(key)
        return 0 if found is None else found.version

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something holds of what is in use."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds():
                self._moved.clear()
                await self._moved.wait()

    async def write(self, key: str, version: int, text: str = ON, *, cause: str = "why not") -> int:
        """Write a version of a flag."""
        return await self.flags.write(flag(key, version, text), draft(key, cause))

    async def try_to_write(self, key: str, version: int, text: str = ON) -> bool:
        """Write a version of a flag; False when another came first."""
        try:
            await self.write(key, version, text)
        except FlagVersionConflictError:
            return False
        return True

    async def actions(self) -> list[str]:
        """What the audit log tells, oldest first."""
        return [entry.draft.action for entry in await self.audit.page(limit=1000, oldest_first=True)]


@asynccontextmanager
async def following(process: Process) -> AsyncIterator[Process]:
    """The process started, and following until the block ends."""
    await process.flags.start()
    task = asyncio.create_task(process.flags.follow())
    try:
        yield process
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await process.flags.close()


async def refused(process: Process) -> list[ResourceError]:
    """What reading and writing a flag say while Redis is gone; neither takes longer than callers wait."""
    found: list[ResourceError] = []
    for call in (process.flags.get("a"), process.write("a", 2)):
        begun = time.monotonic()
        with pytest.raises(ResourceError) as caught:
            await call
        assert time.monotonic() - begun < PATIENCE_SECONDS
        found.append(caught.value)
        assert caught.value.reason == "FLAG_SOURCE_UNAVAILABLE"
        assert caught.value.facts["source"] == "redis"
        assert caught.value.retry_after_seconds
    return found
