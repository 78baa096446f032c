"""Can every task be done by somebody?

The solvability principle of Agent-Oriented Planning (arXiv 2410.02189).

Somebody can when an offer of the catalogue has exactly the capability a task names, or when an offer's words are near enough to the
words of the task's goal. A capability that is named but unknown, where only the words help, is a warning: it may be a typing error.
"""

from __future__ import annotations

from collections.abc import Iterator

from genesis_server.agents.index import CatalogueIndex, Match
from genesis_server.model.validation import Finding, FindingKind, Principle, Severity
from genesis_server.text.words import stem, stop_words, word_texts
from genesis_server.validation.findings import listed
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.offered import Descriptions, scores_of

MAX_TASKS_BY_WORDS = 5_000
"""Tasks without an offered capability; above this many their words are not looked at."""
MAX_COMPARISONS_BY_WORDS = 5_000_000
"""Such tasks times offers of the catalogue; above this many neither."""


class Solvability:
    """The primitive tasks of a plan against a catalogue."""

    def __init__(self, graph: PlanGraph, index: CatalogueIndex, threshold: float) -> None:
        """Sort the tasks: those whose capability is offered, and those whose words decide."""
        self._graph = graph
        self._index = index
        self._threshold = threshold
        self._descriptions = Descriptions(index)
        offered = {capability for capability in set(graph.tasks.capabilities) if index.numbers_with_capability(capability)}
        self.by_words = [row for row in graph.work if graph.tasks.capabilities[row] not in offered]
        """Rows whose words decide."""
        self.most_by_words = min(MAX_TASKS_BY_WORDS, MAX_COMPARISONS_BY_WORDS // max(1, len(index.offers)))
        """How many such rows are looked at."""
        self.too_many = len(self.by_words) > self.most_by_words
        """Whether there are too many of them, so that none was looked at."""
        self._best = {} if self.too_many else self._nearest_offers()

    @property
    def undoable(self) -> frozenset[int]:
        """Rows that nobody can do, or of which that is not known."""
        if self.too_many:
            return frozenset(self.by_words)
        return frozenset(row for row in self.by_words if self._score(self._match(row)) < self._threshold)

    def findings(self) -> Iterator[Finding]:
        """Tasks that nobody can do, with who comes nearest."""
        if self.too_many:
            return
        tasks = self._graph.tasks
        for row in self.by_words:
            name, capability, best = tasks.ids[row], tasks.capabilities[row], self._match(row)
            wants = f"has '{capability}'" if capability else "has words near enough to its goal"
            if self._score(best) < self._threshold:
                message = f"nobody can do task '{name}': no agent or tool {wants}; {self._nearest(row, best)}"
                yield _finding(Severity.ERROR, message, name)
            elif capability and best is not None:
                message = (
                    f"no agent or tool {wants}, which task '{name}' names; by the words of its goal "
                    f"'{best.offer.capability}' of '{best.offer.target_id}' would do"
                )
                yield _finding(Severity.WARNING, message, name)

    def _nearest(self, row: int, best: Match | None) -> str:
        if best is None:
            return "none shares a word with it; say the goal in other words, or bring an agent or tool for it"
        return (
            f"the nearest is '{best.offer.capability}' of '{best.offer.target_id}', "
            f"similar by {below(best.score, self._threshold)} where {self._threshold:.2f} are needed{self._missing(row, best)}"
        )

    def _missing(self, row: int, best: Match) -> str:
        """What the nearest offer lacks: words of the task's goal, inputs nobody gives it, outputs it does not make."""
        tasks, offer = self._graph.tasks, best.offer
        lacks: list[str] = []
        known = self._descriptions.words(offer)
        words = [word for word in word_texts(tasks.goals[row]) if word not in stop_words() and stem(word) not in known]
        if words:
            lacks.append(f"the words {listed(dict.fromkeys(words))}")
        made = {artefact.name for artefact in offer.outputs}
        outputs = [artefact.name for artefact in tasks.outputs.get(row, ()) if artefact.name not in made]
        if made and outputs:
            lacks.append(f"the outputs {listed(outputs)}")
        given = {artefact.name for artefact in tasks.inputs.get(row, ())}
        inputs = [artefact.name for artefact in offer.inputs if artefact.name not in given]
        asks = f", and it asks for the inputs {listed(inputs)}" if given and inputs else ""
        return (f"; it lacks {' and '.join(lacks)}" if lacks else "") + asks

    def _score(self, match: Match | None) -> float:
        return match.score if match is not None else 0.0

    def _match(self, row: int) -> Match | None:
        """The offer nearest to a task's goal; None: none shares a word with it."""
        return self._best[self._graph.tasks.goals[row]]

    def _nearest_offers(self) -> dict[str, Match | None]:
        """For the words that decide the offer nearest to them, the first of equals."""
        goals, offers = self._graph.tasks.goals, self._index.offers
        found: dict[str, Match | None] = {}
        for text, scores in scores_of([goals[row] for row in self.by_words], self._index):
            best = int(scores.argmax()) if offers else 0
            found[text] = Match(offers[best], float(scores[best])) if offers and scores[best] > 0 else None
        return found


def below(score: float, least: float) -> str:
    """A score with as many digits as show that it is less."""
    return next((text for digits in (2, 3, 4) if float(text := f"{score:.{digits}f}") < least), f"{score:.5f}")


def _finding(severity: Severity, message: str, task_id: str) -> Finding:
    return Finding(FindingKind.UNSOLVABLE_TASK, Principle.SOLVABILITY, severity, message, task_ids=(task_id,))
