"""Catalogues of requests are indexed once, aside when they are large, and the memory they take is bounded."""

from __future__ import annotations

import asyncio

import pytest

from genesis.v1 import catalogue_pb2
from genesis_server.resilience.errors import ValidationError
from genesis_server.resilience.remembering import remember
from genesis_server.rpc import request_catalogues
from genesis_server.rpc.request_catalogues import INLINE_ENTRIES, RequestCatalogues


def tools(count: int, word: str = "tool") -> catalogue_pb2.Catalogue:
    """A catalogue of that many tools."""
    return catalogue_pb2.Catalogue(tools=[catalogue_pb2.Tool(name=f"{word}{n}") for n in range(count)])


async def test_the_same_content_is_indexed_once_and_the_id_tells_the_content() -> None:
    catalogues = RequestCatalogues()
    first = await catalogues.index(tools(2))
    assert await catalogues.index(tools(2)) is first
    other = await catalogues.index(tools(3))
    assert first.catalogue.snapshot_id != other.catalogue.snapshot_id


async def test_without_memory_each_call_has_an_index_of_its_own_that_says_the_same() -> None:
    """`performance_optimizations_enabled` is off: the same answers, slower."""
    looked: list[tuple[str, str]] = []
    catalogues = RequestCatalogues(observe=lambda cache, result: looked.append((cache, result)))
    kept = await catalogues.index(tools(2))
    remember(False)  # this test's context alone
    fresh = await catalogues.index(tools(2))
    assert fresh is not kept
    assert fresh.catalogue == kept.catalogue
    assert fresh.match("tool1") == kept.match("tool1")
    remember(True)
    assert await catalogues.index(tools(2)) is kept
    assert looked == [("request_catalogue", "miss"), ("request_catalogue", "off"), ("request_catalogue", "hit")]


async def test_callers_who_come_together_with_a_large_catalogue_share_one_index(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = request_catalogues.request_index
    monkeypatch.setattr(request_catalogues, "request_index", lambda message, name: (built.append(name), build(message, name))[1])
    catalogues, large = RequestCatalogues(), tools(INLINE_ENTRIES + 1)
    indexes = await asyncio.gather(*(catalogues.index(large) for _ in range(5)))
    assert len(built) == 1
    assert all(index is indexes[0] for index in indexes)


async def test_a_caller_who_goes_away_does_not_end_what_others_wait_for() -> None:
    catalogues, large = RequestCatalogues(), tools(INLINE_ENTRIES + 1)
    gone, waiting = asyncio.create_task(catalogues.index(large)), asyncio.create_task(catalogues.index(large))
    await asyncio.sleep(0)
    gone.cancel()
    assert len((await waiting).offers) == INLINE_ENTRIES + 1


async def test_many_skills_of_one_agent_count_as_many() -> None:
    skills = [catalogue_pb2.Skill(id=f"s{n}") for n in range(INLINE_ENTRIES + 1)]
    assert request_catalogues._entries(catalogue_pb2.Catalogue(agents=[catalogue_pb2.AgentCard(id="a", skills=skills)])) > INLINE_ENTRIES


async def test_indexes_beyond_the_bound_are_forgotten_oldest_first_but_never_the_last() -> None:
    catalogues = RequestCatalogues(capacity=10, max_offers=5)
    first = await catalogues.index(tools(2, "a"))
    second = await catalogues.index(tools(3, "b"))
    assert await catalogues.index(tools(2, "a")) is first
    await catalogues.index(tools(3, "c"))
    assert await catalogues.index(tools(2, "a")) is first
    assert await catalogues.index(tools(3, "b")) is not second
    huge = await catalogues.index(tools(9, "d"))
    assert await catalogues.index(tools(9, "d")) is huge


async def test_a_large_catalogue_with_an_id_twice_is_refused_for_all_who_wait() -> None:
    large = tools(INLINE_ENTRIES + 1)
    large.tools.add(name="tool0")
    catalogues = RequestCatalogues()
    for result in await asyncio.gather(*(catalogues.index(large) for _ in range(2)), return_exceptions=True):
        assert isinstance(result, ValidationError)
    assert not catalogues._builds
