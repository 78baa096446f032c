"""Plans mended by their verdict, over the wire: on the server itself, and in the process large plans are judged in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import genesis
from genesis.v1 import orchestrator_service_pb2, plan_pb2, update_pb2, validation_pb2
from servers import Server, running

GOAL = "Write a report and translate it"
ON_CONDITION = "Run the tests, and if they pass deploy it, otherwise notify the team and write a report of at most 200 words"
REPEATED = {
    "goal": GOAL,
    "tasks": [
        {"id": "write", "goal": "Write a report", "capability": "content.write"},
        {"id": "translate", "goal": "Translate the report", "capability": "content.write"},
        {"id": "again", "goal": "Write a report", "capability": "content.write"},
    ],
    "edges": [
        {"fromTaskId": "write", "toTaskId": "translate"},
        {"fromTaskId": "write", "toTaskId": "nobody"},
        {"fromTaskId": "translate", "toTaskId": "translate"},
    ],
}


@pytest.fixture
def client(server: Server) -> Iterator[genesis.Client]:
    """A client of the shared server."""
    with genesis.connect(server.address) as connected:
        yield connected


def errors(verdict: validation_pb2.Verdict) -> int:
    """How many findings are errors."""
    return sum(finding.severity == validation_pb2.SEVERITY_ERROR for finding in verdict.findings)


def large_plan(count: int, *, repeated: int = 0) -> plan_pb2.Plan:
    """A plan of so many tasks on conditions; the last ones say what others say, and one edge leads nowhere."""
    plan = plan_pb2.Plan(goal="Write many reports")
    for number in range(repeated):
        plan.tasks.add(id=f"sign-{number}", goal=f"Translate sign number {number}", capability="content.write")
        plan.tasks.add(id=f"again-{number}", goal=f"Translate sign number {number}", capability="content.write")
    for number in range(count - 2 * repeated):
        task = plan.tasks.add(id=f"t{number}", goal=f"Write report number {number}", capability="content.write")
        task.outputs.add(name=f"report-{number}", type="text")
        if number:
            task.inputs.add(name=f"report-{number - 1}", type="text")
            plan.edges.add(from_task_id=f"t{number - 1}", to_task_id=task.id, kind=plan_pb2.EDGE_KIND_DATA, artefact=f"report-{number - 1}")
            task.guards.add(
                task_id=f"t{number - 1}", artefact=f"report-{number - 1}", operator=plan_pb2.GUARD_OPERATOR_IS_TRUE, text="if so"
            )
        task.requirements.add(kind=plan_pb2.REQUIREMENT_KIND_AT_MOST, text="at most 3 pages", amount=3, unit="pages")
    plan.edges.add(from_task_id="t0", to_task_id="nowhere")
    return plan


def judged(answer: orchestrator_service_pb2.ValidateResponse) -> orchestrator_service_pb2.ValidateResponse:
    """An answer without what is another one at every call."""
    copy = orchestrator_service_pb2.ValidateResponse()
    copy.CopyFrom(answer)
    copy.ClearField("provenance")
    return copy


def test_a_plan_is_mended_step_by_step_and_a_second_time_changes_nothing(client: genesis.Client) -> None:
    before = client.validate(REPEATED)
    assert not before.HasField("plan")
    assert not before.repairs
    mended = client.validate(REPEATED, apply_fixes=True)
    assert [task.id for task in mended.plan.tasks] == ["write", "translate"]
    assert [(edge.from_task_id, edge.to_task_id) for edge in mended.plan.edges] == [("write", "translate")]
    assert [repair.round for repair in mended.repairs] == [1, 1, 2]
    assert all(repair.finding.message and repair.fix.WhichOneof("action") for repair in mended.repairs)
    assert errors(mended.verdict) < errors(before.verdict)
    again = client.validate(mended.plan, apply_fixes=True)
    assert not again.repairs
    assert again.plan == mended.plan
    assert again.verdict == mended.verdict == client.validate(mended.plan).verdict


def test_a_sound_plan_stays_as_it_is(client: genesis.Client) -> None:
    made = client.orchestrate("Release the new billing feature to all customers")
    answer = client.validate(made.plan, routes=made.routes, apply_fixes=True)
    assert not [repair for repair in answer.repairs if repair.fix.WhichOneof("action") == "drop_task"]
    again = client.validate(answer.plan, routes=answer.routes, apply_fixes=True)
    assert not again.repairs
    assert (again.plan, list(again.routes)) == (answer.plan, list(answer.routes))


def test_the_routing_of_a_mended_plan_has_no_route_of_a_task_that_went(client: genesis.Client) -> None:
    routes = client.route({**REPEATED, "edges": []}).routes
    assert [route.task_id for route in routes] == ["write", "translate", "again"]
    answer = client.validate(REPEATED, routes=routes, apply_fixes=True)
    assert [route.task_id for route in answer.routes] == ["write", "translate"]


def test_a_stored_plan_is_not_changed_by_it(client: genesis.Client) -> None:
    made = client.orchestrate("Write a report").plan
    plan_id, again = made.id, update_pb2.Edit(add_task=made.tasks[-1])
    again.add_task.id = "again"
    client.update_plan(plan_id, edits=[again])
    before = client.get_plan(plan_id).plan
    answer = client.validate(plan_id, apply_fixes=True)
    assert len(answer.plan.tasks) < len(before.tasks)
    assert client.get_plan(plan_id).plan == before


def test_a_plan_of_600_tasks_is_mended_in_a_process_of_its_own_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    plan = large_plan(600, repeated=3)
    with running(tmp_path) as server, genesis.connect(server.address, timeout=60) as client:
        processes = psutil.Process(server.process.pid)
        assert processes.children(recursive=True) == []
        before = client.validate(plan)
        assert len(processes.children(recursive=True)) == 1
        mended = client.validate(plan, apply_fixes=True)
        assert len(mended.plan.tasks) == 597
        assert "nowhere" not in {edge.to_task_id for edge in mended.plan.edges}
        assert len(mended.repairs) == 4
        assert errors(mended.verdict) < errors(before.verdict)
        again = client.validate(mended.plan, apply_fixes=True)
        assert not again.repairs
        assert again.plan == mended.plan
        assert judged(client.validate(mended.plan)).verdict == mended.verdict


def test_more_tasks_than_a_plan_may_have_are_judged_and_not_mended(client: genesis.Client) -> None:
    plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id=f"t{number}", goal=f"write page {number}") for number in range(1_001)])
    assert client.validate(plan, timeout=60).verdict.structure_passed
    with pytest.raises(genesis.GenesisError) as caught:
        client.validate(plan, apply_fixes=True, timeout=60)
    assert caught.value.reason == "TOO_MANY_TASKS"


@pytest.mark.parametrize("apply_fixes", [False, True])
def test_the_process_for_large_plans_judges_as_the_server_itself_does(client: genesis.Client, tmp_path: Path, *, apply_fixes: bool) -> None:
    """With conditions, demands, origins and states in the plan; the second server sends them all to the process."""
    plans = [large_plan(40, repeated=2), client.orchestrate(ON_CONDITION).plan]
    with running(tmp_path, settings={"GENESIS_LARGE_PLAN_BYTES": "1024"}) as server, genesis.connect(server.address, timeout=60) as large:
        for plan in plans:
            assert plan.ByteSize() > 1024
            small_answer = client.validate(plan, apply_fixes=apply_fixes)
            assert judged(large.validate(plan, apply_fixes=apply_fixes)) == judged(small_answer)
        assert len(psutil.Process(server.process.pid).children(recursive=True)) == 1
