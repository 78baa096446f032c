"""Plans as columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from validation_makers import plan_of

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Edge, EdgeKind, Task, TaskConstraints, TaskKind, TaskOrigin, TaskSource
from genesis_server.validation.graph import graph_of_plan


def test_columns_keep_what_tasks_say_and_leave_out_what_they_do_not() -> None:
    origin = TaskOrigin(TaskSource.CLAUSE)
    full = Task(
        id="a",
        goal="g",
        capability="c",
        inputs=(Artefact("in"),),
        outputs=(Artefact("out"),),
        acceptance="ok",
        expected_seconds=2.0,
        constraints=TaskConstraints(regions=("eu",)),
        origin=origin,
    )
    tasks = graph_of_plan(plan_of([full, "b"])).tasks
    assert (tasks.ids, tasks.goals, tasks.capabilities) == (["a", "b"], ["g", "do b"], ["c", ""])
    assert tasks.seconds == {0: 2.0}
    assert tasks.acceptances == {0: "ok"}
    assert (tasks.inputs, tasks.outputs) == ({0: (Artefact("in"),)}, {0: (Artefact("out"),)})
    assert (tasks.constraints, tasks.origins) == ({0: TaskConstraints(regions=("eu",))}, {0: origin})


def test_a_task_is_work_when_it_says_so_or_has_no_children() -> None:
    tasks = [
        Task("heading", "", TaskKind.UNSPECIFIED),
        Task("child", "", TaskKind.UNSPECIFIED, parent_id="heading"),
        Task("empty heading", "", TaskKind.COMPOUND),
        Task("working parent", "", TaskKind.PRIMITIVE),
        Task("grandchild", "", TaskKind.PRIMITIVE, parent_id="working parent"),
    ]
    assert graph_of_plan(plan_of(tasks)).work == [1, 3, 4]


def test_what_is_wrong_with_references_is_kept_and_left_out_of_the_pairs() -> None:
    tasks = ["a", Task("b", "", parent_id="nobody"), "a", Task("c", "", parent_id="b")]
    edges = [("a", "b"), ("a", "ghost"), ("a", "a"), ("b", "c"), ("a", "b"), ("a", "ghost"), Edge("a", "c", EdgeKind.DATA, "x")]
    graph = graph_of_plan(plan_of(tasks, edges))
    assert graph.duplicate_ids == (2,)
    assert graph.dangling_parents == (1,)
    assert graph.dangling_edges == (1, 5)
    assert graph.self_edges == (2, 3)
    assert graph.duplicate_edges == (4, 5)
    assert list(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)) == [(0, 1), (0, 3)]
    assert [graph.edge(row) for row in graph.edge_rows.tolist()] == [Edge("a", "b"), Edge("a", "c", EdgeKind.DATA, "x")]


def test_two_artefacts_between_the_same_tasks_are_two_edges_and_one_pair() -> None:
    edges = [Edge("a", "b", EdgeKind.DATA, "x"), Edge("a", "b", EdgeKind.DATA, "y"), Edge("a", "b"), Edge("a", "b", EdgeKind.UNSPECIFIED)]
    graph = graph_of_plan(plan_of(["a", "b"], edges))
    assert graph.duplicate_edges == (3,)
    assert len(graph.sources) == 1


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde"))))
def test_of_edges_between_the_same_tasks_the_first_gives_the_pair(ends: list[tuple[str, str]]) -> None:
    """And each later one that says the same is a repeat, be it sound or not."""
    graph = graph_of_plan(plan_of(list("abcd"), ends))
    first = {pair: row for row, pair in reversed(list(enumerate(ends)))}
    sound = [row for row, (one, two) in enumerate(ends) if one != two != "e"]
    assert graph.edge_rows.tolist() == [row for row in sound if first[ends[row]] == row]
    assert graph.duplicate_edges == tuple(row for row, pair in enumerate(ends) if first[pair] != row)


def test_a_plan_without_tasks_has_columns_too() -> None:
    graph = graph_of_plan(plan_of([], [("a", "b")]))
    assert graph.size == 0
    assert graph.dangling_edges == (0,)
