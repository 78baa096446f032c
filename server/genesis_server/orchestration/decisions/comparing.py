"""What differs between two plans, and between two routings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from genesis_server.model.plan import Edge, Plan, Task
from genesis_server.model.routing import Routing
from genesis_server.routing.compare import changes

TOLD_AT_MOST = 50
"""Sentences; one more says how many were left out."""


def plan_differences(before: Plan, after: Plan) -> tuple[str, ...]:
    """How the tasks and edges of two plans differ; ids, versions and times of the plans do not count."""
    return _bounded([*_task_differences(before, after), *_edge_differences(before.edges, after.edges)])


def routing_differences(before: Routing, after: Routing) -> tuple[str, ...]:
    """How two routings without proof differ."""
    moved = {change.task_id: change.text for change in changes(before, after)}
    then, now = ({route.task_id: route for route in routing.routes} for routing in (before, after))
    sentences: list[str] = []
    for task_id in dict.fromkeys([*then, *now]):
        if task_id not in now:
            sentences.append(f"the task {task_id!r} is not in the routing any more")
        elif task_id not in then:
            sentences.append(f"the task {task_id!r} is new in the routing")
        elif then[task_id] != now[task_id]:
            sentences.append(f"the task {task_id!r} {moved.get(task_id, 'has other figures or another reason')}")
    if before.budget != after.budget:
        sentences.append(f"all tasks together cost {after.budget.expected_total} instead of {before.budget.expected_total}")
    return _bounded(sentences)


def _task_differences(before: Plan, after: Plan) -> Iterator[str]:
    then, now = ({task.id: task for task in plan.tasks} for plan in (before, after))
    for task_id in then:
        if task_id not in now:
            yield f"the task {task_id!r} is not made any more"
    for task_id, task in now.items():
        if task_id not in then:
            yield f"the task {task_id!r} is new"
        elif changed := _changed_fields(then[task_id], task):
            yield f"the task {task_id!r} has another {', '.join(changed)}"
    if then == now and [task.id for task in before.tasks] != [task.id for task in after.tasks]:
        yield "the tasks stand in another order"


def _changed_fields(before: Task, after: Task) -> list[str]:
    return [field.name for field in fields(Task) if getattr(before, field.name) != getattr(after, field.name)]


def _edge_differences(before: Sequence[Edge], after: Sequence[Edge]) -> Iterator[str]:
    then, now = frozenset(before), frozenset(after)
    for edge in before:
        if edge not in now:
            yield f"{edge.to_id!r} does not wait for {edge.from_id!r} as it did"
    for edge in after:
        if edge not in then:
            yield f"{edge.to_id!r} waits for {edge.from_id!r} as it did not"


def _bounded(sentences: Sequence[str]) -> tuple[str, ...]:
    if len(sentences) <= TOLD_AT_MOST:
        return tuple(sentences)
    return (*sentences[:TOLD_AT_MOST], f"and {len(sentences) - TOLD_AT_MOST} more differences")
