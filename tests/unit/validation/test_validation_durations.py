"""How long tasks take."""

from __future__ import annotations

from validation_makers import assigned, index_of, plan_of, skill, to_tool, unassigned

from genesis_server.model.catalogue import AgentCard, Tool
from genesis_server.model.plan import Task
from genesis_server.model.routing import UnassignedReason
from genesis_server.validation.durations import task_durations
from genesis_server.validation.graph import graph_of_plan
from genesis_server.validation.routing_checks import first_routes

INDEX = index_of(AgentCard("writer", (skill("write", seconds=5.0),)), Tool("weigh", expected_seconds=2.5))


def test_a_task_says_its_own_duration_else_its_assignment_else_its_capability_else_a_minute() -> None:
    tasks = [
        Task("own", "", expected_seconds=0.25, capability="write"),
        Task("assigned", "", capability="write"),
        Task("not assigned", "", capability="write"),
        Task("tool", "", capability="weigh"),
        Task("unknown", "", capability="dance"),
        Task("silent", ""),
    ]
    routes = first_routes(
        [assigned("own", "x", seconds=9.0), assigned("assigned", "x", seconds=7.0), unassigned("not assigned", UnassignedReason.REGION)]
    )
    seconds = [nanos / 1e9 for nanos in task_durations(graph_of_plan(plan_of(tasks)), INDEX, routes)]
    assert seconds == [0.25, 7.0, 5.0, 2.5, 60.0, 60.0]
    assert task_durations(graph_of_plan(plan_of(tasks[1:2])), None, {}) == [60_000_000_000]


def test_an_assignment_that_says_no_duration_takes_as_long_as_what_is_assigned() -> None:
    """Also when another agent of the same capability stands first in the catalogue, and when it takes no time at all."""
    index = index_of(*INDEX.catalogue.agents, AgentCard("parrot", (skill("write", seconds=0.0),)), *INDEX.catalogue.tools)
    graph = graph_of_plan(plan_of([Task(name, "", capability="write") for name in ("a", "b", "c", "d")]))
    routes = [assigned("a", "parrot", "small", "write"), assigned("b", "writer", "", "write"), to_tool("c", "weigh"), assigned("d", "gone")]
    assert task_durations(graph, index, first_routes(routes)) == [0, 5_000_000_000, 2_500_000_000, 5_000_000_000]
