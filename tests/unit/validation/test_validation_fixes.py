"""Fixes applied."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st
from validation_makers import assigned, expanded, plan_of, plans, structure_of, unassigned

from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, EdgeKind, Plan, Task
from genesis_server.model.routing import Target, TargetKind, UnassignedReason
from genesis_server.model.validation import DropEdge, DropTask, Reallocate
from genesis_server.validation.fixes import apply_fix
from genesis_server.validation.graph import graph_of_plan

OTHER = Target(TargetKind.AGENT, "other", "m", "s")


def test_a_reallocated_task_keeps_its_figures_and_says_whose_they_are() -> None:
    plan = plan_of(["a", "b"])
    same, routes = apply_fix(plan, (assigned("a", "one", cost=2), assigned("b", "one")), Reallocate("a", OTHER))
    assert same == plan
    assert routes[1] == assigned("b", "one")
    moved = routes[0].assignment
    assert moved is not None
    assert (moved.target, moved.expected_cost, moved.expected_success) == (OTHER, Money.of(2), 0.8)
    assert "'one'" in moved.reason


def test_an_unassigned_task_gets_somebody_at_the_prior() -> None:
    _, (route,) = apply_fix(plan_of(["a"]), (unassigned("a", UnassignedReason.NO_CAPABILITY),), Reallocate("a", OTHER))
    assert route.assignment is not None
    assert (route.assignment.target, route.assignment.expected_success, route.unassigned) == (OTHER, 0.7, None)


def test_a_task_without_a_route_gets_one() -> None:
    _, routes = apply_fix(plan_of(["a", "b"]), (assigned("a", "one"),), Reallocate("b", OTHER))
    assert [route.task_id for route in routes] == ["a", "b"]
    assert apply_fix(plan_of(["a"]), (), Reallocate("ghost", OTHER)) == (plan_of(["a"]), ())


def test_what_waited_for_a_dropped_task_waits_for_what_it_waited_for() -> None:
    plan = plan_of(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), Edge("b", "d", EdgeKind.DATA, "x"), ("a", "d")])
    left, routes = apply_fix(plan, (assigned("a", "one"), assigned("b", "one")), DropTask("b"))
    assert [task.id for task in left.tasks] == ["a", "c", "d"]
    assert left.edges == (Edge("a", "d"), Edge("a", "c"))
    assert [route.task_id for route in routes] == ["a"]


def test_children_of_a_dropped_heading_stand_where_it_stood() -> None:
    plan = plan_of(["top", Task("heading", "", parent_id="top"), Task("child", "", parent_id="heading")])
    left, _ = apply_fix(plan, (), DropTask("heading"))
    assert [(task.id, task.parent_id) for task in left.tasks] == [("top", ""), ("child", "top")]


def test_of_two_equal_edges_one_stays() -> None:
    plan = plan_of(["a", "b"], [("a", "b"), ("a", "b")])
    left, _ = apply_fix(plan, (), DropEdge(Edge("a", "b")))
    assert left.edges == (Edge("a", "b"),)


def test_a_fix_of_what_is_not_there_changes_nothing() -> None:
    plan = plan_of(["a"])
    for fix in (DropTask("ghost"), DropEdge(Edge("a", "ghost"))):
        assert apply_fix(plan, (), fix) == (plan, ())


@given(plans(acyclic=True, nested=False), st.data())
def test_dropping_a_task_keeps_the_order_of_all_others(plan: Plan, data: st.DataObject) -> None:
    """Of the tasks left, exactly those wait for each other that did before, and the plan stays free of circles."""
    gone = data.draw(st.integers(0, len(plan.tasks) - 1))
    left, _ = apply_fix(plan, (), DropTask(plan.tasks[gone].id))

    def order(judged: Plan) -> set[tuple[str, str]]:
        graph = graph_of_plan(judged)
        ids, spelt_out = graph.tasks.ids, expanded(graph)
        return {(ids[first], ids[second]) for first in spelt_out for second in nx.descendants(spelt_out, first)}

    assert order(left) == {pair for pair in order(plan) if plan.tasks[gone].id not in pair}
    assert structure_of(left).schedule is not None
