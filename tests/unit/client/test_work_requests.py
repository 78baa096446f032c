"""What the client says about work: budgets, hand-over, approvals, reports, sessions, breakers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fake_server import FakeServer
from google.protobuf import json_format

import genesis
from genesis import _requests as requests
from genesis import _work_requests as work
from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.v1 import agent_service_pb2 as agents
from genesis.v1 import catalogue_pb2, update_pb2, work_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2

LEASE = work_pb2.LeaseToken(lease_id="l", token=3)


@pytest.fixture
def client(fake: FakeServer) -> Iterator[genesis.Client]:
    with genesis.connect(fake.address) as connected:
        yield connected


def as_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("budget", "sent"),
    [
        ({}, {}),
        ({"cost": "0.25 USD"}, {"cost": {"currency_code": "USD", "nanos": 250_000_000}}),
        ({"tokens": 5, "tasks": 0, "seconds": timedelta(minutes=1)}, {"tokens": "5", "tasks": 0, "time": "60s"}),
        (work_pb2.RunBudget(tasks=3), {"tasks": 3}),
    ],
)
def test_a_run_budget_goes_with_plans_and_updates(budget: Any, sent: dict[str, Any]) -> None:
    """As a dict or the message; nothing is made up for parts that are left out."""
    for request in (requests.plan("g", run_budget=budget), requests.orchestrate("g", run_budget=budget)):
        assert as_dict(request)["run_budget"] == sent
    update = requests.update_plan("p", run_budget=budget)
    assert update.WhichOneof("event") == "budget"
    assert as_dict(update.budget) == sent
    assert not requests.plan("g").HasField("run_budget")
    with pytest.raises(TypeError, match="'money' is no part of a budget"):
        requests.plan("g", run_budget={"money": 3})  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize(("given", "priority"), [(True, None), (0, 0), (9, 9), (work_pb2.Dispatch(priority=2), 2)])
def test_a_plan_is_handed_to_agents_when_asked_to(given: Any, priority: int | None) -> None:
    """With its priority, 0 included; False and None hand nothing over."""
    for request in (requests.orchestrate("g", dispatch=given), requests.update_plan("p", dispatch=given)):
        assert request.HasField("dispatch")
        assert (request.dispatch.priority if request.dispatch.HasField("priority") else None) == priority
    for nothing in (False, None):
        assert not requests.orchestrate("g", dispatch=nothing).HasField("dispatch")
    with pytest.raises(ValueError, match="0 to 9"):
        requests.orchestrate("g", dispatch=10)


def test_a_task_is_approved_or_refused_with_a_comment() -> None:
    """One of the two."""
    approved = requests.update_plan("p", approve="deploy", comment="fine").approve
    assert (approved.task_id, approved.refused, approved.comment) == ("deploy", False, "fine")
    refused = requests.update_plan("p", refuse="deploy").approve
    assert (refused.task_id, refused.refused) == ("deploy", True)
    for wrong in ({"approve": "a", "refuse": "b"}, {"approve": "a", "pause": True}, {"run_budget": {}, "dispatch": True}):
        with pytest.raises(TypeError, match="say one thing"):
            requests.update_plan("p", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"done": {}}, {"done": {}}),
        ({"done": {"a": [1, None]}, "lease": LEASE}, {"done": {"outputs": [{"name": "a", "value": [1.0, None]}]}}),
        (
            {"done": {}, "references": {"b": genesis.Reference("s3://x", "0" * 64, "text/csv")}},
            {"done": {"outputs": [{"name": "b", "reference": {"uri": "s3://x", "sha256": "0" * 64, "media_type": "text/csv"}}]}},
        ),
        ({"failed": "broken", "permanent": True}, {"failed": {"error": "broken", "permanent": True}}),
        ({"failed": ""}, {"failed": {}}),
        ({"declined": "busy", "hand_back": True, "lease": LEASE}, {"declined": {"reason": "busy", "hand_back": True}}),
        (
            {"done": {}, "cost": 0.5, "tokens": 7, "agent_id": "bob"},
            {"done": {}, "usage": {"cost": {"currency_code": "USD", "nanos": 500_000_000}, "tokens": "7"}, "agent_id": "bob"},
        ),
    ],
)
def test_a_report_says_how_a_task_went(said: dict[str, Any], sent: dict[str, Any]) -> None:
    """With a request id of its own unless a lease makes it safe to repeat."""
    told = as_dict(work.report("p", "t", **said))
    lease = {"lease": {"lease_id": "l", "token": "3"}} if "lease" in said else {}
    assert bool(told.pop("request_id", "")) == ("lease" not in said)
    assert told == {"plan_id": "p", "task_id": "t", **sent, **lease}


@pytest.mark.parametrize(
    "said",
    [{}, {"permanent": True}, {"done": {}, "failed": "x"}, {"failed": "x", "hand_back": True}, {"references": {}}, {"dnoe": {}}],
)
def test_a_report_that_says_nothing_or_two_things_is_a_type_error(said: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(TypeError):
        work.report("p", "t", **said)


def test_a_value_is_not_given_twice_and_is_one_that_json_has() -> None:
    """The caller hears of it, not the server."""
    with pytest.raises(ValueError, match="twice"):
        work.report("p", "t", done={"a": 1}, references={"a": genesis.Reference("s3://x", "0" * 64)})
    with pytest.raises(ValueError, match="JSON"):
        work.report("p", "t", done={"a": object()})


def test_every_new_method_calls_its_own(fake: FakeServer, client: genesis.Client) -> None:
    """Sessions, reports, reading with contents, watching runs, breakers, security events."""
    fake.on("AgentsRegister", agents.RegisterResponse(session_id="s"))
    fake.on("AgentsHeartbeat", agents.HeartbeatResponse())
    fake.on("AgentsDeregister", agents.DeregisterResponse())
    fake.on("Report", work_pb2.ReportResponse(plan_version=4))
    fake.on("GetPlan", pb2.GetPlanResponse())
    fake.on("WatchPlan", [update_pb2.WatchPlanResponse(version=1)])
    fake.on("ListBreakers", policy.ListBreakersResponse(breakers=[policy.AgentBreaker(agent_id="a")]))
    fake.on("ResetBreaker", policy.ResetBreakerResponse(breaker=policy.AgentBreaker(agent_id="a")))
    fake.on(
        "ListSecurityEvents",
        policy.ListSecurityEventsResponse(events=[policy.SecurityEvent(id="1")], next_page_token="t"),
        policy.ListSecurityEventsResponse(events=[policy.SecurityEvent(id="2")]),
    )
    assert client.register({"id": "a", "skills": [{"id": "s"}]}).session_id == "s"
    client.register(catalogue_pb2.AgentCard(id="a"))
    client.heartbeat("s", load=0.5, progress=[agents.LeaseProgress(plan_id="p", task_id="t", lease=LEASE, fraction=0.5)])
    client.deregister("s")
    assert client.report("p", "t", done={}, lease=LEASE).plan_version == 4
    client.get_plan("p", contents=True)
    assert [one.version for one in client.watch_plan("p", runs=True)] == [1]
    assert [one.agent_id for one in client.breakers()] == ["a"]
    assert client.reset_breaker("a", "mended").breaker.agent_id == "a"
    assert [one.id for one in client.security_events(page_size=1)] == ["1", "2"]
    assert [request.card.id for request in fake.asked("AgentsRegister")] == ["a", "a"]
    [beat] = fake.asked("AgentsHeartbeat")
    assert (beat.load, beat.progress[0].fraction) == (0.5, 0.5)
    assert fake.asked("GetPlan")[0].include_artefact_contents
    assert fake.asked("WatchPlan")[0].include_runs
    [reset] = fake.asked("ResetBreaker")
    assert (reset.cause, len(reset.request_id)) == ("mended", 36)
    assert [request.page_token for request in fake.asked("ListSecurityEvents")] == ["", "t"]


async def test_the_asynchronous_client_does_the_same(fake: FakeServer) -> None:
    """Awaited, and iterated with `async for`."""
    fake.on("AgentsRegister", agents.RegisterResponse(session_id="s"))
    fake.on("AgentsHeartbeat", agents.HeartbeatResponse())
    fake.on("AgentsDeregister", agents.DeregisterResponse())
    fake.on("Report", work_pb2.ReportResponse())
    fake.on("ListBreakers", policy.ListBreakersResponse(breakers=[policy.AgentBreaker(agent_id="a")]))
    fake.on("ResetBreaker", policy.ResetBreakerResponse())
    fake.on("ListSecurityEvents", policy.ListSecurityEventsResponse(events=[policy.SecurityEvent(id="1")]))
    async with genesis.aio.connect(fake.address) as client:
        assert (await client.register({"id": "a"})).session_id == "s"
        await client.heartbeat("s")
        await client.deregister("s")
        await client.report("p", "t", failed="no")
        await client.reset_breaker("a", cause="mended")
        assert [one.agent_id async for one in client.breakers()] == ["a"]
        assert [one.id async for one in client.security_events()] == ["1"]
