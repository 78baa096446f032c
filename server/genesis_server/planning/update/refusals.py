"""Why an event is not taken."""

from __future__ import annotations

from genesis_server.model.plan import Plan, Task
from genesis_server.resilience.errors import DecompositionError, ResourceError


def plan_ended(plan: Plan) -> DecompositionError:
    """Nothing happens to a plan that has ended."""
    return DecompositionError(
        "PLAN_ENDED",
        f"plan {plan.id} is {plan.state.name.lower()}; make a new plan for what is left to do",
        facts={"plan_id": plan.id, "state": plan.state.name},
    )


def task_not_found(plan: Plan, task_id: str) -> ResourceError:
    """The event names a task that is not there."""
    return ResourceError(
        "TASK_NOT_FOUND",
        f"plan {plan.id} has no task {task_id!r}; GetPlan tells which it has",
        facts={"plan_id": plan.id, "task_id": task_id},
    )


def task_ended(task: Task) -> DecompositionError:
    """What has ended stays as it is."""
    return DecompositionError(
        "TASK_ENDED",
        f"task {task.id!r} is {task.state.name.lower()}, and what has ended stays as it is; add a task for what is to be done anew",
        facts={"task_id": task.id, "state": task.state.name},
    )


def not_awaiting_approval(task: Task) -> DecompositionError:
    """Somebody decides about what nobody asks about."""
    meaning = f"{task.approved_by} approved it already" if task.approved_by else f"it is {task.state.name.lower()}"
    return DecompositionError(
        "NOT_AWAITING_APPROVAL",
        f"task {task.id!r} does not await approval: {meaning}",
        facts={"task_id": task.id, "state": task.state.name},
    )


def not_approved(task: Task) -> DecompositionError:
    """Work is told of that nobody approved; `task` is what needs the approval."""
    return DecompositionError(
        "NOT_APPROVED",
        f"task {task.id!r} needs an approval that nobody has given; have it approved first, then tell of the work",
        facts={"task_id": task.id, "state": task.state.name},
    )


def update_limit(counted: str, limit: int) -> DecompositionError:
    """The event would re-plan more than a plan allows; see `limit_in_words`."""
    return DecompositionError(
        "UPDATE_LIMIT", f"{limit_in_words(counted, limit)}; make a new plan", facts={"counted": counted, "limit": str(limit)}
    )


def limit_in_words(counted: str, limit: int) -> str:
    """What a limit of re-planning says; `counted` is "updates", "new_tasks" or "tasks"."""
    return {
        "updates": f"a plan is re-planned at most {limit} times",
        "new_tasks": f"one event brings at most {limit} new tasks",
        "tasks": f"a plan has at most {limit} tasks in its lifetime",
    }[counted]


def invalid_edit(place: int, problem: str) -> DecompositionError:
    """An edit that makes no sound plan."""
    field = f"edit.edits[{place}]"
    return DecompositionError("INVALID_EDIT", f"{field}: {problem}; no edit was made", facts={"field": field})
