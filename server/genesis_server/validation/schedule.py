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


def timetable(graph: PlanGraph, flow: Flow, order: Sequence[int], durations: Sequence[int]) -> Timetable:
    """Run the flow forwards for starts and levels, backwards for what is left after each node (the critical path method)."""
    work = np.zeros(flow.size, dtype=np.int64)
    work[np.asarray(graph.work, dtype=np.int64)] = 1
    counts = work.tolist()
    lengths = [0] * flow.size
    for row in graph.work:
        lengths[row] = durations[row]
    sources, targets = arcs_in_order(flow, order)
    starts = [0] * flow.size
    levels = [0] * flow.size
    for source, target in zip(sources, targets, strict=True):
        end = starts[source] + lengths[source]
        if end > starts[target]:  # noqa: PLR1730  (max() takes twice the time)
            starts[target] = end
        level = levels[source] + counts[source]
        if level > levels[target]:  # noqa: PLR1730
            levels[target] = level
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    makespan = max(ends, default=0)
    events = _Events(sources, targets, starts, lengths, makespan)
    return Timetable(
        levels=np.where(work[: flow.tasks] == 1, np.asarray(levels[: flow.tasks], dtype=np.int64), -1),
        critical_path=_critical_path(graph, flow.size, events),
        ends=[ends[int(node)] for node in flow.ends],
        makespan=makespan,
        total=sum(lengths),
    )


@dataclass(frozen=True, slots=True)
class _Events:
    """The forward run: arcs in order, and for each node its start and length."""

    sources: list[int]
    targets: list[int]
    starts: list[int]
    lengths: list[int]
    makespan: int


def _critical_path(graph: PlanGraph, size: int, events: _Events) -> tuple[int, ...]:
    """Walk the critical arcs backwards, keeping for each node the smallest task a critical chain can go on with."""
    starts, lengths, makespan, none = events.starts, events.lengths, events.makespan, size
    rest = list(lengths)
    is_work = [False] * size
    for row in graph.work:
        is_work[row] = True
    following: dict[int, list[int]] = {}
    for source, target in zip(reversed(events.sources), reversed(events.targets), strict=True):
        left = lengths[source] + rest[target]
        if left > rest[source]:  # noqa: PLR1730
            rest[source] = left
        if starts[source] + lengths[source] == starts[target] and starts[target] + rest[target] == makespan:
            following.setdefault(source, []).append(target)
    # The first task on from a marker: the smallest of those its critical arcs lead to, directly or by way of other markers.
    ahead: dict[int, int] = {}
    for node in dict.fromkeys(reversed(events.sources)):
        if not is_work[node]:
            ahead[node] = min((ahead.get(t, t if is_work[t] else none) for t in following.get(node, ())), default=none)
    path: list[int] = []
    row = min((row for row in graph.work if starts[row] == 0 and rest[row] == makespan), default=none)
    while row < none:
        path.append(row)
        if starts[row] + lengths[row] == makespan:
            break
        row = min(ahead.get(target, target) for target in following[row])
    return tuple(path)
