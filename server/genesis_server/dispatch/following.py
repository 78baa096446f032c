"""A run follows its plan: what the plan does not need any more is not worked on any more."""

from __future__ import annotations

from dataclasses import replace

from genesis_server.dispatch.leasing import end, leases_of
from genesis_server.model.plan import Plan, PlanState, Task, TaskState
from genesis_server.model.work import AttemptOutcome, PlanRun

_ENDED = frozenset({PlanState.DONE, PlanState.FAILED, PlanState.CANCELLED})


def follow_plan(run: PlanRun, plan: Plan, *, now: float) -> PlanRun:
    """The run that goes with the next version of its plan.

    Attempts at tasks that have ended, went out of the plan or await approval now are CANCELLED, and all are when the plan has ended.
    """
    held = dict(leases_of(run))
    open_ids = set[str]() if plan.state in _ENDED else {task.id for task in plan.tasks if task.id in held and _is_open(task)}
    for task_id, attempt in held.items():
        if task_id not in open_ids:
            run = end(run, task_id, attempt.lease, AttemptOutcome.CANCELLED, now=now, error=_why(plan, task_id))
    return replace(run, plan_version=plan.version)


def _is_open(task: Task) -> bool:
    return not task.state.ended and task.state is not TaskState.AWAITING_APPROVAL


def _why(plan: Plan, task_id: str) -> str:
    if plan.state in _ENDED:
        return f"the plan is {plan.state.name.lower()}"
    task = next((task for task in plan.tasks if task.id == task_id), None)
    if task is None:
        return "the task is not in the plan any more"
    return "the task awaits approval" if not task.state.ended else f"the task is {task.state.name.lower()} already"
