"""The entries of a catalogue as a graph: what each does to what, how well it fits an action, and how two of them hang together.

An entry's operation and things come from its name and description, what flows from its inputs and outputs. Fit and affinity are
TF-IDF (Salton & Buckley 1988) over things and their kin; everything is a pure function of the catalogue.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from genesis_server.agents.index import CatalogueIndex, Offer
from genesis_server.model.catalogue import Artefact, Tool
from genesis_server.planning.dataflow import feeds
from genesis_server.planning.operations import KIN_MARK, Operations, operations
from genesis_server.text.index import Scores
from genesis_server.text.words import stem, word_texts

NAME_WEIGHT = 2.0
KIN_WEIGHT = 0.7
"""Kin is worth less than the word itself."""
CONTEXT = 0.4
"""What a word is worth that stands elsewhere in the goal."""
NEARNESS, COVERAGE, SAME_OPERATION, OTHER_OPERATION = 0.5, 0.25, 0.7, -0.3
"""Parts of a fit: the cosine, the share of the entry's things that are spoken of, whether what is asked for is what it does."""
FLOW = 1.0
"""Affinity of two entries of which one produces what the other needs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A capability of the catalogue, as the first of its offers has it."""

    place: int
    offer: Offer
    operations: frozenset[str]
    things: frozenset[str]
    """Stems and kin of the words of its name that name things."""
    reads: bool
    """Whether it changes nothing."""
    closes: bool
    """Whether it follows on what was done before it."""
    begins: bool
    """Whether it makes something new."""
    finds: bool
    """Whether it is a reading of what there is to choose from."""

    @property
    def silent(self) -> bool:
        """Whether it says nothing of what it needs and makes, so that order must be told from words."""
        return not self.offer.inputs and not self.offer.outputs


@dataclass(frozen=True, slots=True)
class Fit:
    """How well every entry fits an action."""

    scores: Scores
    """0 for entries that share no word with the goal; else about 0 to 1.6."""
    asked: Mapping[str, float]
    """Operations the action asks for."""
    own: frozenset[str]
    """Its own words and their kin."""


class _Postings:
    """Term → entries and weights."""

    def __init__(self, bags: Sequence[Mapping[str, float]]) -> None:
        self.size = len(bags)
        collected: dict[str, tuple[list[int], list[float]]] = {}
        for place, bag in enumerate(bags):
            for term, weight in bag.items():
                places, weights = collected.setdefault(term, ([], []))
                places.append(place)
                weights.append(weight)
        self._found: dict[str, tuple[npt.NDArray[np.intp], Scores]] = {
            term: (np.array(places, dtype=np.intp), np.array(weights)) for term, (places, weights) in collected.items()
        }

    def __contains__(self, term: str) -> bool:
        return term in self._found

    def sums(self, weights: Mapping[str, float]) -> Scores:
        """For each entry the sum of its weights, each times the term's."""
        total: Scores = np.zeros(self.size)
        for term, weight in weights.items():
            found = self._found.get(term)
            if found is not None:
                total[found[0]] += weight * found[1]
        return total


