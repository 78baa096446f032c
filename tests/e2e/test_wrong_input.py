"""Wrong input gets a documented status and a message that says what to do; nothing is lost and nothing leaks."""

from __future__ import annotations

import math
from collections.abc import Callable

import grpc
import pytest

from errors import Failure, failure
from genesis.v1 import (
    catalogue_pb2,
    common_pb2,
    orchestrator_service_pb2,
    orchestrator_service_pb2_grpc,
    plan_pb2,
    routing_pb2,
    validation_pb2,
)

Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub
PLAN = "/genesis.v1.OrchestratorService/Plan"
VALIDATE = "/genesis.v1.OrchestratorService/Validate"


def refused(call: Callable[[], object], code: grpc.StatusCode, reason: str) -> Failure:
    """The decoded error of a call that must fail this way."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    found = failure(caught.value)
    assert (found.code, found.reason, found.domain) == (code, reason, "genesis"), found
    assert found.metadata["category"] in {"decomposition", "routing", "validation", "llm", "network", "resource", "security"}
    assert found.metadata["correlation_id"]
    for leak in ("Traceback", 'File "', "genesis_server", "/data/"):
        assert leak not in found.message
    return found


def raw(channel: grpc.Channel, method: str, data: bytes) -> bytes:
    """Send bytes as they are."""
    return channel.unary_unary(method)(data, timeout=20)


def chain(count: int, *, nested: bool = False) -> plan_pb2.Plan:
    """A plan of tasks one after another, or each below the one before."""
    tasks = [plan_pb2.Task(id=f"t{n}", goal=f"step {n}", parent_id=f"t{n - 1}" if nested and n else "") for n in range(count)]
    edges = [] if nested else [plan_pb2.Edge(from_task_id=f"t{n - 1}", to_task_id=f"t{n}") for n in range(1, count)]
    return plan_pb2.Plan(goal="steps", tasks=tasks, edges=edges)


@pytest.mark.parametrize("goal", ["", "   \n\t ", "...!?", "\u200b\u200d\ufeff", "\x00\x01"])
def test_a_goal_without_words_is_refused(orchestrator: Stub, goal: str) -> None:
    reason = "INVALID_FIELD" if not goal else "EMPTY_GOAL"
    found = refused(lambda: orchestrator.Plan(orchestrator_service_pb2.PlanRequest(goal=goal)), grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert "goal" in found.message


def test_a_goal_of_5001_characters_is_refused_naming_field_and_limit(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.PlanRequest(goal="word " * 1000 + "x")
    found = refused(lambda: orchestrator.Plan(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "5000" in found.fields["goal"].replace(" ", "").replace(",", "")


def test_a_goal_of_5000_characters_is_planned(orchestrator: Stub) -> None:
    assert orchestrator.Plan(orchestrator_service_pb2.PlanRequest(goal=("word " * 1000)[:5000])).plan.tasks


@pytest.mark.parametrize(
    "goal",
    [
        "احجز رحلة إلى روما ثم أرسل التأكيد",
        "הזמן טיסה לרומא ואז שלח אישור",
        "🚀 release the feature 🎉 and tell everybody 👩‍👩‍👧",
        "release\x07 the\x1b feature\u202e today",
        "Z̷̢a̶l̵g̸o̷ release the feature",
        "a" * 5000,
        "发布新功能然后通知所有人",
    ],
)
def test_unusual_text_is_planned_and_comes_back_unchanged(orchestrator: Stub, goal: str) -> None:
    plan = orchestrator.Orchestrate(orchestrator_service_pb2.OrchestrateRequest(goal=goal)).plan
    assert plan.goal == goal
    assert plan.tasks
    for task in plan.tasks:
        for span in task.origin.spans:
            assert goal[span.start : span.end] == span.text


def test_a_message_over_the_limit_is_refused_with_its_size(channel: grpc.Channel) -> None:
    goal = "x" * 5_000_000
    request = orchestrator_service_pb2.PlanRequest(goal=goal).SerializeToString()
    found = refused(lambda: raw(channel, PLAN, request), grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert int(found.metadata["limit_bytes"]) < int(found.metadata["size_bytes"])


def deep(levels: int) -> bytes:
    """A plan message nested in unknown groups and structs deeper than any parser takes."""
    data = b""
    for _ in range(levels):
        data = b"\x0b" + data + b"\x0c"
    return data


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"\x12\x05ab", b"\x12\x02\xc3\x28", b"\x00", deep(10_000)],
    ids=["garbage", "truncated", "bad UTF-8", "field zero", "10 000 levels deep"],
)
@pytest.mark.parametrize("method", [PLAN, VALIDATE])
def test_bytes_that_are_no_message_are_refused(channel: grpc.Channel, method: str, data: bytes) -> None:
    refused(lambda: raw(channel, method, data), grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


def test_an_unknown_enum_value_is_refused_naming_the_field(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.PlanRequest(goal="release the feature", max_level=77)  # type: ignore[arg-type]
    found = refused(lambda: orchestrator.Plan(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "max_level" in found.fields


@pytest.mark.parametrize("difficulty", [math.nan, math.inf, -0.1, 1.1])
def test_a_difficulty_that_is_no_share_is_refused_with_its_place(orchestrator: Stub, difficulty: float) -> None:
    plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id="a"), plan_pb2.Task(id="b", difficulty=difficulty)])
    request = orchestrator_service_pb2.ValidateRequest(plan=plan)
    found = refused(lambda: orchestrator.Validate(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "plan.tasks[1].difficulty" in found.fields


def test_a_negative_cost_is_refused(orchestrator: Stub) -> None:
    tool = catalogue_pb2.Tool(name="send", cost_per_call=common_pb2.Money(units=-1))
    request = orchestrator_service_pb2.PlanRequest(goal="send it", catalogue=catalogue_pb2.Catalogue(tools=[tool]))
    found = refused(lambda: orchestrator.Plan(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "catalogue.tools[0].cost_per_call.units" in found.fields


def test_two_tools_of_one_name_are_refused(orchestrator: Stub) -> None:
    catalogue = catalogue_pb2.Catalogue(tools=[catalogue_pb2.Tool(name="send"), catalogue_pb2.Tool(name="send")])
    request = orchestrator_service_pb2.PlanRequest(goal="send it", catalogue=catalogue)
    found = refused(lambda: orchestrator.Plan(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "catalogue.tools[1].name" in found.fields


def finding_kinds(response: orchestrator_service_pb2.ValidateResponse) -> set[int]:
    """What was found."""
    return {finding.kind for finding in response.verdict.findings}


def test_a_cyclic_plan_is_an_answer_of_validate_and_an_error_of_route(orchestrator: Stub) -> None:
    edges = [plan_pb2.Edge(from_task_id=a, to_task_id=b) for a, b in ("ab", "bc", "ca", "cd")]
    plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id=name, goal=name) for name in "abcd"], edges=edges)
    verdict = orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan=plan)).verdict
    assert not verdict.passed
    assert not verdict.structure_passed
    [cycle] = [finding for finding in verdict.findings if finding.kind == validation_pb2.FINDING_KIND_CYCLE]
    assert set(cycle.task_ids) == {"a", "b", "c"}
    found = refused(
        lambda: orchestrator.Route(orchestrator_service_pb2.RouteRequest(plan=plan)), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PLAN"
    )
    assert found.metadata["finding"] == "CYCLE"


def test_a_task_that_waits_for_itself_is_found(orchestrator: Stub) -> None:
    plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id="a")], edges=[plan_pb2.Edge(from_task_id="a", to_task_id="a")])
    response = orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan=plan))
    assert validation_pb2.FINDING_KIND_SELF_DEPENDENCY in finding_kinds(response)


def test_duplicate_ids_and_dangling_edges_are_found(orchestrator: Stub) -> None:
    plan = plan_pb2.Plan(
        tasks=[plan_pb2.Task(id="a"), plan_pb2.Task(id="a"), plan_pb2.Task(id="b", parent_id="nowhere")],
        edges=[plan_pb2.Edge(from_task_id="a", to_task_id="z")],
    )
    kinds = finding_kinds(orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan=plan)))
    assert validation_pb2.FINDING_KIND_DUPLICATE_TASK_ID in kinds
    assert validation_pb2.FINDING_KIND_DANGLING_REFERENCE in kinds


def test_tasks_nested_10_000_levels_deep_are_judged(orchestrator: Stub) -> None:
    response = orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan=chain(10_000, nested=True)), timeout=30)
    assert validation_pb2.FINDING_KIND_TOO_DEEP in finding_kinds(response)


def test_a_plan_without_tasks_is_judged_empty(orchestrator: Stub) -> None:
    response = orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan=plan_pb2.Plan()))
    assert finding_kinds(response) == {validation_pb2.FINDING_KIND_EMPTY_PLAN}


def test_more_tasks_than_route_takes_are_refused_with_the_limit(orchestrator: Stub) -> None:
    found = refused(
        lambda: orchestrator.Route(orchestrator_service_pb2.RouteRequest(plan=chain(1001))),
        grpc.StatusCode.INVALID_ARGUMENT,
        "TOO_MANY_TASKS",
    )
    assert found.metadata["limit"] == "1000"


def test_an_assignment_to_an_unknown_agent_is_found(orchestrator: Stub) -> None:
    target = routing_pb2.Target(kind=routing_pb2.TARGET_KIND_AGENT, id="nobody")
    route = routing_pb2.TaskRoute(task_id="t0", assignment=routing_pb2.Assignment(target=target))
    request = orchestrator_service_pb2.ValidateRequest(plan=chain(1), routes=[route])
    assert validation_pb2.FINDING_KIND_UNKNOWN_TARGET in finding_kinds(orchestrator.Validate(request))


def test_a_route_that_says_nothing_is_refused(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.ValidateRequest(plan=chain(1), routes=[routing_pb2.TaskRoute(task_id="t0")])
    found = refused(lambda: orchestrator.Validate(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "routes[0]" in found.fields


def test_a_budget_that_cannot_be_met_leaves_tasks_unassigned_and_names_the_cheapest_total(orchestrator: Stub) -> None:
    constraints = routing_pb2.RoutingConstraints(budget=common_pb2.Money(currency_code="USD", nanos=1))
    request = orchestrator_service_pb2.OrchestrateRequest(goal="Release the new billing feature", constraints=constraints)
    response = orchestrator.Orchestrate(request)
    left_out = [route.unassigned for route in response.routes if route.HasField("unassigned")]
    assert left_out
    assert all(entry.reason == routing_pb2.UNASSIGNED_REASON_BUDGET for entry in left_out)
    cheapest = response.budget.cheapest_feasible_total
    assert cheapest.units + cheapest.nanos > 1
    assert not response.budget.met
    enough = routing_pb2.RoutingConstraints(budget=cheapest)
    again = orchestrator.Orchestrate(orchestrator_service_pb2.OrchestrateRequest(goal=request.goal, constraints=enough))
    assert again.budget.met
    assert all(route.HasField("assignment") for route in again.routes)


def test_an_unknown_plan_is_not_found(orchestrator: Stub) -> None:
    for call in (
        lambda: orchestrator.GetPlan(orchestrator_service_pb2.GetPlanRequest(plan_id="plan_none")),
        lambda: orchestrator.DeletePlan(orchestrator_service_pb2.DeletePlanRequest(plan_id="plan_none")),
        lambda: orchestrator.Route(orchestrator_service_pb2.RouteRequest(plan_id="plan_none")),
        lambda: orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan_id="plan_none")),
    ):
        assert refused(call, grpc.StatusCode.NOT_FOUND, "PLAN_NOT_FOUND").metadata["plan_id"] == "plan_none"


def test_an_unknown_method_is_unimplemented_with_details(channel: grpc.Channel) -> None:
    refused(lambda: raw(channel, "/genesis.v1.OrchestratorService/Plans", b""), grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")


def test_a_made_up_page_token_is_refused(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.ListPlansRequest(page_token="AAAA")
    refused(lambda: orchestrator.ListPlans(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


def test_an_unknown_flag_is_not_found(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.FlagRequest(keys=["no_such_flag"])
    refused(lambda: orchestrator.Flag(request), grpc.StatusCode.NOT_FOUND, "FLAG_NOT_FOUND")


def test_a_call_without_a_deadline_is_answered(orchestrator: Stub) -> None:
    assert orchestrator.Plan(orchestrator_service_pb2.PlanRequest(goal="write a report"), timeout=None).stored


def test_a_cancelled_call_leaves_the_server_well(orchestrator: Stub) -> None:
    pending = orchestrator.Validate.future(orchestrator_service_pb2.ValidateRequest(plan=chain(20_000)))
    pending.cancel()
    assert orchestrator.Plan(orchestrator_service_pb2.PlanRequest(goal="write a report"), timeout=10).stored


def test_a_passed_deadline_is_told(orchestrator: Stub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        orchestrator.Validate(orchestrator_service_pb2.ValidateRequest(plan=chain(50_000)), timeout=0.01)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]


def test_the_same_request_id_gives_the_same_plan_and_another_body_is_refused(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.PlanRequest(request_id="once", goal="write a report on rain")
    assert orchestrator.Plan(request) == orchestrator.Plan(request)
    request.goal = "write a report on snow"
    refused(lambda: orchestrator.Plan(request), grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
