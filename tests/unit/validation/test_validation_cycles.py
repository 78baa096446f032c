"""Circles of tasks that wait for each other."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st
from validation_makers import expanded, of_kind, plan_of, plans, structure_of

from genesis_server.model.plan import Plan, Task, TaskKind
from genesis_server.model.validation import FindingKind
from genesis_server.validation.cycles import shortest_cycles
from genesis_server.validation.flow import flow_of
from genesis_server.validation.graph import graph_of_plan

IN_A_CIRCLE = {FindingKind.CYCLE, FindingKind.SELF_DEPENDENCY}


@given(plans())
def test_a_plan_is_free_of_circles_exactly_when_none_is_found(plan: Plan) -> None:
    """Spelling every edge between headings out gives a graph without circles iff there is no CYCLE and no SELF_DEPENDENCY."""
    spelt_out = expanded(graph_of_plan(plan), with_self=True)
    found = structure_of(plan)
    assert nx.is_directed_acyclic_graph(spelt_out) == (not any(finding.kind in IN_A_CIRCLE for finding in found.findings))
    assert (found.schedule is None) == bool(of_kind(found.findings, FindingKind.CYCLE))


@settings(max_examples=400)
@given(plans())
def test_every_witness_is_a_real_circle_and_none_of_its_knot_is_shorter(plan: Plan) -> None:
    """One circle for each knot, whose tasks follow each other in the spelt-out graph, with as few tasks as brute force finds."""
    graph = graph_of_plan(plan)
    flow = flow_of(graph)
    spelt_out = expanded(graph)
    knots = [knot for knot in nx.strongly_connected_components(spelt_out) if len(knot) > 1]
    found = shortest_cycles(flow) if flow.order is None else None
    circles = found.circles if found else ()
    assert len(circles) == len(knots)
    assert found is None or found.shortest
    for circle in circles:
        assert all(spelt_out.has_edge(first, second) for first, second in pairwise([*circle, circle[0]]))
        assert circle[0] == min(circle)
        knot = next(knot for knot in knots if circle[0] in knot)
        assert len(circle) == min(map(len, nx.simple_cycles(spelt_out.subgraph(knot))))


@given(st.integers(2, 9), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=25))
def test_shortest_circles_of_dense_flat_plans(size: int, wild: list[tuple[int, int]]) -> None:
    """Denser graphs than plans usually are: still as short as brute force finds."""
    edges = {(first, second) for first, second in wild if first != second and max(first, second) < size}
    plan = plan_of([f"t{n}" for n in range(size)], [(f"t{first}", f"t{second}") for first, second in sorted(edges)])
    graph = nx.DiGraph(sorted(edges))
    flow = flow_of(graph_of_plan(plan))
    circles = shortest_cycles(flow).circles if flow.order is None else ()
    for circle in circles:
        knot = next(knot for knot in nx.strongly_connected_components(graph) if circle[0] in knot)
        assert len(circle) == nx.girth(graph.subgraph(knot).to_undirected()) or len(circle) == min(
            map(len, nx.simple_cycles(graph.subgraph(knot)))
        )


def test_the_witness_is_told_with_ids_in_order() -> None:
    plan = plan_of(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("c", "b")])
    (finding,) = of_kind(structure_of(plan).findings, FindingKind.CYCLE)
    assert finding.task_ids == ("b", "c")
    assert "b → c → b" in finding.message


def test_headings_that_wait_for_each_other_are_shown_by_their_tasks() -> None:
    headings = [Task("A", "", TaskKind.COMPOUND), Task("B", "", TaskKind.COMPOUND)]
    tasks = [*headings, Task("a", "", parent_id="A"), Task("b", "", parent_id="B")]
    (finding,) = of_kind(structure_of(plan_of(tasks, [("A", "B"), ("B", "A")])).findings, FindingKind.CYCLE)
    assert finding.task_ids == ("a", "b")


def test_a_task_that_waits_for_its_own_heading_waits_for_itself() -> None:
    tasks = ["A", Task("a", "", parent_id="A")]
    for edge in (("A", "a"), ("a", "A"), ("a", "a")):
        found = structure_of(plan_of(tasks, [edge]))
        assert [finding.kind for finding in found.findings] == [FindingKind.SELF_DEPENDENCY]


def test_a_ring_of_100_000_tasks_is_found_at_once() -> None:
    size = 100_000
    names = [f"t{number}" for number in range(size)]
    plan = plan_of(names, [*pairwise(names), (names[-1], names[0])])
    found = shortest_cycles(flow_of(graph_of_plan(plan)))
    assert [len(circle) for circle in found.circles] == [size]
    assert found.shortest


def test_a_search_that_is_given_up_says_so() -> None:
    names = [f"t{number}" for number in range(40)]
    edges = [(a, b) for a in names for b in names if a != b]
    plan = plan_of(names, edges)
    found = shortest_cycles(flow_of(graph_of_plan(plan)), steps=1)
    assert not found.shortest
    assert len(found.circles) == 1
