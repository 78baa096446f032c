"""Plans as lines of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import Edge, Plan, Task, TaskKind
from genesis_server.resilience.errors import RoutingError
from genesis_server.routing.timeline import timeline_of


def _plan(tasks: str, *edges: str) -> Plan:
    """`a b<a` is a task a and a task b under it; `a>b` an edge."""
    made = [Task(*[word.partition("<")[0]] * 2, kind=TaskKind.UNSPECIFIED, parent_id=word.partition("<")[2]) for word in tasks.split()]
    return Plan("g", tuple(made), tuple(Edge(*edge.split(">")) for edge in edges))


def test_levels_count_the_work_before_a_task() -> None:
    """Tasks of one level can run at the same time."""
    assert timeline_of(_plan("a b c d", "a>b", "a>c", "b>d")).levels == [0, 1, 1, 2]


def test_an_edge_between_headings_means_every_task_under_them() -> None:
    """What stands under the second heading waits for all that stands under the first."""
    timeline = timeline_of(_plan("h a<h b<h k c<k d<k", "h>k", "a>b"))
    assert timeline.work == [False, True, True, False, True, True]
    assert [timeline.levels[number] for number in (1, 2, 4, 5)] == [0, 1, 2, 2]


def test_what_is_called_primitive_is_work_even_with_children() -> None:
    """The plan says what is work; a heading is what is not said and has children, or is called compound."""
    tasks = (Task("a", "a"), Task("b", "b", kind=TaskKind.UNSPECIFIED, parent_id="a"), Task("c", "c", kind=TaskKind.COMPOUND))
    assert timeline_of(Plan("g", tasks)).work == [True, True, False]


@pytest.mark.parametrize(
    ("plan", "finding", "ids"),
    [
        (_plan("a a"), "DUPLICATE_TASK_ID", {"a"}),
        (_plan("a b", "a>x"), "DANGLING_REFERENCE", {"a", "x"}),
        (_plan("a b", "x>b"), "DANGLING_REFERENCE", {"x", "b"}),
        (_plan("a b<x"), "DANGLING_REFERENCE", {"b", "x"}),
        (_plan("a b", "a>a"), "SELF_DEPENDENCY", {"a"}),
        (_plan("a b c d", "a>b", "b>c", "c>a", "c>d"), "CYCLE", {"a", "b", "c"}),
        (_plan("h a<h k b<k", "h>k", "b>a"), "CYCLE", {"h", "k", "a", "b"}),
        (_plan("a b<a c<b", "a>c"), "SELF_DEPENDENCY", {"a", "c"}),
        (_plan("a b<a", "b>a"), "SELF_DEPENDENCY", {"a", "b"}),
        (_plan("a<b b<a"), "PARENT_CYCLE", {"a", "b"}),
        (_plan("a<a"), "PARENT_CYCLE", {"a"}),
    ],
)
def test_a_plan_that_is_no_sound_graph_is_refused_with_the_finding(plan: Plan, finding: str, ids: set[str]) -> None:
    """A program learns from the facts which tasks are to blame, a person from the message."""
    with pytest.raises(RoutingError) as caught:
        timeline_of(plan)
    assert caught.value.reason == "INVALID_PLAN"
    assert caught.value.facts["finding"] == finding
    assert set(caught.value.facts["task_ids"].split(",")) == ids
    assert "Validate tells every finding" in caught.value.message


def test_a_circle_is_told_in_the_direction_of_its_edges_and_closed() -> None:
    """`a,b,c,a` can be read as the edges stand."""
    with pytest.raises(RoutingError) as caught:
        timeline_of(_plan("x a b c", "a>b", "b>c", "c>a", "x>a"))
    ids = caught.value.facts["task_ids"].split(",")
    assert ids[0] == ids[-1]
    assert "".join(ids[:-1]) in "abcabc"


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25))
def test_every_event_stands_after_all_it_waits_for(size: int, pairs: list[tuple[int, int]]) -> None:
    """The order keeps every edge, and a level is higher than the levels before it."""
    edges = [f"t{a}>t{b}" for a, b in pairs if a < b < size]
    timeline = timeline_of(_plan(" ".join(f"t{n}" for n in range(size)), *edges))
    place = {event: number for number, event in enumerate(timeline.order)}
    assert len(place) == 2 * size
    assert all(place[earlier] < place[event] for event in place for earlier in timeline.before[event])
    assert all(timeline.levels[a] < timeline.levels[b] for a, b in pairs if a < b < size)
