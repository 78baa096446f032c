"""The order that is kept while edges come in."""

from __future__ import annotations

import itertools
import random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.planning.order import CycleError, TopologicalOrder

SIZE = 12
insertions = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=80)


def _order(size: int) -> TopologicalOrder:
    order = TopologicalOrder()
    for number in range(size):
        order.add(str(number))
    return order


def _assert_in_order(order: TopologicalOrder, graph: nx.DiGraph) -> None:
    place = {node: at for at, node in enumerate(order.nodes())}
    assert len(place) == graph.number_of_nodes()
    assert all(place[a] < place[b] for a, b in graph.edges)


@given(insertions)
def test_accepts_exactly_the_edges_that_close_no_cycle(edges: list[tuple[int, int]]) -> None:
    order, oracle = _order(SIZE), nx.DiGraph()
    oracle.add_nodes_from(str(number) for number in range(SIZE))
    for a, b in ((str(a), str(b)) for a, b in edges):
        closes = a == b or nx.has_path(oracle, b, a)
        if closes:
            with pytest.raises(CycleError) as refused:
                order.link(a, b)
            witness = refused.value.witness
            assert witness[0] == witness[-1] == a
            steps = list(itertools.pairwise(witness))
            assert all(oracle.has_edge(*step) or step == (a, b) for step in steps)
            assert (a, b) in steps
        else:
            assert order.link(a, b) is not oracle.has_edge(a, b)
            oracle.add_edge(a, b)
        _assert_in_order(order, oracle)


def test_stays_right_over_many_random_insertions() -> None:
    """Ten thousand insertions into 200 nodes are judged as networkx judges them."""
    source, size = random.Random(7), 200
    order, oracle = _order(size), nx.DiGraph()
    oracle.add_nodes_from(str(number) for number in range(size))
    for _ in range(10_000):
        a, b = str(source.randrange(size)), str(source.randrange(size))
        try:
            order.link(a, b)
            oracle.add_edge(a, b)
            accepted = True
        except CycleError:
            accepted = False
        assert accepted or a == b or nx.has_path(oracle, b, a)
    assert nx.is_directed_acyclic_graph(oracle)
    _assert_in_order(order, oracle)


@given(insertions, st.integers(0, SIZE - 1))
def test_a_removed_node_leaves_no_trace(edges: list[tuple[int, int]], gone: int) -> None:
    order = _order(SIZE)
    for a, b in edges:
        try:
            order.link(str(a), str(b))
        except CycleError:
            continue
    order.remove(str(gone))
    order.add(str(gone))
    assert order.nodes()[-1] == str(gone)
    assert all(order.link(str(gone), str(other)) for other in range(SIZE) if other != gone)
    assert order.nodes()[0] == str(gone)


def test_an_edge_taken_out_may_come_back_the_other_way() -> None:
    order = _order(2)
    order.link("0", "1")
    order.unlink("0", "1")
    assert order.link("1", "0")
    assert order.nodes() == ["1", "0"]


def test_a_node_is_added_once() -> None:
    order = _order(1)
    with pytest.raises(ValueError, match="there already"):
        order.add("0")
