"""One span per sampled call, by opentelemetry-instrumentation-grpc.

The instrumentation does its dear work before a sampler is asked, so only the calls that are recorded meet it: none that tells health, and
others by the sampled bit of `traceparent`, else by our own ratio. It does not see how a call failed or was cancelled; a mapper inside it
tells the span, through `set_code` on the instrumentation's context and by attributes of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, NamedTuple, cast

import grpc
from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode, format_span_id

from genesis_server.rpc.interceptors.errors import ErrorMapper
from genesis_server.rpc.interceptors.layer import Context, Handler, Layer, Stream, Unary, behaviour, replaced
from genesis_server.rpc.interceptors.outcome import status_of_exception, status_of_return
from genesis_server.rpc.methods import is_health
from genesis_server.telemetry.context import current_call
from genesis_server.telemetry.names import (
    ATTR_CORRELATION_ID,
    ATTR_ERROR_TYPE,
    ATTR_RPC_GRPC_STATUS,
    ATTR_RPC_METHOD,
    ATTR_RPC_STATUS,
    ATTR_RPC_SYSTEM,
)
from genesis_server.telemetry.tracing import Tracing

_SPAN_ERRORS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""What OpenTelemetry counts as an error of a server's span."""

_span: ContextVar[Span | None] = ContextVar("genesis_span", default=None)


class TracingInterceptor(Layer):
    """Records the calls that `tracing` samples; the others pass untouched."""

    def __init__(self, tracing: Tracing, mapper: ErrorMapper) -> None:
        """Map errors inside the span with `mapper`."""
        self._tracing = tracing
        self._inside = _InsideSpan(mapper)
        self._instrumentation: Any = None
        if tracing.provider is not None:
            # Megabytes that a server which exports no traces does not need.
            from opentelemetry.instrumentation import grpc as instrumentation  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

            self._instrumentation = cast("Any", instrumentation).aio_server_interceptor(tracer_provider=tracing.provider)

    def wrap(self, method: str, handler: Handler) -> Handler:
        """`handler`, recording the calls that are sampled."""
        if self._instrumentation is None or is_health(method):
            return handler
        inner, inside = behaviour(handler), self._inside.wrap(method, handler)
        return replaced(handler, self._stream(method, inner, inside) if handler.response_streaming else self._unary(method, inner, inside))

    def _unary(self, method: str, inner: Unary, inside: Handler) -> Unary:
        async def unary(request: Any, context: Context) -> Any:
            if not self._samples():
                return await inner(request, context)
            traced = await self._traced(method, inside)
            return await traced(request, context)

        return unary

    def _stream(self, method: str, inner: Stream, inside: Handler) -> Stream:
        async def recorded(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            traced = await self._traced(method, inside)
            async with aclosing(traced(request, context)) as answers:
                try:
                    async for answer in answers:
                        yield answer
                except GeneratorExit as error:
                    # The instrumentation ends its span before the generator inside it is closed.
                    span = _span.get()
                    if span is not None:
                        _end(span, status_of_exception(error, context))
                    raise

        def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            return (recorded if self._samples() else inner)(request, context)

        return stream

    async def _traced(self, method: str, inside: Handler) -> Any:
        """The function of a handler inside the instrumentation."""

        async def found(_: object) -> Handler:
            return inside

        return behaviour(await self._instrumentation.intercept_service(found, _Details(method)))

    def _samples(self) -> bool:
        """Whether to record the call that runs; what is decided is noted for metrics and logs."""
        call = current_call()
        if call is None:
            return False
        call.sampled = self._tracing.samples(call)
        return call.sampled


class _Details(NamedTuple):
    """As much of `grpc.HandlerCallDetails` as the instrumentation asks for."""

    method: str


class _InsideSpan(Layer):
    """Answers errors where the instrumentation sees the status, and completes the span's attributes."""

    def __init__(self, mapper: ErrorMapper) -> None:
        self._mapper = mapper

    def around_unary(self, method: str, inner: Unary) -> Unary:
        run = self._mapper.around_unary(inner)

        async def unary(request: Any, context: Context) -> Any:
            span = _begin(method)
            try:
                answer = await run(request, context)
            except BaseException as error:
                _end(span, status_of_exception(error, context))
                raise
            _end(span, status_of_return(context))
            return answer

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        run = self._mapper.around_stream(inner)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            span = _begin(method)
            try:
                async with aclosing(run(request, context)) as answers:
                    async for answer in answers:
                        yield answer
            except BaseException as error:
                _end(span, status_of_exception(error, context))
                raise
            _end(span, status_of_return(context))

        return stream


def _begin(method: str) -> Span:
    span = trace.get_current_span()
    _span.set(span)
    span.set_attributes({ATTR_RPC_SYSTEM: "grpc", ATTR_RPC_METHOD: method.lstrip("/")})
    call = current_call()
    if call is not None:
        call.span_id = format_span_id(span.get_span_context().span_id)
        span.set_attribute(ATTR_CORRELATION_ID, call.correlation_id)
    return span


def _end(span: Span, code: grpc.StatusCode) -> None:
    if not span.is_recording():
        return
    span.set_attributes({ATTR_RPC_STATUS: code.name, ATTR_RPC_GRPC_STATUS: code.value[0]})
    if code is grpc.StatusCode.OK:
        return
    call = current_call()
    span.set_attribute(ATTR_ERROR_TYPE, call.reason if call is not None and call.reason else code.name)
    if code in _SPAN_ERRORS:
        span.set_status(Status(StatusCode.ERROR, code.name))
