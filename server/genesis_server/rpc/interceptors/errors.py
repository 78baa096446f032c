"""Errors become statuses; nothing else about them leaves the server.

grpcio sends an unexpected exception's text to the client. Here it becomes INTERNAL with a fixed text and the correlation id, and the
traceback goes to the log. The status is set on the context and the handler returns, rather than aborting: the tracing layer's proxy
sees `set_code` but would record an abort as an exception, twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from genesis_server.resilience.errors import GenesisError, ValidationError
from genesis_server.rpc.interceptors.layer import Context, Handler, Layer, Stream, Unary
from genesis_server.rpc.status import STATUS_OF_REASON, Redact, internal_error, to_status
from genesis_server.telemetry.context import current_call

_log = logging.getLogger(__name__)


class ErrorMapper:
    """Turns exceptions into statuses; shared by the errors layer and the mapper inside the tracing layer."""

    def __init__(self, redact: Redact = str) -> None:
        """Send every text through `redact`."""
        self._redact = redact

    def answer(self, error: Exception, context: Context) -> None:
        """Set the status for `error` on the call, and note its reason and category for metrics, logs and spans."""
        call = current_call()
        correlation_id = call.correlation_id if call is not None else ""
        if not isinstance(error, GenesisError) or error.reason not in STATUS_OF_REASON:
            _log.error("unexpected %s in a handler", type(error).__name__, exc_info=error)
            told: GenesisError = internal_error(correlation_id)
        else:
            told = error
        # Who kept the error on its way (one of several, or to be remembered) is in a cycle with the frames of the call, and their plans.
        error.__traceback__ = None
        status = to_status(told, correlation_id, self._redact)
        if call is not None:
            call.reason, call.category = status.reason, status.category
        context.set_trailing_metadata(status.trailers)
        context.set_code(status.code)
        context.set_details(status.message)

    def around_unary(self, inner: Unary) -> Unary:
        """`inner`, answering its errors."""

        async def unary(request: Any, context: Context) -> Any:
            try:
                return await inner(request, context)
            except (grpc.aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001
                self.answer(error, context)

        return unary

    def around_stream(self, inner: Stream) -> Stream:
        """`inner`, answering its errors."""

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            try:
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        yield answer
            except (grpc.aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001
                self.answer(error, context)

        return stream


class ErrorsInterceptor(Layer):
    """Maps what handlers and the layers inside raise."""

    def __init__(self, mapper: ErrorMapper) -> None:
        """Answer with `mapper`."""
        self._mapper = mapper

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Answer errors."""
        del method
        return self._mapper.around_unary(inner)

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Answer errors."""
        del method
        return self._mapper.around_stream(inner)


def unknown_method(method: str) -> ValidationError:
    """The error for a method that no service has."""
    message = "there is no such method; compare the client's contract version with the server's (Health tells it)"
    return ValidationError("UNKNOWN_METHOD", message, facts={"method": method})


def raising_handler(error: Exception) -> Handler:
    """A handler that fails at once. It streams both ways, because such a handler waits for no message."""

    async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
        del request, context
        raise error
        yield

    handler: Any = grpc.stream_stream_rpc_method_handler
    return handler(stream)
