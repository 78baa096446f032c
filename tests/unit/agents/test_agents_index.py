"""Finding who can do what."""

import random

from drawn_catalogues import AGENTS, TEXTS
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool

REVIEW = Skill("code.review", "Review code", "Reads a change for mistakes", ("diff",), ("Look over my pull request",), (Artefact("code"),))
CATALOGUE = Catalogue(
    agents=(AgentCard("build", (REVIEW, Skill("code.fix"))), AgentCard("security", (Skill("code.review", outputs=(Artefact("report"),)),))),
    tools=(Tool("get_weather", "Weather of a city", ("Will it rain?",), (Artefact("city"),), (Artefact("forecast"),)),),
)


def test_a_capability_is_offered_by_everybody_who_has_it() -> None:
    """Skills go by their ids and tools by their names."""
    index = CatalogueIndex(CATALOGUE)
    assert [offer.target_id for offer in index.with_capability("code.review")] == ["build", "security"]
    assert [offer.target_id for offer in index.with_capability("get_weather")] == ["get_weather"]
    assert index.with_capability("code.review")[0].inputs == (Artefact("code"),)
    assert index.with_capability("code.review")[1].outputs == (Artefact("report"),)
    assert index.with_capability("get_weather")[0].inputs == (Artefact("city"),)
    assert index.with_capability("get_weather")[0].outputs == (Artefact("forecast"),)
    assert index.with_capability("nobody has this") == ()


def test_words_find_the_nearest_offer() -> None:
    """Names, descriptions, tags and examples all help to be found."""
    index = CatalogueIndex(CATALOGUE)
    for text in ("weather in Paris", "mistakes in a change", "a diff to read", "reviewing"):
        assert index.match(text), text
    assert index.match("weather in Paris", limit=1)[0].offer.target_id == "get_weather"
    assert index.match("quantum") == []
    assert len(index.match("code", limit=1)) == 1


def test_the_very_words_of_an_example_fit_fully() -> None:
    """A request that stands on a card is answered by that card, whatever else it says."""
    best = CatalogueIndex(CATALOGUE).match("look over MY pull request!")[0]
    assert (best.offer.capability, best.score) == ("code.review", 1.0)


@given(st.lists(AGENTS, max_size=4, unique_by=lambda agent: agent.id), TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_agents_does_not_change_a_score(agents: list[AgentCard], text: str, rnd: random.Random) -> None:
    """A catalogue in another order finds the same offers with bit by bit the same scores, all between 0 and 1."""
    shuffled = agents.copy()
    rnd.shuffle(shuffled)

    def scores(cards: list[AgentCard]) -> dict[tuple[str, str], float]:
        found = CatalogueIndex(Catalogue(tuple(cards))).match(text)
        return {(match.offer.target_id, match.offer.capability): match.score for match in found}

    assert scores(agents) == scores(shuffled)
    assert all(0 < score <= 1 for score in scores(agents).values())
