"""`genesis route` and `genesis validate` on plans from files, pipes and the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_server import FakeServer
from google.protobuf import json_format

from genesis.v1 import orchestrator_service_pb2 as pb2


@pytest.fixture
def answers(fake: FakeServer, orchestrated, provenance) -> FakeServer:
    fake.on("Route", pb2.RouteResponse(routes=orchestrated.routes, budget=orchestrated.budget, provenance=provenance))
    fake.on("Validate", pb2.ValidateResponse(verdict=orchestrated.verdict, provenance=provenance))
    fake.on("GetPlan", pb2.GetPlanResponse(plan=orchestrated.plan))
    return fake


@pytest.fixture
def file(tmp_path: Path, orchestrated) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(json_format.MessageToJson(orchestrated.plan), encoding="utf-8")
    return path


def test_a_plan_from_a_file_is_routed(answers: FakeServer, run, file: Path, plan) -> None:
    """With the plan's own words in the table."""
    result = run("route", str(file), "--budget", "3 EUR", "--seed", "2")
    assert result.exit_code == 0, result.output
    assert "1.1 Write the code" in " ".join(result.stdout.split())
    [request] = answers.asked("Route")
    assert request.plan == plan
    assert request.constraints.budget.currency_code == "EUR"


def test_the_output_of_one_command_is_the_input_of_the_next(answers: FakeServer, run, orchestrated) -> None:
    """An orchestration in JSON brings its routes to validate."""
    result = run("validate", "-", stdin=json_format.MessageToJson(orchestrated))
    assert result.exit_code == 0, result.output
    [request] = answers.asked("Validate")
    assert list(request.routes) == list(orchestrated.routes)
    assert "Verdict PASSED" in result.stdout


def test_routes_come_from_a_file_of_their_own(answers: FakeServer, run, file: Path, tmp_path: Path) -> None:
    """As `genesis route --json` wrote it."""
    routes = tmp_path / "routes.json"
    routes.write_text(run("route", str(file), "--json").stdout, encoding="utf-8")
    assert run("validate", str(file), "--routes", str(routes), "--goal", "other").exit_code == 0
    [request] = answers.asked("Validate")
    assert len(request.routes) == 4
    assert request.goal == "other"


@pytest.mark.parametrize("command", ["route", "validate"])
def test_a_stored_plan_is_named_by_its_id(answers: FakeServer, run, command: str) -> None:
    """It is not sent again."""
    assert run(command, "--plan-id", "plan_1").exit_code == 0
    assert answers.asked(command.capitalize())[0].plan_id == "plan_1"


def test_a_failed_verdict_is_exit_code_1(answers: FakeServer, run, file: Path, orchestrated, provenance) -> None:
    """In JSON as well."""
    orchestrated.verdict.passed = False
    answers.on("Validate", pb2.ValidateResponse(verdict=orchestrated.verdict))
    result = run("validate", str(file), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"]["passed"] is False


def test_an_unassigned_task_is_exit_code_1(answers: FakeServer, run, file: Path, orchestrated) -> None:
    """A script can tell."""
    orchestrated.routes[0].unassigned.message = "nobody can"
    answers.on("Route", pb2.RouteResponse(routes=orchestrated.routes))
    assert run("route", str(file)).exit_code == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"{", "is no JSON"), (b"[]", "no JSON object"), (b'{"tasks": 3}', "no plan in the contract's form"), (b"\xff", "is not UTF-8"),
     (b'{"a":' * 20_000, "is no JSON"), (b'{"plan": {"id": 1}}', "contract's form")],
)  # fmt: skip
def test_a_file_that_is_no_plan_is_exit_code_2(run, tmp_path: Path, content: bytes, words: str) -> None:
    """The message says what it should be."""
    path = tmp_path / "x.json"
    path.write_bytes(content)
    result = run("validate", str(path))
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_routes_that_are_none_are_exit_code_2(run, file: Path, tmp_path: Path) -> None:
    """The same for --routes."""
    wrong = tmp_path / "r.json"
    wrong.write_text('{"routes": [{"task": 1}]}', encoding="utf-8")
    result = run("validate", str(file), "--routes", str(wrong))
    assert result.exit_code == 2
    assert "no routes" in " ".join(result.stderr.split())


@pytest.mark.parametrize("args", [[], ["missing.json"], ["x", "--plan-id", "y"]])
def test_a_missing_plan_is_exit_code_2(run, args: list[str]) -> None:
    """Neither, both, or a file that is not there."""
    result = run("route", *args)
    assert result.exit_code == 2
    assert "either" in result.stderr or "No such file" in result.stderr


def test_findings_name_tasks_by_number_and_say_what_mends_them(answers: FakeServer, run, file: Path, orchestrated) -> None:
    """As in the tree; the first fifty are shown, and how many there are."""
    verdict = orchestrated.verdict
    finding = verdict.findings.add(message="'a' waits for 'b'", task_ids=["a", "b"])
    finding.fix.drop_edge.edge.from_task_id, finding.fix.drop_edge.edge.to_task_id = "a", "b"
    verdict.findings.add(message="too much").fix.reallocate.task_id = "c"
    verdict.findings.extend([finding] * 60)
    answers.on("Validate", pb2.ValidateResponse(verdict=verdict))
    text = " ".join(run("validate", str(file)).stdout.split())
    for words in ("1.1 waits for 1.2", "drop 1.1 → 1.2", "give 2.1 to", "… and 13 more findings"):
        assert words in text


def test_a_verdict_without_findings_says_so(answers: FakeServer, run, file: Path) -> None:
    """Silence could be a mistake."""
    answers.on("Validate", pb2.ValidateResponse())
    assert "no findings" in run("validate", str(file)).stdout


def test_fixes_are_applied_when_asked_for_and_the_mended_plan_is_shown(answers: FakeServer, run, file: Path, orchestrated, plan) -> None:
    """With each repair; the tasks of the plan that came are named by their numbers in it."""
    mended = type(plan)()
    mended.CopyFrom(plan)
    del mended.tasks[2]
    response = pb2.ValidateResponse(verdict=orchestrated.verdict, plan=mended)
    repair = response.repairs.add(round=1)
    repair.finding.message, repair.fix.drop_task.task_id = "'b' says the same as 'a'", "b"
    answers.on("Validate", response)
    result = run("validate", str(file), "--apply-fixes")
    assert result.exit_code == 0, result.output
    assert answers.asked("Validate")[0].apply_fixes
    text = " ".join(result.stdout.split())
    assert "Write the code" in text
    assert "Test the code" not in text
    assert "round 1: 'b' says the same as 'a' → drop 1.2" in text
    told = json.loads(run("validate", str(file), "--apply-fixes", "--json").stdout)
    assert len(told["plan"]["tasks"]) == 5
    assert len(told["repairs"]) == 1


def test_no_fix_is_applied_unless_asked_for(answers: FakeServer, run, file: Path) -> None:
    """A judgement changes nothing."""
    assert run("validate", str(file)).exit_code == 0
    assert not answers.asked("Validate")[0].apply_fixes
