"""Plans of real workflows (WfInstances) and a made one of any size, with what graph libraries find in them.

What is worked out: levels, the critical path with its length, and the redundant edges (those that are not in the transitive reduction).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import networkx as nx
import rustworkx as rx
from google.protobuf.duration_pb2 import Duration
from lines import lines_of

from genesis.v1.catalogue_pb2 import AgentCard, Catalogue, Skill
from genesis.v1.plan_pb2 import TASK_KIND_PRIMITIVE, Edge, Plan, Task

STEP = "step"
"""The capability of every task of a plan that is judged for its shape alone."""
ANYBODY = Catalogue(agents=[AgentCard(id="anybody", skills=[Skill(id=STEP, name=STEP)], max_concurrent_tasks=100_000)])
"""Somebody for every such task."""


@dataclass(frozen=True)
class Shape:
    """What a plan looks like in time."""

    levels: int
    makespan: float
    """Seconds of the longest chain."""
    redundant: int
    """Edges that others imply."""


@dataclass(frozen=True)
class Workflow:
    """A graph of tasks with run times in seconds."""

    id: str
    seconds: tuple[float, ...]
    """Of each task; there are as many tasks."""
    edges: tuple[tuple[int, int], ...]

    @cached_property
    def plan(self) -> Plan:
        """As a plan of tasks without words, all of one capability."""
        tasks = [
            Task(id=f"t{number}", capability=STEP, kind=TASK_KIND_PRIMITIVE, expected_duration=duration_of(seconds))
            for number, seconds in enumerate(self.seconds)
        ]
        return Plan(tasks=tasks, edges=[Edge(from_task_id=f"t{one}", to_task_id=f"t{two}") for one, two in self.edges])


def wfinstances(folder: Path, limit: int | None) -> list[Workflow]:
    """The workflows of the data set; with a limit, so many over the whole file."""
    lines = lines_of(folder / "graphs.jsonl")
    found: list[Workflow] = []
    for line in lines if limit is None else lines[:: max(1, len(lines) // limit)][:limit]:
        record = json.loads(line)
        times = [float(seconds) for seconds in record["runtime"]]
        found.append(Workflow(record["file"], tuple(times), tuple((one, two) for one, two in record["edges"])))
    return found


def made_workflow(tasks: int, edges: int, seed: int) -> Workflow:
    """A graph of so many tasks; each edge goes from a task to one of the thousand after it."""
    draw = random.Random(f"{seed} workflow")
    found: dict[tuple[int, int], None] = {}
    while len(found) < min(edges, tasks * (tasks - 1) // 2):
        one = draw.randrange(tasks - 1)
        found[one, min(tasks - 1, one + draw.randint(1, 1000))] = None
    return Workflow("made", tuple(float(draw.randint(1, 60)) for _ in range(tasks)), tuple(found))


def by_rustworkx(workflow: Workflow) -> Shape:
    """The shape of a workflow, by rustworkx."""
    graph = _graph(workflow)
    reduced, _ = rx.transitive_reduction(graph)
    return Shape(*_levels_and_makespan(graph, workflow.seconds), graph.num_edges() - reduced.num_edges())


def levels_and_makespan(workflow: Workflow) -> tuple[int, float]:
    """The levels of a workflow and the seconds of its longest chain, by rustworkx."""
    return _levels_and_makespan(_graph(workflow), workflow.seconds)


def by_networkx(workflow: Workflow) -> Shape:
    """The shape of a workflow, by networkx."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(workflow.seconds)))
    graph.add_edges_from(workflow.edges)
    levels = len(list(nx.topological_generations(graph)))
    longest = _longest(nx.topological_sort(graph), graph.predecessors, workflow.seconds)
    return Shape(levels, longest, graph.number_of_edges() - nx.transitive_reduction(graph).number_of_edges())


def _graph(workflow: Workflow) -> rx.PyDiGraph[float, None]:
    graph: rx.PyDiGraph[float, None] = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(list(workflow.seconds))
    graph.add_edges_from_no_data(list(workflow.edges))
    return graph


def _levels_and_makespan(graph: rx.PyDiGraph[float, None], seconds: Sequence[float]) -> tuple[int, float]:
    levels = len(list(rx.topological_generations(graph)))
    return levels, _longest(rx.topological_sort(graph), graph.predecessor_indices, seconds)


def _longest(order: Iterable[int], before: Callable[[int], Iterable[int]], seconds: Sequence[float]) -> float:
    """The seconds of the longest chain, node by node in an order in which each stands behind those before it."""
    ends = [0.0] * len(seconds)
    for node in order:
        ends[node] = max([ends[one] for one in before(node)], default=0.0) + seconds[node]
    return max(ends, default=0.0)


def duration_of(seconds: float) -> Duration:
    """Seconds as a message."""
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
