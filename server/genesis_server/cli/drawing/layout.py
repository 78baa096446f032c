"""Layered layout of nested boxes: every heading lays out its children by the generations of their dependencies.

A small Sugiyama (K. Sugiyama, S. Tagawa, M. Toda 1981): generations, one barycentre sweep against crossings, room for arrows that
pass a generation. Each heading chooses the direction, across or down, that brings it nearer to the shape of a slide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from genesis_server.cli.drawing.graph import Link, Node, PlanGraph

PADDING = 14.0
HEAD = 24.0
_LAYER_GAP = 44.0
_GAP = 16.0
_LANE = 10.0
_SLIDE = 16 / 9
_MAX_LANES = 2_000

Point = tuple[float, float]


@dataclass(slots=True, eq=False)
class Box:
    """A node with its place; `x` and `y` are the upper left corner, from the drawing's own."""

    node: Node | None
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0
    across: bool = True
    """Whether its children follow each other from left to right, rather than downwards."""
    children: list[Box] = field(default_factory=list["Box"])

    @property
    def center(self) -> Point:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(slots=True)
class Arrow:
    """A dependency with the points its line passes between the two boxes."""

    link: Link
    start: Box
    end: Box
    across: bool
    via: list[Point] = field(default_factory=list[Point])


@dataclass(slots=True)
class Drawing:
    """A laid out plan."""

    root: Box
    boxes: dict[int, Box]
    """By node index."""
    arrows: list[Arrow]


@dataclass(slots=True)
class _Placement:
    """Children of one box, placed from (0, 0)."""

    across: bool
    width: float
    height: float
    corners: list[Point]
    lanes: dict[tuple[int, int], list[Point]]
    """Where arrows between two children pass the generations in between."""


def lay_out(graph: PlanGraph, size: Callable[[Node], tuple[float, float]], head: Callable[[Node], tuple[float, float]]) -> Drawing:
    """Place every node; `size` gives width and height of a task, `head` those of a heading's title."""
    inside = _links_by_heading(graph)
    boxes = {node.index: Box(node) for node in graph.nodes}
    lanes: dict[tuple[int, int], list[Point]] = {}

    def build(box: Box, nodes: Sequence[Node], title: tuple[float, float]) -> None:
        for node in nodes:
            child = boxes[node.index]
            box.children.append(child)
            if node.children:
                build(child, node.children, head(node))
            else:
                child.width, child.height = size(node)
        places = {node.index: place for place, node in enumerate(nodes)}
        pairs = [(places[start], places[end]) for start, end in inside.get(box.node.index if box.node else -1, ())]
        chosen = _place([(child.width, child.height) for child in box.children], pairs)
        box.across = chosen.across
        box.width = max(chosen.width, title[0]) + 2 * PADDING
        box.height = chosen.height + 2 * PADDING + title[1]
        left = (box.width - chosen.width) / 2
        for child, (x, y) in zip(box.children, chosen.corners, strict=True):
            child.x, child.y = left + x, PADDING + title[1] + y
        for (start, end), points in chosen.lanes.items():
            lanes[nodes[start].index, nodes[end].index] = [(left + x, PADDING + title[1] + y) for x, y in points]

    root = Box(None)
    build(root, graph.roots, (0.0, 0.0))
    _make_absolute(root)
    return Drawing(root, boxes, [_arrow(link, boxes, root, lanes) for link in graph.links if not _nested(link)])


def _arrow(link: Link, boxes: Mapping[int, Box], root: Box, lanes: Mapping[tuple[int, int], list[Point]]) -> Arrow:
    start, end = boxes[link.start.index], boxes[link.end.index]
    heading, _, _ = _common(link)
    home = boxes[heading.index] if heading else root
    points = [(home.x + x, home.y + y) for x, y in lanes.get((link.start.index, link.end.index), ())]
    return Arrow(link, start, end, home.across, points)


def _make_absolute(root: Box) -> None:
    stack = [root]
    while stack:
        box = stack.pop()
        for child in box.children:
            child.x += box.x
            child.y += box.y
            stack.append(child)


def _nested(link: Link) -> bool:
    """Whether one end is inside the other, so that there is nothing to draw."""
    _, start, end = _common(link)
    return start is end


def _common(link: Link) -> tuple[Node | None, Node, Node]:
    """The innermost heading over both ends, and its two children on the way to them."""
    ups, downs = line_of(link.start), line_of(link.end)
    depth = 0
    while depth < min(len(ups), len(downs)) - 1 and ups[depth] is downs[depth]:
        depth += 1
    return ups[depth - 1] if depth else None, ups[depth], downs[depth]


def line_of(node: Node) -> list[Node]:
    """The node with the headings over it, outermost first."""
    line = [node]
    while line[-1].parent:
        line.append(line[-1].parent)
    return line[::-1]


def _links_by_heading(graph: PlanGraph) -> dict[int, list[tuple[int, int]]]:
    """Each dependency as one between two children of one heading (-1: the top), by the heading's index."""
    found: dict[int, dict[tuple[int, int], None]] = {}
    for link in graph.links:
        heading, start, end = _common(link)
        if start is not end:
            found.setdefault(heading.index if heading else -1, {})[start.index, end.index] = None
    return {heading: list(pairs) for heading, pairs in found.items()}


