"""Which words of a goal stand in which tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from genesis_server.resilience.remembering import remembers_texts
from genesis_server.text.words import word_texts
from genesis_server.validation.elements import terms_of
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.task_verbs import verbs_of_capability, verbs_of_goal
from genesis_server.validation.vocabulary import default_vocabulary

MAX_TASKS_ONE_BY_ONE = 5_000
"""In larger plans all tasks together count as one."""
_NOTHING: frozenset[str] = frozenset()
_NO_DIGITS = str.maketrans(dict.fromkeys("0123456789", " "))


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
        tasks = [_words_together(graph, rows, wanted)] if len(rows) > MAX_TASKS_ONE_BY_ONE else _words_by_task(graph, rows, wanted)
        self._verbs = _NOTHING.union(*(task.verbs for task in tasks))
        self._with_term: dict[str, list[TaskWords]] = {}
        for task in tasks:
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


def _words_by_task(graph: PlanGraph, rows: Sequence[int], wanted: frozenset[str]) -> list[TaskWords]:
    """What the tasks say, once where several say the same."""
    goals, capabilities = graph.tasks.goals, graph.tasks.capabilities
    named = {name: (wanted & _terms(name), verbs_of_capability(name)) for name in set(capabilities)}
    more = _says_more(graph)
    said: set[tuple[frozenset[str], frozenset[str]]] = set()
    for row in rows:
        goal, (terms, verbs) = goals[row], named[capabilities[row]]
        terms |= wanted & _terms(goal)
        for text in _beside_goal(graph, row) if more else ():
            terms |= wanted & _terms(text)
        said.add((terms, verbs | verbs_of_goal(goal)))
    return [TaskWords(terms, verbs) for terms, verbs in said]


def _words_together(graph: PlanGraph, rows: Sequence[int], wanted: frozenset[str]) -> TaskWords:
    """What the tasks say, as if they were one."""
    texts = [graph.tasks.goals[row] for row in rows]
    texts += {graph.tasks.capabilities[row] for row in rows}
    if _says_more(graph):
        texts += chain.from_iterable(_beside_goal(graph, row) for row in rows)
    text = " ".join(texts)
    if not any(term[:1].isdigit() for term in wanted):
        # Every task may have a number of its own; without them few words are left.
        text = text.translate(_NO_DIGITS)
    found = frozenset(map(terms_of, set(word_texts(" ".join(set(text.split()))))))
    return TaskWords(wanted & found, default_vocabulary().verb_stems & found)


def _says_more(graph: PlanGraph) -> bool:
    """Whether any task says something beside its goal and capability."""
    return bool(graph.tasks.acceptances or graph.tasks.notes or graph.tasks.outputs)


def _beside_goal(graph: PlanGraph, row: int) -> Iterator[str]:
    tasks = graph.tasks
    for column in (tasks.acceptances, tasks.notes):
        if row in column:
            yield column[row]
    for artefact in tasks.outputs.get(row, ()):
        yield artefact.name


# The same plan is judged after each repair, and once more with its routes.
@remembers_texts(most=1_024, longest=200)
def _terms(text: str) -> frozenset[str]:
    """The terms of a text."""
    return frozenset(map(terms_of, word_texts(text)))
