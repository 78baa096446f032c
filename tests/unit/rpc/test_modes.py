"""What each call gets while an emergency flag holds, and which flags it sees."""

from __future__ import annotations

import json
from collections.abc import Sequence

import grpc
import grpc.aio
import pytest
from edge_server import CALLER, MemoryDocuments, failure, serving
from google.rpc import error_details_pb2

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis.v1 import update_pb2, work_pb2
from genesis_server.flags.bound import current_flags
from genesis_server.flags.emergency import EmergencyState, Modes
from genesis_server.flags.layers import Layer
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.reading import read_flag
from genesis_server.model.flags import FlagLayer
from genesis_server.rpc.methods import contract_methods
from genesis_server.rpc.modes import TABLE, InMode, check_modes, refusal

GOAL = pb.PlanRequest(goal="release the website", request_id="r1")


def held(*keys: str) -> LiveFlags:
    live = LiveFlags(overrides=Overrides())
    live.take_emergency({key: EmergencyState(key, True, "why", "default/ann", 1.0) for key in keys})
    return live


def defined(key: str, rule: object) -> LiveFlags:
    live = LiveFlags(overrides=Overrides())
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", "targeting": rule}
    live.take(Layer(FlagLayer.WRITTEN, "written", {key: read_flag(json.dumps(flag), key=key)}))
    return live


def test_the_table_has_every_method_and_no_other() -> None:
    check_modes(contract_methods())
    with pytest.raises(ValueError, match="lacks /x\\.Y/New and has too many: /genesis\\.admin"):
        check_modes(["/x.Y/New"])


@pytest.mark.parametrize("method", sorted(TABLE))
def test_without_an_emergency_everything_is_served(method: str) -> None:
    assert refusal(method, Modes()) is None


@pytest.mark.parametrize("method", sorted(TABLE))
def test_each_method_is_refused_with_the_reason_of_the_mode_exactly_where_the_table_says(method: str) -> None:
    in_shutdown, without_writes = TABLE[method]
    for modes, reason, answer in (
        (Modes(shutdown=True), "EMERGENCY_SHUTDOWN", in_shutdown),
        (Modes(maintenance=True), "MAINTENANCE_MODE", without_writes),
        (Modes(read_only=True), "READ_ONLY_MODE", without_writes),
        (Modes(maintenance=True, read_only=True), "READ_ONLY_MODE", without_writes),
    ):
        error = refusal(method, modes)
        assert (error.reason if error else None) == (reason if answer is InMode.REFUSED else None)


def test_an_unknown_method_is_left_to_who_knows_it() -> None:
    assert refusal("/grpc.health.v1.Health/Check", Modes(shutdown=True)) is None


@pytest.mark.parametrize(
    ("key", "code", "reason"),
    [
        ("maintenance_mode", grpc.StatusCode.UNAVAILABLE, "MAINTENANCE_MODE"),
        ("read_only_mode", grpc.StatusCode.FAILED_PRECONDITION, "READ_ONLY_MODE"),
    ],
)
async def test_writes_are_refused_and_reads_go_on(key: str, code: grpc.StatusCode, reason: str) -> None:
    async with serving(live=held(key)) as edge:
        failed = await failure(edge.stub.Report(work_pb2.ReportRequest(plan_id="p", task_id="t", declined=work_pb2.ReportedDeclined())))
        assert (failed.code, failed.reason) == (code, reason)
        assert (failed.find(error_details_pb2.RetryInfo) is not None) == (key == "maintenance_mode")
        await edge.stub.GetPlan(pb.GetPlanRequest(plan_id="p"))
        await edge.stub.Plan(GOAL)


async def test_an_emergency_shutdown_refuses_new_work_and_takes_reports() -> None:
    async with serving(live=held("emergency_shutdown")) as edge:
        failed = await failure(edge.stub.Plan(GOAL))
        assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "EMERGENCY_SHUTDOWN")
        await edge.stub.Report(work_pb2.ReportRequest(plan_id="p", task_id="t", declined=work_pb2.ReportedDeclined()))
        watch = edge.stub.WatchPlan(update_pb2.WatchPlanRequest(plan_id="p"))
        assert [version async for version in watch] == []


