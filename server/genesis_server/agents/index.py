"""Which skills and tools of a catalogue fit a text or a capability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genesis_server.agents.currencies import currencies_of
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.text.index import LexicalIndex, Scores
from genesis_server.text.words import content_stems, stem_set

NAME_WEIGHT = 3.0
TAG_WEIGHT = 2.0
CARD_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Offer:
    """A capability as one agent or tool offers it."""

    capability: str
    """The skill's id or the tool's name."""
    owner: AgentCard | Tool
    skill: Skill | None
    """None for tools."""

    @property
    def inputs(self) -> tuple[Artefact, ...]:
        """What it needs."""
        return self.owner.inputs if isinstance(self.owner, Tool) else self.skill.inputs if self.skill else ()

    @property
    def outputs(self) -> tuple[Artefact, ...]:
        """What it produces."""
        return self.owner.outputs if isinstance(self.owner, Tool) else self.skill.outputs if self.skill else ()

    @property
    def target_id(self) -> str:
        """The agent's id or the tool's name."""
        return self.owner.name if isinstance(self.owner, Tool) else self.owner.id


def names_of(owner: AgentCard | Tool) -> frozenset[str]:
    """What a request may call an agent or tool: an agent's id and name, a tool's name."""
    return frozenset([owner.name] if isinstance(owner, Tool) else [owner.id, owner.name or owner.id])


@dataclass(frozen=True, slots=True)
class Match:
    """An offer with how well it fits, 0 to 1."""

    offer: Offer
    score: float


@dataclass(frozen=True, slots=True)
class OfferTexts:
    """What is worked out of the words of offers; offers of the same words in the same order share it."""

    lexical: LexicalIndex
    by_example: Mapping[frozenset[str], Sequence[int]]
    """Places of the offers that have an example of these stems."""


class CatalogueIndex:
    """An immutable view of a catalogue, made once per snapshot."""

    def __init__(self, catalogue: Catalogue, former: CatalogueIndex | None = None) -> None:
        """Index every skill and every tool; the texts are those of `former` when it has the same, which saves most of the work."""
        self.catalogue = catalogue
        skills = [Offer(skill.id, agent, skill) for agent in catalogue.agents for skill in agent.skills]
        self.offers: tuple[Offer, ...] = (*skills, *[Offer(tool.name, tool, None) for tool in catalogue.tools])
        self._by_capability: dict[str, list[int]] = {}
        for number, offer in enumerate(self.offers):
            self._by_capability.setdefault(offer.capability, []).append(number)
        same = former is not None and _has_same_words(catalogue, former.catalogue)
        self.texts = former.texts if former is not None and same else _texts_of(self.offers)

    @cached_property
    def currencies(self) -> tuple[tuple[str, str], ...]:
        """Each currency of the catalogue with the path of the first price in it."""
        return currencies_of(self.catalogue)

    @cached_property
    def live_agents(self) -> int:
        """How many of its agents are live."""
        return sum(agent.live for agent in self.catalogue.agents)

    def with_capability(self, capability: str) -> tuple[Offer, ...]:
        """Offers of exactly this capability, in the catalogue's order."""
        return tuple([self.offers[number] for number in self.numbers_with_capability(capability)])

    def numbers_with_capability(self, capability: str) -> Sequence[int]:
        """Places in `offers` of the offers of exactly this capability, in order."""
        return self._by_capability.get(capability, ())

    def match(self, text: str, *, limit: int | None = None) -> list[Match]:
        """Offers that share a content word with `text`, best first, ties in the catalogue's order; scores as in `scores`."""
        scores = self.scores(text)
        order = np.argsort(-scores, kind="stable")[: limit if limit is not None else len(scores)]
        return [Match(self.offers[int(n)], float(scores[n])) for n in order if scores[n] > 0]

    def scores(self, text: str) -> Scores:
        """How well each offer fits `text`, 0 to 1, shape (len(offers),).

        The cosine with the offer's own words and examples taken together; 1 for an offer that has the very words as an example.
        """
        return self.all_scores([text])[0]

    def all_scores(self, texts: Sequence[str]) -> Scores:
        """The same for several texts at once, which takes a fraction of the time; shape (len(texts), len(offers))."""
        scores = self.texts.lexical.all_scores([content_stems(text) for text in texts])
        np.minimum(scores, 1.0, out=scores)
        for number, text in enumerate(texts):
            for place in self.texts.by_example.get(stem_set(text), ()):
                scores[number, place] = 1.0
        return scores


def _texts_of(offers: Iterable[Offer]) -> OfferTexts:
    """The stems of each offer, weighted by where they stand, and the examples."""
    bags: list[dict[str, float]] = []
    by_example: dict[frozenset[str], list[int]] = {}
    card_stems: dict[str, list[str]] = {}
    for number, offer in enumerate(offers):
        bag: dict[str, float] = {}
        if isinstance(offer.owner, Tool):
            _add(bag, content_stems(offer.owner.name), NAME_WEIGHT)
            _add(bag, content_stems(offer.owner.description), 1.0)
            examples = offer.owner.examples
        else:
            card, skill = offer.owner, offer.skill or Skill("")
            if card.id not in card_stems:
                card_stems[card.id] = content_stems(f"{card.name} {card.description}")
            _add(bag, content_stems(f"{skill.id} {skill.name}"), NAME_WEIGHT)
            _add(bag, content_stems(skill.description), 1.0)
            _add(bag, content_stems(" ".join(skill.tags)), TAG_WEIGHT)
            _add(bag, card_stems[card.id], CARD_WEIGHT)
            examples = skill.examples
        for example in examples:
            stems = content_stems(example)
            _add(bag, stems, 1.0)
            if stems:
                by_example.setdefault(frozenset(stems), []).append(number)
        bags.append(bag)
    return OfferTexts(LexicalIndex(bags), by_example)


def _has_same_words(one: Catalogue, other: Catalogue) -> bool:
    return one.tools == other.tools and [_words(card) for card in one.agents] == [_words(card) for card in other.agents]


def _words(card: AgentCard) -> tuple[object, ...]:
    """The parts of a card that words are taken from."""
    return card.name, card.description, card.skills


def _add(bag: dict[str, float], stems: Iterable[str], weight: float) -> None:
    for term in stems:
        bag[term] = bag.get(term, 0.0) + weight
