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
from genesis_server.telemetry.method_tally import OK, MethodTally
from genesis_server.telemetry.metrics import Metrics

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

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Count the call and its two messages."""
        tally, clock = self._rpc.of(method), self._clock
        judged = self._is_judged(method)
        streams = takes_stream(method)

        async def unary(request: Any, context: Context) -> Any:
            tally.started += 1
            if streams:
                request = _counted(request, tally)
            else:
                tally.received += 1
            start = clock()
            try:
                answer = await inner(request, context)
            except BaseException as error:
                self._ended(tally, status_of_exception(error, context), clock() - start, judged=judged)
                raise
            code = status_of_return(context)
            if code is grpc.StatusCode.OK:
                tally.sent += 1
            self._ended(tally, code, clock() - start, judged=judged)
            return answer

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Count the call and each of its messages."""
        tally, clock = self._rpc.of(method), self._clock
        judged = self._is_judged(method)
        streams = takes_stream(method)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            tally.started += 1
            if streams:
                request = _counted(request, tally)
            else:
                tally.received += 1
            start = clock()
            try:
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        tally.sent += 1
                        yield answer
            except BaseException as error:
                self._ended(tally, status_of_exception(error, context), clock() - start, judged=judged)
                raise
            self._ended(tally, status_of_return(context), clock() - start, judged=judged)

        return stream

    def _is_judged(self, method: str) -> bool:
        return self._rpc.judges(method) and not is_health(method)

    def _ended(self, tally: MethodTally, code: grpc.StatusCode, seconds: float, *, judged: bool) -> None:
        call = current_call()
        well = code is grpc.StatusCode.OK
        tally.ended(OK if well else code.name, seconds, call.trace_id if call is not None and call.sampled else "")
        reason = ""
        if call is not None and call.reason:
            reason = call.reason
            self._metrics.error(call.category)
        if judged:
            fault = not well and is_server_fault(code, reason, seconds, fair_deadline_seconds=self._fair)
            self._rpc.count_outcome(fault=fault)


async def _counted(requests: AsyncIterator[Any], tally: MethodTally) -> AsyncGenerator[Any, None]:
    async for request in requests:
        tally.received += 1
        yield request
