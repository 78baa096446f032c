"""gRPC's errors into ours: `google.rpc.Status` read from the trailing metadata."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # pyright: ignore[reportMissingTypeStubs] (it ships .pyi files without py.typed)

from genesis import errors

_DETAILS_KEY = "grpc-status-details-bin"
_CORRELATION_KEY = "x-correlation-id"

_BY_CODE = {kind.code: kind for kind in errors.GenesisError.__subclasses__()}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


@contextmanager
def translated() -> Generator[None]:
    """Turn a gRPC error raised inside into a `GenesisError`."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error


def from_rpc_error(error: grpc.RpcError) -> errors.GenesisError:
    """The exception for a gRPC error, with the details the server sent; details that cannot be read are left out."""
    trailers = dict(cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ()))
    status = _status(trailers.get(_DETAILS_KEY, b""))
    status.message = status.message or error.details() or f"the call failed with {error.code().name}"
    return _error(error.code(), status, _text(trailers.get(_CORRELATION_KEY, "")))


def from_status(status: status_pb2.Status) -> errors.GenesisError:
    """The exception for an error that came as a message."""
    return _error(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status, "")


def _error(code: grpc.StatusCode, status: status_pb2.Status, correlation_id: str) -> errors.GenesisError:
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        try:
            if detail.Unpack(retry):
                retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
            elif not detail.Unpack(info):
                detail.Unpack(request)
        except DecodeError:
            continue
    metadata = dict(info.metadata)
    kind = _BY_CODE.get(code, errors.Unknown)
    return kind(
        status.message,
        reason=info.reason,
        metadata=metadata,
        field_violations=tuple(errors.FieldViolation(found.field, found.description, found.reason) for found in request.field_violations),
        retry_after=retry_after,
        correlation_id=metadata.get("correlation_id") or correlation_id,
    )


def _status(raw: bytes | str) -> status_pb2.Status:
    try:
        return status_pb2.Status.FromString(raw if isinstance(raw, bytes) else raw.encode())
    except DecodeError:
        return status_pb2.Status()


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
