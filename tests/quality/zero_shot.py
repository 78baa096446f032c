"""Requests whose plans are made from a catalogue of tools alone, through Plan, and how near they are to the gold.

A plan's nodes are its primitive tasks' capabilities, its edges the waits between them. A whole plan is exact when nodes and edges are
the gold's. Nothing is reported back, so nothing is learned from one request for the next.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measurement import SERVICE, Figure, in_view, spread_over_folds
from scores import edges_by_name, f1

import genesis
from genesis.v1.catalogue_pb2 import Catalogue, Tool
from genesis.v1.common_pb2 import DEGRADATION_LEVEL_HEURISTIC
from genesis.v1.plan_pb2 import TASK_KIND_COMPOUND


@dataclass(frozen=True)
class Answer:
    """A plan as tools and the waits between them."""

    tools: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    heuristic: bool = True
    seconds: float = 0.0

    @property
    def connected(self) -> bool:
        """Whether it is a plan of two tasks and an edge at the heuristic level."""
        return self.heuristic and len(self.tools) >= 2 and len(self.edges) >= 1


@dataclass(frozen=True)
class Request:
    """A request to plan."""

    id: str
    text: str


def ask(address: str, tools: Sequence[Tool], requests: Sequence[Request], what: str) -> dict[str, Answer]:
    """What the service plans for each request, by id."""
    catalogue = Catalogue(tools=tools)
    answers: dict[str, Answer] = {}
    with genesis.connect(address) as client:
        for request in in_view(requests, what):
            start = time.perf_counter()
            response = client.plan(request.text, catalogue=catalogue)
            seconds = time.perf_counter() - start
            work = [task for task in response.plan.tasks if task.kind != TASK_KIND_COMPOUND]
            names = {task.id: task.capability for task in work}
            edges = [(edge.from_task_id, edge.to_task_id) for edge in response.plan.edges]
            answers[request.id] = Answer(
                tools=tuple(names.values()),
                edges=tuple(edges_by_name([edge for edge in edges if edge[0] in names and edge[1] in names], names)),
                heuristic=response.provenance.level == DEGRADATION_LEVEL_HEURISTIC,
                seconds=seconds,
            )
    return answers


def nearness(
    name: str, ids: Sequence[str], answers: Mapping[str, Answer], gold: Mapping[str, Answer], *, by: str = SERVICE, aim: str = ""
) -> list[Figure]:
    """Whole plans exact (`aim` says how many there should be), node-F1 and edge-F1, in percent."""
    pairs = [(answers[one], gold[one]) for one in ids]
    exact = [float(Counter(a.tools) == Counter(g.tools) and Counter(a.edges) == Counter(g.edges)) for a, g in pairs]
    return [
        spread_over_folds(f"{name}: whole plan exact", ids, exact, by=by, aim=aim),
        spread_over_folds(f"{name}: node-F1", ids, [f1(a.tools, g.tools) for a, g in pairs], by=by),
        spread_over_folds(f"{name}: edge-F1", ids, [f1(a.edges, g.edges) for a, g in pairs], by=by),
    ]


def connected(name: str, ids: Sequence[str], answers: Mapping[str, Answer], *, aim: str = "") -> Figure:
    """Share of plans of two tasks and an edge at the heuristic level, in percent."""
    share = [float(answers[one].connected) for one in ids]
    return spread_over_folds(f"{name}: >= 2 tasks and >= 1 edge at HEURISTIC", ids, share, aim=aim)


def client_time(name: str, answers: Mapping[str, Answer]) -> Figure:
    """What a caller waits for a plan on average, in milliseconds."""
    waits = [1e3 * answer.seconds for answer in answers.values()]
    return spread_over_folds(f"{name}: client time of Plan", list(answers), waits, unit="ms")
