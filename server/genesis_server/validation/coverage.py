"""Which words of a goal stand in which tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from genesis_server.text.words import words
from genesis_server.validation.elements import terms_of
from genesis_server.validation.graph import PlanGraph


class Coverage:
    """The terms asked for, task by task: each task's goal, acceptance, capability and names of outputs.

    Texts are cut at spaces and each distinct piece is looked at once, so that a plan of 100 000 tasks takes a fraction of a second.
    """

    def __init__(self, graph: PlanGraph, asked: Collection[str]) -> None:
        """Look for the terms `asked` for in the primitive tasks of a plan."""
        wanted = frozenset(asked)
        pieces: dict[str, frozenset[str]] = {}
        nothing = frozenset[str]()
        found: set[frozenset[str]] = set()
        for text in _texts(graph):
            here = nothing
            for piece in text.split():
                terms = pieces.get(piece)
                if terms is None:
                    terms = pieces[piece] = wanted.intersection(terms_of(word.text) for word in words(piece))
                if terms:
                    here |= terms
            if here:
                found.add(here)
        self._tasks = found
        self._all = nothing.union(*found)

    def share(self, terms: Collection[str]) -> float:
        """The share of terms that stand in any task, 0 to 1; 1 for no terms."""
        return sum(term in self._all for term in terms) / len(terms) if terms else 1.0

    def best_share(self, terms: frozenset[str]) -> float:
        """The largest share of terms that stand together in one task, 0 to 1; 1 for no terms."""
        return max((len(terms & task) for task in self._tasks), default=0) / len(terms) if terms else 1.0


def _texts(graph: PlanGraph) -> Iterator[str]:
    tasks = graph.tasks
    for row in graph.work:
        text = f"{tasks.goals[row]} {tasks.capabilities[row]}"
        if row in tasks.acceptances:
            text += f" {tasks.acceptances[row]}"
        if row in tasks.outputs:
            text += "".join(f" {artefact.name}" for artefact in tasks.outputs[row])
        yield text
