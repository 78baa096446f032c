"""A worker in a process of its own that exports its spans, as programs with OpenTelemetry do: `traced_worker.py SERVER COLLECTOR`."""

from __future__ import annotations

import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import genesis

worker = genesis.Worker("writer", description="Writes documents.")


@worker.skill("docs.write", description="Write release notes", examples=["write the release notes"])
def release_notes() -> str:
    """Write, and say in which process."""
    trace.get_current_span().set_attribute("process.pid", os.getpid())
    return "# What is new"


if __name__ == "__main__":
    server, collector = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({"service.name": "writer"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=collector, insecure=True)))
    trace.set_tracer_provider(provider)
    worker.run(server)
