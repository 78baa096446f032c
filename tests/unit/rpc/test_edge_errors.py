"""Every way a call can fail gives a documented status, and nothing leaks."""

from __future__ import annotations

import asyncio
import random
import weakref

import grpc
import grpc.aio
import pytest
from edge_server import PLAN, VALIDATE, Broken, failure, serving, stream_failure
from google.rpc import error_details_pb2

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis.v1 import plan_pb2
from genesis_server.resilience.errors import FieldViolation, ResourceError, ValidationError
from genesis_server.rpc.deserialisation import RawRequest, SizeBounds
from genesis_server.rpc.interceptors.limits import Limits

GOOD = pb.PlanRequest(goal="release the website")


async def test_an_unexpected_exception_is_internal_and_its_text_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def boom(request: object, context: object) -> None:
        raise RuntimeError("password=hunter2 at /srv/private")

    async with serving() as edge:
        edge.service.behaviours["Plan"] = boom
        failed = await failure(edge.stub.Plan(GOOD, metadata=(("x-correlation-id", "call-1"),)))
        assert failed.code is grpc.StatusCode.INTERNAL
        assert failed.reason == "INTERNAL"
        assert failed.info.metadata["correlation_id"] == "call-1"
        assert "hunter2" not in str(failed)
        assert "RuntimeError" not in str(failed)
        assert edge.handled("Plan", "INTERNAL") == 1
    assert "hunter2" in caplog.text


@pytest.mark.usefixtures("uncollected")
async def test_an_error_does_not_keep_what_its_call_worked_on() -> None:
    """Also when one of several errors is raised, which makes a cycle of the error and the frame that holds them all."""

    class Whole:
        pass

    seen: list[weakref.ref[Whole]] = []

    async def refuse(request: object, context: object) -> None:
        whole = Whole()
        seen.append(weakref.ref(whole))
        errors = [ValidationError("INVALID_FIELD", "no")]
        raise errors[0]

    async with serving() as edge:
        edge.service.behaviours["Plan"] = refuse
        await failure(edge.stub.Plan(GOOD))
        await failure(edge.stub.Plan(pb.PlanRequest(goal="release the website", request_id="r1")))
    assert [one() for one in seen] == [None, None]