def generations(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Items by the longest chain before them; in a circle the first item goes first."""
    waits: list[set[int]] = [set() for _ in range(count)]
    for start, end in pairs:
        waits[end].add(start)
    left = dict.fromkeys(range(count))
    found: list[list[int]] = []
    while left:
        ready = [item for item in left if waits[item].isdisjoint(left)] or [next(iter(left))]
        found.append(ready)
        for item in ready:
            del left[item]
    return found


def _place(sizes: Sequence[tuple[float, float]], pairs: Sequence[tuple[int, int]]) -> _Placement:
    """The placement, across or down, that is nearer to the shape of a slide."""
    layers = generations(len(sizes), pairs)
    if len(layers) <= 1:
        columns = max(1, math.ceil(math.sqrt(len(sizes))))
        rows = [list(range(at, min(at + columns, len(sizes)))) for at in range(0, len(sizes), columns)]
        return _in_layers(sizes, rows, (), across=False, gap=_GAP)
    both = (_in_layers(sizes, layers, pairs, across=True, gap=_LAYER_GAP), _in_layers(sizes, layers, pairs, across=False, gap=_LAYER_GAP))
    return min(both, key=lambda placed: abs(math.log(placed.width / placed.height / _SLIDE)))


def _in_layers(
    sizes: Sequence[tuple[float, float]], layers: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]], *, across: bool, gap: float
) -> _Placement:
    """Place items layer by layer. Lengths run along the flow, breadths across it."""
    extents = [size if across else size[::-1] for size in sizes]
    slots, chains = _with_lanes(layers, pairs)
    extents.extend([(0.0, _LANE)] * sum(map(len, chains.values())))
    _untangle(slots, pairs, chains)
    breadths = [sum(extents[item][1] for item in layer) + _GAP * (len(layer) - 1) for layer in slots]
    breadth = max(breadths, default=0.0)
    corners: list[Point] = [(0.0, 0.0)] * len(extents)
    bounds: dict[int, tuple[float, float]] = {}
    along = 0.0
    for layer, used in zip(slots, breadths, strict=True):
        length = max(extents[item][0] for item in layer)
        sideways = (breadth - used) / 2
        for item in layer:
            if item >= len(sizes):
                extents[item] = (length, _LANE)
            bounds[item] = (along, along + length)
            corners[item] = (along + (length - extents[item][0]) / 2, sideways)
            sideways += extents[item][1] + _GAP
        along += length + gap

    def turned(point: Point) -> Point:
        return point if across else (point[1], point[0])

    def middle(item: int) -> float:
        return corners[item][1] + extents[item][1] / 2

    def is_short(item: int) -> bool:
        return extents[item][0] < bounds[item][1] - bounds[item][0]

    lanes: dict[tuple[int, int], list[Point]] = {}
    for start, end in pairs:
        points = [(at, middle(item)) for item in chains.get((start, end), ()) for at in bounds[item]]
        # Arrows bend between the layers only, for beside an item that is shorter than its layer there are others.
        if bounds[start][1] < bounds[end][0]:
            leaves, enters = (bounds[start][1], middle(start)), (bounds[end][0], middle(end))
            points = [*([leaves] if is_short(start) else ()), *points, *([enters] if is_short(end) else ())]
        lanes[start, end] = [turned(point) for point in points]
    length = max(along - gap, 0.0)
    width, height = turned((length, breadth))
    return _Placement(across, width, height, [turned(corner) for corner in corners[: len(sizes)]], lanes)


def _with_lanes(
    layers: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]]
) -> tuple[list[list[int]], dict[tuple[int, int], list[int]]]:
    """The layers with an item for every generation that an arrow passes, and those items by arrow."""
    slots = [list(layer) for layer in layers]
    layer_of = {item: number for number, layer in enumerate(layers) for item in layer}
    chains: dict[tuple[int, int], list[int]] = {}
    item = len(layer_of)
    for start, end in pairs:
        passed = range(layer_of[start] + 1, layer_of[end])
        if item + len(passed) > len(layer_of) + _MAX_LANES:
            break
        for number in passed:
            slots[number].append(item)
            chains.setdefault((start, end), []).append(item)
            item += 1
    return slots, chains


def _untangle(slots: list[list[int]], pairs: Sequence[tuple[int, int]], chains: Mapping[tuple[int, int], list[int]]) -> None:
    """Sort each layer by the mean place of what comes before its items."""
    before: dict[int, list[int]] = {}
    for start, end in pairs:
        chain = [start, *chains.get((start, end), ()), end]
        for earlier, later in pairwise(chain):
            before.setdefault(later, []).append(earlier)
    place: dict[int, float] = {}
    for layer in slots:
        means = {
            item: sum(known) / len(known) if (known := [place[other] for other in before.get(item, ()) if other in place]) else float(at)
            for at, item in enumerate(layer)
        }
        layer.sort(key=lambda item: means[item])
        middle = (len(layer) - 1) / 2
        place.update({item: at - middle for at, item in enumerate(layer)})
