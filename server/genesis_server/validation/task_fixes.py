"""Tasks put into a plan, split and merged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Edge, EdgeKind, EdgeOrigin, EdgeSource, Plan, Task


def said(edge: Edge) -> tuple[str, str, EdgeKind, str]:
    """What an edge says, wherever it came from."""
    return edge.from_id, edge.to_id, edge.kind, edge.artefact


def with_task(plan: Plan, task: Task, edges: Iterable[Edge]) -> Plan:
    """The plan with a new task and its edges; without those whose ends are not there."""
    known = {other.id for other in plan.tasks}
    if task.id in known:
        return plan
    known.add(task.id)
    sound = tuple(edge for edge in edges if edge.from_id in known and edge.to_id in known)
    return replace(plan, tasks=(*plan.tasks, task), edges=(*plan.edges, *sound))


def split(plan: Plan, task_id: str, tasks: tuple[Task, ...], edges: tuple[Edge, ...]) -> Plan:
    """New tasks in the place of one: the first waits for what it waited for, what waited for it waits for the last."""
    ids = {task.id for task in tasks}
    others = {task.id for task in plan.tasks if task.id != task_id}
    if not tasks or len(ids) < len(tasks) or not ids.isdisjoint(others) or len(others) == len(plan.tasks):
        return plan
    first, last = tasks[0].id, tasks[-1].id
    kept = tuple(
        replace(edge, from_id=last if edge.from_id == task_id else edge.from_id, to_id=first if edge.to_id == task_id else edge.to_id)
        for edge in plan.edges
    )
    inner = tuple(edge for edge in edges if edge.from_id in ids and edge.to_id in ids)
    placed: list[Task] = []
    for task in plan.tasks:
        if task.id == task_id:
            asks = task.needs_approval
            placed.extend(
                replace(part, parent_id=task.parent_id, depth=task.depth, needs_approval=asks or part.needs_approval) for part in tasks
            )
        else:
            placed.append(replace(task, parent_id=first) if task.parent_id == task_id else task)
    return replace(plan, tasks=tuple(placed), edges=(*kept, *inner))


def merged(plan: Plan, task_id: str, merged_ids: frozenset[str], goal: str) -> Plan:
    """One task for several: it keeps its id and gets the inputs, outputs and edges of all; an edge among them falls away."""
    there = {task.id: task for task in plan.tasks}
    others = [there[name] for name in there if name in merged_ids]
    if task_id not in there or not others:
        return plan
    kept = there[task_id]
    gone = {task.id for task in others}
    asks = any(task.needs_approval for task in (kept, *others))
    made = _all_of([kept.outputs, *(task.outputs for task in others)])
    inputs = tuple(artefact for artefact in _all_of([kept.inputs, *(task.inputs for task in others)]) if artefact not in made)
    edges: dict[tuple[str, str, EdgeKind, str], Edge] = {}
    for edge in plan.edges:
        moved = replace(
            edge,
            from_id=task_id if edge.from_id in gone else edge.from_id,
            to_id=task_id if edge.to_id in gone else edge.to_id,
            origin=EdgeOrigin(EdgeSource.EDIT) if gone & {edge.from_id, edge.to_id} else edge.origin,
        )
        if moved.from_id != moved.to_id or edge.from_id == edge.to_id:
            edges.setdefault(said(moved), moved)
    tasks = tuple(
        replace(task, goal=goal or task.goal, inputs=inputs, outputs=made, needs_approval=asks)
        if task.id == task_id
        else replace(task, parent_id=task_id)
        if task.parent_id in gone
        else task
        for task in plan.tasks
        if task.id not in gone
    )
    return replace(plan, tasks=tasks, edges=tuple(edges.values()))


def _all_of(lists: Iterable[tuple[Artefact, ...]]) -> tuple[Artefact, ...]:
    return tuple(dict.fromkeys(artefact for artefacts in lists for artefact in artefacts))
