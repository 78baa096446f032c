"""Written definitions in Redis, shared by every server that names the same Redis and prefix (redis_layout.py says how they lie there).

A write is a compare-and-set by a script, which also raises a counter and tells everybody. Who misses the message sees the counter within
a second. All is read at the begin of a connection and when the counter moved otherwise than by the messages that came, and of it only
what changed is parsed. Evaluations read the snapshot and never wait for Redis: when it is gone the last good definitions hold, which the
store keeps, so that a start without Redis begins with them.

The audit log is in the store and not in Redis, so that the two are not one transaction: an entry "intend" comes first, then the script,
then the entry of the write, or "fail". An intent that neither follows is a write of which nobody knows whether it was done.

A write is as durable as Redis is set up to be: only with `appendonly yes` and `appendfsync always` nothing that was acknowledged is ever
lost; with `everysec` up to a second of it, and without `appendonly` all of it since the last snapshot. What is lost so is told and stays
in use here.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, TypeVar

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.last_good import LastGood
from genesis_server.flags.layers import Layer
from genesis_server.flags.sources.redis_known import Known
from genesis_server.flags.sources.redis_layout import Mark, News, decode_flag, encode_flag
from genesis_server.flags.written import AuditDraft, FlagVersionConflictError, WrittenFlag
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import GenesisError, NetworkError, ResourceError

if TYPE_CHECKING:
    from genesis_server.flags.sources.redis_place import RedisPlace

START_SECONDS = 0.5
"""How long a start waits for the store, and for Redis."""
POLL_SECONDS = 1.0
"""How often the counter is looked at, and the last good definitions are kept, at most."""
FIRST_RETRY_SECONDS = 0.1
"""The longest wait before the first new try to connect; it doubles with each further one."""
LONGEST_RETRY_SECONDS = 5.0
MISSING_EXTRA = "flags in Redis need the optional extra redis: pip install 'genesis-orchestrator[redis]'"

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
Listen = Callable[[float], Awaitable[Sequence[News | None]]]


def is_fault(error: Exception) -> bool:
    """Whether Redis failed, as opposed to refusing a version."""
    return isinstance(error, ResourceError) and error.reason == "FLAG_SOURCE_UNAVAILABLE"


def open_place(url: str, *, prefix: str, timeout_seconds: float = 1.0) -> RedisPlace:
    """The Redis of a URL; imports the optional extra, and connects to nothing yet. Raises ImportError, and ValueError for the URL."""
    from genesis_server.flags.sources.redis_place import RedisPlace  # noqa: PLC0415

    return RedisPlace(url, prefix=prefix, timeout_seconds=timeout_seconds)


class RedisFlags:
    """The written definitions of a Redis, as `WrittenFlags`; used from one event loop."""

    def __init__(
        self,
        place: RedisPlace,
        *,
        breaker: Breaker,
        audit: AuditLog,
        last_good: LastGood,
        take: Callable[[Layer], None],
        now: Callable[[], float],
        propagated: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Begin with nothing known.

        Args:
            place: the Redis; it is closed by `close`.
            breaker: stands in front of it; it must count the faults of `is_fault`. What `follow` sees is told to it.
            audit: gets the entries of every write.
            last_good: keeps the definitions for a start without Redis.
            take: told the layer when it changed.
            now: seconds since the epoch.
            propagated: told the seconds from each write, by any process, to its use here.
            clock: monotonic seconds.
            sleep: waits some seconds before the next try to connect.
            uniform: draws that wait.
        """
        self._place = place
        self._breaker = breaker
        self._audit = audit
        self._last_good = last_good
        self._take = take
        self._now = now
        self._propagated = propagated
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform
        self._known = Known()
        self._mark: Mark | None = None
        """How it was when it was read; None: it must be read."""
        self._own: dict[str, bytes] = {}
        """What this process wrote since the last reading began."""
        self._writing: set[asyncio.Task[int]] = set()
        self._fault = ""
        self._kept_name = f"redis {place.prefix}"
        self._unkept = False
        self._kept_at = clock()
        self._not_kept = ""
        self._durability_told = False
        self.mistakes: tuple[str, ...] = ()
        """Why what is in use may not be what is there; empty when all is well."""
        self.since = now()
        """When `mistakes` became what they are; seconds since the epoch."""

    async def start(self) -> None:
        """Take what is there, for a short time; when Redis does not answer, the last good definitions are used until `follow` knows."""
        try:
            # Only the store and Redis have to hurry at a start: to understand many flags takes its time.
            async with asyncio.timeout(START_SECONDS):
                kept = await self._last_good.load(self._kept_name)
            self._known = Known() if kept is None else await asyncio.to_thread(Known.from_bytes, kept)
        except (GenesisError, TimeoutError, ValueError, AttributeError):
            _LOG.warning("the last good flags of Redis are not known", exc_info=True)
        try:
            await self._read(first=True)
        except ResourceError as error:
            self._gone(error)
        except TimeoutError:
            self._gone(ResourceError("FLAG_SOURCE_UNAVAILABLE", f"the Redis that keeps the flags does not answer within {START_SECONDS} s"))

    async def follow(self) -> NoReturn:
        """Take every change into use within 100 ms, until cancelled; when messages are missed, within about a second."""
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                async with self._place.listening() as listen:
                    await self._read()
                    wait = FIRST_RETRY_SECONDS
                    await self._tell_durability()
                    await self._keep_up(listen)
            except ResourceError as error:
                self._gone(error)
            except Exception:  # noqa: BLE001  (whatever it is, later changes must be seen)
                _LOG.exception("following the flags in Redis failed")
                self._broken("the flags in Redis cannot be followed; the log says why")
            self._mark = None
            await self._sleep(self._uniform(0.5, 1.0) * wait)
            wait = min(2 * wait, LONGEST_RETRY_SECONDS)

    async def get(self, key: str) -> WrittenFlag | None:
        """The flag as it is there now; what was lost there, as it is known here. Raises ResourceError FLAG_SOURCE_UNAVAILABLE."""
        value = await self._guarded(lambda: self._place.get(key))
        known = self._known.written(key)
        try:
            there = None if value is None else decode_flag(key, value)
        except ValueError:
            there = None
        if there is None or (known is not None and known.version > there.version):
            return known
        return there

    async def write(self, flag: WrittenFlag, audit: AuditDraft) -> int:
        """Write `flag`, whose version is one above that which must be there, with its entries in the audit log; the last one's number.

        Redis has acknowledged it, and it is in use in this process, when this returns. A flag that was lost in Redis, or is not understood
        there, counts as having the version that is known here. Raises FlagVersionConflictError, and ResourceError when nothing was written
        or when that is not known, which its message says. What was begun is ended though the caller goes away.
        """
        task = asyncio.create_task(self._guarded(lambda: self._write(flag, audit)), name="write of a flag to Redis")
        self._writing.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End the writes under way, and close the connections."""
        await asyncio.gather(*self._writing, return_exceptions=True)
        await self._place.close()

    async def _write(self, flag: WrittenFlag, audit: AuditDraft) -> int:
        # When Redis is gone nothing need be intended.
        await self._place.ping()
        intent = await self._audit.append(replace(audit, action="intend"))
        value = encode_flag(flag)
        try:
            actual = await self._place.put(flag.key, value, version=flag.version, known=self._known.version_of(flag.key))
        except ResourceError as error:
            if error.facts.get("outcome") != "unknown":
                await self._tell_failure(audit, error.message)
            raise
        if actual is not None:
            await self._tell_failure(audit, f"the version was {actual}")
            raise FlagVersionConflictError(flag.key, flag.version - 1, actual)
        self._own[flag.key] = value
        self._use(self._known.with_some({flag.key: value}))
        try:
            return (await self._audit.append(audit)).sequence
        except GenesisError as error:
            message = f"version {flag.version} of the flag {flag.key!r} was written, but not the entry that says so: {error.message}"
            facts = {**error.facts, "audit_entry": str(intent.sequence)}
            raise ResourceError(error.reason, message, facts=facts, retry_after_seconds=error.retry_after_seconds) from None

    async def _tell_failure(self, audit: AuditDraft, why: str) -> None:
        """Put the failure into the audit log; when that fails too the intent stands alone, as if nobody knew."""
        try:
            await self._audit.append(replace(audit, action="fail", cause=f"{audit.cause} (failed: {why})"))
        except GenesisError:
            _LOG.warning("a flag was not written, and the audit log does not say so", extra={"fields": {"flag": audit.key, "why": why}})

    def _written(self, task: asyncio.Task[int]) -> None:
        self._writing.discard(task)
        # Asked for, so that a failure whose caller went away is no news at the end of the process.
        if not task.cancelled():
            task.exception()

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._breaker.run(call)
        except NetworkError as error:
            facts = {**error.facts, "source": "redis"}
            raise ResourceError(
                "FLAG_SOURCE_UNAVAILABLE", error.message, facts=facts, retry_after_seconds=error.retry_after_seconds
            ) from None

    async def _keep_up(self, listen: Listen) -> NoReturn:
        looked = self._clock()
        while True:
            news = await listen(POLL_SECONDS)
            self._hear(news)
            if not news or self._mark is None or self._clock() - looked >= POLL_SECONDS:
                if self._mark is None or await self._place.mark() != self._mark:
                    await self._read()
                looked = self._clock()
            await self._keep()

    def _hear(self, news: Sequence[News | None]) -> None:
        """Use the messages that follow on what is known; when one is missing all must be read."""
        values: dict[str, bytes] = {}
        for one in news:
            if one is None or self._mark is None or one.mark.revision > self._mark.revision + 1:
                self._mark = None
            elif one.mark.revision == self._mark.revision + 1:
                self._mark = one.mark
                values[one.key] = one.value
        self._use(self._known.with_some(values))

    async def _read(self, *, first: bool = False) -> None:
        """Take all that is there."""
        before, self._own = self._known, {}
        async with asyncio.timeout(START_SECONDS if first else None):
            there = await self._place.read()
        known = await asyncio.to_thread(before.with_all, there.values)
        self._mark = there.mark
        back = self._fault != ""
        self._fault = ""
        if back:
            _LOG.info("the Redis that keeps the flags is back")
        if back or first:
            self._breaker.reset()
        self._use(known.with_some(self._own), first=first, always=back or first)

    def _gone(self, error: ResourceError) -> None:
        self._breaker.tell(error)
        self._broken(error.message)

    def _broken(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            _LOG.warning("the flags in Redis are not followed", extra={"fields": {"reason": fault}})
            self._publish()

    def _use(self, known: Known, *, first: bool = False, always: bool = False) -> None:
        """Take into use what is known now, if it is another than before or `always`; what the `first` look finds may be old."""
        before, self._known = self._known, known
        if not always and known.flags == before.flags:
            return
        self._unkept = True
        self._publish()
        for flag in () if first else known.newer_than(before):
            self._propagated(max(0.0, self._now() - flag.time))

    def _publish(self) -> None:
        faults = (f"{self._fault}; the last good flags hold",) if self._fault else ()
        mistakes = (*faults, *self._known.mistakes)
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._now()
        self._take(self._known.layer(stale=self._fault != ""))

    async def _keep(self) -> None:
        """Keep what is of use for a start without Redis, now and then."""
        if not self._unkept or self._clock() - self._kept_at < POLL_SECONDS:
            return
        self._unkept, self._kept_at = False, self._clock()
        try:
            await self._last_good.save(self._kept_name, await asyncio.to_thread(self._known.to_bytes))
            self._not_kept = ""
        except GenesisError as error:
            self._unkept = True
            if error.reason != self._not_kept:
                _LOG.warning("the last good flags of Redis are not kept", extra={"fields": {"reason": error.reason}})
            self._not_kept = error.reason

    async def _tell_durability(self) -> None:
        if not self._durability_told and await self._place.persistent() is False:
            _LOG.warning("the Redis that keeps the flags has appendonly off: what is written may be lost when it stops; set appendonly yes")
        self._durability_told = True
