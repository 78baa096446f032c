"""What a server tells of itself, and failures to reach it."""

from __future__ import annotations

import json
import time

import grpc
import pytest
from fake_server import FakeServer, Refusal
from typer.testing import CliRunner

from genesis.v1 import agent_service_pb2 as agents_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis_server.cli.main import app
from genesis_server.cli.session import Session


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


@pytest.mark.parametrize("columns", ["abc", "0", "1", "-3"])
def test_any_width_shows_the_whole_answer(fake: FakeServer, run, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Also one that is no number, or of no use."""
    fake.on("Flag", pb2.FlagResponse(flags=[pb2.FlagEvaluation(key="otel_enabled", source="built-in default")]))
    monkeypatch.setenv("COLUMNS", columns)
    result = run("flag", "list")
    assert result.exit_code == 0, result.output
    assert "otel_enabled" in result.stdout.replace("\n", "")


def test_a_narrow_terminal_gets_lines_instead_of_a_table_of_splinters(fake: FakeServer, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No word is broken that fits."""
    fake.on(
        "Flag",
        pb2.FlagResponse(flags=[pb2.FlagEvaluation(key="orchestration_enabled", source="built-in default", description="Planning.")]),
    )
    monkeypatch.setenv("COLUMNS", "40")
    lines = [line.rstrip() for line in run("flag", "list").stdout.splitlines()]
    assert lines[0] == "orchestration_enabled"
    assert "  decided by: built-in default" in lines
    assert max(map(len, lines)) <= 40


def test_each_column_of_the_plans_stands_under_its_name(fake: FakeServer, run) -> None:
    """The goal is not under "level"."""
    fake.on("ListPlans", pb2.ListPlansResponse(plans=[pb2.PlanSummary(id="plan_1", version=3, goal="Ship it", task_count=2)]))
    head, _, row = run("plans", "list").stdout.strip().splitlines()
    assert head.index("goal") == row.index("Ship it") + head.index("plan") - row.index("plan_1 v3")


def test_one_wrong_field_is_told_once(fake: FakeServer, run) -> None:
    """The message says it already."""
    told = "goal: must be at least 1 characters"
    fake.on("Flag", Refusal(grpc.StatusCode.INVALID_ARGUMENT, told, violations=[("goal", "must be at least 1 characters", "")]))
    assert run("flag", "list").stderr.count(told) == 1


def test_a_message_cannot_drive_the_terminal(fake: FakeServer, run) -> None:
    """Whatever the server quotes in it."""
    fake.on("Flag", Refusal(grpc.StatusCode.INVALID_ARGUMENT, "there is no flag '\x1b[31m'"))
    assert "\x1b" not in run("flag", "list").stderr


def test_a_server_without_a_name_is_a_usage_error(run) -> None:
    """And said so."""
    result = run("health", "--server", " ")
    assert result.exit_code == 2
    assert "address is empty" in result.stderr


def test_a_text_in_another_encoding_is_a_usage_error(run) -> None:
    """With what to do."""
    result = run("plan", "caf\udce9")
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


def test_the_token_is_not_in_the_text_of_a_session() -> None:
    """A session that ends up in a message gives nothing away."""
    assert "tok-1" not in repr(Session(server="h", token="tok-1"))
