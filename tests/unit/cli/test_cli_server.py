"""What a server tells of itself, and failures to reach it."""

from __future__ import annotations

import json
import time

import grpc
import pytest
from fake_server import FakeServer, Refusal
from google.protobuf import struct_pb2
from typer.testing import CliRunner

from genesis.v1 import agent_service_pb2 as agents_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis_server.cli.main import app


def test_plans_are_listed_read_and_deleted(fake: FakeServer, run, orchestrated, provenance) -> None:
    """The store at a glance."""
    fake.on(
        "ListPlans", pb2.ListPlansResponse(plans=[pb2.PlanSummary(id=f"plan_{i}", version=1, goal="Ship", task_count=4) for i in range(3)])
    )
    fake.on("GetPlan", pb2.GetPlanResponse(plan=orchestrated.plan, routes=orchestrated.routes, verdict=orchestrated.verdict))
    fake.on("DeletePlan", pb2.DeletePlanResponse())
    listed = run("plans", "list", "--limit", "2")
    assert "plan_1" in listed.stdout
    assert "plan_2" not in listed.stdout
    assert len(json.loads(run("plans", "list", "--json").stdout)["plans"]) == 3
    shown = run("plans", "get", "plan_1")
    assert "Verdict PASSED" in shown.stdout
    assert "agent-a" in shown.stdout
    assert run("plans", "get", "plan_1", "--mermaid").stdout.startswith("flowchart")
    deleted = run("plans", "delete", "plan_1", "--plan-version", "2", "--request-id", "r")
    assert deleted.exit_code == 0
    assert deleted.stdout == ""
    [request] = fake.asked("DeletePlan")
    assert (request.plan_id, request.version, request.request_id) == ("plan_1", 2, "r")


def test_a_plan_without_routing_is_shown_without_it(fake: FakeServer, run, plan) -> None:
    """Nothing is made up."""
    fake.on("GetPlan", pb2.GetPlanResponse(plan=plan))
    text = run("plans", "get", "plan_1").stdout
    assert "Assignments" not in text
    assert "Verdict" not in text


def test_flags_show_value_reason_and_source(fake: FakeServer, run) -> None:
    """All, or some by key."""
    flag = pb2.FlagEvaluation(
        key="tripwire",
        value=struct_pb2.Value(bool_value=True),
        variant="on",
        reason=pb2.FLAG_REASON_ENVIRONMENT,
        source="GENESIS_FLAG_TRIPWIRE",
    )
    fake.on("Flag", pb2.FlagResponse(flags=[flag]))
    text = run("flag", "list").stdout
    assert "tripwire" in text
    assert "true (on)" in text
    assert run("flag", "get", "a", "b", "--json").exit_code == 0
    assert [list(request.keys) for request in fake.asked("Flag")] == [[], ["a", "b"]]


def test_agents_are_listed_with_skills_and_prices(fake: FakeServer, run) -> None:
    """Filtered by skill on the server."""
    entry = agents_pb2.AgentEntry(state=agents_pb2.AGENT_STATE_DECLARED)
    entry.card.id, entry.card.region = "qa", "eu"
    entry.card.skills.add(id="qa.test")
    entry.card.models.add(id="small-1").input_price_per_million_tokens.units = 3
    fake.on("AgentsList", agents_pb2.AgentServiceListResponse(agents=[entry]))
    text = run("agents", "list", "--skill", "qa.test").stdout
    for words in ("qa", "declared", "qa.test", "small-1: 3.00 USD / 0.00 USD"):
        assert words in " ".join(text.split())
    assert fake.asked("AgentsList")[0].skill_id == "qa.test"


def _health(status: pb2.HealthStatus) -> pb2.HealthResponse:
    health = pb2.HealthResponse(status=status, server_version="0.1.0", snapshot_ids={"agents": "a1"}, flags_not_built=["aatc"])
    part = health.components.add(name="storage", status=status, message="the disk is full", breaker_state="open")
    part.retry_time.FromSeconds(3600)
    health.uptime.seconds = 90
    return health


def test_health_of_a_well_server_is_exit_code_0(fake: FakeServer, run) -> None:
    """With versions, snapshots and what is not built."""
    fake.on("Health", _health(pb2.HEALTH_STATUS_DEGRADED))
    result = run("health")
    assert result.exit_code == 0
    for words in ("degraded", "up 1 min 30 s", "storage", "again at 01:00:00 UTC", "agents a1", "aatc"):
        assert words in " ".join(result.stdout.split())


def test_health_of_an_unhealthy_server_is_exit_code_1(fake: FakeServer, run) -> None:
    """A script can tell."""
    fake.on("Health", _health(pb2.HEALTH_STATUS_UNHEALTHY))
    assert run("health", "--json").exit_code == 1


def test_a_value_of_a_newer_server_is_shown_as_its_number(fake: FakeServer, run) -> None:
    """An unknown enum value is no crash."""
    fake.on("Health", _health(7))  # type: ignore[arg-type]
    result = run("health")
    assert result.exit_code == 0, result.output
    assert "7" in result.stdout


def test_no_server_is_exit_code_3_with_what_to_do() -> None:
    """The first mistake everybody makes."""
    result = CliRunner().invoke(app, ["health", "--server", "127.0.0.1:1"])
    assert result.exit_code == 3
    assert "genesis serve" in " ".join(result.stderr.split())
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (Refusal(grpc.StatusCode.UNAUTHENTICATED, "no token", "CREDENTIALS_MISSING"), 4, "GENESIS_TOKEN"),
        (Refusal(grpc.StatusCode.PERMISSION_DENIED, "not you", "PERMISSION_DENIED"), 4, "role"),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", "RATE_LIMITED", retry_seconds=2), 4, "try again in 2 s"),
        (Refusal(grpc.StatusCode.INTERNAL, "a fault", "INTERNAL"), 5, "correlation id c0ffee"),
        (Refusal(grpc.StatusCode.UNIMPLEMENTED, "what", "UNKNOWN_METHOD"), 5, "older"),
    ],
)
def test_every_failure_has_its_exit_code_and_says_what_to_do(fake: FakeServer, run, refusal: Refusal, code: int, words: str) -> None:
    """One red line, and the hint below it."""
    fake.on("Flag", refusal)
    result = run("flag", "list")
    assert result.exit_code == code
    assert f"{refusal.reason}: {refusal.message}" in result.stderr
    assert words in result.stderr


def test_a_deadline_is_exit_code_5(fake: FakeServer, run) -> None:
    """With the option that gives more time."""

    def slow(_: object, context: grpc.ServicerContext) -> pb2.FlagResponse:
        while context.is_active():
            time.sleep(0.005)
        return pb2.FlagResponse()

    fake.on("Flag", slow)
    result = run("flag", "list", "--timeout", "0.05")
    assert result.exit_code == 5
    assert "--timeout" in result.stderr


def test_a_token_for_another_machine_without_tls_is_refused_before_anything_is_sent() -> None:
    """With the two ways out."""
    result = CliRunner().invoke(app, ["--server", "example.com:1", "--token", "t", "health"])
    assert result.exit_code == 2
    assert "plain text" in " ".join(result.stderr.split())
