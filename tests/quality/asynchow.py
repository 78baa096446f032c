"""Measurement 3: the finish time of given plans (AsyncHow), as Validate's schedule tells it; a plain critical path beside it.

Steps with their durations and edges go in; the makespan comes out, once with the least and once with the most a duration may mean
(months and years have no fixed length). Right is a makespan that is the published finish time up to its rounding (scores.rounding_of);
beside it the share that is right to the second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
from google.protobuf.duration_pb2 import Duration
from lines import lines_of
from measurement import SERVICE, Figure, Run, Sealed, in_view, spread_over_folds
from scores import rounding_of
from workflows import ANYBODY, STEP, duration_of

import genesis
from genesis.v1.plan_pb2 import TASK_KIND_PRIMITIVE, Edge, Plan, Task

BASELINE = "critical path, networkx"
ENDS = {"least": 0, "most": 1}
_SECOND = 1e-6


@dataclass(frozen=True)
class Steps:
    """A plan without its finish time."""

    id: str
    title: str
    steps: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    durations: dict[str, tuple[str, tuple[float, float]]]
    """By number of the step: in words, and its seconds at least and at most."""

    def plan(self, end: int) -> Plan:
        """The plan with the durations of one end."""
        tasks = [
            Task(id=name, goal=text, capability=STEP, kind=TASK_KIND_PRIMITIVE, expected_duration=duration_of(self.durations[name][1][end]))
            for name, text in self._named()
        ]
        return Plan(tasks=tasks, edges=[Edge(from_task_id=one, to_task_id=two) for one, two in self.edges])

    def baseline(self, end: int) -> float:
        """The length of the longest path, in seconds."""
        graph: nx.DiGraph[str] = nx.DiGraph(list(self.edges))
        graph.add_nodes_from(name for name, _ in self._named())
        ends: dict[str, float] = {}
        for name in nx.topological_sort(graph):
            ends[name] = max((ends[one] for one in graph.predecessors(name)), default=0.0) + self.durations[name][1][end]
        return max(ends.values(), default=0.0)

    def _named(self) -> Iterator[tuple[str, str]]:
        return ((str(number), text) for number, text in enumerate(self.steps, start=1))


def asynchow(folder: Path, limit: int | None) -> list[Steps]:
    """The plans of the data set."""
    found: list[Steps] = []
    for line in lines_of(folder / "async.jsonl")[:limit]:
        record = json.loads(line)
        edges = tuple((one, two) for one, two in record["edges"] if one != "START" and two != "END")
        durations = {step: (words, tuple(record["seconds"][step])) for step, words in record["times"].items()}
        found.append(Steps(record["id"], record["title"], tuple(record["steps"]), edges, durations))
    return found


def measure(run: Run) -> list[Figure]:
    """Finish times that are right."""
    folder = run.data / "asynchow"
    plans = asynchow(folder, run.limit)
    told: dict[str, dict[str, float]] = {SERVICE: {}, BASELINE: {}}
    with genesis.connect(run.address) as client:
        for steps in in_view(plans, "asynchow"):
            for name, end in ENDS.items():
                verdict = client.validate(steps.plan(end), catalogue=ANYBODY).verdict
                told[SERVICE][f"{steps.id} {name}"] = _seconds(verdict.schedule.makespan) if verdict.HasField("schedule") else float("nan")
                told[BASELINE][f"{steps.id} {name}"] = steps.baseline(end)
    ids = list(told[SERVICE])
    gold = Sealed(ids, lambda: _gold(folder)).opened(told[SERVICE])
    rounding = {f"{steps.id} {name}": rounding_of(steps.durations, end) for steps in plans for name, end in ENDS.items()}
    figures: list[Figure] = []
    for by, answers in told.items():
        off = [abs(answers[one] - gold[one]) for one in ids]
        rounded = [float(each <= rounding[one] + _SECOND) for one, each in zip(ids, off, strict=True)]
        figures += [
            spread_over_folds("finish time up to rounding", ids, rounded, by=by, aim="100 %" if by == SERVICE else ""),
            spread_over_folds("finish time to the second", ids, [float(each <= _SECOND) for each in off], by=by),
        ]
    exact = [one for one in ids if not rounding[one]]
    on_time = [float(abs(told[SERVICE][one] - gold[one]) <= _SECOND) for one in exact]
    figures.append(spread_over_folds("finish time, plans without months and years", exact, on_time, aim="100 %"))
    return figures


def _gold(folder: Path) -> dict[str, float]:
    records = [json.loads(line) for line in lines_of(folder / "async.jsonl")]
    return {f"{record['id']} {name}": record["optimal_seconds"][end] for record in records for name, end in ENDS.items()}


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9
