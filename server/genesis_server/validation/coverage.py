"""Which words of a goal stand in which tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from genesis_server.text.words import word_texts
from genesis_server.validation.elements import terms_of
from genesis_server.validation.graph import PlanGraph

MAX_TASKS_ONE_BY_ONE = 5_000
"""In larger plans all tasks together count as one."""


class Coverage:
    """The terms asked for, task by task: each task's goal, acceptance, capability and names of outputs."""

    def __init__(self, graph: PlanGraph, asked: Collection[str]) -> None:
        """Look for the terms `asked` for in the primitive tasks of a plan."""
        wanted = frozenset(asked)
        if len(graph.work) > MAX_TASKS_ONE_BY_ONE:
            pieces = set(" ".join(_texts(graph)).split())
            self._tasks = {wanted.intersection(map(terms_of, set(word_texts(" ".join(pieces)))))}
        else:
            self._tasks = set(_terms_by_task(graph, wanted))
        self._all = frozenset[str]().union(*self._tasks)

    def share(self, terms: Collection[str]) -> float:
        """The share of terms that stand in any task, 0 to 1; 1 for no terms."""
        return sum(term in self._all for term in terms) / len(terms) if terms else 1.0

    def best_share(self, terms: frozenset[str]) -> float:
        """The largest share of terms that stand together in one task, 0 to 1; 1 for no terms."""
        return max((len(terms & task) for task in self._tasks), default=0) / len(terms) if terms else 1.0


def _terms_by_task(graph: PlanGraph, wanted: frozenset[str]) -> Iterator[frozenset[str]]:
    known: dict[str, frozenset[str]] = {}
    for text in _texts(graph):
        here = set[str]()
        for piece in text.split():
            terms = known.get(piece)
            if terms is None:
                terms = known[piece] = _terms(piece, wanted)
            here |= terms
        yield frozenset(here)


def _terms(piece: str, wanted: frozenset[str]) -> frozenset[str]:
    """The wanted terms in a piece of text between spaces."""
    if piece.isdigit():
        return wanted.intersection([piece])
    return wanted.intersection(map(terms_of, word_texts(piece)))


def _texts(graph: PlanGraph) -> Iterator[str]:
    tasks = graph.tasks
    for row in graph.work:
        text = f"{tasks.goals[row]} {tasks.capabilities[row]}"
        if row in tasks.acceptances:
            text += f" {tasks.acceptances[row]}"
        if row in tasks.outputs:
            text += "".join(f" {artefact.name}" for artefact in tasks.outputs[row])
        yield text
