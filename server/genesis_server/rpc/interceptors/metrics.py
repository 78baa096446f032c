"""Counts and times every call; it stands outside the layers that refuse, so that refusals are counted."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc

from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.interceptors.outcome import status_of_exception, status_of_return
from genesis_server.rpc.methods import is_health, takes_stream
from genesis_server.rpc.status import is_server_fault
from genesis_server.telemetry.context import current_call
from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.rpc_metrics import MethodMetrics

FAIR_DEADLINE_SECONDS = 1.0
"""A deadline shorter than this that passes is the caller's own doing."""


class MetricsInterceptor(Layer):
    """Feeds the metrics of calls."""

    def __init__(
        self, metrics: Metrics, *, clock: Callable[[], float] = time.perf_counter, fair_deadline_seconds: float = FAIR_DEADLINE_SECONDS
    ) -> None:
        """Count in `metrics`; `clock` is in seconds."""
        self._metrics = metrics
        self._rpc = metrics.rpc
        self._clock = clock
        self._fair = fair_deadline_seconds
        self._in_flight = 0
        self._rpc.in_flight.set_function(lambda: self._in_flight)

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Count the call and its two messages."""
        children = self._rpc.of(method)
        judged = children.judged and not is_health(method)
        streams = takes_stream(method)

        async def unary(request: Any, context: Context) -> Any:
            children.started.inc()
            self._in_flight += 1
            if streams:
                request = _counted(request, children)
            else:
                children.received.inc()
            start = self._clock()
            try:
                answer = await inner(request, context)
            except BaseException as error:
                self._ended(children, status_of_exception(error, context), start, judged=judged)
                raise
            code = status_of_return(context)
            if code is grpc.StatusCode.OK:
                children.sent.inc()
            self._ended(children, code, start, judged=judged)
            return answer

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Count the call and each of its messages."""
        children = self._rpc.of(method)
        judged = children.judged and not is_health(method)
        streams = takes_stream(method)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            children.started.inc()
            self._in_flight += 1
            if streams:
                request = _counted(request, children)
            else:
                children.received.inc()
            start = self._clock()
            try:
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        children.sent.inc()
                        yield answer
            except BaseException as error:
                self._ended(children, status_of_exception(error, context), start, judged=judged)
                raise
            self._ended(children, status_of_return(context), start, judged=judged)

        return stream

    def _ended(self, children: MethodMetrics, code: grpc.StatusCode, start: float, *, judged: bool) -> None:
        seconds = self._clock() - start
        call = current_call()
        self._in_flight -= 1
        children.handled[code.name].inc()
        exemplar = {"trace_id": call.trace_id} if call is not None and call.sampled else None
        children.seconds.observe(seconds, exemplar)
        if children.duration is not None:
            children.duration.observe(seconds, exemplar)
        reason = ""
        if call is not None and call.reason:
            reason = call.reason
            self._metrics.error(call.category)
        if judged:
            self._rpc.count_outcome(fault=is_server_fault(code, reason, seconds, fair_deadline_seconds=self._fair))


async def _counted(requests: AsyncIterator[Any], children: MethodMetrics) -> AsyncGenerator[Any, None]:
    async for request in requests:
        children.received.inc()
        yield request
