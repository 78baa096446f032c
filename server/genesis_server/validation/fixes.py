"""Fixes applied: pure changes of a plan and its routing. Whether the result is better, judging it again tells."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from genesis_server.model.catalogue import DEFAULT_SUCCESS_PRIOR
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, EdgeKind, Plan, Task
from genesis_server.model.routing import Assignment, Target, TargetKind, TaskRoute
from genesis_server.model.validation import AddTask, DropEdge, DropTask, Fix, MergeTasks, Reallocate, Redescribe, SplitTask
from genesis_server.validation.task_fixes import merged, said, split, with_task

Routes = tuple[TaskRoute, ...]


def apply_fix(plan: Plan, routes: Routes, fix: Fix) -> tuple[Plan, Routes]:
    """The plan and routing after a fix; unchanged when what it names is not there, or what it brings is there already.

    New tasks have no route: whoever routes gives them one.
    """
    match fix:
        case Reallocate(task_id, target):
            plan, routes = _renamed(plan, task_id, target), _reallocated(plan, routes, task_id, target)
        case DropTask(task_id):
            plan, routes = _without_task(plan, task_id), _without_routes(routes, {task_id})
        case DropEdge(edge):
            plan = _without_edge(plan, edge)
        case AddTask(task, edges):
            plan = with_task(plan, task, edges)
        case Redescribe(task_id, goal):
            plan = _changed(plan, task_id, lambda task: replace(task, goal=goal))
        case SplitTask(task_id, tasks, edges):
            before, plan = plan, split(plan, task_id, tasks, edges)
            routes = routes if plan is before else _without_routes(routes, {task_id})
        case MergeTasks(task_id, merged_ids, goal):
            before, plan = plan, merged(plan, task_id, frozenset(merged_ids) - {task_id}, goal)
            routes = routes if plan is before else _without_routes(routes, frozenset(merged_ids) - {task_id})
    return plan, routes


def _without_routes(routes: Routes, gone: Collection[str]) -> Routes:
    return tuple(route for route in routes if route.task_id not in gone)


def _renamed(plan: Plan, task_id: str, target: Target) -> Plan:
    """The plan with the task naming what its new target offers, where it names a capability at all."""
    offered = target.id if target.kind is TargetKind.TOOL else target.skill_id
    return _changed(plan, task_id, lambda task: replace(task, capability=offered) if task.capability and offered else task)


def _changed(plan: Plan, task_id: str, change: Callable[[Task], Task]) -> Plan:
    tasks = tuple(change(task) if task.id == task_id else task for task in plan.tasks)
    return plan if tasks == plan.tasks else replace(plan, tasks=tasks)


def _reallocated(plan: Plan, routes: Routes, task_id: str, target: Target) -> Routes:
    if not routes:
        return routes
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
    reason = f"moved by the validator from '{old.target.id}'; figures are those of '{old.target.id}'"
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
    """The plan without the last edge that says the same as `edge`, so that of two equal ones the first stays."""
    wanted = said(edge)
    for place in range(len(plan.edges) - 1, -1, -1):
        if said(plan.edges[place]) == wanted:
            return replace(plan, edges=(*plan.edges[:place], *plan.edges[place + 1 :]))
    return plan
