"""What a call can raise: one class for each gRPC code, with the facts the server gave.

    GenesisError
     ├─ Cancelled            the call was cancelled
     ├─ InvalidArgument      the request is wrong: `field_violations` says where
     ├─ NotFound             no such plan or flag
     ├─ AlreadyExists        the request id was used for another request
     ├─ PermissionDenied     the caller's role may not do this
     ├─ Unauthenticated      no credentials, or none that hold
     ├─ ResourceExhausted    too many calls, too large, or the disk is full: `retry_after` says when to come back
     ├─ FailedPrecondition   the state of things forbids it
     ├─ Aborted              somebody else was faster: read again and repeat
     ├─ OutOfRange           past the end
     ├─ Unimplemented        the server is older than the client
     ├─ Unavailable          nobody answers, even after the retries
     ├─ DeadlineExceeded     no answer in time
     ├─ Internal             a fault of the server: `correlation_id` finds it in the log
     ├─ DataLoss             the answer cannot be read
     └─ Unknown              a fault that nobody explained

Catch `GenesisError` for all of them. Arguments that can be seen to be wrong before a call is made raise `ValueError` or
`TypeError` instead.
"""
# ruff: noqa: N818  (the classes are named after the gRPC codes)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import grpc


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that breaks a constraint."""

    field: str
    """Path in the request, for example `plan.tasks[2].id`."""
    description: str
    """What is wrong and what to do."""
    rule: str = ""
    """Id of the constraint, for example `STRING_MIN_LEN`."""


class GenesisError(Exception):
    """A call failed. `str(error)` is the server's message."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN
    """The gRPC code."""
    message: str
    """What is wrong and what to do, in words; it may change between versions, unlike `reason`."""
    reason: str
    """Name of a `genesis.v1.ErrorReason` without its prefix, for example `PLAN_NOT_FOUND`; empty when the server was not reached."""
    metadata: Mapping[str, str]
    """Facts about the failure; which keys there are depends on the reason."""
    field_violations: tuple[FieldViolation, ...]
    """Every field that is wrong, when the request is."""
    retry_after: float | None
    """Seconds to wait before another try helps; None when the server named none."""
    correlation_id: str
    """Finds the call in the server's logs and traces; empty when the server was not reached."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        field_violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
        correlation_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = MappingProxyType(dict(metadata or {}))
        self.field_violations = field_violations
        self.retry_after = retry_after
        self.correlation_id = correlation_id

    @property
    def category(self) -> str:
        """Decomposition, routing, validation, llm, network, resource or security; empty when the server did not say."""
        return self.metadata.get("category", "")


class Cancelled(GenesisError):
    """The call was cancelled."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.CANCELLED


class InvalidArgument(GenesisError):
    """The request is wrong; `field_violations` says where."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(GenesisError):
    """There is no such plan or flag."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.NOT_FOUND


class AlreadyExists(GenesisError):
    """The request id was used for another request."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.ALREADY_EXISTS


class PermissionDenied(GenesisError):
    """The caller's role may not do this."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.PERMISSION_DENIED


class Unauthenticated(GenesisError):
    """There are no credentials, or none that hold."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNAUTHENTICATED


class ResourceExhausted(GenesisError):
    """Too many calls, a message that is too large, or a full disk."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.RESOURCE_EXHAUSTED


class FailedPrecondition(GenesisError):
    """The state of things forbids it."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(GenesisError):
    """Somebody else was faster; read again and repeat."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.ABORTED


class OutOfRange(GenesisError):
    """Past the end."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.OUT_OF_RANGE


class Unimplemented(GenesisError):
    """The server does not know the method; it is older than the client."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNIMPLEMENTED


class Unavailable(GenesisError):
    """Nobody answers, even after the retries."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(GenesisError):
    """There was no answer in time."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.DEADLINE_EXCEEDED


class Internal(GenesisError):
    """A fault of the server; the correlation id finds it in the server's log."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL


class DataLoss(GenesisError):
    """The answer cannot be read."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.DATA_LOSS


class Unknown(GenesisError):
    """A fault that nobody explained."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN
