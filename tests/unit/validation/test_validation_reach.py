"""Who comes after whom."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from validation_makers import expanded, leaves, of_kind, plan_of, plans, structure_of

from genesis_server.model.plan import Edge, EdgeKind, Plan, Task, TaskKind
from genesis_server.model.validation import DropEdge, Finding, FindingKind
from genesis_server.validation.fixes import apply_fix
from genesis_server.validation.flow import flow_of
from genesis_server.validation.graph import graph_of_plan
from genesis_server.validation.reach import QUESTIONS_AT_ONCE, Reach


@given(plans(acyclic=True))
def test_a_task_comes_after_another_when_all_its_work_does(plan: Plan) -> None:
    """For tasks with work: as reachability in the spelt-out graph says, and no task comes after itself."""
    graph = graph_of_plan(plan)
    flow = flow_of(graph)
    if flow.order is None:
        return
    spelt_out = expanded(graph)
    rows = [row for row in range(graph.size) if len(leaves(graph, row)) == 1 and not graph.tree.has_children[row]]
    answers = Reach(flow, flow.order).reached([([row], rows) for row in rows])
    for row, answer in zip(rows, answers, strict=True):
        assert answer == [later in nx.descendants(spelt_out, row) for later in rows]


def test_more_questions_than_fit_at_once_are_all_answered() -> None:
    graph = graph_of_plan(plan_of(["a", "b", "c"], [("a", "b")]))
    flow = flow_of(graph)
    assert flow.order is not None
    answers = Reach(flow, flow.order).reached([([0], [1, 2])] * (QUESTIONS_AT_ONCE + 3))
    assert answers == [[True, False]] * (QUESTIONS_AT_ONCE + 3)


@given(plans(acyclic=True, nested=False))
def test_redundant_edges_are_those_of_the_transitive_reduction_and_dropping_them_all_loses_nothing(plan: Plan) -> None:
    """Flat plans: kept edges = networkx's transitive reduction; who can be reached from whom stays the same."""
    found = of_kind(structure_of(plan).findings, FindingKind.REDUNDANT_EDGE)
    before = expanded(graph_of_plan(plan))
    redundant = {finding.task_ids for finding in found}
    kept = {(f"t{a}", f"t{b}") for a, b in nx.transitive_reduction(before).edges}
    assert {(f"t{a}", f"t{b}") for a, b in before.edges} - kept == redundant
    reduced = plan
    for finding in found:
        assert isinstance(finding.fix, DropEdge)
        while finding.fix.edge in reduced.edges:
            reduced, _ = apply_fix(reduced, (), finding.fix)
    after = expanded(graph_of_plan(reduced))
    assert {(a, b) for a in before for b in nx.descendants(before, a)} == {(a, b) for a in after for b in nx.descendants(after, a)}


@given(plans(acyclic=True))
def test_dropping_redundant_edges_of_nested_plans_loses_nothing(plan: Plan) -> None:
    """With headings too: the spelt-out graphs before and after reach the same."""
    found = of_kind(structure_of(plan).findings, FindingKind.REDUNDANT_EDGE)
    reduced = plan
    for finding in found:
        assert isinstance(finding.fix, DropEdge)
        while finding.fix.edge in reduced.edges:
            reduced, _ = apply_fix(reduced, (), finding.fix)
    before, after = expanded(graph_of_plan(plan)), expanded(graph_of_plan(reduced))
    assert {(a, b) for a in before for b in nx.descendants(before, a)} == {(a, b) for a in after for b in nx.descendants(after, a)}


def test_a_data_edge_is_never_redundant_because_it_says_what_flows() -> None:
    def redundant(edge: Edge) -> list[Finding]:
        return of_kind(structure_of(plan_of(["a", "b", "c"], [("a", "b"), ("b", "c"), edge])).findings, FindingKind.REDUNDANT_EDGE)

    assert redundant(Edge("a", "c", EdgeKind.DATA, "report")) == []
    assert len(redundant(Edge("a", "c", EdgeKind.DATA))) == 1


def test_an_edge_to_one_task_is_redundant_beside_an_edge_to_its_heading() -> None:
    tasks = ["a", Task("B", "", TaskKind.COMPOUND), Task("b", "", parent_id="B")]
    (finding,) = of_kind(structure_of(plan_of(tasks, [("a", "B"), ("a", "b")])).findings, FindingKind.REDUNDANT_EDGE)
    assert finding.task_ids == ("a", "b")
