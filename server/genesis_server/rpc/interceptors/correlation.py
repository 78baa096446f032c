"""The outermost layer: the call's ids and its access log line.

`x-correlation-id` comes in (1 to 128 safe characters, else ignored), the caller's trace id or a new one stands in for it, and it goes
out in the trailing metadata of every answer, good or bad.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import grpc

from genesis_server.rpc.context import known_caller
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.interceptors.outcome import status_of_exception, status_of_return
from genesis_server.rpc.methods import FLAG, HEARTBEAT, all_methods, is_health
from genesis_server.telemetry.context import CallContext, begin_call, current_call, set_call
from genesis_server.telemetry.names import (
    ATTR_ERROR_TYPE,
    ATTR_RPC_METHOD,
    ATTR_RPC_METHOD_ORIGINAL,
    ATTR_RPC_STATUS,
    LOG_DURATION_MS,
    METADATA_CORRELATION_ID,
    RPC_METHOD_OTHER,
)

MAX_NAME_CHARACTERS = 200

access_log = logging.getLogger("genesis_server.access")


class CorrelationInterceptor(Layer):
    """Gives every call its context and writes one line when it ends.

    Calls that tell health are logged at DEBUG, and so are workers' signs of life and reads of flags, unless they are refused: metrics count
    them, and a line would cost as much as the answer.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Measure durations with `clock`, in seconds."""
        self._clock = clock
        self._names = {method: method.lstrip("/") for method in all_methods()}

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        """Begin the call's context."""
        # The first value of a key is the one that holds: those behind it must not make another caller of this one.
        metadata = dict(reversed(details.invocation_metadata))
        set_call(begin_call(self._names.get(details.method, RPC_METHOD_OTHER), metadata))

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Send the correlation id and log the end."""
        log, clock = _AccessLine(method, self._clock), self._clock

        async def unary(request: Any, context: Context) -> Any:
            start = clock()
            call = _begun(method, context)
            try:
                answer = await inner(request, context)
            except BaseException as error:
                log(call, status_of_exception(error, context), start)
                raise
            log(call, status_of_return(context), start)
            return answer

        return unary

    def around_stream(self, method: str, inner: Stream) -> Any:
        """Send the correlation id, log the end, and drive the stream.

        A coroutine that writes, not a generator: when the client goes away, grpc.aio leaves a generator to the garbage collector,
        which closes it in another task; a coroutine is cancelled, and closes the generators inside it in the call's own task.
        """
        log, clock = _AccessLine(method, self._clock), self._clock

        async def stream(request: Any, context: Context) -> None:
            start = clock()
            call = _begun(method, context)
            try:
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        await context.write(answer)
            except BaseException as error:
                log(call, status_of_exception(error, context), start)
                raise
            log(call, status_of_return(context), start)

        return stream


class _AccessLine:
    """The log lines of calls of one method."""

    def __init__(self, method: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bad = logging.DEBUG if is_health(method) else logging.INFO
        self._good = logging.DEBUG if method in {HEARTBEAT, FLAG} else self._bad
        self._original = {} if method in all_methods() else {ATTR_RPC_METHOD_ORIGINAL: method[:MAX_NAME_CHARACTERS]}

    def __call__(self, call: CallContext, code: grpc.StatusCode, start: float) -> None:
        """Write the line of a call that began at `start` and ended with `code`, where such calls are logged."""
        level = self._good if code is grpc.StatusCode.OK else self._bad
        if not access_log.isEnabledFor(level):
            return
        fields: dict[str, object] = {
            ATTR_RPC_METHOD: call.method,
            ATTR_RPC_STATUS: code.name,
            LOG_DURATION_MS: round((self._clock() - start) * 1000, 3),
            **self._original,
        }
        caller = known_caller()
        if caller is not None:
            fields["tenant"] = caller.tenant
            fields["subject"] = caller.subject
        if call.reason:
            fields[ATTR_ERROR_TYPE] = call.reason
        # Made here, because Logger.log first searches the stack for its caller.
        record = logging.LogRecord(access_log.name, level, __file__, 0, "call", (), None)
        record.fields = fields
        access_log.handle(record)


def _begun(method: str, context: Context) -> CallContext:
    call = current_call() or begin_call(method)
    context.set_trailing_metadata(((METADATA_CORRELATION_ID, call.correlation_id),))
    return call
