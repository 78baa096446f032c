"""Which calls are traced, and what a dead collector costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from genesis_server.model.health import HealthStatus
from genesis_server.resilience.breakers import Breaker
from genesis_server.telemetry.context import begin_call, set_call
from genesis_server.telemetry.export_outcome import ExportFailedError
from genesis_server.telemetry.tracing import Tracing, otlp_exporter

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector(SpanExporter):
    """Takes spans, or fails as told."""

    def __init__(self) -> None:
        self.answer: SpanExportResult | Exception = SpanExportResult.SUCCESS
        self.tries = 0
        self.closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        assert spans
        self.tries += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def shutdown(self) -> None:
        self.closed = True


def tracing_to(
    collector: Collector | None,
    *,
    now: Callable[[], float] = lambda: 0.0,
    ratio: float = 0.0,
    draw: Callable[[], float] = lambda: 0.5,
    enabled: Callable[[], bool] = lambda: True,
    observed: list[tuple[str, int]] | None = None,
) -> Tracing:
    log = observed if observed is not None else []
    return Tracing(
        make_exporter=None if collector is None else lambda: collector,
        breaker=Breaker("trace_exporter", clock=now, is_fault=lambda error: isinstance(error, ExportFailedError)),
        sample_ratio=ratio,
        service_version="1",
        enabled=enabled,
        observe=lambda result, spans: log.append((result, spans)),
        draw=draw,
        clock=now,
        now=lambda: 1_000_000.0,
    )


@pytest.mark.parametrize(
    ("traceparent", "ratio", "enabled", "sampled"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", 0.0, True, True),
        (f"00-{TRACE}-00f067aa0ba902b7-00", 1.0, True, False),
        (f"00-{TRACE}-00f067aa0ba902b7-01", 1.0, False, False),
        (None, 0.6, True, True),
        (None, 0.4, True, False),
    ],
)
def test_the_callers_bit_decides_else_the_ratio(traceparent: str | None, ratio: float, *, enabled: bool, sampled: bool) -> None:
    tracing = tracing_to(Collector(), ratio=ratio, enabled=lambda: enabled)
    assert tracing.samples(begin_call("/m", {} if traceparent is None else {"traceparent": traceparent})) is sampled
    tracing.shutdown()


async def test_without_an_endpoint_nothing_is_recorded() -> None:
    tracing = tracing_to(None, ratio=1.0)
    assert not tracing.samples(begin_call("/m", {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}))
    assert (await tracing.health()).status is HealthStatus.HEALTHY
    tracing.shutdown()


def record(tracing: Tracing, spans: int = 1) -> None:
    assert tracing.provider is not None
    for _ in range(spans):
        tracing.provider.get_tracer("test").start_span("s").end()
    tracing.provider.force_flush()


@pytest.mark.parametrize("answer", [SpanExportResult.FAILURE, RuntimeError("boom")])
async def test_a_dead_collector_is_left_alone_shown_and_tried_again(answer: SpanExportResult | Exception) -> None:
    collector, now, observed = Collector(), [0.0], []
    tracing = tracing_to(collector, now=lambda: now[0], observed=observed)
    record(tracing)
    assert observed == [("exported", 1)]
    collector.answer = answer
    for _ in range(5):
        record(tracing)
    tries = collector.tries
    record(tracing, 2)
    assert collector.tries == tries
    assert observed[-1] == ("refused", 2)
    assert observed[1:6] == [("failed", 1)] * 5
    health = await tracing.health()
    assert (health.status, health.breaker_state, health.needed) == (HealthStatus.DEGRADED, "open", False)
    assert health.retry_time == 1_000_060.0
    assert "collector" in health.message
    now[0] += 61
    collector.answer = SpanExportResult.SUCCESS
    record(tracing)
    assert observed[-1] == ("exported", 1)
    assert (await tracing.health()).status is HealthStatus.HEALTHY
    tracing.shutdown()
    assert collector.closed


async def test_a_span_has_the_trace_id_of_its_call() -> None:
    tracing = tracing_to(Collector())
    assert tracing.provider is not None
    tracer = tracing.provider.get_tracer("test")
    call = begin_call("/m")
    set_call(call)
    span = tracer.start_span("s")
    assert f"{span.get_span_context().trace_id:032x}" == call.trace_id
    tracing.shutdown()


def test_outside_calls_trace_ids_are_random() -> None:
    tracing = tracing_to(Collector())
    assert tracing.provider is not None
    tracer = tracing.provider.get_tracer("test")
    assert tracer.start_span("a").get_span_context().trace_id != tracer.start_span("b").get_span_context().trace_id
    tracing.shutdown()


def test_the_otlp_exporter_is_made_only_when_asked_for() -> None:
    exporter = otlp_exporter("http://127.0.0.1:1", insecure=True, timeout_seconds=0.1)()
    exporter.shutdown()
