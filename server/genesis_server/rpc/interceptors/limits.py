"""Bounds on what the server takes on: calls at once, calls a second from one caller, time.

It stands outside authentication, so that a flood of forged tokens is refused before signatures are checked. A caller is therefore
known by its address and its `authorization` metadata. Calls that tell health are never limited.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from genesis_server.resilience.errors import ResourceError
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.context import current_metadata
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.methods import WAITING, contract_methods, is_health
from genesis_server.rpc.rates import CallerRates
from genesis_server.security.agent_signatures import lasting_part
from genesis_server.telemetry.names import METADATA_AUTHORIZATION


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds."""

    rate_per_second: float = 200.0
    """Calls a second from one caller in the long run; 0 switches the bound off."""
    rate_burst: float = 400.0
    """Calls at once from one caller that was quiet before."""
    default_deadline_seconds: float = 30.0
    """For unary calls that come without a deadline; 0 leaves them unbounded."""


class LimitsInterceptor(Layer):
    """Refuses what is above the bounds, and everything new while the server stops."""

    def __init__(self, admission: Admission, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Count in `admission`; `clock` is monotonic, in seconds."""
        self._admission = admission
        self._deadline = limits.default_deadline_seconds
        self._rates = (
            CallerRates(per_second=limits.rate_per_second, burst=limits.rate_burst, clock=clock) if limits.rate_per_second > 0 else None
        )

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Refuse or run, within a deadline."""
        if is_health(method):
            return inner
        counted = method in contract_methods()

        async def unary(request: Any, context: Context) -> Any:
            self._admission.enter(counted=counted)
            try:
                self._check_rate(context)
                remaining: Any = context.time_remaining()
                if remaining is None and self._deadline > 0:
                    return await self._within_deadline(inner, request, context)
                if remaining is not None and remaining <= 0:
                    raise _too_late("the deadline had passed when the call came in")
                return await inner(request, context)
            finally:
                self._admission.leave(counted=counted)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Refuse or run."""
        if is_health(method):
            return inner
        counted = method in contract_methods() and method not in WAITING

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            self._admission.enter(counted=counted)
            try:
                self._check_rate(context)
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        yield answer
            finally:
                self._admission.leave(counted=counted)

        return stream

    def _check_rate(self, context: Context) -> None:
        rates = self._rates
        if rates is None:
            return
        credentials = current_metadata().get(METADATA_AUTHORIZATION)
        # The address without its port, and a hash, which tells callers apart without keeping a secret.
        wait = rates.take((context.peer().rsplit(":", 1)[0], None if credentials is None else hash(lasting_part(credentials))))
        if wait > 0:
            rate = f"{rates.per_second:g}"
            raise ResourceError(
                "RATE_LIMITED",
                f"more than {rate} calls a second from this caller; try again in {wait:.3f} s",
                facts={"limit_per_second": rate},
                retry_after_seconds=wait,
                quota_subject="caller",
            )

    async def _within_deadline(self, inner: Unary, request: Any, context: Context) -> Any:
        timeout = asyncio.timeout(self._deadline)
        try:
            async with timeout:
                return await inner(request, context)
        except TimeoutError:
            if timeout.expired():
                raise _too_late(f"no answer within {self._deadline:g} s, the bound for calls without a deadline; set one") from None
            raise


def _too_late(message: str) -> ResourceError:
    return ResourceError("DEADLINE_EXCEEDED", message)
