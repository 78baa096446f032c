"""Who waits for whom because something flows."""

from __future__ import annotations

import pytest

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import EdgeKind, Task
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.dataflow import Supply, connect_level, feeds

Pair = tuple[str, str]


def _graph(*tasks: tuple[str, list[Pair], list[Pair]]) -> TaskGraph:
    graph = TaskGraph("flow")
    for name, inputs, outputs in tasks:
        graph.add_task(
            Task(id=name, goal=name, inputs=tuple(Artefact(*one) for one in inputs), outputs=tuple(Artefact(*one) for one in outputs))
        )
    return graph


def _flows(graph: TaskGraph) -> list[tuple[str, str, str]]:
    return [(edge.from_id, edge.to_id, edge.artefact) for edge in graph.freeze().edges if edge.kind is EdgeKind.DATA]


@pytest.mark.parametrize(
    ("output", "needed", "expected"),
    [
        (("flight_list", "flights"), ("flight_list", "flights"), True),
        (("found", "Flights"), ("wanted", "flights"), True),
        (("flight_id", "string"), ("flight_id", "integer"), True),
        (("flight_id", ""), ("FLIGHT_ID", "flight"), True),
        (("flight_list", "flights"), ("flight_list", "hotels"), False),
        (("name", "string"), ("name", "string"), False),
        (("result", "object"), ("payload", "object"), False),
    ],
)
def test_a_telling_name_or_type_connects_and_an_everyday_one_does_not(output: Pair, needed: Pair, expected: bool) -> None:
    assert feeds(Artefact(*output), Artefact(*needed)) is expected


def test_a_consumer_waits_for_the_last_producer_before_it() -> None:
    graph = _graph(("write", [], [("code", "code")]), ("rewrite", [("code", "code")], [("code", "code")]), ("test", [("code", "code")], []))
    connect_level(graph)
    assert _flows(graph) == [("write", "rewrite", "code"), ("rewrite", "test", "code")]


def test_a_producer_named_later_still_comes_first() -> None:
    graph = _graph(("send", [("letter", "letter")], []), ("write", [], [("letter", "letter")]))
    connect_level(graph)
    assert _flows(graph) == [("write", "send", "letter")]


def test_an_order_that_was_stated_beats_a_producer_named_later() -> None:
    graph = _graph(("send", [("letter", "letter")], []), ("write", [], [("letter", "letter")]))
    graph.add_edge("send", "write")
    connect_level(graph)
    assert _flows(graph) == []


def test_the_level_is_read_in_its_order_and_not_as_it_was_written() -> None:
    graph = _graph(("deploy", [("build", "image")], []), ("old", [], [("build", "image")]), ("new", [], [("build", "image")]))
    graph.add_edge("new", "deploy")
    graph.add_edge("old", "new")
    connect_level(graph)
    assert _flows(graph) == [("new", "deploy", "build")]


def test_what_is_given_needs_no_producer() -> None:
    graph = _graph(("make", [], [("letter", "letter")]), ("send", [("letter", "letter"), ("name", "string")], []))
    connect_level(graph, givens=[Artefact("letter", "letter")])
    assert _flows(graph) == []


def test_a_given_serves_by_an_everyday_name_and_a_product_does_not() -> None:
    needed = [Artefact("query", "string"), Artefact("flight_id", "string")]
    assert Supply([Artefact("query", "string")]).missing(needed) == [needed[1]]
    supply = Supply()
    supply.add([Artefact("query", "string"), Artefact("flight_id", "string")])
    assert supply.missing(needed) == [needed[0]]


def test_a_task_that_needs_what_it_makes_does_not_wait_for_itself() -> None:
    graph = _graph(("improve", [("draft", "draft")], [("draft", "draft")]))
    connect_level(graph)
    assert _flows(graph) == []
