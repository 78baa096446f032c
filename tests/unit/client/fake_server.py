"""A server with scripted answers on a loopback port, for the tests of the client and of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from genesis.admin.v1 import flag_admin_service_pb2_grpc, policy_service_pb2_grpc
from genesis.v1 import agent_service_pb2_grpc, orchestrator_service_pb2_grpc

Answer: TypeAlias = "Message | Refusal | Sequence[Any] | Callable[[Any, grpc.ServicerContext], Any]"


@dataclass
class Refusal:
    """An error with google.rpc details, as the server of the project sends them."""

    code: grpc.StatusCode
    message: str = "no"
    reason: str = "INVALID_FIELD"
    metadata: dict[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str, str]] = ()
    retry_seconds: float | None = None

    def send(self, context: grpc.ServicerContext) -> None:
        details: list[Message] = [error_details_pb2.ErrorInfo(reason=self.reason, domain="genesis", metadata=self.metadata)]
        if self.violations:
            violation = error_details_pb2.BadRequest.FieldViolation
            found = [violation(field=name, description=text, reason=rule) for name, text, rule in self.violations]
            details.append(error_details_pb2.BadRequest(field_violations=found))
        if self.retry_seconds is not None:
            delay = Duration()
            delay.FromNanoseconds(int(self.retry_seconds * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        packed = [AnyMessage() for _ in details]
        for box, detail in zip(packed, details, strict=True):
            box.Pack(detail)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()), ("x-correlation-id", "c0ffee")))
        context.abort(self.code, self.message)


@dataclass
class FakeServer:
    """Answers each method from a list, the last answer again and again; remembers what it was asked."""

    port: int = 0
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def on(self, method: str, *answers: Answer) -> None:
        self.answers[method] = list(answers)

    def asked(self, method: str) -> list[Any]:
        return [request for name, request in self.requests if name == method]

    def unary(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append((method, request))
        self.metadata.append(dict(context.invocation_metadata()))
        waiting = self.answers[method]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if callable(answer):
            answer = answer(request, context)
        if isinstance(answer, Refusal):
            answer.send(context)
        return answer

    def stream(self, method: str, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for answer in self.unary(method, request, context):
            if isinstance(answer, Refusal):
                answer.send(context)
            yield answer


def _servicer(server: FakeServer, base: type[Any], prefix: str = "") -> Any:
    def method(name: str) -> Any:
        call = server.stream if name in {"PlanStream", "WatchPlan", "Work"} else server.unary
        return lambda _, request, context: call(prefix + name, request, context)

    return type("Fake", (base,), {name: method(name) for name in vars(base) if not name.startswith("_")})()


@contextmanager
def running(credentials: grpc.ServerCredentials | None = None) -> Iterator[FakeServer]:
    """A fake server on a free loopback port."""
    fake = FakeServer()
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server(
        _servicer(fake, orchestrator_service_pb2_grpc.OrchestratorServiceServicer), server
    )
    agent_service_pb2_grpc.add_AgentServiceServicer_to_server(
        _servicer(fake, agent_service_pb2_grpc.AgentServiceServicer, "Agents"), server
    )
    policy_service_pb2_grpc.add_PolicyServiceServicer_to_server(_servicer(fake, policy_service_pb2_grpc.PolicyServiceServicer), server)
    flag_admin_service_pb2_grpc.add_FlagAdminServiceServicer_to_server(
        _servicer(fake, flag_admin_service_pb2_grpc.FlagAdminServiceServicer), server
    )
    fake.port = server.add_secure_port("localhost:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield fake
    finally:
        server.stop(None).wait()