async def test_answers_that_are_not_stored_are_not_remembered() -> None:
    documents = MemoryDocuments(lambda: 1_000.0)
    async with serving(live=held("maintenance_mode"), documents=documents) as edge:
        await edge.stub.Plan(GOAL)
        await edge.stub.Plan(GOAL)
        assert [name for name, _ in edge.service.calls] == ["Plan", "Plan"]


async def test_what_was_answered_before_writes_were_refused_is_answered_again() -> None:
    """A repeat never makes a second plan, and the id is still that of the request it came with."""
    live, documents = held(), MemoryDocuments(lambda: 1_000.0)
    wrapped = pb.PlanStreamRequest(plan=GOAL)
    async with serving(live=live, documents=documents) as edge:
        first = await edge.stub.Plan(GOAL)
        [*_, last] = [message async for message in edge.stub.PlanStream(wrapped)]
        live.take_emergency({"read_only_mode": EmergencyState("read_only_mode", True, "why", "default/ann", 1.0)})
        assert await edge.stub.Plan(GOAL) == first
        assert [message async for message in edge.stub.PlanStream(wrapped)] == [last]
        assert [name for name, _ in edge.service.calls] == ["Plan", "PlanStream"]
        failed = await failure(edge.stub.Plan(pb.PlanRequest(goal="another", request_id="r1")))
        assert failed.reason == "REQUEST_ID_REUSED"


async def test_a_call_sees_the_flags_of_its_caller_and_of_its_run() -> None:
    seen: list[bool] = []

    async def look(request: object, context: object) -> pb.PlanResponse:
        flags = current_flags()
        assert flags is not None
        seen.append(flags.enabled("orchestration_enabled"))
        return pb.PlanResponse()

    whom = {"in": [{"var": "targetingKey"}, [f"{CALLER.tenant}/{CALLER.subject}", "run-7"]]}
    async with serving(live=defined("orchestration_enabled", {"if": [whom, "off", "on"]})) as edge:
        edge.service.behaviours["Plan"] = look
        goal = pb.PlanRequest(goal="release the website")
        for metadata in ((), (("genesis-run-id", "run-7"),), (("genesis-run-id", "run-8"),)):
            await edge.stub.Plan(goal, metadata=metadata)
        assert seen == [False, False, True]
        evaluations = "genesis_flag_evaluations_total"
        assert edge.sample(evaluations, flag="orchestration_enabled", variant="off", reason="TARGETING_MATCH") == 2


@pytest.mark.parametrize("run", ["", "x" * 129])
async def test_a_run_id_that_is_none_is_refused_by_name(run: str) -> None:
    async with serving() as edge:
        failed = await failure(edge.stub.GetPlan(pb.GetPlanRequest(plan_id="p"), metadata=(("genesis-run-id", run),)))
        assert (failed.reason, failed.info.metadata["field"]) == ("INVALID_FIELD", "metadata genesis-run-id")


async def test_health_is_told_whatever_is_stored_of_a_run() -> None:
    async with serving() as edge:
        await edge.stub.Health(pb.HealthRequest(), metadata=(("genesis-run-id", ""),))


def events_of(spans: Sequence[object]) -> list[dict[str, object]]:
    return [dict(event.attributes or {}) for span in spans for event in span.events if event.name == "feature_flag.evaluation"]  # type: ignore[attr-defined]


async def test_what_steers_a_sampled_call_is_told_on_its_span() -> None:
    async with serving(sample_ratio=1.0) as edge:
        await edge.stub.GetPlan(pb.GetPlanRequest(plan_id="p"))
        assert {
            "feature_flag.key": "otel_enabled",
            "feature_flag.result.reason": "static",
            "feature_flag.result.variant": "on",
            "feature_flag.context.id": f"{CALLER.tenant}/{CALLER.subject}",
            "feature_flag.provider.name": "genesis",
        } in events_of(edge.spans())


async def test_the_spans_of_those_for_whom_tracing_is_off_are_not_exported() -> None:
    rule = {"if": [{"==": [{"var": "targetingKey"}, "quiet"]}, "off", "on"]}
    async with serving(sample_ratio=1.0, live=defined("otel_enabled", rule)) as edge:
        await edge.stub.GetPlan(pb.GetPlanRequest(plan_id="p"), metadata=(("genesis-run-id", "quiet"),))
        assert edge.spans() == []
        await edge.stub.GetPlan(pb.GetPlanRequest(plan_id="p"), metadata=(("genesis-run-id", "loud"),))
        assert len(edge.spans()) == 1
