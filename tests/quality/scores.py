"""How near a plan is to a gold plan: F1 of its nodes and of its edges, and whether it is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping


def f1(found: Iterable[Hashable], gold: Iterable[Hashable]) -> float:
    """Harmonic mean of precision and recall of two bags, 0 to 1; 1 when both are empty."""
    left, right = Counter(found), Counter(gold)
    size = left.total() + right.total()
    return 2 * (left & right).total() / size if size else 1.0


def edges_by_name(edges: Iterable[tuple[str, str]], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Edges between tasks as edges between the names of their tools."""
    return [(names[start], names[end]) for start, end in edges]