async def test_an_exception_in_a_stream_is_internal_after_what_was_sent() -> None:
    async def boom(request: object, context: object):
        yield pb.PlanStreamResponse(sequence=1)
        raise ValueError("secret")

    async with serving() as edge:
        edge.service.behaviours["PlanStream"] = boom
        call = edge.stub.PlanStream(pb.PlanStreamRequest(plan=GOOD))
        assert (await anext(aiter(call))).sequence == 1
        failed = await stream_failure(call)
        assert (failed.code, failed.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert "secret" not in str(failed)


@pytest.mark.parametrize("sample_ratio", [None, 1.0])
async def test_an_exception_before_the_handler_is_internal_too(sample_ratio: float | None) -> None:
    async with serving(authorization=Broken(KeyError("secret key")), sample_ratio=sample_ratio) as edge:
        failed = await failure(edge.stub.Plan(GOOD))
        assert (failed.code, failed.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert "secret" not in str(failed)
        assert (await stream_failure(edge.stub.PlanStream(pb.PlanStreamRequest(plan=GOOD)))).reason == "INTERNAL"


async def test_a_domain_error_carries_its_facts() -> None:
    async def refuse(request: object, context: object) -> None:
        raise ResourceError("STORAGE_FULL", "the disk is full", facts={"free_bytes": "0"}, retry_after_seconds=1.5, quota_subject="disk")

    async with serving() as edge:
        edge.service.behaviours["Plan"] = refuse
        failed = await failure(edge.stub.Plan(GOOD))
    assert failed.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (failed.info.reason, failed.info.domain, failed.info.metadata["category"]) == ("STORAGE_FULL", "genesis", "resource")
    assert failed.info.metadata["free_bytes"] == "0"
    assert failed.find(error_details_pb2.RetryInfo).retry_delay.ToTimedelta().total_seconds() == 1.5
    assert failed.find(error_details_pb2.QuotaFailure).violations[0].subject == "disk"
    assert failed.trailers["grpc-retry-pushback-ms"] == "1500"


async def test_an_abort_of_the_handlers_own_passes_unchanged() -> None:
    async def abort(request: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(grpc.StatusCode.NOT_FOUND, "not here")

    async with serving() as edge:
        edge.service.behaviours["Plan"] = abort
        failed = await failure(edge.stub.Plan(GOOD))
        assert (failed.code, failed.message) == (grpc.StatusCode.NOT_FOUND, "not here")
        assert failed.trailers["x-correlation-id"]
        assert edge.handled("Plan", "NOT_FOUND") == 1


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"\x12\x02\xff\xfe", b"\x1a" * 500, pb.PlanRequest(goal="x" * 50).SerializeToString()[:-1]],
    ids=["garbage", "bad UTF-8", "field without end", "truncated"],
)
async def test_bytes_that_are_no_message_are_the_callers_mistake(data: bytes) -> None:
    async with serving() as edge:
        failed = await failure(edge.channel.unary_unary(PLAN)(data))
    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert failed.info.metadata["method"] == PLAN


async def test_a_message_nested_too_deep_is_the_callers_mistake() -> None:
    async with serving() as edge:
        failed = await failure(edge.channel.unary_unary(PLAN)(b"\x0b" * 10_000 + b"\x0c" * 10_000))
    assert failed.reason == "MALFORMED_MESSAGE"


async def test_a_malformed_message_in_a_stream_call_is_the_callers_mistake() -> None:
    async with serving() as edge:
        call = edge.channel.unary_stream("/genesis.v1.OrchestratorService/PlanStream")(b"\xff\xff\xff")
        assert (await stream_failure(call)).reason == "MALFORMED_MESSAGE"


async def test_a_malformed_health_check_leaks_nothing() -> None:
    async with serving(health_address="127.0.0.1:0") as edge:
        for port in (edge.server.port, edge.server.health_port):
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                failed = await failure(channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff\xff\xff"))
                assert failed.reason == "MALFORMED_MESSAGE"


async def test_a_message_above_the_methods_bound_says_both_sizes() -> None:
    bounds = SizeBounds(default=1000, per_method={VALIDATE: 5000})
    async with serving(bounds=bounds) as edge:
        failed = await failure(edge.stub.Plan(pb.PlanRequest(goal="x" * 2000)))
        assert (failed.code, failed.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
        assert failed.info.metadata["limit_bytes"] == "1000"
        assert int(failed.info.metadata["size_bytes"]) > 2000
        await edge.stub.Validate(pb.ValidateRequest(goal="x" * 2000, plan_id="p"))


async def test_a_large_request_reaches_the_servicer_unread_and_its_bytes_reach_the_client() -> None:
    async def raw(request: object, context: object) -> bytes:
        assert isinstance(request, RawRequest)
        return pb.ValidateResponse(verdict={"passed": True}).SerializeToString()

    bounds = SizeBounds(default=1000, per_method={VALIDATE: 5000}, raw_above={VALIDATE: 1500})
    async with serving(bounds=bounds) as edge:
        edge.service.behaviours["Validate"] = raw
        answer = await edge.stub.Validate(pb.ValidateRequest(goal="x" * 2000, plan_id="p"))
        assert answer.verdict.passed
        assert isinstance(edge.service.calls[0][1], RawRequest)


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
@pytest.mark.parametrize("method", ["/genesis.v1.OrchestratorService/Plans", "/no.Such/Thing"])
async def test_a_method_that_does_not_exist_is_told_so_whatever_the_client_thinks_it_is(kind: str, method: str) -> None:
    async with serving() as edge:
        call = getattr(edge.channel, kind)(method)
        request: object = b"x" if kind.startswith("unary") else iter([b"x"])
        failed = await (stream_failure(call(request)) if kind.endswith("stream") else failure(call(request)))
        assert (failed.code, failed.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")
        assert failed.info.metadata["method"] == method
        count = edge.sample(
            "grpc_server_handled_total", grpc_type="unknown", grpc_service="unknown", grpc_method="unknown", grpc_code="UNIMPLEMENTED"
        )
        assert count == 1


async def test_all_broken_constraints_come_back_at_once_with_their_paths() -> None:
    async with serving() as edge:
        request = pb.RouteRequest(plan=plan_pb2.Plan(tasks=[plan_pb2.Task(id="a"), plan_pb2.Task(id="b" * 200)]), seed=1, explanation=77)
        failed = await failure(edge.stub.Route(request))
    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    fields = {violation.field: violation.reason for violation in failed.find(error_details_pb2.BadRequest).field_violations}
    assert fields["plan.tasks[1].id"] == "STRING_MAX_LEN"
    assert fields["explanation"] == "ENUM_DEFINED_ONLY"
    assert edge.service.calls == []


async def test_constraints_hold_for_streams_too() -> None:
    async with serving() as edge:
        failed = await stream_failure(edge.stub.PlanStream(pb.PlanStreamRequest()))
    assert failed.reason == "INVALID_FIELD"


async def test_a_thousand_violations_in_long_words_of_any_script_still_reach_the_client() -> None:
    async def refuse(request: object, context: object) -> None:
        violations = [FieldViolation(f"plan.tasks[{n}].title", "字" * 300, "string.max_len") for n in range(1000)]
        raise ValidationError("INVALID_FIELD", "字" * 5000, facts={f"fact{n}": "字" * 500 for n in range(50)}, violations=violations)

    async with serving() as edge:
        edge.service.behaviours["Plan"] = refuse
        failed = await failure(edge.stub.Plan(GOOD))
    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert failed.info.metadata["violation_count"] == "1000"
    assert len(failed.message) == 300


async def test_secrets_are_taken_out_of_everything_a_client_sees() -> None:
    async def refuse(request: object, context: object) -> None:
        raise ValidationError(
            "INVALID_FIELD", "no: hunter2", facts={"field": "hunter2"}, violations=[FieldViolation("hunter2", "hunter2 is bad")]
        )

    async with serving(redact=lambda text: text.replace("hunter2", "***")) as edge:
        edge.service.behaviours["Plan"] = refuse
        failed = await failure(edge.stub.Plan(GOOD))
    assert "hunter2" not in str(failed.trailers) + failed.message


async def test_a_deadline_that_passes_is_deadline_exceeded_in_the_metrics_too() -> None:
    started = asyncio.Event()
    ended = asyncio.Event()

    async def hang(request: object, context: object) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving() as edge:
        edge.service.behaviours["Plan"] = hang
        failed = await failure(edge.stub.Plan(GOOD, timeout=0.2))
        assert failed.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(ended.wait(), 5)
        await asyncio.wait_for(edge.admission.idle(), 5)
        assert edge.handled("Plan", "DEADLINE_EXCEEDED") == 1
        # The caller's deadline was too short to be the server's fault.
        assert edge.sample("genesis_server_faults_total") == 0


async def test_a_call_without_a_deadline_gets_one() -> None:
    async def hang(request: object, context: object) -> None:
        await asyncio.Event().wait()

    async with serving(limits=Limits(rate_per_second=0, default_deadline_seconds=0.05)) as edge:
        edge.service.behaviours["Plan"] = hang
        failed = await failure(edge.stub.Plan(GOOD))
        assert (failed.code, failed.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_a_timeout_inside_a_handler_is_not_mistaken_for_the_callers_deadline() -> None:
    async def impatient(request: object, context: object) -> None:
        raise TimeoutError("a dependency")

    async with serving() as edge:
        edge.service.behaviours["Plan"] = impatient
        assert (await failure(edge.stub.Plan(GOOD))).reason == "INTERNAL"


async def test_a_cancelled_unary_call_stops_the_work() -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def hang(request: object, context: object) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with serving() as edge:
        edge.service.behaviours["Plan"] = hang
        call = edge.stub.Plan(GOOD)
        await asyncio.wait_for(started.wait(), 5)
        call.cancel()
        await asyncio.wait_for(stopped.wait(), 5)
        await asyncio.wait_for(edge.admission.idle(), 5)
        assert edge.handled("Plan", "CANCELLED") == 1


async def test_a_stream_whose_client_goes_away_is_closed_in_its_own_task() -> None:
    closed: list[object] = []
    tasks: list[object] = []
    done = asyncio.Event()

    async def endless(request: object, context: object):
        tasks.append(asyncio.current_task())
        try:
            sequence = 0
            while True:
                sequence += 1
                yield pb.PlanStreamResponse(sequence=sequence)
                await asyncio.sleep(0)
        finally:
            closed.append(asyncio.current_task())
            done.set()

    async with serving() as edge:
        edge.service.behaviours["PlanStream"] = endless
        call = edge.stub.PlanStream(pb.PlanStreamRequest(plan=GOOD))
        await anext(aiter(call))
        call.cancel()
        await asyncio.wait_for(done.wait(), 5)
        await asyncio.wait_for(edge.admission.idle(), 5)
        assert edge.handled("PlanStream", "CANCELLED", "server_stream") == 1


async def test_no_bytes_whatsoever_give_unknown_or_internal() -> None:
    randoms = random.Random(7)
    async with serving() as edge:
        call = edge.channel.unary_unary(PLAN)
        for _ in range(300):
            answered = call(randoms.randbytes(randoms.randrange(40)))
            assert await answered.code() in {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
