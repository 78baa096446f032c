"""A real server on loopback with the whole chain of layers around a fake service."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis.v1 import orchestrator_service_pb2_grpc as pb_grpc
from genesis.v1.update_pb2 import WatchPlanResponse
from genesis_server.flags.bound import BoundFlags
from genesis_server.flags.contexts import context_of
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.breakers import Breaker
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.chain import Layers
from genesis_server.rpc.context import set_caller
from genesis_server.rpc.deserialisation import SizeBounds
from genesis_server.rpc.interceptors.constraints import ConstraintsInterceptor
from genesis_server.rpc.interceptors.correlation import CorrelationInterceptor
from genesis_server.rpc.interceptors.errors import ErrorMapper, ErrorsInterceptor
from genesis_server.rpc.interceptors.flags import FlagsInterceptor
from genesis_server.rpc.interceptors.idempotency import IdempotencyInterceptor
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.interceptors.limits import Limits, LimitsInterceptor
from genesis_server.rpc.interceptors.metrics import MetricsInterceptor
from genesis_server.rpc.interceptors.security import SecurityInterceptor
from genesis_server.rpc.interceptors.tracing import TracingInterceptor
from genesis_server.rpc.methods import contract_methods, served_methods
from genesis_server.rpc.registration import Service
from genesis_server.rpc.server import Drain, GrpcServer
from genesis_server.storage.base import ABSENT, ANY_VERSION, Document, Key, VersionConflictError
from genesis_server.telemetry.export_outcome import ExportFailedError
from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.tracing import Tracing

Behaviour = Callable[[Any, Any], Awaitable[Any]]

PLAN = "/genesis.v1.OrchestratorService/Plan"
VALIDATE = "/genesis.v1.OrchestratorService/Validate"
NO_WAIT = Drain(lame_duck_seconds=0, refuse_seconds=0, grace_seconds=0)


class FakeOrchestrator(pb_grpc.OrchestratorServiceServicer):
    """Answers every method with nothing, or with what a test wants."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.behaviours: dict[str, Callable[..., Any]] = {}

    async def WatchPlan(self, request: Any, context: Any) -> AsyncIterator[WatchPlanResponse]:  # noqa: N802
        """No versions, unless told otherwise."""
        if (behaviour := self.behaviours.get("WatchPlan")) is not None:
            async for version in behaviour(request, context):
                yield version

    async def PlanStream(self, request: Any, context: Any) -> AsyncIterator[pb.PlanStreamResponse]:  # noqa: N802
        self.calls.append(("PlanStream", request))
        behaviour = self.behaviours.get("PlanStream")
        if behaviour is not None:
            async for answer in behaviour(request, context):
                yield answer
        else:
            for sequence in (1, 2, 3):
                yield pb.PlanStreamResponse(sequence=sequence)


def _unary(name: str, response: type[Any]) -> Any:
    async def method(self: FakeOrchestrator, request: Any, context: Any) -> Any:
        self.calls.append((name, request))
        behaviour = self.behaviours.get(name)
        return response() if behaviour is None else await behaviour(request, context)

    return method


for _method in contract_methods().values():
    if _method.service.endswith("OrchestratorService") and _method.kind == "unary":
        setattr(FakeOrchestrator, _method.name, _unary(_method.name, _method.response))


class Passing(Layer):
    """Stands for authentication and authorization: a fixed caller."""

    def __init__(self, caller: Caller | None = None) -> None:
        self.caller = caller

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        if self.caller is not None:
            set_caller(self.caller)


