"""Tasks that say in other words what an earlier task says.

Two do when capability, inputs and numbers are the same, their verbs are not known to say different things, their words overlap enough
with like verbs taken for one, and at least one of the two has no word of its own that is a name or stands elsewhere in the plan or the
goal: such a word would name something else, while a word that stands nowhere else may well be another word for the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from genesis_server.text.words import stem, stem_set
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.policy import RedundancyPolicy
from genesis_server.validation.task_verbs import verbs_of_goal
from genesis_server.validation.vocabulary import default_vocabulary

MAX_COMPARISONS = 50
"""Earlier tasks each is compared with, those that share its rarest words first, so that the time stays linear."""

# A word with a capital that does not open the text.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z]\w+")
_NO_INPUTS = frozenset[str]()


def inputs_of(graph: PlanGraph, row: int) -> frozenset[str]:
    """The names of what a task needs."""
    return frozenset([artefact.name for artefact in graph.tasks.inputs.get(row, ())])


@dataclass(frozen=True, slots=True)
class _Said:
    """What a task says."""

    words: frozenset[str]
    """Stems of the goal without those of the capability, with the verbs of a group of like verbs taken for one."""
    verbs: frozenset[str]


def repeats_in_other_words(graph: PlanGraph, rows: list[int], policy: RedundancyPolicy, goal: str) -> Iterator[tuple[int, int, float]]:
    """Pairs of an earlier and a later row that say the same, each later one once, with the share of words they have in common."""
    comparable = _comparable(graph, rows)
    if not comparable:
        return
    said = {row: _said(graph, row) for row in rows}
    counts = Counter(chain.from_iterable(telling.words for telling in said.values()))
    names = {stem(name.lower()) for row in rows for name in _NAME.findall(graph.tasks.goals[row])}
    elsewhere = frozenset(word for word, count in counts.items() if count > 1) | _one_verb_each(stem_set(goal)) | names
    rarity = {word: place for place, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    for some in comparable:
        least = policy.overlap_with_capability if graph.tasks.capabilities[some[0]] else policy.overlap
        by_word: dict[str, list[int]] = {}
        for row in some:
            telling = said[row]
            if len(telling.words) < policy.fewest_words:
                continue
            rarest = sorted(telling.words, key=rarity.__getitem__)
            earlier = dict.fromkeys(chain.from_iterable([by_word[word][:MAX_COMPARISONS] for word in rarest if word in by_word]))
            alike = [
                (other, shared)
                for other in list(earlier)[:MAX_COMPARISONS]
                if (shared := _shared(said[other], telling, policy.fewest_words, elsewhere)) >= least
            ]
            if alike:
                first, shared = min(alike)
                yield first, row, shared
            for word in rarest:
                by_word.setdefault(word, []).append(row)


def _comparable(graph: PlanGraph, rows: list[int]) -> list[list[int]]:
    """Rows of the same capability, inputs and numbers, where there are several."""
    goals, capabilities, inputs = graph.tasks.goals, graph.tasks.capabilities, graph.tasks.inputs
    stems = [stem_set(goals[row]) for row in rows]
    numerals = frozenset([word for word in frozenset[str]().union(*stems) if word[0].isdigit()])
    beside = {name: numerals - stem_set(name) for name in set(capabilities)}
    groups: dict[tuple[str, frozenset[str], frozenset[str]], list[int]] = {}
    for row, words in zip(rows, stems, strict=True):
        name = capabilities[row]
        groups.setdefault((name, inputs_of(graph, row) if inputs else _NO_INPUTS, words & beside[name]), []).append(row)
    return [some for some in groups.values() if len(some) > 1]


def _said(graph: PlanGraph, row: int) -> _Said:
    goal, capability = graph.tasks.goals[row], graph.tasks.capabilities[row]
    own = stem_set(goal)
    return _Said(_one_verb_each(own - stem_set(capability) if capability else own), verbs_of_goal(goal))


def _one_verb_each(stems: frozenset[str]) -> frozenset[str]:
    return frozenset(map(default_vocabulary().group_names.get, stems, stems))


def _shared(first: _Said, second: _Said, fewest: int, elsewhere: frozenset[str]) -> float:
    """The share of words two tasks have in common (Jaccard); 0 where they cannot say the same."""
    shared = len(first.words & second.words)
    if shared < fewest or default_vocabulary().contrary(first.verbs, second.verbs):
        return 0.0
    if _names_other_things(first.words - second.words, elsewhere) and _names_other_things(second.words - first.words, elsewhere):
        return 0.0
    return shared / len(first.words | second.words)


def _names_other_things(words: frozenset[str], elsewhere: frozenset[str]) -> bool:
    return any(word in elsewhere and word[0] != "#" for word in words)
