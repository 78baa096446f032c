"""A plan as nodes with numbers, levels and resolved dependencies; takes any plan, sound or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genesis.v1.plan_pb2 import Edge, Plan, Task

MAX_SHOWN_DEPTH = 12


@dataclass(slots=True, eq=False)
class Node:
    """A task in its place."""

    task: Task
    index: int
    """Position among the plan's tasks; unlike ids, never given twice."""
    number: str = ""
    """Place in the tree, for example `2.1`."""
    depth: int = 1
    parent: Node | None = None
    children: list[Node] = field(default_factory=list["Node"])
    after: list[Node] = field(default_factory=list["Node"])
    """The nodes it waits for, in the plan's order of edges."""
    waits: list[Link] = field(default_factory=list["Link"])
    """The links to them."""
    level: int = 0
    """Earliest step it can be done in, from 1; 0 for headings and where the plan has a circle."""


@dataclass(frozen=True, slots=True)
class Link:
    """A dependency between two nodes."""

    start: Node
    end: Node
    edge: Edge


class PlanGraph:
    """The nodes and links of a plan. References to tasks that do not exist, and edges of a task to itself, are left out.

    A parent that does not exist or is its own descendant counts as none; what is deeper than 12 is shown at depth 12.
    """

    def __init__(self, plan: Plan) -> None:
        """Resolve every id once."""
        self.plan = plan
        self.nodes = [Node(task, index) for index, task in enumerate(plan.tasks)]
        self._by_id: dict[str, Node] = {}
        for node in self.nodes:
            self._by_id.setdefault(node.task.id, node)
        self.roots = self._grow()
        self.links = self._link()
        self._set_levels()

    def find(self, task_id: str) -> Node | None:
        """The node of a task id; the first where an id is given twice."""
        return self._by_id.get(task_id)

    def label(self, task_id: str) -> str:
        """The number of a task, or its id when it is not in the plan."""
        node = self.find(task_id)
        return node.number if node else task_id

    def walk(self) -> Iterator[Node]:
        """Every node, parents before children, in the plan's order."""
        stack = self.roots[::-1]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def _grow(self) -> list[Node]:
        below: dict[int, list[Node]] = {}
        roots: list[Node] = []
        for node in self.nodes:
            parent = self.find(node.task.parent_id) if node.task.parent_id else None
            if parent is None or parent is node:
                roots.append(node)
            else:
                below.setdefault(parent.index, []).append(node)
        placed: set[int] = set()
        for root in roots:
            self._place(root, below, placed)
        for node in self.nodes:
            if node.index not in placed:
                roots.append(node)
                self._place(node, below, placed)
        for number, root in enumerate(roots, 1):
            root.number = str(number)
        for node in self._below(roots):
            for number, child in enumerate(node.children, 1):
                child.number = f"{node.number}.{number}"
        return roots

    @staticmethod
    def _place(root: Node, below: dict[int, list[Node]], placed: set[int]) -> None:
        placed.add(root.index)
        stack = [root]
        while stack:
            node = stack.pop()
            home = node if node.depth < MAX_SHOWN_DEPTH else node.parent or node
            for child in below.get(node.index, ()):
                if child.index not in placed:
                    placed.add(child.index)
                    child.parent, child.depth = home, home.depth + 1
                    home.children.append(child)
                    stack.append(child)

    @staticmethod
    def _below(roots: list[Node]) -> Iterator[Node]:
        stack = list(roots)
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.children)

    def _link(self) -> list[Link]:
        links: list[Link] = []
        seen: set[tuple[int, int]] = set()
        for edge in self.plan.edges:
            start, end = self.find(edge.from_task_id), self.find(edge.to_task_id)
            if start and end and start is not end and (start.index, end.index) not in seen:
                seen.add((start.index, end.index))
                link = Link(start, end, edge)
                links.append(link)
                end.after.append(start)
                end.waits.append(link)
        return links

    def _set_levels(self) -> None:
        """Longest chain of work before each task: a heading begins with its first child and ends with its last."""
        # Each node is two points, its start (2i) and its end (2i + 1).
        before: dict[int, list[int]] = {}
        for node in self.nodes:
            start, end = 2 * node.index, 2 * node.index + 1
            before[start] = [2 * other.index + 1 for other in node.after]
            if node.parent:
                before[start].append(2 * node.parent.index)
            before[end] = [start, *(2 * child.index + 1 for child in node.children)]
        try:
            order = list(TopologicalSorter(before).static_order())
        except CycleError:
            return
        steps: dict[int, int] = {}
        for point in order:
            node = self.nodes[point // 2]
            steps[point] = max((steps[other] for other in before[point]), default=0)
            if point % 2 and not node.children:
                steps[point] += 1
                node.level = steps[point]
