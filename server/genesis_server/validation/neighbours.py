"""What stands around tasks, to tell whether one can go or two can become one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from genesis_server.validation.flow import digraph
from genesis_server.validation.graph import PlanGraph

if TYPE_CHECKING:
    import rustworkx

MOST_KEPT = 64
"""Tasks whose predecessors and successors are remembered: those that others repeat come again and again."""


class Neighbours:
    """The waits of a plan by task, looked up when first needed."""

    def __init__(self, graph: PlanGraph) -> None:
        """Look at a plan."""
        self._graph = graph
        self._reached: dict[int, tuple[set[int], set[int]]] = {}

    @cached_property
    def _before(self) -> dict[int, set[int]]:
        before: dict[int, set[int]] = {}
        for source, target in zip(self._graph.sources.tolist(), self._graph.targets.tolist(), strict=True):
            before.setdefault(target, set()).add(source)
        return before

    @cached_property
    def _waits(self) -> rustworkx.PyDiGraph[None, None]:
        return digraph(self._graph.size, self._graph.sources, self._graph.targets)

    def can_go(self, first: int, second: int) -> bool:
        """Whether nothing happens between the two that the second may wait for, and nothing is lost with it.

        Both stand under the same heading, the second has no children, makes nothing the first does not make, and waits for nothing
        but the first and what the first waits for.
        """
        outputs = self._graph.tasks.outputs
        return (
            self._beside(first, second)
            and {made.name for made in outputs.get(second, ())} <= {made.name for made in outputs.get(first, ())}
            and self._before.get(second, set()) - {first} <= self._before.get(first, set())
        )

    def can_merge(self, first: int, second: int) -> bool:
        """Whether one task can stand for both: under the same heading, and no other task between them, so that no circle comes of it."""
        if not self._beside(first, second) or not self._graph.tree.flat:
            return False
        earlier, later = self._around(first)
        between = not later.isdisjoint(self._before.get(second, set()) - {first})
        return not between and not (second in earlier and self._reached_by_others(second, first))

    def _beside(self, first: int, second: int) -> bool:
        graph = self._graph
        return graph.tree.parents[first] == graph.tree.parents[second] and not graph.tree.has_children[second] and not graph.duplicate_ids

    def _reached_by_others(self, start: int, end: int) -> bool:
        """Whether a task that `end` waits for, other than `start`, waits for `start`."""
        seen: set[int] = set()
        stack = list(self._before.get(end, set()) - {start})
        while stack:
            row = stack.pop()
            if row == start:
                return True
            if row not in seen:
                seen.add(row)
                stack.extend(self._before.get(row, ()))
        return False

    def _around(self, row: int) -> tuple[set[int], set[int]]:
        """What a task waits for and what waits for it, at any distance."""
        import rustworkx  # noqa: PLC0415  # two megabytes that a server which judges nothing does not need

        found = self._reached.get(row)
        if found is None:
            if len(self._reached) >= MOST_KEPT:
                self._reached.clear()
            found = self._reached[row] = (rustworkx.ancestors(self._waits, row), rustworkx.descendants(self._waits, row))
        return found
