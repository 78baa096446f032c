"""Levels, critical path and makespan against networkx."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from validation_makers import expanded, plan_of, plans, structure_of

from genesis_server.model.plan import Plan, Task, TaskKind
from genesis_server.model.validation import Schedule
from genesis_server.validation.graph import PlanGraph, graph_of_plan


def _weighted(graph: PlanGraph, *, by_level: bool = False) -> nx.DiGraph:
    """Each arc as long as its source; a node at the end collects the last tasks."""
    work = set(graph.work)
    found = nx.DiGraph()
    spelt_out = expanded(graph)

    def length(row: int) -> int:
        return 0 if row not in work else 1 if by_level else round(graph.tasks.seconds[row])

    found.add_weighted_edges_from((a, b, length(a)) for a, b in spelt_out.edges)
    found.add_weighted_edges_from((row, "end", length(row)) for row in spelt_out.nodes)
    return found


def _schedule(plan: Plan) -> Schedule:
    schedule = structure_of(plan).schedule
    assert schedule is not None
    return schedule


@given(plans(acyclic=True, nested=False))
def test_the_makespan_of_flat_plans_is_the_longest_path(plan: Plan) -> None:
    """As networkx finds it."""
    assert _schedule(plan).makespan_seconds == nx.dag_longest_path_length(_weighted(graph_of_plan(plan)))


@given(plans())
def test_makespan_levels_and_critical_path_of_nested_plans(plan: Plan) -> None:
    """With headings spelt out: makespan = longest path, level = longest chain of work before a task, path = the smallest such chain."""
    graph = graph_of_plan(plan)
    if not nx.is_directed_acyclic_graph(expanded(graph, with_self=True)):
        return
    schedule = _schedule(plan)
    weighted, ids = _weighted(graph), graph.tasks.ids
    assert schedule.makespan_seconds == nx.dag_longest_path_length(weighted)
    levelled = _weighted(graph, by_level=True)
    expected: dict[int, list[str]] = {}
    for row in graph.work:
        before = levelled.subgraph(nx.ancestors(levelled, row) | {row})
        expected.setdefault(nx.dag_longest_path_length(before), []).append(ids[row])
    assert [list(level) for level in schedule.levels] == [expected[level] for level in range(len(expected))]
    assert schedule.level_count == len(expected)
    assert schedule.max_parallelism == max(map(len, expected.values()), default=0)
    assert schedule.critical_path == tuple(ids[row] for row in _smallest_critical(graph, schedule.makespan_seconds))
    total = sum(graph.tasks.seconds[row] for row in graph.work)
    assert schedule.average_parallelism == pytest.approx(total / schedule.makespan_seconds if schedule.makespan_seconds else 0)


def _smallest_critical(graph: PlanGraph, makespan: float) -> list[int]:
    """By brute force: of all chains of work that begin at 0, wait for nothing between and end at the makespan, the smallest."""
    weighted = _weighted(graph)
    starts = {row: nx.dag_longest_path_length(weighted.subgraph(nx.ancestors(weighted, row) | {row})) for row in weighted if row != "end"}
    work = set(graph.work)
    chains: list[list[int]] = []

    def extend(chain: list[int], row: int) -> None:
        chain = [*chain, row] if row in work else chain
        end = starts[row] + (graph.tasks.seconds[row] if row in work else 0)
        if end == makespan:
            if row in work:
                chains.append(chain)
            return
        for later in weighted.successors(row):
            if later != "end" and starts[later] == end:
                extend(chain, later)

    for row in work:
        if starts[row] == 0:
            extend([], row)
    return min(chains, default=[])


@given(plans(), st.randoms(use_true_random=False))
def test_the_order_of_tasks_changes_neither_verdict_nor_makespan(plan: Plan, random: object) -> None:
    """Permuted tasks: same findings by kind, same makespan, same levels as sets."""
    tasks = list(plan.tasks)
    random.shuffle(tasks)  # type: ignore[attr-defined]
    first, second = structure_of(plan), structure_of(plan_of(tasks, plan.edges))
    assert sorted(f.kind for f in first.findings) == sorted(f.kind for f in second.findings)
    assert (first.schedule is None) == (second.schedule is None)
    if first.schedule and second.schedule:
        assert first.schedule.makespan_seconds == second.schedule.makespan_seconds
        assert [set(level) for level in first.schedule.levels] == [set(level) for level in second.schedule.levels]


def test_tenths_of_a_second_add_up_exactly() -> None:
    names = [f"t{n}" for n in range(10)]
    schedule = _schedule(plan_of([Task(name, "", expected_seconds=0.1) for name in names], pairwise(names)))
    assert schedule.makespan_seconds == 1.0


def test_centuries_beyond_64_bits_of_nanoseconds_are_exact() -> None:
    names = [f"t{n:04d}" for n in range(400)]
    year = 366 * 86_400.0
    schedule = _schedule(plan_of([Task(name, "", expected_seconds=year) for name in names], pairwise(names)))
    assert schedule.makespan_seconds == 400 * year
    assert schedule.critical_path == tuple(names)


def test_levels_are_left_out_of_very_large_plans_and_counted_all_the_same() -> None:
    schedule = _schedule(plan_of([f"t{n}" for n in range(10_001)], [("t0", "t1")]))
    assert schedule.levels == ()
    assert (schedule.level_count, schedule.max_parallelism) == (2, 10_000)


def test_a_plan_without_work_has_an_empty_schedule() -> None:
    schedule = _schedule(plan_of([Task("heading", "", TaskKind.COMPOUND)]))
    assert (schedule.level_count, schedule.critical_path, schedule.makespan_seconds, schedule.average_parallelism) == (0, (), 0.0, 0.0)
