"""What a client reads out of a failed call."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Failure:
    """A failed call, decoded."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    metadata: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None


def failure(error: grpc.RpcError) -> Failure:
    """Decode the google.rpc details of an error."""
    details = {key: value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin"}  # type: ignore[attr-defined]
    status = status_pb2.Status.FromString(details["grpc-status-details-bin"]) if details else status_pb2.Status()
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    waits = False
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        waits = detail.Unpack(retry) or waits
    return Failure(
        code=error.code(),  # type: ignore[attr-defined]
        message=error.details(),  # type: ignore[attr-defined]
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields={violation.field: violation.description for violation in bad.field_violations},
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if waits else None,
    )
