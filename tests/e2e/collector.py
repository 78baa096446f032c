"""A collector of traces, as the server's exporter meets it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceServicer, add_TraceServiceServicer_to_server
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(TraceServiceServicer):
    """Keeps the spans that came."""

    def __init__(self) -> None:
        """Begin with none."""
        self.spans: queue.Queue[Span] = queue.Queue()
        self.url = ""

    def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: object) -> object:  # noqa: N802
        """Take spans."""
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put(span)
        return trace_service_pb2.ExportTraceServiceResponse()

    def take(self, trace_id: str, seconds: float = 20.0) -> tuple[Span, list[str]]:
        """The span of a trace, and the ids of the traces that came before it."""
        before: list[str] = []
        while True:
            span = self.spans.get(timeout=seconds)
            if span.trace_id.hex() == trace_id:
                return span, before
            before.append(span.trace_id.hex())


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port of loopback."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(collector, server)
    collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()
