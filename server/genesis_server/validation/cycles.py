"""The shortest circle of each knot of tasks that wait for each other.

Every circle of a knot (a strongly connected component) holds the head of an arc that goes back in a depth-first walk, so a
breadth-first search from each such head, never beyond the best length so far, finds a shortest circle. Heads that were searched
from are taken out, since no other circle through them can be shorter. Markers of headings count nothing (0-1 search).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from genesis_server.validation.flow import Flow, digraph

SEARCH_STEPS = 3_000_000
"""Arcs looked at over all knots; beyond it the circles named are circles, but perhaps not the shortest."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """One circle of each knot, as rows in order from its smallest row."""

    circles: tuple[tuple[int, ...], ...]
    shortest: bool
    """Whether the search was finished: each circle is a shortest one of its knot."""


def shortest_cycles(flow: Flow, *, steps: int = SEARCH_STEPS) -> Cycles:
    """A shortest circle of every knot, in the order of their smallest rows."""
    import rustworkx  # noqa: PLC0415  # two megabytes that a server which judges nothing does not need

    followers: dict[int, list[int]] = {}
    for source, target in zip(flow.sources.tolist(), flow.targets.tolist(), strict=True):
        followers.setdefault(source, []).append(target)
    components = rustworkx.strongly_connected_components(digraph(flow.size, flow.sources, flow.targets))
    knots = [sorted(component) for component in components if len(component) > 1]
    search = _Search(flow.tasks, steps)
    circles: list[tuple[int, ...]] = []
    for knot in sorted(knots):
        members = set(knot)
        inside = {node: sorted(target for target in followers[node] if target in members) for node in knot}
        circle = [node for node in search.shortest(knot, inside) if node < flow.tasks]
        smallest = circle.index(min(circle))
        circles.append((*circle[smallest:], *circle[:smallest]))
    return Cycles(tuple(sorted(circles)), search.steps > 0)


class _Search:
    """Looks for shortest circles with a common store of steps."""

    def __init__(self, tasks: int, steps: int) -> None:
        self._tasks = tasks
        self.steps = steps

    def shortest(self, knot: Sequence[int], inside: dict[int, list[int]]) -> list[int]:
        """The nodes of a shortest circle of a knot, markers included."""
        heads, best = _walk(knot[0], inside)
        length = self._length(best)
        gone: set[int] = set()
        for head in sorted(heads):
            if self.steps <= 0:
                break
            circle = self._through(head, inside, gone, length)
            if circle:
                best, length = circle, self._length(circle)
            gone.add(head)
        return best

    def _length(self, circle: Sequence[int]) -> int:
        return sum(node < self._tasks for node in circle)

    def _through(self, head: int, inside: dict[int, list[int]], gone: set[int], below: int) -> list[int]:
        """A shortest circle through `head` with fewer than `below` tasks; empty when there is none."""
        came_from = {head: head}
        counts = {head: int(head < self._tasks)}
        queue = deque([head])
        done: set[int] = set()
        while queue:
            node = queue.popleft()
            if node in done:
                continue
            done.add(node)
            self.steps -= len(inside[node])
            for target in inside[node]:
                if target == head:
                    return _path(came_from, head, node)
                is_task = target < self._tasks
                count = counts[node] + is_task
                if target in gone or count >= below or count >= counts.get(target, below):
                    continue
                counts[target] = count
                came_from[target] = node
                (queue.append if is_task else queue.appendleft)(target)
        return []


def _path(came_from: dict[int, int], head: int, last: int) -> list[int]:
    path = [last]
    while path[-1] != head:
        path.append(came_from[path[-1]])
    return path[::-1]


def _walk(root: int, inside: dict[int, list[int]]) -> tuple[set[int], list[int]]:
    """Heads of the arcs that go back in a depth-first walk from `root`, and the circle the first of them closes."""
    heads: set[int] = set()
    first: list[int] = []
    place: dict[int, int] = {root: 0}
    seen = {root}
    path, turns = [root], [iter(inside[root])]
    while path:
        for target in turns[-1]:
            if target in place:
                first = first or path[place[target] :]
                heads.add(target)
            elif target not in seen:
                seen.add(target)
                place[target] = len(path)
                path.append(target)
                turns.append(iter(inside[target]))
                break
        else:
            del place[path.pop()]
            turns.pop()
    return heads, first
