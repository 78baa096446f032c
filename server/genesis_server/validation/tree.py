"""The tree of parents: who stands under whom, how deep, and circles in it. Nothing here recurses: trees may be 10 000 deep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Tree:
    """A forest over rows; a task whose parents go in a circle counts as a root."""

    parents: Sequence[int]
    """Row of the parent, or NO_PARENT."""
    children: Sequence[Sequence[int]]
    """Rows of the children by row, in the plan's order; empty altogether in a flat plan."""
    has_children: npt.NDArray[np.bool_]
    depths: npt.NDArray[np.int64]
    """From 1 at the top."""
    cycles: tuple[tuple[int, ...], ...]
    """Circles of parents, each from child to parent, beginning at its smallest row."""
    opened: npt.NDArray[np.int64]
    """When a walk over the forest comes to a row, and when it leaves it: a row stands under another when its span lies in the other's."""
    closed: npt.NDArray[np.int64]

    @property
    def flat(self) -> bool:
        """Whether no task has a parent."""
        return not self.children

    def related(self, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """For pairs of rows: whether they are the same or one stands under the other."""
        if self.flat:
            return first == second
        under = (self.opened[second] <= self.opened[first]) & (self.closed[first] <= self.closed[second])
        over = (self.opened[first] <= self.opened[second]) & (self.closed[second] <= self.closed[first])
        return under | over


def grow_tree(parents: Sequence[int]) -> Tree:
    """The forest of these parents, in linear time."""
    size = len(parents)
    if parents.count(NO_PARENT) == size:
        places = np.arange(size)
        return Tree(parents, (), np.zeros(size, dtype=np.bool_), np.ones(size, dtype=np.int64), (), places, places)
    cycles = _parent_cycles(parents)
    rooted = list(parents)
    for cycle in cycles:
        for row in cycle:
            rooted[row] = NO_PARENT
    children: list[list[int]] = [[] for _ in range(size)]
    for row, parent in enumerate(rooted):
        if parent != NO_PARENT:
            children[parent].append(row)
    depths = np.ones(size, dtype=np.int64)
    opened, closed = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    time = 0
    for root in (row for row, parent in enumerate(rooted) if parent == NO_PARENT):
        stack = [(root, 1)]
        while stack:
            row, depth = stack.pop()
            if depth == 0:
                closed[row] = time
                continue
            depths[row] = depth
            opened[row] = time
            time += 1
            stack.append((row, 0))
            stack.extend((child, depth + 1) for child in reversed(children[row]))
    has_children = np.fromiter((bool(rows) for rows in children), dtype=np.bool_, count=size)
    return Tree(rooted, children, has_children, depths, cycles, opened, closed)


def _parent_cycles(parents: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Circles met when every row walks to its root; each row is walked over once."""
    walk_of = [NO_PARENT] * len(parents)
    cycles: list[tuple[int, ...]] = []
    for start in range(len(parents)):
        row, path = start, list[int]()
        while row != NO_PARENT and walk_of[row] == NO_PARENT:
            walk_of[row] = start
            path.append(row)
            row = parents[row]
        if row != NO_PARENT and walk_of[row] == start:
            cycle = path[path.index(row) :]
            smallest = cycle.index(min(cycle))
            cycles.append((*cycle[smallest:], *cycle[:smallest]))
    return tuple(cycles)
