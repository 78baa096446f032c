"""Is the plan a sound graph?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from genesis_server.model.plan import MAX_DEPTH, EdgeKind
from genesis_server.model.validation import DropEdge, Finding, FindingKind, NotJudged, Principle, Schedule, Severity
from genesis_server.validation.cycles import shortest_cycles
from genesis_server.validation.findings import listed
from genesis_server.validation.flow import Flow, flow_of
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.reach import redundant_arcs
from genesis_server.validation.readiness import Readiness
from genesis_server.validation.schedule import NANOS_PER_SECOND, Timetable, timetable

MAX_TASKS_WITH_LEVELS = 10_000
MAX_TASKS_FOR_REDUNDANT_EDGES = 2_000
MAX_EDGES_FOR_REDUNDANT_EDGES = 20_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a plan may be."""

    max_tasks: int = 200_000
    max_depth: int = MAX_DEPTH


@dataclass(frozen=True, slots=True)
class Structure:
    """The graph as it was judged."""

    findings: tuple[Finding, ...]
    not_judged: tuple[NotJudged, ...]
    times: Timetable | None
    """None when there is a circle."""
    schedule: Schedule | None


def judge_structure(graph: PlanGraph, *, durations: Sequence[int], limits: Limits) -> Structure:
    """Every check of the graph. `durations` are nanoseconds by row."""
    findings = [*_size(graph, limits), *_references(graph), *_depth(graph, limits)]
    flow = flow_of(graph)
    if flow.order is None:
        cycles = shortest_cycles(flow)
        findings.extend(_cycle(graph, circle) for circle in cycles.circles)
        unsure = "a circle was found, but the search for the shortest one was given up; the one named is real"
        return Structure(tuple(findings), () if cycles.shortest else (NotJudged(Principle.STRUCTURE, unsure),), None, None)
    not_judged: list[NotJudged] = []
    readiness = Readiness(graph)
    findings.extend(readiness.findings(flow, flow.order))
    if readiness.unjudged:
        reason = f"of the inputs that no direct predecessor produces, {readiness.unjudged} were not looked at, because there are too many"
        not_judged.append(NotJudged(Principle.STRUCTURE, reason))
    check_edges = graph.size <= MAX_TASKS_FOR_REDUNDANT_EDGES and len(graph.edges.from_ids) <= MAX_EDGES_FOR_REDUNDANT_EDGES
    if check_edges:
        findings.extend(_redundant(graph, flow, flow.order))
    times = timetable(graph, flow, flow.order, durations)
    return Structure(tuple(findings), tuple(not_judged), times, _schedule(graph, times, redundant_edges_checked=check_edges))


def _error(kind: FindingKind, message: str, *task_ids: str, fix: DropEdge | None = None) -> Finding:
    return Finding(kind, Principle.STRUCTURE, Severity.ERROR, message, task_ids=task_ids, fix=fix)


def _size(graph: PlanGraph, limits: Limits) -> Iterator[Finding]:
    if graph.size > limits.max_tasks:
        yield _error(
            FindingKind.TOO_MANY_TASKS, f"the plan has {graph.size} tasks, the limit is {limits.max_tasks}; split it into several plans"
        )
    if not graph.work:
        yield _error(FindingKind.EMPTY_PLAN, "the plan has no task that is work; add a primitive task")


