"""Bytes to messages without surprises.

grpcio answers bytes that are no message with `UNKNOWN` and an exception's text, before any layer runs. So every
deserialiser is wrapped: what cannot be read becomes a `Rejected`, which the constraints layer raises once the caller is
authenticated. Large requests of chosen methods go through unread as a `RawRequest`, for a child process to parse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from genesis_server.resilience.errors import GenesisError, ResourceError, ValidationError, too_many_tasks

MEBIBYTE = 1024 * 1024
SMALL_BYTES = 64
"""Requests of at most so many bytes are small."""

Deserialiser = Callable[[bytes], Any]
Serialiser = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request too large to be parsed on the event loop; its servicer answers with a message or with serialised bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that cannot be read, with the error it is answered with."""

    error: GenesisError


@dataclass(frozen=True, slots=True)
class SizeBounds:
    """How large requests may be, in bytes, by full method name."""

    default: int = 4 * MEBIBYTE
    per_method: Mapping[str, int] = field(default_factory=dict[str, int])
    raw_above: Mapping[str, int] = field(default_factory=dict[str, int])
    """Methods that take larger requests than this as `RawRequest`."""
    max_tasks: Mapping[str, int] = field(default_factory=dict[str, int])
    """Methods that refuse a plan of more tasks; said before anything walks through the tasks."""
    raw_above_parts: Mapping[str, int] = field(default_factory=dict[str, int])
    """Methods that take plans of more tasks and edges than this as `RawRequest`, however few bytes they have."""

    def bound(self, method: str) -> int:
        """The largest request of a method."""
        return self.per_method.get(method, self.default)

    @property
    def channel_limit(self) -> int:
        """What C-core lets in: a quarter above the largest bound, so that near misses get our error and not its fixed text."""
        largest = max(self.default, *self.per_method.values(), 0)
        return largest + largest // 4


@dataclass(slots=True)
class _Body:
    data: bytes | None = None


_small: ContextVar[tuple[object, bytes] | None] = ContextVar("genesis_small_request", default=None)
_body: ContextVar[_Body | None] = ContextVar("genesis_request_body", default=None)


def keep_body() -> None:
    """Keep the request's bytes of the call that runs; grpc.aio reads the request in the task that serves the call."""
    _body.set(_Body())


def take_body() -> bytes | None:
    """The bytes that were kept, once; None: none were."""
    kept = _body.get()
    if kept is None:
        return None
    data, kept.data = kept.data, None
    return data


def small_request(request: object) -> bytes | None:
    """The bytes that `request` was read from for the call that runs, when they are few; None for others."""
    kept = _small.get()
    return kept[1] if kept is not None and kept[0] is request else None


def malformed(method: str) -> ValidationError:
    """The error for bytes that are no message of a method's request type."""
    message = f"the request is no message of the type {method} takes, or its text is not UTF-8, or it is nested deeper than 100"
    return ValidationError("MALFORMED_MESSAGE", message, facts={"method": method})


def too_large(size: int, limit: int) -> ResourceError:
    """The error for a request above its method's bound."""
    message = f"the request has {size} bytes, the method takes at most {limit}; send less in one request"
    return ResourceError("MESSAGE_TOO_LARGE", message, facts={"limit_bytes": str(limit), "size_bytes": str(size)})


def safe_deserialiser(method: str, deserialise: Deserialiser, bounds: SizeBounds) -> Deserialiser:
    """A deserialiser that never raises: it returns the message, a RawRequest or a Rejected."""
    bound = bounds.bound(method)
    raw_above = bounds.raw_above.get(method, bound)
    max_tasks, raw_above_parts = bounds.max_tasks.get(method), bounds.raw_above_parts.get(method)
    rejected = Rejected(malformed(method))

    def read(data: bytes) -> Any:
        kept = _body.get()
        if kept is not None:
            kept.data = data
        size = len(data)
        if size > bound:
            return Rejected(too_large(size, bound))
        if size > raw_above:
            return RawRequest(data)
        try:
            message = deserialise(data)
        except (DecodeError, UnicodeDecodeError, ValueError, RecursionError):
            return rejected
        if size <= SMALL_BYTES:
            _small.set((message, data))
        if max_tasks is not None and len(message.plan.tasks) > max_tasks:
            return Rejected(too_many_tasks(len(message.plan.tasks), max_tasks))
        if raw_above_parts is not None and len(message.plan.tasks) + len(message.plan.edges) > raw_above_parts:
            return RawRequest(data)
        return message

    return read


def passing_serialiser(serialise: Serialiser) -> Serialiser:
    """A serialiser that lets bytes pass: answers of child processes and remembered answers are serialised already."""

    def write(message: Any) -> bytes:
        return message if isinstance(message, bytes) else serialise(message)

    return write
