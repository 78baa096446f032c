"""Which entry of the catalogue answers an action, and which others it needs.

An entry answers a text from THRESHOLD on. The score is the index's cosine of TF-IDF vectors; 0.15 is about one telling word in
common between two texts of six. Below it the task keeps its words and no capability, and the router goes by the words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from genesis_server.agents.index import CatalogueIndex, Match, Offer
from genesis_server.model.catalogue import Artefact
from genesis_server.planning.dataflow import Supply, feeds
from genesis_server.text.words import content_stems

THRESHOLD = 0.15
MOST_HELPERS = 20


def best_match(text: str, index: CatalogueIndex) -> Match | None:
    """The entry that answers a text best, when any does."""
    found = index.match(text, limit=1)
    return found[0] if found and found[0].score >= THRESHOLD else None


def helpers(chosen: Sequence[Match | None], goal: str, index: CatalogueIndex, givens: Collection[Artefact]) -> list[Match]:
    """Entries to add so that the inputs of the chosen ones are produced.

    Only entries that also match the goal are added, and not by their description alone: by a word of their name or of what they make.
    The best one for each input that nothing chosen or given serves is taken; what they need in turn is looked for in the same way.
    """
    if not any(match is not None and match.offer.inputs for match in chosen):
        return []
    said = set(content_stems(goal))
    candidates = [
        match
        for match in index.match(goal)
        if match.score >= THRESHOLD and match.offer.outputs and not said.isdisjoint(_called(match.offer))
    ]
    taken = {match.offer.capability for match in chosen if match is not None}
    supply = Supply(givens)
    supply.add(output for match in chosen if match is not None for output in match.offer.outputs)
    needing = list({match.offer.capability: match for match in chosen if match is not None}.values())
    found: list[Match] = []
    for match in needing:
        for needed in supply.missing(match.offer.inputs):
            able = (other for other in candidates if any(feeds(output, needed) for output in other.offer.outputs))
            helper = next((other for other in able if other.offer.capability not in taken), None)
            if helper is None or len(found) == MOST_HELPERS:
                continue
            found.append(helper)
            taken.add(helper.offer.capability)
            supply.add(helper.offer.outputs)
            needing.append(helper)
    return found


def _called(offer: Offer) -> set[str]:
    """Stems of what an entry is called and of what it makes."""
    name = offer.skill.name if offer.skill is not None else ""
    return set(content_stems(" ".join([offer.capability, name, *(output.name for output in offer.outputs)])))
