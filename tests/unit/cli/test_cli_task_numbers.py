"""`genesis plans done | fail | tell` take the numbers that the plan's tree shows."""

from __future__ import annotations

import pytest
from fake_server import FakeServer

from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis.v1 import plan_pb2, update_pb2


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["done", "plan_1", "1.2"], "b"),
        (["fail", "plan_1", "2.1"], "c"),
        (["tell", "plan_1", "--text", "in blue", "--about", "1.1", "--about", "d"], "a d"),
        (["done", "plan_1", "9"], "9"),
    ],
)
def test_a_number_stands_for_the_task_that_has_it(fake: FakeServer, run, plan: plan_pb2.Plan, args: list[str], told: str) -> None:
    """What is neither a number nor an id of the plan goes to the server as it is, which says so."""
    fake.on("GetPlan", pb2.GetPlanResponse(plan=plan))
    fake.on("UpdatePlan", update_pb2.UpdatePlanResponse(plan_id="plan_1", version=2))
    result = run("plans", *args)
    assert result.exit_code == 0, result.output
    [request] = fake.asked("UpdatePlan")
    assert " ".join(filter(None, [request.done.task_id, request.failed.task_id, *request.information.task_ids])) == told


def test_an_id_that_looks_like_a_number_is_an_id(fake: FakeServer, run) -> None:
    """Plans of others may call their tasks so."""
    tasks = [plan_pb2.Task(id="2", goal="Pack"), plan_pb2.Task(id="1", goal="Send")]
    fake.on("GetPlan", pb2.GetPlanResponse(plan=plan_pb2.Plan(id="plan_1", tasks=tasks)))
    fake.on("UpdatePlan", update_pb2.UpdatePlanResponse(plan_id="plan_1", version=2))
    assert run("plans", "done", "plan_1", "1").exit_code == 0
    [request] = fake.asked("UpdatePlan")
    assert request.done.task_id == "1"


def test_ids_need_no_look_at_the_plan(fake: FakeServer, run) -> None:
    """One call is enough."""
    fake.on("UpdatePlan", update_pb2.UpdatePlanResponse(plan_id="plan_1", version=2))
    assert run("plans", "done", "plan_1", "pack-1a2b").exit_code == 0
    assert not fake.asked("GetPlan")