class Broken(Layer):
    """Raises an error in place of every call."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def around_unary(self, method: str, inner: Unary) -> Unary:
        async def unary(request: Any, context: Context) -> None:
            raise self.error

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            raise self.error
            yield

        return stream


class NotedEvents:
    """Security events in a list."""

    def __init__(self) -> None:
        self.noted: list[dict[str, Any]] = []

    def note(self, **event: Any) -> None:
        self.noted.append(event)


class MemoryDocuments:
    """Documents in a dictionary, on a clock of the test's."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.entries: dict[Key, tuple[bytes, int, float | None]] = {}
        self.puts: list[Key] = []

    def _alive(self, key: Key) -> tuple[bytes, int, float | None] | None:
        entry = self.entries.get(key)
        if entry is not None and entry[2] is not None and entry[2] <= self.now():
            del self.entries[key]
            return None
        return entry

    async def get(self, key: Key) -> Document | None:
        entry = self._alive(key)
        return None if entry is None else Document(key, entry[0], entry[1])

    async def put(self, key: Key, value: bytes, *, expected: int = ANY_VERSION, expires: float | None = None) -> int:
        entry = self._alive(key)
        version = ABSENT if entry is None else entry[1]
        if expected not in {ANY_VERSION, version}:
            raise VersionConflictError(key, expected, version)
        self.entries[key] = (value, version + 1, expires)
        self.puts.append(key)
        return version + 1

    async def delete(self, key: Key, *, expected: int = ANY_VERSION) -> bool:
        entry = self._alive(key)
        if entry is None:
            return False
        if expected not in {ANY_VERSION, entry[1]}:
            raise VersionConflictError(key, expected, entry[1])
        del self.entries[key]
        return True

    async def list(self, *_: Any, **__: Any) -> list[Document]:
        raise NotImplementedError

    def watch(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


CALLER = Caller("acme", "ann", frozenset({Role.CLIENT}))


@dataclass
class Edge:
    """What a test holds in its hands."""

    server: GrpcServer
    service: FakeOrchestrator
    channel: grpc.aio.Channel
    stub: pb_grpc.OrchestratorServiceStub
    metrics: Metrics
    admission: Admission
    documents: Any
    spans_exported: InMemorySpanExporter
    tracing: Tracing

    def sample(self, name: str, **labels: str) -> float | None:
        """A sample of the metrics."""
        return self.metrics.registry.get_sample_value(name, labels)

    def handled(self, method: str, code: str, kind: str = "unary") -> float | None:
        """How many calls of a method ended with a code."""
        return self.sample(
            "grpc_server_handled_total",
            grpc_type=kind,
            grpc_service="genesis.v1.OrchestratorService",
            grpc_method=method,
            grpc_code=code,
        )

    def spans(self) -> list[ReadableSpan]:
        """The spans that ended."""
        assert self.tracing.provider is not None
        self.tracing.provider.force_flush()
        return list(self.spans_exported.get_finished_spans())


@asynccontextmanager
async def serving(
    *,
    limits: Limits | None = None,
    max_concurrent: int = 100,
    admission: Admission | None = None,
    bounds: SizeBounds | None = None,
    drain: Drain = NO_WAIT,
    documents: Any = None,
    caller: Caller | None = CALLER,
    sample_ratio: float | None = None,
    traced: Callable[[], bool] = lambda: True,
    redact: Callable[[str], str] = str,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    authentication: Layer | None = None,
    authorization: Layer | None = None,
    services: Sequence[Service] = (),
    events: Any = None,
    live: LiveFlags | None = None,
    **options: Any,
) -> AsyncIterator[Edge]:
    """Start a server with everything around a fake service, and a client; stop both."""
    metrics = Metrics(methods=served_methods(), codes=[code.name for code in grpc.StatusCode], clock=time.monotonic, version="1.2.3")
    exporter = InMemorySpanExporter()
    breaker = Breaker("trace_exporter", clock=time.monotonic, is_fault=lambda error: isinstance(error, ExportFailedError))
    tracing = Tracing(
        make_exporter=None if sample_ratio is None else lambda: exporter,
        breaker=breaker,
        sample_ratio=sample_ratio or 0.0,
        service_version="1.2.3",
        enabled=traced,
        observe=metrics.spans,
    )
    mapper = ErrorMapper(redact)
    admission = admission or Admission(max_concurrent=max_concurrent)
    documents = documents if documents is not None else MemoryDocuments(now)
    flags = live or LiveFlags(overrides=Overrides())

    def flags_of(caller: Caller) -> BoundFlags:
        context = context_of(caller, environment="development", now=now())
        return BoundFlags(flags.snapshot, context.targeting_key, context.data, metrics.flags.evaluated)

    async def flags_of_run(caller: Caller, run_id: str) -> BoundFlags:
        context = context_of(caller, environment="development", now=now(), run_id=run_id)
        return BoundFlags(flags.snapshot, context.targeting_key, context.data, metrics.flags.evaluated)

    layers = Layers(
        correlation=CorrelationInterceptor(),
        metrics=MetricsInterceptor(metrics),
        errors=ErrorsInterceptor(mapper),
        tracing=TracingInterceptor(tracing, mapper),
        limits=LimitsInterceptor(admission, limits or Limits(rate_per_second=0), clock=clock),
        security=SecurityInterceptor(events if events is not None else NotedEvents()),
        authentication=authentication or Passing(caller),
        authorization=authorization or Passing(),
        flags=FlagsInterceptor(modes=lambda: flags.snapshot.modes, flags_of=flags_of, flags_of_run=flags_of_run),
        constraints=ConstraintsInterceptor(),
        idempotency=IdempotencyInterceptor(documents, now=now, may_write=lambda: flags.snapshot.modes.write_refusal is None),
    )
    service = FakeOrchestrator()
    server = GrpcServer(
        address="127.0.0.1:0",
        services=[(pb_grpc.add_OrchestratorServiceServicer_to_server, service), *services],
        chain=layers.chain(),
        admission=admission,
        bounds=bounds or SizeBounds(),
        drain=drain,
        **options,
    )
    await server.start()
    server.health.set_ready(True)
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
    try:
        stub = pb_grpc.OrchestratorServiceStub(channel)
        yield Edge(server, service, channel, stub, metrics, admission, documents, exporter, tracing)
    finally:
        await channel.close()
        await server.stop()
        tracing.shutdown()


@dataclass
class Failure:
    """An error as a client sees it."""

    code: grpc.StatusCode
    message: str
    trailers: dict[str, Any]

    @property
    def status(self) -> status_pb2.Status:
        return status_pb2.Status.FromString(self.trailers["grpc-status-details-bin"])

    @property
    def info(self) -> error_details_pb2.ErrorInfo:
        found = self.find(error_details_pb2.ErrorInfo)
        assert found is not None
        return found

    def find(self, kind: Any) -> Any:
        """The detail of a type; None without one."""
        for packed in self.status.details:
            if packed.Is(kind.DESCRIPTOR):
                detail = kind()
                packed.Unpack(detail)
                return detail
        return None

    @property
    def reason(self) -> str:
        return self.info.reason


async def failure(call: Awaitable[Any]) -> Failure:
    """Await a call that must fail."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return Failure(error.code(), error.details() or "", dict(error.trailing_metadata() or ()))
    raise AssertionError(f"the call was answered: {answer!r}")


async def stream_failure(call: Any) -> Failure:
    """Read a stream that must fail."""

    async def read() -> list[Any]:
        return [answer async for answer in call]

    return await failure(read())
