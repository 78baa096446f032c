"""Spans around a worker's functions, where OpenTelemetry is installed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@cache
def _installed() -> bool:
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.trace") is not None


@contextmanager
def span(name: str, traceparent: str) -> Generator[None]:
    """Run the block inside a span that continues the trace; without OpenTelemetry just run it."""
    if not _installed():
        yield
        return
    trace: Any = import_module("opentelemetry.trace")
    propagation: Any = import_module("opentelemetry.trace.propagation.tracecontext")
    parent = propagation.TraceContextTextMapPropagator().extract({"traceparent": traceparent} if traceparent else {})
    tracer = trace.get_tracer("genesis.worker")
    with tracer.start_as_current_span(name, context=parent, kind=trace.SpanKind.CONSUMER):
        yield
