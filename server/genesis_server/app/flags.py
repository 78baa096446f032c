"""The flags, put together: where definitions come from, what is in use, who may change it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from genesis_server.app.errors import StartError
from genesis_server.flags.audit_log import KINDS as AUDIT_KINDS
from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.bound import BoundFlags, current_flags
from genesis_server.flags.contexts import context_of, own_key
from genesis_server.flags.definition import FlagMistakesError, built_in_flags
from genesis_server.flags.desk import FlagDesk
from genesis_server.flags.emergency import EMERGENCY_FLAGS, EmergencyFlags, Modes
from genesis_server.flags.emergency import KIND as EMERGENCY_KIND
from genesis_server.flags.last_good import LastGood
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.pins import Pins
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.flags.sources import redis
from genesis_server.flags.sources.file import FileSource
from genesis_server.flags.sources.stored import StoredFlags
from genesis_server.flags.written import WrittenFlags
from genesis_server.model.caller import Caller
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import GenesisError
from genesis_server.resilience.standing_clock import StandingClock
from genesis_server.security.nonces import KIND as NONCE_KIND
from genesis_server.settings import Settings
from genesis_server.storage.base import Documents
from genesis_server.telemetry.metrics import Metrics

_ALWAYS_WRITTEN = frozenset({EMERGENCY_KIND, *AUDIT_KINDS, NONCE_KIND})
"""Kinds of documents: emergency flags with their audit entries, and the nonces without which no signed call could be answered."""


class FlagsInUse:
    """The live flags, and what the whole server does by them; made before the store, which asks it."""

    def __init__(self, settings: Settings, overrides: Overrides, metrics: Metrics) -> None:
        """Begin with the flags that ship."""
        self._environment = settings.env.value
        self._metrics = metrics
        self._listeners: list[Callable[[Modes], None]] = []
        self.lease_clock = StandingClock(time.monotonic)
        """Stands still while nothing is written."""
        self.live = LiveFlags(overrides=overrides, changed=self._changed)
        metrics.flags.know((flag.key, flag.variants) for flag in built_in_flags().values())
        self._changed(self.live.snapshot)

    @property
    def modes(self) -> Modes:
        """What the emergency flags mean now."""
        return self.live.snapshot.modes

    def may_write(self) -> bool:
        """Whether anything but emergency flags is written."""
        return self.modes.write_refusal is None

    def refusal(self, kind: str) -> GenesisError | None:
        """Why a document of this kind is not written now; None when it is."""
        return None if kind in _ALWAYS_WRITTEN else self.modes.write_refusal

    def enabled(self, key: str) -> bool:
        """Whether a flag is on: for the call under way, else for the server itself."""
        return (current_flags() or self.live.snapshot).enabled(key)

    def handles_errors(self) -> bool:
        """Whether what failed is tried again and kept away from, in work that no call does."""
        return self.live.snapshot.enabled("error_handling_enabled")

    def batches(self) -> bool:
        """Whether what comes together is written together, in work that no call does."""
        return self.live.snapshot.enabled("performance_optimizations_enabled")

    def of_caller(self, caller: Caller) -> BoundFlags:
        """The flags as a caller sees them now."""
        now = time.time()

        def data() -> Mapping[str, object]:
            return context_of(caller, environment=self._environment, now=now).data()

        return BoundFlags(self.live.snapshot, own_key(caller), data, self._metrics.flags.evaluated)

    async def of_run(self, pins: Pins, caller: Caller, run_id: str) -> BoundFlags:
        """The flags as a caller sees them in a run. Raises as `Pins.snapshot_for`."""
        context = context_of(caller, environment=self._environment, now=time.time(), run_id=run_id)
        snapshot, pinned = await pins.snapshot_for(caller.tenant, run_id, context)
        return BoundFlags(snapshot, pinned.targeting_key, pinned.data, self._metrics.flags.evaluated)

    def on_modes(self, listener: Callable[[Modes], None]) -> None:
        """Tell `listener` of the modes, now and whenever they may have changed."""
        self._listeners.append(listener)
        listener(self.modes)

    def _changed(self, snapshot: FlagSnapshot) -> None:
        written = [flag.version for layer in snapshot.layers for flag in layer.versions.values()]
        self._metrics.flags.changed(sum(written))
        for key in EMERGENCY_FLAGS:
            self._metrics.flags.emergency(key, on=snapshot.enabled(key))
        if snapshot.modes.write_refusal is None:
            self.lease_clock.go()
        else:
            self.lease_clock.stop()
        for listener in self._listeners:
            listener(snapshot.modes)


@dataclass(frozen=True, slots=True)
class FlagParts:
    """Where flags come from and go to."""

    in_use: FlagsInUse
    file: FileSource | None
    written: WrittenFlags
    emergency: EmergencyFlags
    pins: Pins
    desk: FlagDesk
    breaker: Breaker | None
    """In front of Redis; None without it."""
    close: Callable[[], Awaitable[None]]
    """Lets go of what was opened."""

    async def start(self) -> None:
        """Take what is there. Raises StartError when the flag file cannot be used and no good one was ever read."""
        await self.emergency.start()
        await self.written.start()
        if self.file is not None:
            try:
                await self.file.start()
            except FlagMistakesError as error:
                raise StartError(*error.mistakes) from error

    async def follow(self) -> NoReturn:
        """Follow every source until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.emergency.follow(), name="genesis-emergency-flags")
            group.create_task(self.written.follow(), name="genesis-written-flags")
            if self.file is not None:
                group.create_task(self.file.follow(), name="genesis-flag-file")
        raise AssertionError("followers never end by themselves")

    def problems(self) -> tuple[Sequence[str], float]:
        """Why flags may not be what they should be, and since when; nothing when all is well."""
        found: list[tuple[str, float]] = [(text, self.emergency.since) for text in self.emergency.mistakes]
        found += [(text, self.written.since) for text in self.written.mistakes]
        if self.file is not None:
            found += [(text, self.file.since) for text in self.file.mistakes]
        return [text for text, _ in found], min((since for _, since in found), default=0.0)


