"""What a plan does not need any more is stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genesis_server.dispatch.following import follow_plan
from genesis_server.dispatch.leasing import hand_out, leases_of
from genesis_server.model.plan import Plan, PlanState, Task, TaskState
from genesis_server.model.work import AttemptOutcome, PlanRun, Usage

PLAN = Plan("goal", (Task("a", "a"), Task("b", "b")), id="p", version=2)


def held() -> PlanRun:
    run = PlanRun("p", 1, 0.0)
    for task_id in "ab":
        run, _ = hand_out(run, task_id, agent_id="x", session_id="s", lease_id=task_id, seconds=1.0, expected=Usage(tokens=5), now=1.0)
    return run


def test_work_the_plan_still_needs_goes_on() -> None:
    assert follow_plan(held(), PLAN, now=2.0) == replace(held(), plan_version=2)


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (replace(PLAN, tasks=PLAN.tasks[1:]), "the task is not in the plan any more"),
        (replace(PLAN, tasks=(replace(PLAN.tasks[0], state=TaskState.SKIPPED), PLAN.tasks[1])), "the task is skipped already"),
    ],
)
def test_work_at_a_task_that_is_gone_or_over_is_cancelled_and_costs_nothing(plan: Plan, error: str) -> None:
    run = follow_plan(held(), plan, now=2.0)
    last = run.tasks["a"].attempts[-1]
    assert (last.outcome, last.error, last.end) == (AttemptOutcome.CANCELLED, error, 2.0)
    assert [task_id for task_id, _ in leases_of(run)] == ["b"]
    assert run.spent == Usage()


@pytest.mark.parametrize("state", [PlanState.DONE, PlanState.FAILED, PlanState.CANCELLED])
def test_all_work_at_a_plan_that_is_over_is_cancelled(state: PlanState) -> None:
    run = follow_plan(held(), replace(PLAN, state=state), now=2.0)
    assert not list(leases_of(run))
    assert run.tasks["b"].attempts[-1].error == f"the plan is {state.name.lower()}"
