"""With which status a call ended, seen from inside the server."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio

from genesis_server.rpc.interceptors.layer import Context

# The client's clock began earlier, so it gives up a little before the server's deadline.
_NEARLY = 0.05
_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def status_of_return(context: Context) -> grpc.StatusCode:
    """The status of a call whose handler returned."""
    code: Any = context.code()
    if not code:
        return grpc.StatusCode.OK
    return _BY_NUMBER.get(code, grpc.StatusCode.UNKNOWN) if isinstance(code, int) else code


def status_of_exception(error: BaseException, context: Context) -> grpc.StatusCode:
    """The status of a call whose handler raised: cancelled tasks mean a passed deadline or a client that went away."""
    if isinstance(error, grpc.aio.AbortError):
        return status_of_return(context)
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        remaining: Any = context.time_remaining()
        return grpc.StatusCode.DEADLINE_EXCEEDED if remaining is not None and remaining <= _NEARLY else grpc.StatusCode.CANCELLED
    return grpc.StatusCode.UNKNOWN
