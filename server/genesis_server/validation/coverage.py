"""Which words of a goal stand in which tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from genesis_server.text.words import word_texts
from genesis_server.validation.elements import terms_of
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.task_verbs import verbs_of_capability, verbs_of_goal
from genesis_server.validation.vocabulary import default_vocabulary

LONGEST_REMEMBERED = 64
MAX_TASKS_ONE_BY_ONE = 5_000
"""In larger plans all tasks together count as one."""
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TaskWords:
    """What a task says of the goal."""

    terms: frozenset[str]
    """Terms asked for that stand in its goal, acceptance, capability, outputs, guards or requirements."""
    verbs: frozenset[str]
    """Stems of what it is called to do; of any verb in it in plans too large to be read task by task."""


class Coverage:
    """The terms asked for, task by task."""

    def __init__(self, graph: PlanGraph, asked: Collection[str], *, without: Collection[int] = ()) -> None:
        """Look for the terms `asked` for in the primitive tasks of a plan, `without` some rows."""
        wanted = frozenset(asked)
        rows = [row for row in graph.work if row not in without] if without else graph.work
        if len(rows) > MAX_TASKS_ONE_BY_ONE:
            found = frozenset(map(terms_of, set(word_texts(" ".join(_pieces(graph, rows))))))
            self.tasks = [TaskWords(wanted & found, default_vocabulary().verb_stems & found)]
        else:
            self.tasks = list(_words_by_task(graph, rows, wanted))
        self._verbs = _NOTHING.union(*(task.verbs for task in self.tasks))
        self._with_term: dict[str, list[TaskWords]] = {}
        for task in set(self.tasks):
            for term in task.terms:
                self._with_term.setdefault(term, []).append(task)

    def share(self, terms: Collection[str]) -> float:
        """The share of terms that stand in any task, 0 to 1; 1 for no terms."""
        return sum(term in self._with_term for term in terms) / len(terms) if terms else 1.0

    def best_share(self, terms: frozenset[str]) -> float:
        """The largest share of terms that stand together in one task, 0 to 1; 1 for no terms."""
        if not terms:
            return 1.0
        return max(self._counts(terms).values(), default=0) / len(terms)

    def answers(self, verb: str, terms: frozenset[str]) -> tuple[float, float]:
        """How far any task is called to do what a verb, given by its stem, says; and how far one task says both verb and terms.

        Both 0 to 1. The very verb counts in any task, one like it only in a task that has some of the terms.
        """
        exact = float(verb in self._verbs)
        if not terms:
            called = exact or _likeness(verb, self._verbs)
            return called, (1.0 + called) / 2.0
        called, best = exact, exact / 2.0
        known: dict[frozenset[str], float] = {}
        for task, count in self._counts(terms).items():
            if task.verbs not in known:
                known[task.verbs] = _likeness(verb, task.verbs)
            called = max(called, known[task.verbs])
            best = max(best, (count / len(terms) + known[task.verbs]) / 2.0)
        return called, best

    def _counts(self, terms: frozenset[str]) -> Counter[TaskWords]:
        return Counter(task for term in terms for task in self._with_term.get(term, ()))


def _likeness(verb: str, verbs: frozenset[str]) -> float:
    vocabulary = default_vocabulary()
    return 1.0 if verb in verbs else max((vocabulary.likeness(verb, other) for other in verbs), default=0.0)


def _words_by_task(graph: PlanGraph, rows: Sequence[int], wanted: frozenset[str]) -> Iterator[TaskWords]:
    texts = [text.split() for text in _texts(graph, rows)]
    found = {piece: terms for piece in set(chain.from_iterable(texts)) if (terms := wanted & _terms(piece))}
    goals, capabilities = graph.tasks.goals, graph.tasks.capabilities
    for row, pieces in zip(rows, texts, strict=True):
        here = _NOTHING.union(*[found[piece] for piece in pieces if piece in found])
        yield TaskWords(here, verbs_of_goal(goals[row]) | verbs_of_capability(capabilities[row]))


def _terms(piece: str) -> frozenset[str]:
    """The terms in a piece of text between spaces."""
    # What callers send stays in memory: words may, whole texts without a space may not.
    return _remembered(piece) if len(piece) <= LONGEST_REMEMBERED else _remembered.__wrapped__(piece)


@lru_cache(maxsize=4_096)
def _remembered(piece: str) -> frozenset[str]:
    return frozenset([piece] if piece.isdigit() else map(terms_of, word_texts(piece)))


def _pieces(graph: PlanGraph, rows: Sequence[int]) -> set[str]:
    """The pieces between spaces of all that some tasks say, each once."""
    tasks = graph.tasks
    said = [tasks.goals[row] for row in rows]
    said += {tasks.capabilities[row] for row in rows}
    for column in (tasks.acceptances, tasks.notes):
        said += [column[row] for row in rows if row in column]
    said += [artefact.name for row in rows if row in tasks.outputs for artefact in tasks.outputs[row]]
    return set(" ".join(said).split())


def _texts(graph: PlanGraph, rows: Sequence[int]) -> Iterator[str]:
    tasks = graph.tasks
    for row in rows:
        text = f"{tasks.goals[row]} {tasks.capabilities[row]}"
        if row in tasks.acceptances:
            text += f" {tasks.acceptances[row]}"
        if row in tasks.notes:
            text += f" {tasks.notes[row]}"
        if row in tasks.outputs:
            text += "".join(f" {artefact.name}" for artefact in tasks.outputs[row])
        yield text
