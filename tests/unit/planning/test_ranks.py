"""How long a plan still takes from each of its tasks on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import Edge, Plan, Task, TaskKind, TaskState
from genesis_server.planning.ranks import longest_rest

STATES = st.sampled_from([TaskState.PENDING, TaskState.PENDING, TaskState.DONE, TaskState.AWAITING_APPROVAL])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan of up to three levels, whose tasks stand in no order that helps."""
    tasks: list[Task] = []
    edges: list[Edge] = []

    def level(parent_id: str, depth: int) -> None:
        names = [f"{parent_id}{letter}" for letter in "abcd"[: draw(st.integers(1, 4))]]
        for name in names:
            is_heading = depth < 3 and draw(st.booleans())
            seconds = draw(st.none() | st.integers(0, 90).map(float))
            kind = TaskKind.COMPOUND if is_heading else TaskKind.PRIMITIVE
            tasks.append(Task(name, name, kind=kind, parent_id=parent_id, depth=depth, expected_seconds=seconds, state=draw(STATES)))
            if is_heading and draw(st.integers(0, 5)):
                level(name, depth + 1)
        ordered = draw(st.permutations(names))
        pairs = list(combinations(ordered, 2))
        edges.extend(Edge(*pair) for pair in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4) if pairs else st.just([])))

    level("", 1)
    return Plan("g", tuple(tasks), tuple(edges))


@given(plans())
def test_the_rest_of_a_task_is_the_longest_way_through_what_waits_for_it(plan: Plan) -> None:
    tasks = {task.id: task for task in plan.tasks}

    def seconds(task: Task) -> float:
        return 0.0 if task.state.ended else 60.0 if task.expected_seconds is None else task.expected_seconds

    @cache
    def behind(task_id: str) -> float:
        later = [from_start(edge.to_id) for edge in plan.edges if edge.from_id == task_id]
        above = tasks[task_id].parent_id
        return max([*later, behind(above) if above else 0.0])

    @cache
    def from_start(task_id: str) -> float:
        if tasks[task_id].kind is TaskKind.PRIMITIVE:
            return seconds(tasks[task_id]) + behind(task_id)
        return max([from_start(one.id) for one in plan.tasks if one.parent_id == task_id], default=behind(task_id))

    wanted = {task.id: from_start(task.id) for task in plan.tasks if task.kind is TaskKind.PRIMITIVE}
    assert longest_rest(plan) == pytest.approx(wanted)


def test_of_two_ready_tasks_the_one_with_the_longer_way_behind_it_ranks_higher() -> None:
    tasks = [Task("short", "s", expected_seconds=50.0), Task("long", "l", expected_seconds=10.0), Task("end", "e", expected_seconds=45.0)]
    plan = Plan("g", tuple(tasks), (Edge("long", "end"),))
    assert longest_rest(plan) == {"short": 50.0, "long": 55.0, "end": 45.0}
    done = replace(plan, tasks=(tasks[0], tasks[1], replace(tasks[2], state=TaskState.SKIPPED)))
    assert longest_rest(done) == {"short": 50.0, "long": 10.0, "end": 0.0}


def test_what_waits_for_a_heading_waits_for_all_below_it() -> None:
    heading = Task("h", "h", kind=TaskKind.COMPOUND)
    below = [Task("x", "x", parent_id="h", depth=2, expected_seconds=5.0), Task("y", "y", parent_id="h", depth=2)]
    plan = Plan("g", (heading, *below, Task("z", "z", expected_seconds=7.0)), (Edge("h", "z"), Edge("x", "y")))
    assert longest_rest(plan) == {"x": 72.0, "y": 67.0, "z": 7.0}
