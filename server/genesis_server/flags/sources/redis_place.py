"""The Redis that keeps written flags: what is asked of it and told to it, each within a bounded time, and its faults in words.

No fault names the URL or what Redis says besides its code: either could hold a password.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar, cast

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from genesis_server.flags.reading import MAX_FLAGS
from genesis_server.flags.sources.redis_layout import Mark, Names, News, decode_news
from genesis_server.resilience.errors import ResourceError

SECOND_TRY_SHARE = 0.7
"""Part of the time of a call that a write gets whose first try had no answer; both together stay below two seconds."""
MAX_NEWS = 200
"""Most messages that are taken at once."""
FLAGS_PER_SECOND = 5_000
"""How many flags must come in each second that a reading of all of them takes longer than other calls."""
RETRY_SECONDS = 1.0
"""What callers are told to wait."""

_CODES = {
    "LOADING": "is loading its data",
    "MISCONF": "cannot write to its disk, and takes no writes until it can",
    "NOAUTH": "asks for another user or password than flags_redis_url has",
    "NOPERM": "does not let the user of flags_redis_url do what flags need; give it the keys and the channel of flags_redis_prefix",
    "OOM": "is out of memory; give it more",
    "READONLY": "is a replica, which takes no writes; name the primary in flags_redis_url",
    "WRONGPASS": "asks for another user or password than flags_redis_url has",
    "WRONGTYPE": "holds something else under a name of the flags; rename or delete that",
}
_KINDS = {
    "LOADING": exceptions.BusyLoadingError,
    "NOPERM": exceptions.NoPermissionError,
    "OOM": exceptions.OutOfMemoryError,
    "READONLY": exceptions.ReadOnlyError,
    "WRONGPASS": exceptions.AuthenticationError,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class There:
    """All that is there at one moment."""

    mark: Mark
    values: dict[str, bytes]
    """The hash of flags."""


class RedisPlace:
    """One Redis. Every method raises ResourceError FLAG_SOURCE_UNAVAILABLE when it does not do what it should within the time."""

    def __init__(self, url: str, *, prefix: str, timeout_seconds: float = 1.0) -> None:
        """Connect to nothing yet; a call takes `timeout_seconds` at most, connecting included. Raises ValueError, naming no password."""
        self.prefix = prefix
        self._names = Names(prefix)
        self._seconds = timeout_seconds
        self._script = (files("genesis_server") / "data" / "flag_put.lua").read_text("utf-8")
        options: dict[str, Any] = {
            "protocol": 2,
            "decode_responses": False,
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": timeout_seconds,
            # Every call is bounded here: the library's bound is asyncio.wait_for, which loses cancellations before Python 3.12.
            "socket_timeout": None,
        }
        try:
            self._redis: Any = Redis.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]  (the library's options are untyped)
            # The library lets options of the URL win.
            self._redis.connection_pool.connection_kwargs.update(options)
            self._redis.connection_pool.make_connection()
        except Exception as error:  # noqa: BLE001  (an option of the URL can be wrong in any way)
            raise ValueError(f"cannot be used by the client of Redis ({type(error).__name__}); look at its options") from None

    async def ping(self) -> None:
        """Make sure of a connection."""
        await self._call(lambda: self._redis.execute_command("PING"))

    async def mark(self) -> Mark:
        """Whether anything is another than before."""
        revision, count = await self._both(("HLEN", self._names.written))
        return _mark(revision, count)

    async def read(self) -> There:
        """All flags."""
        if (mark := await self.mark()).count > MAX_FLAGS:
            raise unavailable(f"holds {mark.count} flags, which is more than {MAX_FLAGS}; take some away")
        revision, values = await self._both(("HGETALL", self._names.written), more=mark.count / FLAGS_PER_SECOND)
        found = {key.decode("utf-8", "backslashreplace"): value for key, value in cast("dict[bytes, bytes]", values).items()}
        return There(_mark(revision, len(found)), found)

    async def get(self, key: str) -> bytes | None:
        """The value of one flag."""
        return await self._call(lambda: self._redis.execute_command("HGET", self._names.written, key))

    async def put(self, key: str, value: bytes, *, version: int, known: int) -> int | None:
        """Write a flag that gets `version`; None when that was done, else the version it has, which is not the one before.

        `known` is the newest version this process knows of. A try without an answer is made once more, which changes nothing if the first
        one was done. When the second has none either the error has the fact outcome: unknown.
        """
        try:
            return await self._put_once(key, value, version=version, known=known)
        except _REFUSALS as error:
            raise unavailable(self._in_words(error)) from None
        except _FAILURES:
            pass
        try:
            actual = await self._put_once(key, value, version=version, known=known, share=SECOND_TRY_SHARE)
        except _FAILURES as error:
            raise _unknown(key, self._in_words(error)) from None
        if actual is not None and actual > version:
            raise _unknown(key, "was written by somebody else meanwhile")
        return actual

    async def persistent(self) -> bool | None:
        """Whether each write is logged to disk; None when Redis does not tell."""
        try:
            told: dict[str, object] = await self._call(lambda: self._redis.execute_command("INFO", "persistence"))
        except ResourceError:
            return None
        return bool(told.get("aof_enabled", 1))

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Callable[[float], Awaitable[Sequence[News | None]]]]:
        """Hear of each write from now on: a function that waits some seconds for news; None stands for a message nobody understands."""
        pubsub: PubSub = self._redis.pubsub()
        try:
            # Until Redis says so, nobody is listening.
            await self._call(lambda: self._subscribe(pubsub))
            yield lambda seconds: self._news(pubsub, seconds)
        finally:
            with suppress(*_FAILURES):
                async with asyncio.timeout(self._seconds):
                    await pubsub.aclose()  # pyright: ignore[reportUnknownMemberType]

    async def close(self) -> None:
        """Close the connections."""
        with suppress(*_FAILURES):
            async with asyncio.timeout(self._seconds):
                await self._redis.aclose()

    async def _subscribe(self, pubsub: Any) -> None:
        await pubsub.subscribe(self._names.changes)
        while (message := await pubsub.get_message(timeout=self._seconds)) is None or message["type"] != "subscribe":
            pass

    async def _news(self, pubsub: Any, seconds: float) -> Sequence[News | None]:
        found: list[News | None] = []
        message = await self._call(lambda: pubsub.get_message(timeout=seconds), more=seconds)
        while message is not None:
            if message["type"] == "message":
                found.append(decode_news(message["data"]))
            if len(found) == MAX_NEWS:
                break
            message = await self._call(lambda: pubsub.get_message(timeout=0))
        return found

    async def _both(self, command: tuple[str, ...], *, more: float = 0.0) -> tuple[bytes | None, object]:
        """The counter and the answer to `command`, of one moment."""

        async def ask() -> tuple[bytes | None, object]:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.execute_command("GET", self._names.revision)
                pipeline.execute_command(*command)
                # The library would put other words in front of those of an error.
                answers: list[Any] = await pipeline.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers[0], answers[1]

        return await self._call(ask, more=more)

    async def _put_once(self, key: str, value: bytes, *, version: int, known: int, share: float = 1.0) -> int | None:
        names = self._names
        keys_and_arguments = (names.written, names.revision, key, value, version, known, names.changes)
        async with asyncio.timeout(self._seconds * share):
            done, actual = await self._redis.execute_command("EVAL", self._script, 2, *keys_and_arguments)
        return None if done else int(actual)

    async def _call(self, call: Callable[[], Awaitable[T]], *, more: float = 0.0) -> T:
        try:
            async with asyncio.timeout(self._seconds + more):
                return await call()
        except _FAILURES as error:
            raise unavailable(self._in_words(error)) from None

    def _in_words(self, error: Exception) -> str:
        code = _code(error)
        if code:
            return f"{_CODES[code]} ({code})"
        match error:
            case TimeoutError() | exceptions.TimeoutError():
                return f"does not answer within {self._seconds:g} s"
            case exceptions.ConnectionError() | OSError():
                return "cannot be reached"
            case _:
                return f"refuses ({type(error).__name__})"


_FAILURES = (TimeoutError, OSError, exceptions.RedisError)
_REFUSALS = (exceptions.ResponseError, exceptions.AuthenticationError, exceptions.BusyLoadingError)
"""Those that say that nothing was done."""


def unavailable(what: str) -> ResourceError:
    """The error for a Redis that `what` is wrong with, in words that follow its name."""
    message = f"the Redis that keeps the flags {what}"
    return ResourceError("FLAG_SOURCE_UNAVAILABLE", message, facts={"source": "redis"}, retry_after_seconds=RETRY_SECONDS)


def _unknown(key: str, what: str) -> ResourceError:
    message = f"it is not known whether the flag {key!r} was written: the Redis that keeps the flags {what}; read it before trying again"
    facts = {"source": "redis", "outcome": "unknown"}
    return ResourceError("FLAG_SOURCE_UNAVAILABLE", message, facts=facts, retry_after_seconds=RETRY_SECONDS)


def _mark(revision: bytes | None, count: object) -> Mark:
    try:
        return Mark(int(revision or 0), int(cast("int", count)))
    except ValueError:
        raise unavailable(_CODES["WRONGTYPE"]) from None


def _code(error: Exception) -> str:
    """The code of what Redis says, among those that have words here; the library leaves some in the text and makes types of others."""
    found = next((word for word in re.findall("[A-Z]+", str(error)) if word in _CODES), "")
    return found or next((code for code, kind in _KINDS.items() if isinstance(error, kind)), "")
