"""What waits for what, with headings spelt out.

An edge from or to a heading means every task under it. Instead of joining all with all, a task with children gets a node at which
it begins and one at which it ends, so that the flow stays as large as the plan. A task without children is one node. Every circle
of the flow goes through a task, because edges between a task and its own heading were taken out when the graph was built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genesis_server.validation.graph import Indexes, PlanGraph

if TYPE_CHECKING:
    import rustworkx

MARKER = -1


@dataclass(frozen=True, slots=True)
class Flow:
    """Nodes and arcs; node numbers below the plan's size are the tasks of the same row."""

    size: int
    sources: Indexes
    targets: Indexes
    begins: Indexes
    """For each row the node at which it begins."""
    ends: Indexes
    """For each row the node at which it ends."""
    tasks: int
    """How many rows the plan has; nodes from here on are markers."""
    order: Sequence[int] | None
    """Every node after all it waits for; None when there is a circle."""


def flow_of(graph: PlanGraph) -> Flow:
    """The flow of a plan, ordered where it can be."""
    rows = np.arange(graph.size)
    size, begins, ends = graph.size, rows, rows
    sources, targets = graph.sources, graph.targets
    if not graph.tree.flat:
        headings = np.flatnonzero(graph.tree.has_children)
        begins, ends = rows.copy(), rows.copy()
        begins[headings] = graph.size + 2 * np.arange(len(headings))
        ends[headings] = begins[headings] + 1
        size += 2 * len(headings)
        parents = np.asarray(graph.tree.parents)
        below = np.flatnonzero(parents >= 0)
        # A heading that is called primitive is work of its own, which stands inside it.
        own = headings[np.isin(headings, graph.work)]
        sources = np.concatenate((ends[sources], begins[parents[below]], ends[below], begins[own], own))
        targets = np.concatenate((begins[targets], begins[below], ends[parents[below]], own, ends[own]))
    return Flow(size, sources, targets, begins, ends, graph.size, topological_order(size, sources, targets))


def topological_order(size: int, sources: Indexes, targets: Indexes) -> Sequence[int] | None:
    """Every node after all it waits for, or None when there is a circle."""
    if (sources < targets).all():
        # As most plans are written.
        return range(size)
    import rustworkx  # noqa: PLC0415  # two megabytes that a server which judges nothing does not need

    try:
        return rustworkx.topological_sort(digraph(size, sources, targets))
    except rustworkx.DAGHasCycle:
        return None


def digraph(size: int, sources: Indexes, targets: Indexes) -> rustworkx.PyDiGraph[None, None]:
    """The arcs as rustworkx sees them."""
    import rustworkx  # noqa: PLC0415  # see above

    found: rustworkx.PyDiGraph[None, None] = rustworkx.PyDiGraph()
    found.extend_from_edge_list(list(zip(sources.tolist(), targets.tolist(), strict=True)))
    found.add_nodes_from([None] * (size - found.num_nodes()))
    return found


def arcs_in_order(flow: Flow, order: Sequence[int]) -> tuple[Indexes, Indexes]:
    """Sources and targets of all arcs so that every arc into a node comes before every arc out of it."""
    places: npt.NDArray[np.int64] = np.empty(flow.size, dtype=np.int64)
    places[np.asarray(order, dtype=np.int64)] = np.arange(flow.size)
    # Plans often give the edges into a task together, and sorting what is in order is quick.
    by_target = np.argsort(places[flow.targets], kind="stable")
    return flow.sources[by_target], flow.targets[by_target]
