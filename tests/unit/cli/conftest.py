"""A fake server, a sample plan, and a way to run the command against it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "client"))
sys.path.insert(0, str(Path(__file__).parent))

from fake_server import FakeServer, running
from run_samples import attempt

from genesis.v1 import common_pb2, plan_pb2, routing_pb2, validation_pb2, work_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis_server.cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with running() as server:
        yield server


@pytest.fixture
def run(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `genesis ARGS` against the fake server; stdout and stderr are kept apart."""
    for name in ("GENESIS_TOKEN", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GENESIS_SERVER", fake.address)
    return lambda *args, stdin=None: CliRunner().invoke(app, list(args), input=stdin, prog_name="genesis")


@pytest.fixture
def plan() -> plan_pb2.Plan:
    """Two headings with two tasks each; the second heading waits for the first."""
    task, edge = plan_pb2.Task, plan_pb2.Edge
    return plan_pb2.Plan(
        id="plan_1",
        version=1,
        goal="Release the billing feature",
        tasks=[
            task(id="h1", goal="Build it"),
            task(id="a", goal="Write the code", parent_id="h1", capability="code.write", outputs=[common_pb2.Artefact(name="patch")]),
            task(id="b", goal="Test the code", parent_id="h1", inputs=[common_pb2.Artefact(name="patch")]),
            task(id="h2", goal="Ship it"),
            task(
                id="c",
                goal="Deploy",
                parent_id="h2",
                origin=plan_pb2.TaskOrigin(source=plan_pb2.TASK_SOURCE_METHOD, method_id="release_feature"),
            ),
            task(
                id="d",
                goal="Tell the customers",
                parent_id="h2",
                origin=plan_pb2.TaskOrigin(source=plan_pb2.TASK_SOURCE_CLAUSE, spans=[common_pb2.Span(text="tell them")]),
            ),
        ],
        edges=[
            edge(from_task_id="a", to_task_id="b", kind=plan_pb2.EDGE_KIND_DATA, artefact="patch"),
            edge(from_task_id="h1", to_task_id="h2", kind=plan_pb2.EDGE_KIND_ORDER),
        ],
    )


@pytest.fixture
def provenance() -> common_pb2.Provenance:
    provenance = common_pb2.Provenance(
        level=common_pb2.DEGRADATION_LEVEL_HEURISTIC, agents_snapshot_id="agents-1", correlation_id="cafe", server_version="0.1.0"
    )
    for name, nanos in (("plan", 1_500_000), ("route", 250_000)):
        provenance.phases.add(phase=name).duration.nanos = nanos
    return provenance


@pytest.fixture
def orchestrated(plan: plan_pb2.Plan, provenance: common_pb2.Provenance) -> pb2.OrchestrateResponse:
    """An answer that passed, with everything in it."""
    usd = common_pb2.Money
    answer = pb2.OrchestrateResponse(plan=plan, provenance=provenance, stored=True)
    for task_id in "abcd":
        route = answer.routes.add(task_id=task_id)
        choice = route.assignment
        choice.target.kind = routing_pb2.TARGET_KIND_AGENT
        choice.target.id, choice.target.model_id = f"agent-{task_id}", "small-1"
        choice.expected_cost.CopyFrom(usd(currency_code="USD", nanos=12_500_000))
        choice.reason = "the best match of four, and the cheapest of those that are likely enough to succeed"
    answer.budget.expected_total.nanos = 50_000_000
    answer.budget.limit.units = 40
    answer.budget.met = True
    verdict = answer.verdict
    verdict.passed = verdict.structure_passed = verdict.solvability_passed = True
    verdict.completeness_passed = False
    verdict.quality_score = 0.875
    verdict.findings.add(
        kind=validation_pb2.FINDING_KIND_UNCOVERED_ELEMENT,
        principle=validation_pb2.PRINCIPLE_COMPLETENESS,
        severity=validation_pb2.SEVERITY_WARNING,
        message="nothing covers “by Friday”",
        task_ids=["a", "gone"],
    ).fix.drop_task.task_id = "b"
    verdict.finding_count = 1
    verdict.not_judged.add(principle=validation_pb2.PRINCIPLE_ROUTING, reason="no budget was given")
    verdict.schedule.critical_path.extend(["a", "b", "c"])
    verdict.schedule.makespan.seconds = 7500
    verdict.schedule.level_count = 3
    repair = answer.repairs.add(round=1)
    repair.finding.message = "agent-x was overloaded"
    repair.fix.reallocate.task_id, repair.fix.reallocate.target.id = "a", "agent-a"
    return answer


@pytest.fixture
def stored(plan: plan_pb2.Plan) -> pb2.GetPlanResponse:
    """A plan that is carried out: one task done at the second try, one running, one that waits, one given up."""
    plan.state = plan_pb2.PLAN_STATE_ACTIVE
    tasks = {task.id: task for task in plan.tasks}
    tasks["a"].state = plan_pb2.TASK_STATE_DONE
    tasks["d"].state, tasks["d"].error = plan_pb2.TASK_STATE_FAILED, "nobody reads e-mail"
    answer = pb2.GetPlanResponse(plan=plan, dispatch=work_pb2.Dispatch(priority=7))
    for task_id in "abcd":
        route = answer.routes.add(task_id=task_id)
        route.assignment.target.id = "steady" if task_id == "c" else "quick"
    runs = {task_id: answer.runs.add(task_id=task_id) for task_id in "abcd"}
    failed, done = (work_pb2.ATTEMPT_OUTCOME_FAILED, work_pb2.ATTEMPT_OUTCOME_DONE)
    attempt(runs["a"], "quick", failed, begin=0, end=1, error="the disk is full")
    attempt(runs["a"], "steady", done, begin=2, end=4.5, cents=2)
    running = attempt(runs["b"], "quick", work_pb2.ATTEMPT_OUTCOME_RUNNING, begin=5)
    running.progress, running.progress_message = 0.4, "testing"
    runs["c"].waiting_for, runs["c"].waiting_message = work_pb2.WAITING_FOR_SLOT, "steady does 2 of 2 tasks"
    attempt(runs["d"], "quick", failed, begin=3, end=4, error="nobody reads e-mail", cents=1)
    runs["d"].dead_letter = "all 3 attempts failed"
    balance = answer.balance
    balance.begin_time.FromSeconds(1_700_000_000)
    balance.limit.cost.nanos, balance.spent.cost.nanos, balance.reserved.cost.nanos = 250_000_000, 30_000_000, 10_000_000
    balance.limit.time.seconds = 600
    balance.spent.tasks, balance.reserved.tasks = 3, 1
    patch = answer.artefacts.add(task_id="a", type="text", size=9)
    patch.artefact.name = "patch"
    report = answer.artefacts.add(task_id="a", type="report").artefact
    report.name, report.reference.uri, report.reference.sha256 = "report", "s3://bucket/report.csv", "ab" * 32
    report.reference.media_type = "text/csv"
    return answer
