"""What a catalogue offers."""

from __future__ import annotations

import gc
import weakref

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Catalogue, Skill, Tool
from genesis_server.resilience.remembering import remember
from genesis_server.validation.offered import Descriptions

CATALOGUE = Catalogue(
    agents=(AgentCard("ann", (Skill("write", "Author", "writes the reports", tags=("prose",)),)),),
    tools=(Tool("search", "finds pages"),),
)


def _words() -> list[frozenset[str]]:
    index = CatalogueIndex(CATALOGUE)
    return [Descriptions(index).words(offer) for offer in index.offers]


def test_words_are_those_of_names_descriptions_and_tags() -> None:
    assert _words() == [{"write", "author", "report", "prose"}, {"search", "find", "page"}]


def test_without_memory_the_words_are_the_same() -> None:
    """`performance_optimizations_enabled` is off."""
    kept = _words()
    remember(False)
    try:
        assert _words() == kept
    finally:
        remember(True)


def test_what_was_read_goes_with_the_catalogue() -> None:
    index = CatalogueIndex(CATALOGUE)
    Descriptions(index).words(index.offers[0])
    gone = weakref.ref(index)
    del index
    gc.collect()
    assert gone() is None
