"""What a language model is told: the goal, what is there already, and the catalogue entries that may matter.

Everything in it is a caller's or an agent's text, so everything passes the tripwire first: an entry or artefact that looks like an
instruction to the model is left out, and a suspicious goal is not briefed at all (orchestration/drafting.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genesis_server.agents.index import CatalogueIndex, Offer
from genesis_server.model.catalogue import Artefact, Tool
from genesis_server.model.draft import Brief, Entry

MAX_DESCRIPTION = 300
"""Characters of an entry's description that are told."""
MAX_ARTEFACTS = 20
"""Inputs, and outputs, of an entry that are told."""


def make_brief(
    goal: str, *, index: CatalogueIndex, givens: tuple[Artefact, ...] = (), limit: int, is_suspicious: Callable[[str], bool]
) -> Brief:
    """The brief for a goal with at most `limit` entries: those that share most with the goal's words, ties in the catalogue's order.

    A capability that several agents offer is told once. Pure when `is_suspicious` is.
    """
    entries: dict[str, Entry] = {}
    for number in np.argsort(-index.scores(goal), kind="stable"):
        if len(entries) == limit:
            break
        offer = index.offers[int(number)]
        entry = _entry(offer)
        if offer.capability not in entries and not is_suspicious(_texts(entry)):
            entries[offer.capability] = entry
    there = tuple(given for given in givens if not is_suspicious(f"{given.name} {given.type}"))
    return Brief(goal, tuple(entries.values()), there)


def _entry(offer: Offer) -> Entry:
    if isinstance(offer.owner, Tool):
        description = offer.owner.description
    else:
        description = (offer.skill.description or offer.skill.name) if offer.skill is not None else ""
    return Entry(offer.capability, description[:MAX_DESCRIPTION], offer.inputs[:MAX_ARTEFACTS], offer.outputs[:MAX_ARTEFACTS])


def _texts(entry: Entry) -> str:
    artefacts = [f"{artefact.name} {artefact.type}" for artefact in (*entry.inputs, *entry.outputs)]
    return "\n".join([entry.name, entry.description, *artefacts])