class ToolGraph:
    """An immutable view of a catalogue for composing plans; `tool_graph` keeps one per index."""

    def __init__(self, index: CatalogueIndex, words: Operations) -> None:
        """Read every capability's name and description."""
        self.words = words
        first: dict[str, int] = {}
        for number, offer in enumerate(index.offers):
            first.setdefault(offer.capability, number)
        self._numbers = np.array(list(first.values()), dtype=np.intp)
        read = [self._read(index.offers[number]) for number in first.values()]
        self.entries: tuple[Entry, ...] = tuple(
            self._entry(place, index.offers[number], found[0], found[1])
            for place, (number, found) in enumerate(zip(first.values(), read, strict=True))
        )
        self._by_capability = {entry.offer.capability: entry for entry in self.entries}
        self.exampled = np.array([bool(_examples(entry.offer)) for entry in self.entries], dtype=bool)
        """Which entries have examples of requests."""
        self._bags = bags = [bag for _, _, bag in read]
        frequency = Counter(term for bag in bags for term in bag)
        self._unseen = math.log(1 + len(bags)) + 1.0
        self._idf = {
            term: (math.log((1 + len(bags)) / (1 + count)) + 1.0) * (KIN_WEIGHT if term.startswith(KIN_MARK) else 1.0)
            for term, count in frequency.items()
        }
        self._nearness = _Postings([self._unit(bag, queried=True) for bag in bags])
        self._coverage = _Postings([self._shares(entry.things) for entry in self.entries])
        self._affinity = _Postings([self._unit(dict.fromkeys(entry.things, 1.0)) for entry in self.entries])
        names = sorted({name for entry in self.entries for name in entry.operations})
        self._doing = {name: np.array([name in entry.operations for entry in self.entries]) for name in names}
        self._does_something = np.array([bool(entry.operations) for entry in self.entries], dtype=bool)

    def entry_of(self, capability: str) -> Entry:
        """The entry of a capability the catalogue has."""
        return self._by_capability[capability]

    def context(self, goal: str) -> dict[str, float]:
        """The words of a goal, each for what it is worth to actions that do not say it."""
        return dict.fromkeys(self.words.with_kin(self.words.content(goal)), CONTEXT)

    def fit(self, text: str, context: Mapping[str, float]) -> Fit:
        """How well each entry fits an action within its goal: nearness, coverage of its things, and the operation."""
        own = self.words.with_kin(self.words.content(text))
        asked = self.words.asked_for(text)
        return Fit(self._scores(own, asked, context), asked, frozenset(own))

    def fit_of_rest(self, text: str, entry: int) -> Scores:
        """How well each entry fits what one leaves unexplained of a text: words that are not its own, operations it does not do."""
        explained = self._bags[entry]
        own = [one for one in self.words.with_kin(self.words.content(text)) if one not in explained]
        asked = self.words.asked_for(text)
        return self._scores(own, {name: weight for name, weight in asked.items() if name not in self.entries[entry].operations}, {})

    def _scores(self, own: Iterable[str], asked: Mapping[str, float], context: Mapping[str, float]) -> Scores:
        own = list(own)
        weights = {**context, **dict.fromkeys(own, 1.0)}
        norm = math.sqrt(sum(self._idf[term] ** 2 for term in own if term in self._idf)) or 1.0
        near = self._nearness.sums(weights)
        scores = NEARNESS / norm * near + COVERAGE * self._coverage.sums(weights)
        if asked:
            best = np.full(len(self.entries), -1.0)
            for name, weight in asked.items():
                if name in self._doing:
                    best[self._doing[name]] = np.maximum(best[self._doing[name]], weight)
            scores += np.where(best >= 0, SAME_OPERATION * best, np.where(self._does_something, OTHER_OPERATION, 0.0))
        return np.where(near > 0, np.maximum(scores, 0.0), 0.0)

    def per_entry(self, scores: Scores) -> Scores:
        """Scores of all offers as the best score of each capability's first offer."""
        return scores[self._numbers]

    def affinities(self, place: int) -> Scores:
        """How much each entry is about the same things as one: the cosine of their names, 0 to 1."""
        return self._affinity.sums(self._unit(dict.fromkeys(self.entries[place].things, 1.0)))

    def flow(self, earlier: int, later: int) -> Artefact | None:
        """What of the earlier entry's outputs the later one can use."""
        needed = self.entries[later].offer.inputs
        outputs = self.entries[earlier].offer.outputs
        return next((output for output in outputs if any(feeds(output, one) for one in needed)), None)

    def named_things(self, one: int) -> str:
        """The words of an entry's name that name things."""
        entry = self.entries[one]
        return " ".join(word for word in dict.fromkeys(word_texts(entry.offer.capability)) if stem(word) in entry.things)

    def shared(self, one: int, other: int) -> str:
        """The words that name things of both, as the first one's name has them."""
        common = self.entries[one].things & self.entries[other].things
        return " ".join(word for word in dict.fromkeys(word_texts(self.entries[one].offer.capability)) if stem(word) in common)

    def _entry(self, place: int, offer: Offer, does: frozenset[str], things: frozenset[str]) -> Entry:
        words = self.words
        return Entry(
            place=place,
            offer=offer,
            operations=does,
            things=things,
            reads=bool(does) and does <= words.reads,
            closes=bool(does) and does <= words.closes,
            begins=not does.isdisjoint(words.begins),
            finds=not words.finding.isdisjoint(words.content(offer.capability)),
        )

    def _read(self, offer: Offer) -> tuple[frozenset[str], frozenset[str], dict[str, float]]:
        """An offer's operations, its things and its bag of words."""
        words = self.words
        if isinstance(offer.owner, Tool) or offer.skill is None:
            name, told = words.content(offer.capability), offer.owner.description
        else:
            name = [*words.content(offer.skill.name), *words.content(offer.skill.id)]
            told = " ".join([offer.skill.description, *offer.skill.tags])
        name, description = list(dict.fromkeys(name)), words.content(told)
        does, things = words.named(name, description)
        bag: dict[str, float] = dict.fromkeys(words.with_kin(things), NAME_WEIGHT)
        things = [one for one in things if does.isdisjoint(words.verbs.get(one, ())) and does.isdisjoint(words.nouns.get(one, ()))]
        said = set(name) - set(bag)
        for term in words.with_kin(one for one in description if one not in said):
            bag[term] = bag.get(term, 0.0) + 1.0
        return does, frozenset(words.with_kin(things)), bag

    def _unit(self, bag: Mapping[str, float], *, queried: bool = False) -> dict[str, float]:
        """The TF-IDF vector of a bag at length 1; `queried` counts the idf of the other side, too."""
        weights = {term: (1.0 + math.log(count) if count > 1.0 else 1.0) * self._idf[term] for term, count in bag.items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {term: weight / norm * (self._idf[term] if queried else 1.0) for term, weight in weights.items()}

    def _shares(self, things: Iterable[str]) -> dict[str, float]:
        """What share of an entry's things each is, by idf."""
        weights = {term: self._idf[term] for term in sorted(things)}
        total = sum(weights.values()) or 1.0
        return {term: weight / total for term, weight in weights.items()}


def _examples(offer: Offer) -> tuple[str, ...]:
    return offer.owner.examples if isinstance(offer.owner, Tool) else offer.skill.examples if offer.skill else ()


_kept: WeakKeyDictionary[CatalogueIndex, ToolGraph] = WeakKeyDictionary()
_lock = threading.Lock()


def tool_graph(index: CatalogueIndex) -> ToolGraph:
    """The graph of a catalogue, made once for as long as its index lives."""
    with _lock:
        found = _kept.get(index)
    if found is None:
        found = ToolGraph(index, operations())
        with _lock:
            _kept[index] = found
    return found
