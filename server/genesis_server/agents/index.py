"""Which skills and tools of a catalogue fit a text or a capability."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.text.index import LexicalIndex
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
        self.offers: tuple[Offer, ...] = (*skills, *(Offer(tool.name, tool, None) for tool in catalogue.tools))
        by_capability: dict[str, list[Offer]] = {}
        for offer in self.offers:
            by_capability.setdefault(offer.capability, []).append(offer)
        self._by_capability = {name: tuple(offers) for name, offers in by_capability.items()}
        self._documents = LexicalIndex([_bag(offer) for offer in self.offers])
        examples = [(n, text) for n, offer in enumerate(self.offers) for text in _examples(offer)]
        self._example_owner = np.array([n for n, _ in examples], dtype=np.intp)
        self._examples = LexicalIndex([Counter(content_stems(text)) for _, text in examples])

    def with_capability(self, capability: str) -> tuple[Offer, ...]:
        """Offers of exactly this capability, in the catalogue's order."""
        return self._by_capability.get(capability, ())

    def match(self, text: str, *, limit: int | None = None) -> list[Match]:
        """Offers that share a content word with `text`, best first, ties in the catalogue's order.

        The score is the cosine with the offer's own words, or with its nearest example when that is nearer.
        """
        stems = content_stems(text)
        scores = self._documents.scores(stems)
        if self._example_owner.size:
            np.maximum.at(scores, self._example_owner, self._examples.scores(stems))
        order = np.argsort(-scores, kind="stable")[: limit if limit is not None else len(scores)]
        return [Match(self.offers[n], min(1.0, float(scores[n]))) for n in order if scores[n] > 0]


def _examples(offer: Offer) -> tuple[str, ...]:
    return offer.owner.examples if isinstance(offer.owner, Tool) else offer.skill.examples if offer.skill else ()


def _bag(offer: Offer) -> dict[str, float]:
    """Stems of an offer's own words, weighted by where they stand."""
    bag: dict[str, float] = {}

    def add(text: str, weight: float) -> None:
        for term in content_stems(text):
            bag[term] = bag.get(term, 0.0) + weight

    if isinstance(offer.owner, Tool):
        add(offer.owner.name, NAME_WEIGHT)
        add(offer.owner.description, 1.0)
    elif offer.skill is not None:
        add(offer.skill.id, NAME_WEIGHT)
        add(offer.skill.name, NAME_WEIGHT)
        add(offer.skill.description, 1.0)
        for tag in offer.skill.tags:
            add(tag, TAG_WEIGHT)
        add(offer.owner.name, CARD_WEIGHT)
        add(offer.owner.description, CARD_WEIGHT)
    return bag