def _references(graph: PlanGraph) -> Iterator[Finding]:
    ids = graph.tasks.ids
    for row in graph.duplicate_ids:
        message = f"more than one task has the id '{ids[row]}'; edges and parents mean the first; give each its own"
        yield _error(FindingKind.DUPLICATE_TASK_ID, message, ids[row])
    for row in graph.dangling_parents:
        parent = graph.tasks.parent_ids[row]
        message = f"task '{ids[row]}' stands under '{parent}', which is not in the plan; add that task or clear the parent"
        yield _error(FindingKind.DANGLING_REFERENCE, message, ids[row])
    known = set(ids) if graph.dangling_edges else set[str]()
    for row in graph.dangling_edges:
        edge = graph.edge(row)
        there = [name for name in (edge.from_id, edge.to_id) if name in known]
        missing = [name for name in dict.fromkeys((edge.from_id, edge.to_id)) if name not in known]
        message = f"the edge from '{edge.from_id}' to '{edge.to_id}' names {listed(missing)}, not in the plan; take it out or add the task"
        yield _error(FindingKind.DANGLING_REFERENCE, message, *there, fix=DropEdge(edge))
    for row in graph.self_edges:
        edge = graph.edge(row)
        if edge.from_id == edge.to_id:
            message = f"task '{edge.from_id}' waits for itself; take the edge out"
        else:
            message = f"of '{edge.from_id}' and '{edge.to_id}' one stands under the other, so it waits for itself; take the edge out"
        yield _error(FindingKind.SELF_DEPENDENCY, message, *dict.fromkeys((edge.from_id, edge.to_id)), fix=DropEdge(edge))
    for row in graph.duplicate_edges:
        edge = graph.edge(row)
        message = f"the edge from '{edge.from_id}' to '{edge.to_id}' stands more than once; one is enough"
        ends = tuple(dict.fromkeys((edge.from_id, edge.to_id)))
        yield Finding(FindingKind.DUPLICATE_EDGE, Principle.STRUCTURE, Severity.WARNING, message, task_ids=ends, fix=DropEdge(edge))


def _depth(graph: PlanGraph, limits: Limits) -> Iterator[Finding]:
    ids = graph.tasks.ids
    for cycle in graph.tree.cycles:
        names = [ids[row] for row in cycle]
        message = f"{listed(names)} stand under each other in a circle; clear the parent of one of them"
        yield _error(FindingKind.PARENT_CYCLE, message, *names)
    too_deep = np.flatnonzero(graph.tree.depths > limits.max_depth)
    if len(too_deep):
        message = (
            f"the tree is {int(graph.tree.depths.max())} levels deep, the limit is {limits.max_depth}; "
            f"{len(too_deep)} tasks stand deeper; move them up or make them a plan of their own"
        )
        yield _error(FindingKind.TOO_DEEP, message, *[ids[int(row)] for row in too_deep[:10]])


def _cycle(graph: PlanGraph, circle: Sequence[int]) -> Finding:
    names = [graph.tasks.ids[row] for row in circle]
    way = " → ".join([*names[:10], "…"] if len(names) > 10 else [*names, names[0]])
    message = f"{len(names)} tasks wait for each other: {way}; take one of the edges out"
    return _error(FindingKind.CYCLE, message, *names)


def _redundant(graph: PlanGraph, flow: Flow, order: Sequence[int]) -> Iterator[Finding]:
    numbers = redundant_arcs(flow, order, len(graph.sources))
    finding = partial(Finding, FindingKind.REDUNDANT_EDGE, Principle.STRUCTURE, Severity.INFO)
    for row in graph.edge_rows[numbers].tolist():
        edge = graph.edge(row)
        if edge.kind is EdgeKind.DATA and edge.artefact:
            # It also says what flows, so dropping it would lose something.
            continue
        message = f"'{edge.to_id}' waits for '{edge.from_id}' anyway, by way of others; the edge can go"
        yield finding(message, task_ids=(edge.from_id, edge.to_id), fix=DropEdge(edge))


def _schedule(graph: PlanGraph, times: Timetable, *, redundant_edges_checked: bool) -> Schedule:
    ids = graph.tasks.ids
    sizes = np.bincount(times.levels[times.levels >= 0])
    levels: list[list[str]] = [[] for _ in sizes] if graph.size <= MAX_TASKS_WITH_LEVELS else []
    if levels:
        level_of: list[int] = times.levels.tolist()
        for row in graph.work:
            levels[level_of[row]].append(ids[row])
    return Schedule(
        levels=tuple(tuple(level) for level in levels),
        level_count=len(sizes),
        critical_path=tuple(ids[row] for row in times.critical_path),
        makespan_seconds=times.makespan / NANOS_PER_SECOND,
        max_parallelism=int(sizes.max(initial=0)),
        average_parallelism=times.total / times.makespan if times.makespan else 0.0,
        redundant_edges_checked=redundant_edges_checked,
    )
