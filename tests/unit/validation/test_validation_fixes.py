"""Fixes applied."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st
from validation_makers import assigned, expanded, plan_of, plans, structure_of, unassigned

from genesis_server.model.catalogue import Artefact
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, EdgeKind, Plan, Task
from genesis_server.model.routing import Target, TargetKind, UnassignedReason
from genesis_server.model.validation import AddTask, DropEdge, DropTask, MergeTasks, Reallocate, Redescribe, SplitTask
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


def test_an_added_task_comes_with_its_sound_edges() -> None:
    plan = plan_of(["a"])
    more, _ = apply_fix(plan, (), AddTask(Task("new", "n"), (Edge("a", "new"), Edge("ghost", "new"))))
    assert [task.id for task in more.tasks] == ["a", "new"]
    assert more.edges == (Edge("a", "new"),)
    assert apply_fix(more, (), AddTask(Task("new", "n"))) == (more, ())


def test_a_redescribed_task_keeps_all_but_its_goal() -> None:
    plan = plan_of([Task("a", "old", capability="c"), "b"])
    changed, _ = apply_fix(plan, (), Redescribe("a", "new"))
    assert changed.tasks == (Task("a", "new", capability="c"), plan.tasks[1])


def test_parts_of_a_split_task_stand_where_it_stood() -> None:
    plan = plan_of(["before", "a", Task("child", "", parent_id="a"), "after"], [("before", "a"), ("a", "after")])
    fix = SplitTask("a", (Task("p", "1"), Task("q", "2")), (Edge("p", "q"),))
    split, routes = apply_fix(plan, (assigned("a", "one"), assigned("after", "one")), fix)
    assert [task.id for task in split.tasks] == ["before", "p", "q", "child", "after"]
    assert split.edges == (Edge("before", "p"), Edge("q", "after"), Edge("p", "q"))
    assert [route.task_id for route in routes] == ["after"]
    assert next(task for task in split.tasks if task.id == "child").parent_id == "p"
    taken = SplitTask("a", (Task("after", "1"),))
    assert apply_fix(plan, (), taken) == (plan, ())


def test_a_merged_task_has_the_inputs_outputs_and_edges_of_all() -> None:
    tasks = [
        Task("a", "x", outputs=(Artefact("m"),)),
        Task("b", "y", inputs=(Artefact("m"), Artefact("i")), outputs=(Artefact("o"),)),
        Task("c", "z"),
    ]
    plan = plan_of(tasks, [Edge("a", "b", EdgeKind.DATA, "m"), ("a", "c"), ("b", "c")])
    one, routes = apply_fix(plan, (assigned("a", "one"), assigned("b", "one")), MergeTasks("a", ("b",), "x and y"))
    merged = one.tasks[0]
    assert (merged.goal, merged.inputs, merged.outputs) == ("x and y", (Artefact("i"),), (Artefact("m"), Artefact("o")))
    assert [(edge.from_id, edge.to_id) for edge in one.edges] == [("a", "c")]
    assert [route.task_id for route in routes] == ["a"]
    assert apply_fix(plan, (), MergeTasks("ghost", ("b",), "")) == (plan, ())


def test_a_reallocated_task_names_what_its_new_target_offers() -> None:
    plan = plan_of([Task("a", "x", capability="wrong")])
    changed, routes = apply_fix(plan, (), Reallocate("a", Target(TargetKind.TOOL, "right")))
    assert changed.tasks[0].capability == "right"
    assert routes == ()


def test_work_that_needs_an_approval_still_needs_it_when_it_is_merged_or_split() -> None:
    plan = plan_of([Task("a", "a"), Task("b", "b", needs_approval=True)])
    merged_plan, _ = apply_fix(plan, (), MergeTasks("a", ("b",), "a and b"))
    assert [(task.id, task.needs_approval) for task in merged_plan.tasks] == [("a", True)]
    split_plan, _ = apply_fix(plan, (), SplitTask("b", (Task("b1", "b1"), Task("b2", "b2"))))
    assert [(task.id, task.needs_approval) for task in split_plan.tasks] == [("a", False), ("b1", True), ("b2", True)]
