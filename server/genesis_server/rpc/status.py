"""Errors of the domain as gRPC statuses with google.rpc details.

Every error has an ErrorInfo (reason, domain "genesis", metadata with category and correlation id) and each other detail at most
once (AIP-193). The details travel in one trailer, and clients refuse trailers above 8 KiB, so lists and texts are cut to fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # pyright: ignore[reportMissingTypeStubs]

from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.telemetry.names import METADATA_CORRELATION_ID, METADATA_RETRY_PUSHBACK, METADATA_STATUS_DETAILS

DOMAIN = "genesis"
MAX_MESSAGE_CHARACTERS = 300
MAX_FACT_CHARACTERS = 200
MAX_DETAILS_BYTES = 3500
MAX_SUBJECT_CHARACTERS = 128
MAX_FACTS_BYTES = 1000

_ANY_BYTES = 60
"""What packing a detail adds."""

_CODE = grpc.StatusCode

STATUS_OF_REASON: dict[str, grpc.StatusCode] = {
    "INVALID_FIELD": _CODE.INVALID_ARGUMENT,
    "MALFORMED_MESSAGE": _CODE.INVALID_ARGUMENT,
    "MESSAGE_TOO_LARGE": _CODE.RESOURCE_EXHAUSTED,
    "EMPTY_GOAL": _CODE.INVALID_ARGUMENT,
    "INJECTION_SUSPECTED": _CODE.INVALID_ARGUMENT,
    "INVALID_PLAN": _CODE.INVALID_ARGUMENT,
    "PLAN_NOT_FOUND": _CODE.NOT_FOUND,
    "VERSION_MISMATCH": _CODE.ABORTED,
    "INVALID_PAGE_TOKEN": _CODE.INVALID_ARGUMENT,
    "REQUEST_ID_REUSED": _CODE.ALREADY_EXISTS,
    "FLAG_NOT_FOUND": _CODE.NOT_FOUND,
    "CREDENTIALS_MISSING": _CODE.UNAUTHENTICATED,
    "CREDENTIALS_INVALID": _CODE.UNAUTHENTICATED,
    "CREDENTIALS_EXPIRED": _CODE.UNAUTHENTICATED,
    "PERMISSION_DENIED": _CODE.PERMISSION_DENIED,
    "RATE_LIMITED": _CODE.RESOURCE_EXHAUSTED,
    "OVERLOADED": _CODE.RESOURCE_EXHAUSTED,
    "DEADLINE_EXCEEDED": _CODE.DEADLINE_EXCEEDED,
    "SHUTTING_DOWN": _CODE.UNAVAILABLE,
    "STORAGE_FULL": _CODE.RESOURCE_EXHAUSTED,
    "STORAGE_UNAVAILABLE": _CODE.UNAVAILABLE,
    "DEPENDENCY_CIRCUIT_OPEN": _CODE.UNAVAILABLE,
    "UNKNOWN_METHOD": _CODE.UNIMPLEMENTED,
    "INTERNAL": _CODE.INTERNAL,
    "TOO_MANY_TASKS": _CODE.INVALID_ARGUMENT,
    "DECISION_NOT_FOUND": _CODE.NOT_FOUND,
    "DECISION_EXPIRED": _CODE.NOT_FOUND,
    "TASK_NOT_FOUND": _CODE.NOT_FOUND,
    "TASK_ENDED": _CODE.FAILED_PRECONDITION,
    "PLAN_ENDED": _CODE.FAILED_PRECONDITION,
    "UPDATE_LIMIT": _CODE.RESOURCE_EXHAUSTED,
    "INVALID_EDIT": _CODE.INVALID_ARGUMENT,
    "INVALID_RULEBOOK": _CODE.INVALID_ARGUMENT,
    "RULEBOOK_NOT_FOUND": _CODE.NOT_FOUND,
    "SESSION_NOT_FOUND": _CODE.NOT_FOUND,
    "AGENT_MISMATCH": _CODE.PERMISSION_DENIED,
    "CREDENTIALS_REPLAYED": _CODE.UNAUTHENTICATED,
    "LEASE_LOST": _CODE.FAILED_PRECONDITION,
    "LEASE_FOREIGN": _CODE.PERMISSION_DENIED,
    "OUTPUT_MISMATCH": _CODE.INVALID_ARGUMENT,
    "BUDGET_EXHAUSTED": _CODE.RESOURCE_EXHAUSTED,
    "NOT_AWAITING_APPROVAL": _CODE.FAILED_PRECONDITION,
    "PLAN_NOT_ROUTED": _CODE.FAILED_PRECONDITION,
    "BREAKER_NOT_FOUND": _CODE.NOT_FOUND,
    "NOT_APPROVED": _CODE.FAILED_PRECONDITION,
    "INVALID_FLAG": _CODE.INVALID_ARGUMENT,
    "FLAG_VERB_MISMATCH": _CODE.FAILED_PRECONDITION,
    "FLAG_SOURCE_UNAVAILABLE": _CODE.UNAVAILABLE,
    "EMERGENCY_SHUTDOWN": _CODE.UNAVAILABLE,
    "MAINTENANCE_MODE": _CODE.UNAVAILABLE,
    "READ_ONLY_MODE": _CODE.FAILED_PRECONDITION,
}
"""Status of each `genesis.v1.ErrorReason`; a test holds it against the comments of errors.proto."""

CALLERS_OWN_LIMITS = frozenset({"RATE_LIMITED", "MESSAGE_TOO_LARGE", "UPDATE_LIMIT", "BUDGET_EXHAUSTED"})
PLANNED_REFUSALS = frozenset({"SHUTTING_DOWN", "EMERGENCY_SHUTDOWN", "MAINTENANCE_MODE", "READ_ONLY_MODE"})

_SERVER_FAULTS = frozenset({_CODE.UNKNOWN, _CODE.INTERNAL, _CODE.UNAVAILABLE, _CODE.DATA_LOSS, _CODE.RESOURCE_EXHAUSTED})

Metadata = tuple[tuple[str, str | bytes], ...]
Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """What goes out for an error."""

    code: grpc.StatusCode
    message: str
    reason: str
    category: str
    trailers: Metadata


def internal_error(correlation_id: str) -> ResourceError:
    """The error for an exception nobody expected; what happened stands only in the log."""
    message = f"a fault of the server; its log has the details under correlation id {correlation_id}"
    return ResourceError("INTERNAL", message)


def code_of(error: GenesisError) -> grpc.StatusCode:
    """The status code of an error; INTERNAL for a reason the contract does not have."""
    return STATUS_OF_REASON.get(error.reason, _CODE.INTERNAL)


def is_server_fault(code: grpc.StatusCode, reason: str, seconds: float, *, fair_deadline_seconds: float) -> bool:
    """Whether a call that ended so counts as an error of the server.

    A caller's mistake or own quota never does, nor does a planned refusal. A passed deadline does only when the call ran for at
    least `fair_deadline_seconds`.
    """
    if code is _CODE.DEADLINE_EXCEEDED:
        return seconds >= fair_deadline_seconds
    return code in _SERVER_FAULTS and reason not in CALLERS_OWN_LIMITS and reason not in PLANNED_REFUSALS


def to_status(error: GenesisError, correlation_id: str, redact: Redact = str) -> RpcStatus:
    """Everything the client gets for `error`; `redact` takes secrets out of every text."""
    code = code_of(error)
    message = _text(error.message, redact, MAX_MESSAGE_CHARACTERS)
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in _details(error, code, correlation_id, redact):
        status.details.add().Pack(detail)
    if error.violations:
        status.details.add().Pack(_bad_request(error, redact, MAX_DETAILS_BYTES - status.ByteSize() - _ANY_BYTES))
    trailers: list[tuple[str, str | bytes]] = [
        (METADATA_CORRELATION_ID, correlation_id),
        (METADATA_STATUS_DETAILS, status.SerializeToString()),
    ]
    if error.retry_after_seconds is not None:
        trailers.append((METADATA_RETRY_PUSHBACK, str(math.ceil(error.retry_after_seconds * 1000))))
    return RpcStatus(code, message, error.reason, error.category, tuple(trailers))


def _details(error: GenesisError, code: grpc.StatusCode, correlation_id: str, redact: Redact) -> Iterator[Message]:
    yield error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=_metadata(error, correlation_id, redact))
    if error.retry_after_seconds is not None:
        yield error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_after_seconds))
    if error.quota_subject:
        yield error_details_pb2.QuotaFailure(
            violations=[
                error_details_pb2.QuotaFailure.Violation(
                    subject=_text(error.quota_subject, redact, MAX_SUBJECT_CHARACTERS),
                    description=_text(error.message, redact, MAX_SUBJECT_CHARACTERS),
                )
            ]
        )
    if code is _CODE.ABORTED:
        yield error_details_pb2.PreconditionFailure(
            violations=[
                error_details_pb2.PreconditionFailure.Violation(
                    type=error.reason,
                    subject=_text(error.facts.get("plan_id") or error.facts.get("flag", ""), redact, MAX_SUBJECT_CHARACTERS),
                    description=_text(error.message, redact, MAX_SUBJECT_CHARACTERS),
                )
            ]
        )


def _metadata(error: GenesisError, correlation_id: str, redact: Redact) -> dict[str, str]:
    """Category, correlation id, and as many facts as fit."""
    metadata = {"category": error.category, "correlation_id": correlation_id}
    if len(error.violations) > 1:
        metadata["violation_count"] = str(len(error.violations))
    room = MAX_FACTS_BYTES
    for key, value in error.facts.items():
        text = _text(value, redact)
        room -= len(key) + len(text.encode())
        if room < 0:
            break
        metadata.setdefault(key, text)
    return metadata


def _bad_request(error: GenesisError, redact: Redact, room: int) -> error_details_pb2.BadRequest:
    """As many violations as fit into `room` bytes; `violation_count` in the ErrorInfo tells how many there are."""
    request = error_details_pb2.BadRequest()
    for violation in error.violations:
        entry = error_details_pb2.BadRequest.FieldViolation(
            field=_text(violation.field, redact), description=_text(violation.description, redact), reason=_reason_word(violation.rule)
        )
        room -= entry.ByteSize() + 4
        if room < 0:
            break
        request.field_violations.append(entry)
    return request


def _reason_word(rule: str) -> str:
    """A constraint's id in the form AIP-193 wants of reasons: `string.min_len` → `STRING_MIN_LEN`."""
    return "".join(c if c.isalnum() else "_" for c in rule.upper())[:63]


def _duration(seconds: float) -> Duration:
    whole = math.floor(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))


def _text(text: str, redact: Redact, limit: int = MAX_FACT_CHARACTERS) -> str:
    """Redacted, cut, and without lone surrogates, which no wire format takes."""
    clean = redact(text).encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