def flag_parts(
    in_use: FlagsInUse, documents: Documents, *, settings: Settings, metrics: Metrics, make_breaker: Callable[[], Breaker]
) -> FlagParts:
    """The sources of the settings, over the store. Raises StartError."""
    live, audit = in_use.live, AuditLog(documents)
    last_good = LastGood(documents)
    emergency = EmergencyFlags(documents, audit, take=live.take_emergency, now=time.time)
    breaker = None
    if settings.flags_redis_url is None:
        written: WrittenFlags = StoredFlags(documents, audit, take=live.take, now=time.time, propagated=metrics.flags.propagated)
        close = _nothing_to_close
    else:
        breaker = make_breaker()
        written = in_redis = redis.RedisFlags(
            _redis_place(settings.flags_redis_url.get_secret_value(), prefix=settings.flags_redis_prefix),
            breaker=breaker,
            audit=audit,
            last_good=last_good,
            take=live.take,
            now=time.time,
            propagated=metrics.flags.propagated,
        )
        close = in_redis.close
    path = settings.flags_file
    file = (
        None if path is None else FileSource(path, take=live.take, last_good=last_good, poll_seconds=settings.reload_seconds, now=time.time)
    )
    pins = Pins(documents, live=lambda: live.snapshot, may_write=in_use.may_write, now=time.time)
    desk = FlagDesk(written=written, live=live, audit=audit, emergency=emergency, now=time.time)
    return FlagParts(in_use, file, written, emergency, pins, desk, breaker, close)


async def _nothing_to_close() -> None:
    """The store is closed by whoever opened it."""


def _redis_place(url: str, *, prefix: str) -> redis.RedisPlace:
    try:
        return redis.open_place(url, prefix=prefix)
    except ImportError as error:
        raise StartError(f"flags_redis_url: {redis.MISSING_EXTRA}") from error
    except ValueError as error:
        raise StartError(f"flags_redis_url: {error}") from error
