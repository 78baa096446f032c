"""The hierarchical graph: levels, lifting, limits, and mutations that happen as a whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import EdgeKind, Plan, PlanCounters, Task, TaskKind
from genesis_server.planning.dag import LifetimeError, LimitError, TaskGraph, TaskGraphError
from genesis_server.planning.order import CycleError


def _task(task_id: str, *, heading: bool = False) -> Task:
    return Task(id=task_id, goal=task_id, kind=TaskKind.COMPOUND if heading else TaskKind.PRIMITIVE)


def _two_levels() -> TaskGraph:
    """`a` over a1 and a2, `b` over b1, and `c` alone."""
    graph = TaskGraph("a goal")
    for name in ("a", "b"):
        graph.add_task(_task(name, heading=True))
    graph.add_task(_task("c"))
    for name, parent in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        graph.add_task(_task(name), parent)
    return graph


def test_a_dependency_across_levels_is_lifted_to_siblings() -> None:
    graph = _two_levels()
    edge = graph.add_edge("a1", "b1", EdgeKind.DATA, "report")
    assert edge is not None
    assert (edge.from_id, edge.to_id, edge.kind, edge.artefact) == ("a", "b", EdgeKind.DATA, "report")


def test_a_dependency_inside_a_level_stays_there() -> None:
    graph = _two_levels()
    edge = graph.add_edge("a1", "a2")
    assert edge is not None
    assert (edge.from_id, edge.to_id) == ("a1", "a2")


def test_a_heading_and_what_stands_below_it_do_not_wait_for_each_other() -> None:
    graph = _two_levels()
    assert graph.add_edge("a", "a1") is None
    assert graph.add_edge("b1", "b") is None
    assert graph.freeze().edges == ()


def test_a_lifted_edge_that_closes_a_cycle_is_refused_with_its_witness() -> None:
    graph = _two_levels()
    graph.add_edge("a1", "b1")
    graph.add_edge("b", "c")
    before = graph.freeze()
    with pytest.raises(CycleError) as refused:
        graph.add_edge("c", "a2")
    assert refused.value.witness == ("c", "a", "b", "c")
    assert graph.freeze() == before


def test_a_task_that_waits_for_itself_is_refused() -> None:
    graph = _two_levels()
    with pytest.raises(CycleError):
        graph.add_edge("c", "c")


def test_two_tasks_have_one_edge_and_data_counts_more_than_order() -> None:
    graph = _two_levels()
    graph.add_edge("a", "b")
    graph.add_edge("a", "b", EdgeKind.DATA, "first")
    graph.add_edge("a", "b", EdgeKind.DATA, "second")
    graph.add_edge("a", "b")
    assert [(edge.kind, edge.artefact) for edge in graph.freeze().edges] == [(EdgeKind.DATA, "first")]


def test_unknown_ends_and_taken_ids_are_refused() -> None:
    graph = _two_levels()
    with pytest.raises(TaskGraphError, match="no task 'x'"):
        graph.add_edge("a", "x")
    with pytest.raises(TaskGraphError, match="taken"):
        graph.add_task(_task("a"))
    with pytest.raises(TaskGraphError, match="empty"):
        graph.add_task(_task(""))
    with pytest.raises(TaskGraphError, match="no compound task"):
        graph.add_task(_task("d"), "c")
    with pytest.raises(TaskGraphError, match="no compound task"):
        graph.add_task(_task("d"), "nobody")


def test_a_sixth_level_is_refused() -> None:
    graph = TaskGraph("deep")
    parent = ""
    for depth in range(1, 6):
        placed = graph.add_task(_task(f"t{depth}", heading=True), parent)
        assert placed.depth == depth
        parent = placed.id
    with pytest.raises(LimitError, match="at most 5 levels"):
        graph.add_task(_task("t6"), parent)


def test_the_thousand_and_first_task_is_refused() -> None:
    graph = TaskGraph("wide")
    for number in range(1_000):
        graph.add_task(_task(f"t{number}"))
    with pytest.raises(LimitError, match="at most 1000 tasks"):
        graph.add_task(_task("one too many"))
    assert graph.freeze().counters.tasks_created == 1_000


def test_a_failed_transaction_leaves_everything_as_it_was() -> None:
    graph = _two_levels()
    graph.add_edge("a", "b")
    before = graph.freeze()

    def fail() -> None:
        with graph.transaction():
            graph.add_task(_task("d", heading=True))
            with graph.transaction():
                graph.add_task(_task("d1"), "d")
                graph.add_edge("d", "a1", EdgeKind.DATA, "x")
            graph.add_edge("a", "b", EdgeKind.DATA, "y")
            graph.add_edge("b", "a")

    with pytest.raises(CycleError):
        fail()
    assert graph.freeze() == before
    graph.add_edge("c", "a")
    assert graph.in_order() == ["c", "a", "b"]


def test_a_plan_has_parents_before_children_and_counts_its_tasks() -> None:
    plan = _two_levels().freeze()
    assert [task.id for task in plan.tasks] == ["a", "a1", "a2", "b", "b1", "c"]
    assert plan.counters.tasks_created == 6
    assert (plan.id, plan.version, plan.goal) == ("", 0, "a goal")


def test_a_plan_goes_on_where_it_was() -> None:
    graph = _two_levels()
    graph.add_edge("a1", "a2", EdgeKind.DATA, "x")
    plan = graph.freeze()
    assert TaskGraph.load(plan).freeze() == plan
    spent = TaskGraph.load(replace(plan, counters=PlanCounters(tasks_created=1_000)))
    assert spent.created == 1_000
    with pytest.raises(LifetimeError):
        spent.add_task(_task("d"))


def test_a_task_is_changed_where_it_stands() -> None:
    graph = _two_levels()
    graph.replace_task(Task("a1", "in other words", parent_id="elsewhere", depth=4))
    assert (graph.task("a1").goal, graph.task("a1").parent_id, graph.task("a1").depth) == ("in other words", "a", 2)
    with pytest.raises(TaskGraphError, match="no task 'x'"):
        graph.replace_task(_task("x"))
    with pytest.raises(TaskGraphError, match="tasks below it"):
        graph.replace_task(_task("a"))


def test_a_task_goes_with_everything_below_it_and_still_counts() -> None:
    graph = _two_levels()
    graph.add_edge("a", "b")
    graph.add_edge("a1", "a2")
    graph.remove_task("a")
    assert [task.id for task in graph.tasks()] == ["b", "c", "b1"]
    assert graph.freeze().edges == ()
    assert "a1" not in graph
    assert graph.created == 6
    with pytest.raises(TaskGraphError, match="no task 'a'"):
        graph.remove_task("a")


def test_an_edge_goes_and_the_other_way_round_is_free() -> None:
    graph = _two_levels()
    graph.add_edge("a", "b")
    assert ([edge.to_id for edge in graph.after("a")], [edge.from_id for edge in graph.before("b")]) == (["b"], ["a"])
    graph.remove_edge("a", "b")
    graph.add_edge("b", "a")
    assert graph.in_order().index("b") < graph.in_order().index("a")
    with pytest.raises(TaskGraphError, match="no such edge"):
        graph.remove_edge("a", "b")
    assert graph.subtree("a") == ["a", "a1", "a2"]
    assert graph.children() == ["a", "b", "c"]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("task"), st.integers(0, 9), st.integers(-1, 9)),
        st.tuples(st.just("edge"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("no task"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("no edge"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("change"), st.integers(0, 9), st.integers(0, 9)),
    ),
    max_size=40,
)


def _apply(graph: TaskGraph, operation: tuple[str, int, int]) -> None:
    kind, first, second = operation
    if kind == "task":
        graph.add_task(_task(str(first), heading=True), "" if second < 0 else str(second))
    elif kind == "edge":
        graph.add_edge(str(first), str(second))
    elif kind == "no task":
        graph.remove_task(str(first))
    elif kind == "no edge":
        graph.remove_edge(str(first), str(second))
    else:
        graph.replace_task(Task(str(first), f"changed to {second}", kind=TaskKind.COMPOUND))


@given(operations)
def test_whatever_is_done_the_graph_stays_a_valid_plan(done: list[tuple[str, int, int]]) -> None:
    graph = TaskGraph("random")
    for operation in done:
        before = graph.freeze()
        try:
            with graph.transaction():
                _apply(graph, operation)
        except (TaskGraphError, CycleError):
            assert graph.freeze() == before
    _assert_valid(graph.freeze())


@given(operations, operations)
def test_a_block_of_mutations_is_taken_back_as_a_whole(kept: list[tuple[str, int, int]], dropped: list[tuple[str, int, int]]) -> None:
    graph = TaskGraph("random")
    for operation in kept:
        try:
            _apply(graph, operation)
        except (TaskGraphError, CycleError):
            continue
    before = graph.freeze()

    def drop() -> None:
        with graph.transaction():
            for operation in dropped:
                try:
                    _apply(graph, operation)
                except (TaskGraphError, CycleError):
                    continue
            raise KeyError

    with pytest.raises(KeyError):
        drop()
    assert graph.freeze() == before


def _assert_valid(plan: Plan) -> None:
    parents = {task.id: task.parent_id for task in plan.tasks}
    assert all(task.depth <= 5 for task in plan.tasks)
    assert all(parents[edge.from_id] == parents[edge.to_id] for edge in plan.edges)
    assert nx.is_directed_acyclic_graph(nx.DiGraph([(edge.from_id, edge.to_id) for edge in plan.edges]))
