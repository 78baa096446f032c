"""OpenTelemetry spans: which calls get one, and how they are exported.

Without an endpoint nothing is recorded and the SDK is not even loaded; the caller's trace id still reaches the logs. The exporter stands
behind a circuit breaker, so that a dead collector costs a few tries a minute on its own thread, and shows in `Health` and the metrics.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from opentelemetry.trace import StatusCode, Tracer

from genesis_server.model.health import ComponentHealth, HealthStatus, with_breaker
from genesis_server.resilience.breakers import Breaker, BreakerState
from genesis_server.resilience.errors import GenesisError
from genesis_server.telemetry import names
from genesis_server.telemetry.context import CallContext, current_call
from genesis_server.telemetry.export_outcome import ExportResult

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

COMPONENT = "trace_exporter"


def _unobserved(result: ExportResult, spans: int) -> None:
    del result, spans


class Tracing:
    """Decides which calls are recorded, and owns the exporter."""

    def __init__(
        self,
        *,
        make_exporter: Callable[[], SpanExporter] | None,
        breaker: Breaker,
        sample_ratio: float,
        service_version: str,
        enabled: Callable[[], bool] = lambda: True,
        observe: Callable[[ExportResult, int], None] = _unobserved,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Set up.

        Args:
            make_exporter: makes the exporter, for example `otlp_exporter(...)`; None: nothing is recorded.
            breaker: stands in front of the exporter; it must count ExportFailedError as a fault.
            sample_ratio: share of calls without a `traceparent` that are recorded, 0 to 1; others follow their caller's sampled bit.
            service_version: goes out with every span.
            enabled: whether to record now: the flag `otel_enabled` is on for somebody.
            observe: told what became of how many spans, from the exporter's thread.
            draw: numbers from 0 to 1.
            clock: the breaker's clock.
            now: seconds since the epoch.
        """
        self._breaker = breaker
        self._ratio = sample_ratio
        self._enabled = enabled
        self._draw = draw
        self._clock = clock
        self._now = now
        self.provider: TracerProvider | None = None
        self._tracer: Tracer | None = None
        if make_exporter is not None:
            self.provider = _provider(make_exporter(), breaker, service_version, observe)
            self._tracer = self.provider.get_tracer(names.SERVICE_NAME, service_version)

    def samples(self, call: CallContext) -> bool:
        """Whether to record a span for this call: by its caller's sampled bit, else by the ratio."""
        if self.provider is None:
            return False
        wanted = call.parent.sampled if call.parent is not None else self._draw() < self._ratio
        return wanted and self._enabled()

    def phase(self, name: str, seconds: float, *, error: BaseException | None = None) -> None:
        """A phase of the call that runs has just ended, or failed with `error`: a span below the call's, when that is recorded."""
        call = current_call()
        if self._tracer is None or call is None or not call.sampled:
            return
        end = self._now()
        attributes = {names.ATTR_PHASE: name, names.ATTR_CORRELATION_ID: call.correlation_id}
        span = self._tracer.start_span(name, start_time=_nanoseconds(end - seconds), attributes=attributes)
        if error is not None:
            span.set_attribute(names.ATTR_ERROR_TYPE, error.reason if isinstance(error, GenesisError) else type(error).__name__)
            span.set_status(StatusCode.ERROR)
        span.end(_nanoseconds(end))

    async def health(self) -> ComponentHealth:
        """How the exporter is; the server does without it."""
        state = self._breaker.state
        if self.provider is None or state is BreakerState.CLOSED:
            return ComponentHealth(COMPONENT, HealthStatus.HEALTHY, breaker_state=state.value)
        message = f"the trace collector does not take spans ({self._breaker.reason}); they are dropped, logs and metrics go on"
        found = ComponentHealth(COMPONENT, HealthStatus.DEGRADED, message)
        return with_breaker(found, self._breaker, clock=self._clock, now=self._now)

    def shutdown(self) -> None:
        """Export what is waiting and stop; may take as long as the exporter's own time limit, so call it off the loop."""
        if self.provider is not None:
            self.provider.shutdown()


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def otlp_exporter(endpoint: str, *, insecure: bool, timeout_seconds: float = 5.0) -> Callable[[], SpanExporter]:
    """Makes an OTLP gRPC exporter to a collector, for example `http://collector:4317`."""

    def make() -> SpanExporter:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OTLPSpanExporter(endpoint=endpoint, insecure=insecure, timeout=timeout_seconds)

    return make


def _provider(
    exporter: SpanExporter, breaker: Breaker, service_version: str, observe: Callable[[ExportResult, int], None]
) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased  # noqa: PLC0415

    from genesis_server.telemetry.exporting import CallSpans, CallTraceIds, GuardedExporter  # noqa: PLC0415

    resource = Resource.create({names.ATTR_SERVICE_NAME: names.SERVICE_NAME, names.ATTR_SERVICE_VERSION: service_version})
    # Which calls are recorded is decided before a span is opened, because opening one is the dear part.
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON),
        resource=resource,
        id_generator=CallTraceIds(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(CallSpans(GuardedExporter(exporter, breaker, observe)))
    return provider
