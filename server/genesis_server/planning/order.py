"""A topological order that is kept while edges come in.

Pearce & Kelly, "A dynamic topological sort algorithm for directed acyclic graphs" (2006): an edge that agrees with the order costs
nothing; any other is searched for a cycle only between the places of its two ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_Within = Callable[[int], bool]


class CycleError(ValueError):
    """An edge would close a cycle; the order is unchanged."""

    def __init__(self, witness: tuple[str, ...]) -> None:
        """Keep the cycle: nodes in the direction of the edges, the first one again at the end."""
        super().__init__("these would wait for each other: " + " → ".join(witness))
        self.witness = witness


class TopologicalOrder:
    """Nodes and edges without a cycle, always in order."""

    def __init__(self) -> None:
        """Start empty."""
        self._place: dict[str, int] = {}
        self._next_place = 0
        self._after: dict[str, dict[str, None]] = {}
        self._before: dict[str, dict[str, None]] = {}

    def add(self, node: str) -> None:
        """Add a node at the end; it must be new."""
        if node in self._place:
            raise ValueError(f"{node} is there already")
        self._place[node] = self._next_place
        self._next_place += 1
        self._after[node] = {}
        self._before[node] = {}

    def remove(self, node: str) -> None:
        """Take a node out with its edges."""
        for later in self._after.pop(node):
            del self._before[later][node]
        for earlier in self._before.pop(node):
            del self._after[earlier][node]
        del self._place[node]

    def link(self, earlier: str, later: str) -> bool:
        """Put `earlier` before `later`; False when that was said before. Raises CycleError and changes nothing when it cannot be."""
        if later in self._after[earlier]:
            return False
        if earlier == later:
            raise CycleError((earlier, earlier))
        if self._place[earlier] > self._place[later]:
            self._reorder(earlier, later)
        self._after[earlier][later] = None
        self._before[later][earlier] = None
        return True

    def unlink(self, earlier: str, later: str) -> None:
        """Take an edge out; the order stays valid without it."""
        del self._after[earlier][later]
        del self._before[later][earlier]

    def before(self, node: str) -> list[str]:
        """What a node waits for, in the order the edges came."""
        return list(self._before[node])

    def after(self, node: str) -> list[str]:
        """What waits for a node, in the order the edges came."""
        return list(self._after[node])

    def nodes(self) -> list[str]:
        """All nodes, each after everything it waits for."""
        return sorted(self._place, key=self._place.__getitem__)

    def _reorder(self, earlier: str, later: str) -> None:
        """Move what hangs on `later` behind what leads to `earlier`, within the places these take."""
        lower, upper = self._place[later], self._place[earlier]
        came_from = self._reach(later, self._after, lambda place: place <= upper)
        if earlier in came_from:
            raise CycleError(_witness(earlier, later, came_from))
        leading = self._reach(earlier, self._before, lambda place: place >= lower)
        moved = sorted(leading, key=self._place.__getitem__) + sorted(came_from, key=self._place.__getitem__)
        for node, place in zip(moved, sorted(self._place[node] for node in moved), strict=True):
            self._place[node] = place

    def _reach(self, start: str, edges: Mapping[str, Mapping[str, None]], within: _Within) -> dict[str, str]:
        """Nodes reachable from `start` by `edges` at admitted places, each with the node it was reached from."""
        found = {start: ""}
        stack = [start]
        while stack:
            node = stack.pop()
            for neighbour in edges[node]:
                if neighbour not in found and within(self._place[neighbour]):
                    found[neighbour] = node
                    stack.append(neighbour)
        return found


def _witness(earlier: str, later: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    """The way from `later` to `earlier`, closed by the edge that was refused."""
    way = [earlier]
    while way[-1] != later:
        way.append(came_from[way[-1]])
    return (earlier, *reversed(way))
