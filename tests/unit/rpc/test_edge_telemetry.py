"""What a call leaves behind: ids, log lines, metrics and spans."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from edge_server import CALLER, PLAN, Broken, failure, serving, stream_failure
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from genesis.v1 import agent_service_pb2, agent_service_pb2_grpc
from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.resilience.errors import NetworkError, ResourceError
from genesis_server.rpc.context import current_caller
from genesis_server.telemetry.context import current_call

GOOD = pb.PlanRequest(goal="release the website")
STREAM = pb.PlanStreamRequest(plan=GOOD)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),)
UNSAMPLED = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-00"),)


async def correlation_of(call: Any) -> str:
    await call
    return dict(await call.trailing_metadata())["x-correlation-id"]


async def test_every_answer_names_its_correlation_id() -> None:
    async with serving() as edge:
        given = await correlation_of(edge.stub.Plan(GOOD, metadata=(("x-correlation-id", "order-66"),)))
        from_trace = await correlation_of(edge.stub.Plan(GOOD, metadata=SAMPLED))
        made = await correlation_of(edge.stub.Plan(GOOD))
        refused = await correlation_of(edge.stub.Plan(GOOD, metadata=(("x-correlation-id", "no spaces allowed"),)))
        failed = await failure(edge.stub.Plan(pb.PlanRequest(), metadata=(("x-correlation-id", "order-66"),)))
        stream = edge.stub.PlanStream(STREAM, metadata=(("x-correlation-id", "order-67"),))
        assert [answer.sequence async for answer in stream] == [1, 2, 3]
        assert dict(await stream.trailing_metadata())["x-correlation-id"] == "order-67"
    assert given == "order-66"
    assert from_trace == TRACE
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert re.fullmatch("[0-9a-f]{32}", refused)
    assert failed.trailers["x-correlation-id"] == failed.info.metadata["correlation_id"] == "order-66"


async def test_of_several_values_for_a_key_the_first_holds() -> None:
    """Who is let in by the first credentials must not be another caller by those behind them."""
    async with serving() as edge:
        given = (("x-correlation-id", "first"), ("x-correlation-id", "second"))
        assert await correlation_of(edge.stub.Plan(GOOD, metadata=given)) == "first"


async def test_the_handler_knows_the_caller_and_the_correlation_id() -> None:
    seen: list[object] = []

    async def look(request: object, context: object) -> pb.PlanResponse:
        call = current_call()
        seen.extend([current_caller(), call and call.correlation_id])
        return pb.PlanResponse()

    async with serving() as edge:
        edge.service.behaviours["Plan"] = look
        await edge.stub.Plan(GOOD, metadata=(("x-correlation-id", "c1"),))
    assert seen == [CALLER, "c1"]


async def test_a_call_without_authentication_knows_no_caller() -> None:
    async def look(request: object, context: object) -> None:
        current_caller()

    async with serving(caller=None) as edge:
        edge.service.behaviours["Plan"] = look
        assert (await failure(edge.stub.Plan(GOOD))).reason == "INTERNAL"


async def test_each_call_gives_one_access_line_and_health_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "genesis_server.access")
    async with serving() as edge:
        await edge.stub.Plan(GOOD)
        await failure(edge.stub.Plan(pb.PlanRequest()))
        await edge.stub.Health(pb.HealthRequest())
        await stream_failure(edge.channel.unary_stream("/nobody/knows")(b""))
    fields: list[dict[str, Any]] = [record.__dict__["fields"] for record in caplog.records if record.name == "genesis_server.access"]
    assert [line["rpc.response.status_code"] for line in fields] == ["OK", "INVALID_ARGUMENT", "UNIMPLEMENTED"]
    assert fields[0]["rpc.method"] == PLAN.lstrip("/")
    assert (fields[2]["rpc.method"], fields[2]["rpc.method_original"]) == ("_OTHER", "/nobody/knows")
    assert fields[0]["tenant"] == "acme"
    assert fields[0]["duration_ms"] >= 0
    assert fields[1]["error.type"] == "INVALID_FIELD"


class Beating(agent_service_pb2_grpc.AgentServiceServicer):
    """Takes signs of life, of one session."""

    async def Heartbeat(self, request: Any, context: Any) -> agent_service_pb2.HeartbeatResponse:  # noqa: N802
        if request.session_id != "mine":
            raise ResourceError("SESSION_NOT_FOUND", "register again")
        return agent_service_pb2.HeartbeatResponse()

    async def Register(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise AssertionError

    Deregister = List = Register

    async def Work(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        raise AssertionError
        yield


async def test_signs_of_life_give_no_access_line_unless_they_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "genesis_server.access")
    async with serving(services=[(agent_service_pb2_grpc.add_AgentServiceServicer_to_server, Beating())]) as edge:
        stub = agent_service_pb2_grpc.AgentServiceStub(edge.channel)
        await stub.Heartbeat(agent_service_pb2.HeartbeatRequest(session_id="mine"))
        await failure(stub.Heartbeat(agent_service_pb2.HeartbeatRequest(session_id="other")))
    fields: list[dict[str, Any]] = [record.__dict__["fields"] for record in caplog.records if record.name == "genesis_server.access"]
    assert [line["rpc.response.status_code"] for line in fields] == ["NOT_FOUND"]


async def test_calls_are_counted_from_zero_by_method_and_status() -> None:
    async with serving() as edge:
        assert edge.handled("Plan", "OK") == 0
        assert edge.handled("Route", "INTERNAL") == 0
        await edge.stub.Plan(GOOD)
        await failure(edge.stub.Plan(pb.PlanRequest()))
        assert [answer async for answer in edge.stub.PlanStream(STREAM)]
        labels = {"grpc_type": "unary", "grpc_service": "genesis.v1.OrchestratorService", "grpc_method": "Plan"}
        assert edge.handled("Plan", "OK") == 1
        assert edge.handled("Plan", "INVALID_ARGUMENT") == 1
        assert edge.sample("grpc_server_started_total", **labels) == 2
        assert edge.sample("grpc_server_handling_seconds_count", **labels) == 2
        assert edge.sample("grpc_server_msg_received_total", **labels) == 2
        assert edge.sample("grpc_server_msg_sent_total", **labels) == 1
        assert edge.sample("genesis_request_duration_seconds_count", method="OrchestratorService/Plan") == 2
        streamed = labels | {"grpc_type": "server_stream", "grpc_method": "PlanStream"}
        assert edge.sample("grpc_server_msg_sent_total", **streamed) == 3
        assert edge.sample("genesis_errors_total", category="validation") == 1
        assert edge.sample("genesis_calls_in_flight") == 0


async def test_only_server_faults_are_errors_of_the_server() -> None:
    errors: list[Exception] = [
        RuntimeError(),
        ResourceError("STORAGE_UNAVAILABLE", "gone"),
        ResourceError("OVERLOADED", "full"),
        ResourceError("RATE_LIMITED", "slow down"),
        NetworkError("SHUTTING_DOWN", "bye"),
        ResourceError("PLAN_NOT_FOUND", "no"),
    ]

    async def fail(request: object, context: object) -> None:
        raise errors.pop(0)

    async with serving() as edge:
        assert edge.sample("genesis_error_rate") is None
        edge.service.behaviours["Plan"] = fail
        for _ in range(len(errors)):
            await failure(edge.stub.Plan(GOOD))
        await edge.stub.Health(pb.HealthRequest())
        assert edge.sample("genesis_calls_total") == 6
        assert edge.sample("genesis_server_faults_total") == 3
        assert edge.sample("genesis_error_rate") == 0.5


async def test_a_sampled_call_leaves_its_trace_id_with_the_latency() -> None:
    async with serving(sample_ratio=0.0) as edge:
        await edge.stub.Plan(GOOD, metadata=SAMPLED)
        await edge.stub.Route(pb.RouteRequest(plan_id="p"), metadata=UNSAMPLED)
        body, content_type = edge.metrics.expose("application/openmetrics-text")
        text = body.decode()
    assert content_type.startswith("application/openmetrics-text")
    assert f'trace_id="{TRACE}"' in text
    assert 'grpc_method="Route",le="+Inf"} 1.0\n' in text or 'grpc_method="Route",grpc_service=' in text
    assert not [line for line in text.splitlines() if "Route" in line and TRACE in line]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_span_joins_the_callers_trace_and_names_the_method() -> None:
    async with serving(sample_ratio=0.0) as edge:
        await edge.stub.Plan(GOOD, metadata=(*SAMPLED, ("x-correlation-id", "c9")))
        (span,) = edge.spans()
    assert span.kind is SpanKind.SERVER
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert attributes(span)["rpc.method"] == "genesis.v1.OrchestratorService/Plan"
    assert attributes(span)["rpc.response.status_code"] == "OK"
    assert attributes(span)["genesis.correlation_id"] == "c9"
    assert span.status.status_code is StatusCode.UNSET
    assert span.resource.attributes["service.version"] == "1.2.3"


async def test_a_span_without_a_caller_has_the_trace_id_of_the_logs() -> None:
    seen: list[str] = []

    async def look(request: object, context: object) -> pb.PlanResponse:
        call = current_call()
        assert call is not None
        seen.extend([call.trace_id, call.span_id])
        return pb.PlanResponse()

    async with serving(sample_ratio=1.0) as edge:
        edge.service.behaviours["Plan"] = look
        assert await correlation_of(edge.stub.Plan(GOOD)) == seen[0]
        (span,) = edge.spans()
    assert [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"] == seen


async def test_nothing_is_recorded_for_health_for_unsampled_calls_or_when_switched_off() -> None:
    on = True
    async with serving(sample_ratio=0.0, traced=lambda: on) as edge:
        await edge.stub.Plan(GOOD)
        await edge.stub.Plan(GOOD, metadata=UNSAMPLED)
        await edge.stub.Health(pb.HealthRequest(), metadata=SAMPLED)
        await failure(edge.channel.unary_unary("/not/there")(b"", metadata=SAMPLED))
        on = False
        await edge.stub.Plan(GOOD, metadata=SAMPLED)
        assert edge.spans() == []


@pytest.mark.parametrize(
    ("error", "code", "kind", "is_error"),
    [
        (ResourceError("PLAN_NOT_FOUND", "no"), "NOT_FOUND", "PLAN_NOT_FOUND", False),
        (ResourceError("STORAGE_UNAVAILABLE", "no"), "UNAVAILABLE", "STORAGE_UNAVAILABLE", True),
        (RuntimeError("secret"), "INTERNAL", "INTERNAL", True),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_failed_call_has_its_true_status_on_the_span(
    error: Exception, code: str, kind: str, *, is_error: bool, streamed: bool
) -> None:
    async def fail(request: object, context: object) -> None:
        raise error

    async def fail_streaming(request: object, context: object) -> Any:
        yield pb.PlanStreamResponse(sequence=1)
        raise error

    async with serving(sample_ratio=1.0) as edge:
        edge.service.behaviours |= {"Plan": fail, "PlanStream": fail_streaming}
        failed = await (stream_failure(edge.stub.PlanStream(STREAM)) if streamed else failure(edge.stub.Plan(GOOD)))
        assert failed.reason == kind
        (span,) = edge.spans()
    assert attributes(span)["rpc.response.status_code"] == code
    assert attributes(span)["rpc.grpc.status_code"] == failed.code.value[0]
    assert attributes(span)["error.type"] == kind
    assert (span.status.status_code is StatusCode.ERROR) is is_error
    assert "secret" not in str(span.status.description)
    assert "exception" not in {event.name for event in span.events}


async def test_a_refused_request_has_a_span_with_its_status() -> None:
    async with serving(sample_ratio=1.0, authorization=Broken(ResourceError("OVERLOADED", "full"))) as edge:
        await failure(edge.stub.Plan(GOOD))
        (span,) = edge.spans()
    assert attributes(span)["rpc.response.status_code"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cancelled_call_is_cancelled_on_the_span(*, streamed: bool) -> None:
    started = asyncio.Event()

    async def hang(request: object, context: object) -> None:
        started.set()
        await asyncio.Event().wait()

    async def hang_streaming(request: object, context: object) -> Any:
        yield pb.PlanStreamResponse(sequence=1)
        started.set()
        await asyncio.Event().wait()

    async with serving(sample_ratio=1.0) as edge:
        edge.service.behaviours |= {"Plan": hang, "PlanStream": hang_streaming}
        call = edge.stub.PlanStream(STREAM) if streamed else edge.stub.Plan(GOOD)
        await asyncio.wait_for(started.wait(), 5)
        call.cancel()
        await asyncio.wait_for(edge.admission.idle(), 5)
        (span,) = edge.spans()
    assert attributes(span)["rpc.response.status_code"] == "CANCELLED"
    assert attributes(span)["error.type"] == "CANCELLED"


async def test_a_stream_cancelled_while_it_sends_is_cancelled_on_the_span(caplog: pytest.LogCaptureFixture) -> None:
    async def endless(request: object, context: object) -> Any:
        while True:
            yield pb.PlanStreamResponse(sequence=1)

    async with serving(sample_ratio=1.0) as edge:
        edge.service.behaviours["PlanStream"] = endless
        call = edge.stub.PlanStream(STREAM)
        await anext(aiter(call))
        call.cancel()
        await asyncio.wait_for(edge.admission.idle(), 5)
        await asyncio.sleep(0)
        (span,) = edge.spans()
    assert attributes(span)["rpc.response.status_code"] == "CANCELLED"
    assert "Failed to detach context" not in caplog.text


async def test_a_passed_deadline_is_on_the_span() -> None:
    async def hang(request: object, context: object) -> None:
        await asyncio.Event().wait()

    async with serving(sample_ratio=1.0) as edge:
        edge.service.behaviours["Plan"] = hang
        await failure(edge.stub.Plan(GOOD, timeout=0.2))
        await asyncio.wait_for(edge.admission.idle(), 5)
        (span,) = edge.spans()
    assert attributes(span)["rpc.response.status_code"] == "DEADLINE_EXCEEDED"
    assert span.status.status_code is StatusCode.ERROR
