"""Fixes applied: pure changes of a plan and its routing. Whether the result is better, judging it again tells."""

from __future__ import annotations

from dataclasses import replace

from genesis_server.model.catalogue import DEFAULT_SUCCESS_PRIOR
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, EdgeKind, Plan
from genesis_server.model.routing import Assignment, Target, TaskRoute
from genesis_server.model.validation import DropEdge, DropTask, Fix, Reallocate


def apply_fix(plan: Plan, routes: tuple[TaskRoute, ...], fix: Fix) -> tuple[Plan, tuple[TaskRoute, ...]]:
    """The plan and routing after a fix; unchanged when what it names is not there."""
    match fix:
        case Reallocate(task_id, target):
            return plan, _reallocated(plan, routes, task_id, target)
        case DropTask(task_id):
            return _without_task(plan, task_id), tuple(route for route in routes if route.task_id != task_id)
        case DropEdge(edge):
            return _without_edge(plan, edge), routes


def _reallocated(plan: Plan, routes: tuple[TaskRoute, ...], task_id: str, target: Target) -> tuple[TaskRoute, ...]:
    if all(route.task_id != task_id for route in routes):
        missing = any(task.id == task_id for task in plan.tasks)
        return (*routes, TaskRoute(task_id, assignment=_assignment(None, target))) if missing else routes
    return tuple(
        TaskRoute(task_id, assignment=_assignment(route.assignment, target)) if route.task_id == task_id else route for route in routes
    )


def _assignment(old: Assignment | None, target: Target) -> Assignment:
    """What is expected of a target nobody estimated: what was expected of the one it replaces, else the prior at no known cost."""
    if old is None:
        return Assignment(
            target=target,
            score=0.0,
            expected_success=DEFAULT_SUCCESS_PRIOR,
            expected_cost=Money(),
            expected_seconds=0.0,
            reason="given by the validator to somebody who can do it; cost and duration are not estimated",
        )
    reason = f"moved by the validator from '{old.target.id}', which cannot do it; figures are those of '{old.target.id}'"
    return replace(old, target=target, reason=reason)


def _without_task(plan: Plan, task_id: str) -> Plan:
    """The plan without a task: what waited for it waits for what it waited for, and its children stand where it stood."""
    dropped = next((task for task in plan.tasks if task.id == task_id), None)
    if dropped is None:
        return plan
    before = dict.fromkeys(edge.from_id for edge in plan.edges if edge.to_id == task_id and edge.from_id != task_id)
    after = dict.fromkeys(edge.to_id for edge in plan.edges if edge.from_id == task_id and edge.to_id != task_id)
    kept = tuple(edge for edge in plan.edges if task_id not in {edge.from_id, edge.to_id})
    joined = {(edge.from_id, edge.to_id) for edge in kept}
    bridges = tuple(
        Edge(earlier, later, EdgeKind.ORDER) for earlier in before for later in after if earlier != later and (earlier, later) not in joined
    )
    tasks = tuple(
        replace(task, parent_id=dropped.parent_id) if task.parent_id == task_id else task for task in plan.tasks if task is not dropped
    )
    return replace(plan, tasks=tasks, edges=(*kept, *bridges))


def _without_edge(plan: Plan, edge: Edge) -> Plan:
    """The plan without the last edge that equals `edge`, so that of two equal ones the first stays."""
    for place in range(len(plan.edges) - 1, -1, -1):
        if plan.edges[place] == edge:
            return replace(plan, edges=(*plan.edges[:place], *plan.edges[place + 1 :]))
    return plan
