"""Security events: everything that happened is counted, nothing that happened holds anybody up."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.orchestration.ids import security_event_id
from genesis_server.resilience.errors import ResourceError
from genesis_server.security import events as module
from genesis_server.security.events import DROPPED, KIND, MOST_A_MINUTE, MOST_PENDING, SecurityEvents
from genesis_server.storage.base import Document, Put
from genesis_server.storage.opening import open_store

SECRET = "hunter2hunter2hunter2"


class Shelf:
    """Documents in a dictionary, which may refuse."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Put] = {}
        self.writes = 0
        self.broken = False
        self.writing: Any = None

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        self.writes += 1
        if self.writing is not None:
            self.writing()
        if self.broken:
            raise ResourceError("STORAGE_UNAVAILABLE", "no")
        self.entries.update({(put.key.tenant, put.key.id): put for put in puts})
        return [1] * len(puts)

    async def list(self, tenant: str, kind: str, *, after: str = "", limit: int = 100, descending: bool = False) -> list[Document]:
        assert (kind, descending) == (KIND, True)
        found = sorted((put for (whose, _), put in self.entries.items() if whose == tenant), key=lambda put: put.key.id, reverse=True)
        return [Document(put.key, put.value, 1) for put in found if not after or put.key.id < after][:limit]


class World:
    """A clock, a shelf and the events."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.shelf = Shelf()
        self.observed: list[str] = []
        self.pauses = 0
        self.pause = asyncio.Event()
        numbers = itertools.count(1)
        documents: Any = self.shelf
        self.events = SecurityEvents(
            documents,
            now=lambda: self.time,
            new_id=lambda now: f"evt_{now:09.3f}_{next(numbers):06}",
            observe=self.observed.append,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.pauses += 1
        await self.pause.wait()
        self.pause.clear()

    def note(
        self, kind: str = "LEASE_LOST", *, tenant: str | None = "acme", actor: str = "builder", message: str = "m", **facts: str
    ) -> None:
        self.events.note(tenant=tenant, kind=kind, actor=actor, message=message, facts=facts)

    async def counts(self, tenant: str = "acme") -> list[tuple[str, int]]:
        return [(event.kind, event.count) for event in await self.events.newest(tenant, limit=10_000)]


@pytest.fixture
def world() -> World:
    return World()


async def test_events_are_listed_newest_first_page_by_page_and_to_their_tenant_alone(world: World) -> None:
    for number in range(5):
        world.time += 1
        world.note(message=f"m{number}", plan_id=f"p{number}")
    world.note(tenant="other")
    await world.events.flush()
    first = await world.events.newest("acme", limit=2)
    assert [event.message for event in first] == ["m4", "m3"]
    second = await world.events.newest("acme", before=first[-1].id, limit=10)
    assert [event.message for event in second] == ["m2", "m1", "m0"]
    assert (first[0].time, first[0].kind, first[0].actor, first[0].facts, first[0].count) == (
        1_005.0,
        "LEASE_LOST",
        "builder",
        {"plan_id": "p4"},
        1,
    )
    assert len(await world.events.newest("other")) == 1


async def test_the_same_within_a_minute_is_one_event_with_a_count_also_when_it_was_written_meanwhile(world: World) -> None:
    world.note()
    world.note()
    await world.events.flush()
    assert await world.counts() == [("LEASE_LOST", 2)]
    world.time += 59
    world.note()
    await world.events.flush()
    assert await world.counts() == [("LEASE_LOST", 3)]
    world.time += 1
    world.note()
    await world.events.flush()
    assert await world.counts() == [("LEASE_LOST", 1), ("LEASE_LOST", 3)]


@pytest.mark.parametrize("other", [{"kind": "LEASE_FOREIGN"}, {"actor": "tester"}, {"message": "n"}])
async def test_another_kind_actor_or_message_is_another_event(world: World, other: dict[str, str]) -> None:
    world.note()
    world.note(**other)
    await world.events.flush()
    assert len(await world.counts()) == 2


async def test_what_is_nobodys_is_counted_and_not_kept(world: World) -> None:
    world.note("CREDENTIALS_INVALID", tenant=None)
    await world.events.flush()
    assert world.observed == ["CREDENTIALS_INVALID"]
    assert world.shelf.entries == {}


async def test_a_count_that_grows_while_it_is_written_is_written_again(world: World) -> None:
    world.note()
    world.shelf.writing = world.note
    await world.events.flush()
    world.shelf.writing = None
    assert await world.counts() == [("LEASE_LOST", 1)]
    await world.events.flush()
    assert await world.counts() == [("LEASE_LOST", 2)]


async def test_a_failed_write_is_tried_again_and_nothing_is_lost(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.shelf.broken = True
    task = asyncio.create_task(world.events.follow())
    world.note()
    await _until(lambda: world.pauses == 1)
    assert "could not be written yet (STORAGE_UNAVAILABLE)" in caplog.text
    world.note()
    world.shelf.broken = False
    world.pause.set()
    await _until(lambda: world.pauses == 2)
    assert await world.counts() == [("LEASE_LOST", 2)]
    writes = world.shelf.writes
    world.pause.set()
    await asyncio.sleep(0)
    assert world.shelf.writes == writes
    world.note("LEASE_FOREIGN")
    await _until(lambda: world.pauses == 3)
    assert len(await world.counts()) == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_at_stop_what_cannot_be_written_is_told(world: World) -> None:
    world.shelf.broken = True
    world.note()
    with pytest.raises(ResourceError):
        await world.events.flush()
    world.shelf.broken = False
    await world.events.flush()
    assert await world.counts() == [("LEASE_LOST", 1)]


async def test_what_is_beyond_the_bound_is_counted_in_one_event_of_each_tenant(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_A_MINUTE", 2 * MOST_PENDING)
    for number in range(MOST_PENDING + 7):
        world.note(actor=f"a{number}")
    world.note(tenant="other")
    world.note(actor="a1")
    await world.events.flush()
    counts = await world.counts()
    assert len(counts) == MOST_PENDING + 1
    assert counts[0] == (DROPPED, 7)
    assert sorted(count for _, count in counts[1:])[-2:] == [1, 2]
    assert await world.counts("other") == [(DROPPED, 1)]
    assert len(world.observed) == MOST_PENDING + 9


async def test_one_tenants_flood_neither_fills_the_store_nor_hides_what_happens_to_others(world: World) -> None:
    for second in range(120):
        world.time += 1
        for number in range(20):
            world.note(message=f"lease {second} {number}")
        await world.events.flush()
    world.note(tenant="other")
    await world.events.flush()
    counts = await world.counts()
    assert sum(count for _, count in counts) == 120 * 20
    assert sum(kind != DROPPED for kind, _ in counts) == 2 * MOST_A_MINUTE
    assert await world.counts("other") == [("LEASE_LOST", 1)]


async def test_no_number_of_tenants_fills_the_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 10)
    for number in range(50):
        world.note(tenant=f"t{number}")
    assert len(world.events._pending) == 20
    await world.events.flush()
    assert len(world.events._written) == 10
    assert len(world.observed) == 50


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from([0.0, 0.0, 20.0, 61.0]), st.booleans()), max_size=60)
)
async def test_whatever_happens_the_counts_add_up(happened: list[tuple[str, str, float, bool]]) -> None:
    world = World()
    for tenant, actor, seconds, flushed in happened:
        world.time += seconds
        world.note(tenant=tenant, actor=actor)
        if flushed:
            await world.events.flush()
    await world.events.flush()
    for tenant in "ab":
        assert sum(count for _, count in await world.counts(tenant)) == sum(whose == tenant for whose, *_ in happened)


async def test_texts_are_cut_and_hold_no_secrets(world: World) -> None:
    world.note(message=f"password={SECRET} " + "x" * 1_000, actor="a" * 500, long="y" * 500, secret=f"password={SECRET}")
    world.note("LEASE_FOREIGN", **{f"f{number}": "" for number in range(40)})
    await world.events.flush()
    many, one = await world.events.newest("acme")
    assert (len(one.message), len(one.actor), len(one.facts["long"]), len(many.facts)) == (300, 200, 200, 16)
    assert SECRET not in repr(one)


async def test_noting_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError("no")

    shelf: Any = Shelf()
    events = SecurityEvents(shelf, now=lambda: 0.0, new_id=str, observe=fail)
    events.note(tenant="acme", kind="LEASE_LOST", actor="a", message="m", facts={})
    assert "could not be noted" in caplog.text


async def test_each_event_is_one_line_of_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        world.note(plan_id="p")
        world.note(plan_id="p")
    (record,) = caplog.records
    fields: Any = record.__dict__["fields"]
    assert (record.getMessage(), fields["tenant"], fields["actor"], fields["plan_id"]) == (
        "security event: LEASE_LOST",
        "acme",
        "builder",
        "p",
    )


@pytest.fixture
async def stored() -> AsyncIterator[tuple[SecurityEvents, list[float]]]:
    clock = [1_000_000.0]
    store = open_store("sqlite://:memory:", clock=lambda: clock[0])
    made = SecurityEvents(store, now=lambda: clock[0], new_id=security_event_id, observe=lambda _: None, kept_seconds=100)
    yield made, clock
    await store.close()


async def test_a_real_store_lists_them_in_order_and_forgets_them_in_time(
    stored: tuple[SecurityEvents, list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    events, clock = stored
    monkeypatch.setattr(module, "MOST_A_MINUTE", 450)
    for number in range(450):
        clock[0] += 0.1
        events.note(tenant="acme", kind="LEASE_LOST", actor=f"a{number:03}", message="m", facts={"n": str(number)})
    await events.flush()
    found = await events.newest("acme", limit=1_000)
    assert [event.actor for event in found] == [f"a{number:03}" for number in range(449, -1, -1)]
    assert found[0].facts == {"n": "449"}
    clock[0] += 100
    assert await events.newest("acme") == []


async def _until(done: Any) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0)
