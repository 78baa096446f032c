"""What a catalogue offers for an action of the goal or the words of a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

import numpy as np

from genesis_server.agents.index import CatalogueIndex, Offer
from genesis_server.model.catalogue import Tool
from genesis_server.model.routing import Target, TargetKind
from genesis_server.resilience.remembering import remembering
from genesis_server.text.index import Scores
from genesis_server.text.words import stem_set
from genesis_server.validation.task_verbs import verbs_of_capability
from genesis_server.validation.vocabulary import default_vocabulary

NEAREST = 8
"""How many of the best offers are looked at."""
AT_ONCE = 100
"""Texts that are compared with all offers at once."""
_DESCRIBED: WeakKeyDictionary[CatalogueIndex, dict[str, frozenset[str]]] = WeakKeyDictionary()
"""The stems of descriptions that were asked for; they go with their catalogue."""


class Offered:
    """The offers nearest to texts; each text is compared once."""

    def __init__(self, index: CatalogueIndex) -> None:
        """Look things up in a catalogue."""
        self._index = index
        self._nearest: dict[str, list[tuple[Offer, float]]] = {}

    def nearest(self, text: str) -> list[tuple[Offer, float]]:
        """At most `NEAREST` offers that share a word with a text, with their similarity, best first."""
        known = self._nearest.get(text)
        if known is None:
            scores = self._index.scores(text)
            count = min(NEAREST, len(scores))
            best = np.argpartition(-scores, count - 1)[:count] if count else np.empty(0, dtype=np.intp)
            order = sorted(best.tolist(), key=lambda number: (-scores[number], number))
            known = self._nearest[text] = [(self._index.offers[number], float(scores[number])) for number in order if scores[number] > 0]
        return known

    def similarity(self, text: str) -> float:
        """That of the best offer, 0 to 1."""
        return next((score for _, score in self.nearest(text)), 0.0)

    def doer(self, text: str, verb: str) -> tuple[Offer, float] | None:
        """The nearest offer whose name does what a verb, given by its stem, says."""
        alike = default_vocabulary().likeness
        return next(
            (found for found in self.nearest(text) if any(alike(verb, other) > 0 for other in verbs_of_capability(found[0].capability))),
            None,
        )


def scores_of(texts: Iterable[str], index: CatalogueIndex) -> Iterator[tuple[str, Scores]]:
    """Texts, each once, with the similarity of every offer; some at once, which takes a fraction of the time."""
    distinct = list(dict.fromkeys(texts))
    for start in range(0, len(distinct), AT_ONCE):
        some = distinct[start : start + AT_ONCE]
        yield from zip(some, index.all_scores(some), strict=True)


def target_of(offer: Offer) -> Target:
    """Who does what is offered: of an agent's models the one with the highest prior, then the cheapest."""
    if isinstance(offer.owner, Tool):
        return Target(TargetKind.TOOL, offer.owner.name)
    models = offer.owner.models
    model = min(models, key=lambda m: (-m.success_prior, m.input_price.nanos + m.output_price.nanos)).id if models else ""
    return Target(TargetKind.AGENT, offer.owner.id, model, offer.capability)


class Descriptions:
    """What the offers of a catalogue are called and how they are described; each is read once."""

    def __init__(self, index: CatalogueIndex) -> None:
        """Read those of a catalogue."""
        self._known = _DESCRIBED.setdefault(index, {}) if remembering() else {}

    def words(self, offer: Offer) -> frozenset[str]:
        """The stems of an offer's name and description."""
        text = _description(offer)
        if text not in self._known:
            self._known[text] = stem_set(text)
        return self._known[text]


def _description(offer: Offer) -> str:
    skill = offer.skill
    if skill is None:
        return f"{offer.owner.name} {offer.owner.description}"
    return f"{skill.id} {skill.name} {skill.description} {' '.join(skill.tags)}"
