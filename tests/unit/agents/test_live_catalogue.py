"""The catalogue of a tenant with those who joined."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from drawn_catalogues import AGENTS, TOOLS
from hypothesis import given, settings
from hypothesis import strategies as st
from roster_cases import DECLARED, TENANT, MemoryDocuments, Process, card

from genesis_server.agents import live_catalogue
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.live_catalogue import LiveCatalogue, with_live
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import AgentCard, DataClass
from genesis_server.model.work import Session
from genesis_server.orchestration.decisions.coding import decode_agents, encode_agents

CATALOGUES = st.builds(
    make_catalogue,
    st.lists(AGENTS, min_size=1, max_size=4, unique_by=lambda agent: agent.id),
    st.lists(TOOLS, max_size=2, unique_by=lambda tool: tool.name),
)


def shown(index: CatalogueIndex) -> list[tuple[str, str, bool]]:
    return [(agent.id, agent.description, agent.live) for agent in index.catalogue.agents]


async def made_aside() -> None:
    """What is being made is ready."""
    await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name() == "genesis-live-catalogue"])


@pytest.fixture
def process() -> Process:
    return Process(MemoryDocuments().view())


async def test_nobody_being_there_leaves_the_agents_file_as_it_is(process: Process) -> None:
    assert process.roster.index(TENANT) is DECLARED
    session = await process.roster.register(TENANT, card("guest"))
    assert process.roster.index(TENANT) is not DECLARED
    assert process.roster.index("globex") is DECLARED
    await process.roster.leave(TENANT, session.id, agent_id="guest")
    assert process.roster.index(TENANT) is DECLARED


async def test_who_joins_stands_in_its_place_and_strangers_come_after_by_id(process: Process) -> None:
    for each in (card("zoe"), card("qa", description="mine"), card("amy")):
        await process.roster.register(TENANT, each)
    expected = [("build", "", False), ("qa", "mine", True), ("amy", "", True), ("zoe", "", True)]
    assert shown(process.roster.index(TENANT)) == expected
    assert process.roster.index(TENANT).live_agents == 3


async def test_nobody_gets_more_sensitive_data_by_the_card_it_joins_with_than_the_agents_file_allows() -> None:
    declared = CatalogueIndex(make_catalogue([card("build", max_data_class=DataClass.CONFIDENTIAL)], ()))
    process = Process(MemoryDocuments().view(), declared=lambda: declared)

    def cleared() -> list[DataClass]:
        return [agent.max_data_class for agent in process.roster.index(TENANT).catalogue.agents]

    for joined, kept in ((DataClass.RESTRICTED, DataClass.CONFIDENTIAL), (DataClass.PUBLIC, DataClass.PUBLIC)):
        session = await process.roster.register(TENANT, card("build", max_data_class=joined))
        assert cleared() == [kept]
        await process.roster.leave(TENANT, session.id, agent_id="build")
    await process.roster.register(TENANT, card("stranger", max_data_class=DataClass.RESTRICTED))
    assert cleared() == [DataClass.CONFIDENTIAL, DataClass.RESTRICTED]


async def test_of_two_workers_with_different_cards_the_one_that_joined_last_counts(process: Process) -> None:
    await process.roster.register(TENANT, card("guest", description="old"))
    process.now.now += 1
    new = await process.roster.register(TENANT, card("guest", description="new"))
    assert shown(process.roster.index(TENANT))[-1] == ("guest", "new", True)
    await process.roster.leave(TENANT, new.id, agent_id="guest")
    assert shown(process.roster.index(TENANT))[-1] == ("guest", "old", True)


async def test_beats_and_further_workers_of_an_agent_make_no_new_index(process: Process) -> None:
    session = await process.roster.register(TENANT, card("guest"))
    index = process.roster.index(TENANT)
    await process.roster.beat(TENANT, session.id, agent_id="guest", load=1)
    await process.roster.register(TENANT, card("guest"))
    assert process.roster.index(TENANT) is index


async def test_a_new_agents_file_is_seen_at_once() -> None:
    declared = [DECLARED]
    process = Process(MemoryDocuments().view(), declared=lambda: declared[0])
    await process.roster.register(TENANT, card("guest"))
    process.roster.index(TENANT)
    declared[0] = CatalogueIndex(make_catalogue([card("other")], ()))
    assert [name for name, _, _ in shown(process.roster.index(TENANT))] == ["other", "guest"]


async def test_many_who_join_at_once_cost_few_indexes(monkeypatch: pytest.MonkeyPatch, process: Process) -> None:
    """A large index is made aside; meanwhile the one before is served."""
    made: list[int] = []

    def counted(declared, cards, former):
        made.append(len(cards))
        return with_live(declared, cards, former)

    monkeypatch.setattr(live_catalogue, "INLINE_OFFERS", 10)
    monkeypatch.setattr(live_catalogue, "with_live", counted)
    for number in range(200):
        await process.roster.register(TENANT, card(f"agent-{number}"))
        process.roster.index(TENANT)
    await made_aside()
    process.roster.index(TENANT)
    await made_aside()
    assert process.roster.index(TENANT).live_agents == made[-1] == 200
    assert len(made) < 60


async def test_a_large_index_that_cannot_be_made_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, sessions = LiveCatalogue(), [Session("ses_1", "guest", card("guest"), 0.0)]
    monkeypatch.setattr(live_catalogue, "INLINE_OFFERS", 0)
    with monkeypatch.context() as broken:
        broken.setattr(live_catalogue, "with_live", lambda *_: 1 / 0)
        catalogue.changed()
        assert catalogue.index(DECLARED, sessions) is DECLARED
        await made_aside()
    assert catalogue.index(DECLARED, sessions) is DECLARED
    await made_aside()
    assert catalogue.index(DECLARED, sessions).live_agents == 1


@given(CATALOGUES, st.data())
@settings(max_examples=50)
def test_an_index_that_takes_texts_over_is_as_one_made_anew(catalogue, data: st.DataObject) -> None:
    """Who came or went changes no word, and nobody notices that the words were not read again."""
    former = CatalogueIndex(catalogue)
    live = data.draw(st.sets(st.sampled_from([agent.id for agent in catalogue.agents])))
    other = data.draw(st.lists(AGENTS, max_size=1).filter(lambda more: all(each.id not in live for each in more)))
    cards: dict[str, AgentCard] = {agent.id: agent for agent in [*catalogue.agents, *other] if agent.id in live or agent in other}
    reused = with_live(former, cards, former)
    anew = CatalogueIndex(reused.catalogue)
    text = data.draw(st.sampled_from([skill.description for agent in catalogue.agents for skill in agent.skills]))
    assert reused.offers == anew.offers
    assert list(reused.scores(text)) == list(anew.scores(text))
    if not other:
        assert reused.texts is former.texts


def test_who_is_there_is_part_of_the_id_and_of_what_is_stored_for_replays() -> None:
    index = with_live(DECLARED, {"qa": card("qa", "qa.verify")}, DECLARED)
    assert index.catalogue.snapshot_id != DECLARED.catalogue.snapshot_id
    assert decode_agents(encode_agents(index)).catalogue == index.catalogue
    back = make_catalogue([replace(agent, live=False) for agent in index.catalogue.agents], index.catalogue.tools)
    assert back.snapshot_id == DECLARED.catalogue.snapshot_id


def test_a_catalogue_without_live_agents_keeps_the_id_it_always_had() -> None:
    assert make_catalogue([card("a")], ()).snapshot_id == "cat_cc3aabc8e79565af8516469f82f69257"
