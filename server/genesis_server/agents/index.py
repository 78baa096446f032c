"""Which skills and tools of a catalogue fit a text or a capability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genesis_server.agents.currencies import currencies_of
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.text.index import LexicalIndex, Scores
from genesis_server.text.words import content_stems

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


class CatalogueIndex:
    """An immutable view of a catalogue, made once per snapshot."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index every skill and every tool."""
        self.catalogue = catalogue
        skills = [Offer(skill.id, agent, skill) for agent in catalogue.agents for skill in agent.skills]
        self.offers: tuple[Offer, ...] = (*skills, *[Offer(tool.name, tool, None) for tool in catalogue.tools])
        self._by_capability: dict[str, list[int]] = {}
        for number, offer in enumerate(self.offers):
            self._by_capability.setdefault(offer.capability, []).append(number)
        self._by_example: dict[frozenset[str], list[int]] = {}
        self._lexical = LexicalIndex(self._bags())

    @cached_property
    def currencies(self) -> tuple[tuple[str, str], ...]:
        """Each currency of the catalogue with the path of the first price in it."""
        return currencies_of(self.catalogue)

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
        queries = [content_stems(text) for text in texts]
        scores = self._lexical.all_scores(queries)
        np.minimum(scores, 1.0, out=scores)
        for number, stems in enumerate(queries):
            for place in self._by_example.get(frozenset(stems), ()):
                scores[number, place] = 1.0
        return scores

    def _bags(self) -> list[dict[str, float]]:
        """For each offer its stems, weighted by where they stand; notes the examples on the way."""
        bags: list[dict[str, float]] = []
        card_stems: dict[str, list[str]] = {}
        for number, offer in enumerate(self.offers):
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
                    self._by_example.setdefault(frozenset(stems), []).append(number)
            bags.append(bag)
        return bags


def _add(bag: dict[str, float], stems: Iterable[str], weight: float) -> None:
    for term in stems:
        bag[term] = bag.get(term, 0.0) + weight
