"""History: how each attempt at a task ended, stored once and never changed."""

from __future__ import annotations

from hashlib import blake2b

from genesis_server.dispatch.codec import encode_outcome, outcome_key
from genesis_server.dispatch.leasing import leases_of
from genesis_server.model.plan import Task
from genesis_server.model.routing import Assignment
from genesis_server.model.work import Attempt, AttemptOutcome, Outcome, PlanRun, Report, Usage
from genesis_server.orchestration.plan_store import StoredPlan
from genesis_server.storage.base import ABSENT, Put


def attempt_outcome(
    plan_id: str,
    task_id: str,
    attempt: Attempt,
    *,
    task: Task | None,
    assignment: Assignment | None,
    now: float,
    seconds: float | None = None,
) -> Outcome:
    """What is kept of an attempt that has ended.

    `task` and `assignment`: None when the plan has none of them any more; `now`: seconds since the epoch; `seconds`: how long it took by
    a clock that does not jump, None: the times of day say it.
    """
    return Outcome(
        plan_id=plan_id,
        task_id=task_id,
        agent_id=attempt.agent_id,
        model_id=_model(assignment, attempt.agent_id),
        capability=task.capability if task is not None else "",
        number=attempt.lease.token,
        outcome=attempt.outcome,
        time=now,
        seconds=max(0.0, now - attempt.begin) if seconds is None else seconds,
        error=attempt.error,
        usage=attempt.usage,
        expected=attempt.expected,
    )


def outcome_elsewhere(
    report: Report,
    outcome: AttemptOutcome,
    error: str,
    *,
    agent_id: str,
    task: Task,
    assignment: Assignment | None,
    expected: Usage,
    now: float,
) -> Outcome:
    """What is kept of work that was done without a lease."""
    return Outcome(
        plan_id=report.plan_id,
        task_id=report.task_id,
        agent_id=agent_id,
        model_id=_model(assignment, agent_id),
        capability=task.capability,
        number=0,
        outcome=outcome,
        time=now,
        seconds=None,
        error=error,
        usage=report.usage,
        expected=expected,
    )


def name_elsewhere(report: Report, run: PlanRun) -> str:
    """What tells work done without a lease from others of its task: the report's id, so that it is written once, or its place in `run`."""
    if report.request_id:
        return f"r{blake2b(report.request_id.encode(), digest_size=16).hexdigest()}"
    return f"e{run.spent.tasks}"


def outcome_put(tenant: str, outcome: Outcome, name: str = "") -> Put:
    """How it is written; `name` tells work done elsewhere from others of its task."""
    key = outcome_key(tenant, outcome.plan_id, outcome.task_id, name or str(outcome.number))
    return Put(key, encode_outcome(outcome), expected=ABSENT)


def cancelled_puts(tenant: str, before: PlanRun, after: PlanRun, stored: StoredPlan, *, now: float) -> list[Put]:
    """What is kept of the attempts that ended because their plan changed; `stored` is the plan as it was."""
    tasks = {task.id: task for task in stored.plan.tasks}
    routes = stored.routing.routes if stored.routing is not None else ()
    assignments = {route.task_id: route.assignment for route in routes}
    return [
        outcome_put(
            tenant,
            attempt_outcome(
                after.plan_id,
                task_id,
                after.tasks[task_id].attempts[-1],
                task=tasks.get(task_id),
                assignment=assignments.get(task_id),
                now=now,
            ),
        )
        for task_id, _ in leases_of(before)
        if after.tasks[task_id].running is None
    ]


def _model(assignment: Assignment | None, agent_id: str) -> str:
    return assignment.target.model_id if assignment is not None and assignment.target.id == agent_id else ""
