"""Levels, critical path and makespan of a plan, as if every task started as soon as it can.

Durations are whole nanoseconds, so that sums are exact and the critical path is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genesis_server.validation.flow import Flow, arcs_in_order
from genesis_server.validation.graph import Indexes, PlanGraph

NANOS_PER_SECOND = 1_000_000_000
_LARGEST_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Timetable:
    """When tasks run."""

    levels: Indexes
    """For each row of a primitive task its level, from 0; -1 for the others."""
    critical_path: tuple[int, ...]
    """Rows of the chain that decides the makespan, ended where its durations reach it; at each step the smallest row of equals."""
    ends: Sequence[int]
    """When each row ends, in nanoseconds from the start; a heading ends with its last task."""
    makespan: int
    total: int
    """The sum of all durations, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class _Run:
    """When each node begins and ends, in nanoseconds."""

    starts: list[int]
    ends: list[int]
    makespan: int


def timetable(graph: PlanGraph, flow: Flow, order: Sequence[int], durations: Sequence[int]) -> Timetable:
    """Run the flow forwards for starts and levels, and back for the chain that decides (the critical path method)."""
    work = np.zeros(flow.size, dtype=np.int64)
    work[np.asarray(graph.work, dtype=np.int64)] = 1
    counts = work.tolist()
    lengths = [0] * flow.size
    for row in graph.work:
        lengths[row] = durations[row]
    arcs = arcs_in_order(flow, order)
    starts = [0] * flow.size
    levels = [0] * flow.size
    sources: list[int] = arcs[0].tolist()
    targets: list[int] = arcs[1].tolist()
    for source, target in zip(sources, targets, strict=True):
        end = starts[source] + lengths[source]
        if end > starts[target]:  # noqa: PLR1730  (max() takes twice the time)
            starts[target] = end
        level = levels[source] + counts[source]
        if level > levels[target]:  # noqa: PLR1730
            levels[target] = level
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    run = _Run(starts, ends, max(ends, default=0))
    return Timetable(
        levels=np.where(work[: flow.tasks] == 1, np.asarray(levels[: flow.tasks], dtype=np.int64), -1),
        critical_path=_critical_path(graph, order, _without_slack(arcs, run), run),
        ends=list(map(ends.__getitem__, flow.ends.tolist())),
        makespan=run.makespan,
        total=sum(lengths),
    )


def _critical_path(graph: PlanGraph, order: Sequence[int], tight: Sequence[tuple[int, int]], run: _Run) -> tuple[int, ...]:
    """Walk back from where the makespan is reached, over arcs without slack; then forward, taking the smallest task each time."""
    critical = bytearray([end == run.makespan for end in run.ends])
    following: dict[int, list[int]] = {}
    for source, target in reversed(tight):
        if critical[target]:
            critical[source] = True
            following.setdefault(source, []).append(target)
    none, work = len(critical), [row for row in graph.work if critical[row]]
    # The first task on from a marker: the smallest of those its critical arcs lead to, directly or by way of other markers.
    ahead = {row: row for row in work}
    for node in reversed(order) if len(work) < critical.count(True) else ():
        if critical[node] and node not in ahead:
            ahead[node] = min((ahead[later] for later in following.get(node, ())), default=none)
    path: list[int] = []
    row = min((row for row in work if run.starts[row] == 0), default=none)
    while row < none:
        path.append(row)
        if run.ends[row] == run.makespan:
            break
        row = min(map(ahead.__getitem__, following[row]))
    return tuple(path)


def _without_slack(arcs: tuple[Indexes, Indexes], run: _Run) -> list[tuple[int, int]]:
    """Of some arcs those that lead from where one node ends to where another begins at once."""
    exact = np.int64 if run.makespan < _LARGEST_INT64 else object
    sources, targets = arcs
    tight = np.array(run.ends, dtype=exact)[sources] == np.array(run.starts, dtype=exact)[targets]
    return list(zip(sources[tight].tolist(), targets[tight].tolist(), strict=True))
