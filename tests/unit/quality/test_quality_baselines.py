"""The plain baselines, and the pieces a measurement is put together of."""

from __future__ import annotations

import random

import networkx as nx
import numpy as np
import pytest
import rustworkx as rx
from asynchow import Steps
from hypothesis import given
from hypothesis import strategies as st
from tfidf import Similarity
from tripwire import LONGEST, pieces
from workflows import Workflow, by_networkx, by_rustworkx, levels_and_makespan, made_workflow


def test_the_most_similar_document_is_the_one_with_the_rarest_shared_words() -> None:
    similarity = Similarity(["send an e-mail", "send a parcel", "weather_forecast of a city"])
    cosines = similarity.of(["what is the weather in the city", "send the parcel", "nothing of this"])
    assert np.argmax(cosines[:2], axis=1).tolist() == [2, 1]
    assert cosines[2].tolist() == [0.0, 0.0, 0.0]


def test_only_the_documents_asked_for_are_compared() -> None:
    similarity = Similarity(["red apple", "green pear", "blue plum"])
    assert similarity.of(["blue plum"], [2, 0]).round(3).tolist() == [[1.0, 0.0]]


def test_a_long_text_is_sent_whole_in_pieces_that_overlap() -> None:
    """Nothing is left out, no piece is longer than a goal may be, and a sentence at a cut stands whole in one of them."""
    draw = random.Random(1)
    text = "".join(draw.choice("abc ") for _ in range(3 * LONGEST))
    some = list(pieces(text))
    assert max(map(len, some)) <= LONGEST
    rebuilt = some[0]
    for piece in some[1:]:
        rebuilt += piece[500:]
    assert rebuilt == text
    assert list(pieces("short")) == ["short"]
    assert list(pieces("")) == [""]


@given(st.integers(1, 12), st.integers(0, 30), st.integers(0, 100))
def test_both_libraries_see_the_same_shape(tasks: int, edges: int, seed: int) -> None:
    """And the levels are those of the longest chain by number of tasks."""
    flow = made_workflow(tasks, edges if tasks > 1 else 0, seed)
    shape = by_networkx(flow)
    assert by_rustworkx(flow) == shape
    assert levels_and_makespan(flow) == (shape.levels, shape.makespan)
    graph = nx.DiGraph(list(flow.edges))
    graph.add_nodes_from(range(tasks))
    assert shape.levels == nx.dag_longest_path_length(graph) + 1


def test_an_edge_that_others_imply_is_redundant() -> None:
    flow = Workflow("three", (1.0, 2.0, 4.0), ((0, 1), (1, 2), (0, 2)))
    shape = by_rustworkx(flow)
    assert (shape.levels, shape.makespan, shape.redundant) == (3, 7.0, 1)
    assert [(edge.from_task_id, edge.to_task_id) for edge in flow.plan.edges] == [("t0", "t1"), ("t1", "t2"), ("t0", "t2")]


def test_a_made_workflow_is_the_same_for_the_same_seed_and_has_no_circle() -> None:
    flow = made_workflow(500, 1000, 3)
    assert flow == made_workflow(500, 1000, 3)
    assert flow != made_workflow(500, 1000, 4)
    assert len(set(flow.edges)) == 1000
    graph: rx.PyDiGraph[float, None] = rx.PyDiGraph()
    graph.add_nodes_from(list(flow.seconds))
    graph.add_edges_from_no_data(list(flow.edges))
    assert rx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize(("end", "finish"), [(0, 30.0), (1, 50.0)])
def test_the_plain_critical_path_takes_the_longest_chain(end: int, finish: float) -> None:
    """Of 1 → 3 and 2 → 3; an unlinked step counts, too."""
    durations = {
        "1": ("10 to 20 s", (10.0, 20.0)),
        "2": ("5 s", (5.0, 5.0)),
        "3": ("20 to 30 s", (20.0, 30.0)),
        "4": ("25 s", (25.0, 25.0)),
    }
    steps = Steps("s", "", ("a", "b", "c", "d"), (("1", "3"), ("2", "3")), durations)
    assert steps.baseline(end) == finish
    assert [task.expected_duration.ToNanoseconds() / 1e9 for task in steps.plan(end).tasks] == [durations[key][1][end] for key in "1234"]
