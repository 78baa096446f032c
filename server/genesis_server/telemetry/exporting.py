"""The parts of tracing that need the OpenTelemetry SDK; loaded only when spans are exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import NetworkError
from genesis_server.telemetry.context import current_call
from genesis_server.telemetry.export_outcome import ExportFailedError, ExportResult


class CallTraceIds(RandomIdGenerator):
    """A call's span gets the trace id that its logs and its correlation id already have."""

    def generate_trace_id(self) -> int:
        """The id of the call that runs; a random one outside calls."""
        call = current_call()
        return int(call.trace_id, 16) if call is not None else super().generate_trace_id()


class CallSpans(BatchSpanProcessor):
    """Exports the spans of calls, but for those that are withheld."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended; in the task of its call."""
        call = current_call()
        if call is None or not call.withheld:
            super().on_end(span)


class GuardedExporter(SpanExporter):
    """An exporter behind a breaker: while it is open, spans are dropped at once."""

    def __init__(self, exporter: SpanExporter, breaker: Breaker, observe: Callable[[ExportResult, int], None]) -> None:
        """Export through `exporter`; tell `observe` what became of how many spans."""
        self._exporter = exporter
        self._breaker = breaker
        self._observe = observe

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export, or drop. Never raises."""
        try:
            self._breaker.run_sync(lambda: self._try(spans))
        except NetworkError:
            return self._ended("refused", spans)
        except ExportFailedError:
            return self._ended("failed", spans)
        return self._ended("exported", spans)

    def shutdown(self) -> None:
        """Let the collector go."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return self._exporter.force_flush(timeout_millis)

    def _try(self, spans: Sequence[ReadableSpan]) -> None:
        try:
            result = self._exporter.export(spans)
        except Exception as error:
            raise ExportFailedError(type(error).__name__) from error
        if result is not SpanExportResult.SUCCESS:
            raise ExportFailedError

    def _ended(self, result: ExportResult, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._observe(result, len(spans))
        return SpanExportResult.SUCCESS if result == "exported" else SpanExportResult.FAILURE
