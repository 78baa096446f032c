"""Workers that come, beat, fall silent and leave, as one process and as two see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from engines import Clock, SqliteEngine
from roster_cases import LEASE_SECONDS, TENANT, MemoryDocuments, Process, card

from genesis_server.agents import roster as roster_module
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.session_store import KIND
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import Model
from genesis_server.model.money import Money
from genesis_server.model.work import SessionState
from genesis_server.resilience.errors import GenesisError, ResourceError, SecurityError, ValidationError
from genesis_server.storage.base import Change, Key, Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = SqliteEngine(tmp_path, Clock()).open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(tmp_path: Path, store: Store) -> AsyncIterator[Store]:
    """The same file, as another process opens it."""
    opened = SqliteEngine(tmp_path, Clock()).open()
    yield opened
    await opened.close()


@pytest.fixture
def memory() -> MemoryDocuments:
    return MemoryDocuments()


async def refusal(call) -> GenesisError:
    with pytest.raises(GenesisError) as caught:
        await call
    return caught.value


async def test_a_worker_that_joins_is_known_at_once(store: Store) -> None:
    process = Process(store)
    session = await process.roster.register(TENANT, card("build"))
    assert (session.agent_id, session.state, session.joined, session.beats) == ("build", SessionState.LIVE, process.now(), 0)
    assert process.roster.sessions(TENANT) == {session.id: session}
    assert process.roster.live_agents(TENANT) == {"build"}
    assert await process.roster.session(TENANT, session.id) == session
    assert (await process.news()) == session


async def test_each_stream_a_worker_opens_has_a_higher_number_and_every_process_hears_of_it(store: Store, other: Store) -> None:
    """So the older stream ends wherever it is; an opened stream is a sign of life, too."""
    one, two = Process(store), Process(other)
    session = await one.roster.register(TENANT, card("build"))
    await two.roster.session(TENANT, session.id)
    heard: list[tuple[str, int]] = []
    for name, process in (("one", one), ("two", two)):
        process.roster.on_stream(lambda _tenant, told, name=name: heard.append((name, told.streams)))
    first = await one.roster.open_stream(TENANT, session.id)
    second = await two.roster.open_stream(TENANT, session.id)
    assert (first.streams, second.streams, second.beats) == (1, 2, 2)
    assert heard[0] == ("one", 1)
    assert heard[-1] == ("two", 2)
    await one.roster.beat(TENANT, session.id, agent_id="build", load=0.5)
    assert heard[-1] == ("one", 2)
    assert (await refusal(one.roster.open_stream(TENANT, "ses_none"))).reason == "SESSION_NOT_FOUND"


async def test_nobody_is_there_in_a_tenant_nobody_joined(store: Store) -> None:
    roster = Process(store).roster
    assert (dict(roster.sessions("x")), set(roster.live_agents("x")), list(roster.tenants)) == ({}, set(), [])
    error = await refusal(roster.session("x", "ses_x"))
    assert isinstance(error, ResourceError)
    assert (error.reason, error.facts) == ("SESSION_NOT_FOUND", {"session_id": "ses_x"})
    assert list(roster.tenants) == []


async def test_a_worker_of_one_tenant_is_unknown_in_another(store: Store) -> None:
    roster = Process(store).roster
    session = await roster.register(TENANT, card("build"))
    assert (await refusal(roster.beat("globex", session.id, agent_id="build", load=0))).reason == "SESSION_NOT_FOUND"
    assert set(roster.live_agents("globex")) == set()


async def test_beats_count_and_tell_the_load(store: Store) -> None:
    roster = Process(store).roster
    session = await roster.register(TENANT, card("build"))
    await roster.beat(TENANT, session.id, agent_id="build", load=0.25)
    beaten = await roster.beat(TENANT, session.id, agent_id=None, load=0.5)
    assert (beaten.beats, beaten.load) == (2, 0.5)
    assert roster.sessions(TENANT)[session.id] == beaten


async def test_while_nothing_is_written_a_beat_is_answered_and_counts_when_it_may_be_written_again(store: Store) -> None:
    frozen: list[bool] = []
    process = Process(store, may_write=lambda: not frozen)
    session = await process.roster.register(TENANT, card("build"))
    frozen.append(True)
    answered = await process.roster.beat(TENANT, session.id, agent_id="build", load=0.5)
    assert (answered.id, answered.beats) == (session.id, 0)
    other = await refusal(process.roster.beat(TENANT, session.id, agent_id="test", load=0.5))
    assert isinstance(other, SecurityError)
    gone = await refusal(process.roster.beat(TENANT, "ses_none", agent_id=None, load=0.5))
    assert gone.reason == "SESSION_NOT_FOUND"
    frozen.clear()
    process.clock.now += LEASE_SECONDS * 0.9
    await process.roster.expire()
    assert (await process.roster.session(TENANT, session.id)).beats == 1


async def test_another_agent_can_neither_keep_nor_end_a_session(store: Store) -> None:
    roster = Process(store).roster
    session = await roster.register(TENANT, card("build"))
    for call in (
        roster.beat(TENANT, session.id, agent_id="qa", load=0),
        roster.leave(TENANT, session.id, agent_id="qa"),
    ):
        error = await refusal(call)
        assert isinstance(error, SecurityError)
        assert (error.reason, error.facts) == ("AGENT_MISMATCH", {"agent_id": "build", "subject": "qa"})
    assert roster.sessions(TENANT) == {session.id: session}


async def test_who_left_is_gone_and_cannot_leave_again(store: Store) -> None:
    process = Process(store)
    session = await process.roster.register(TENANT, card("build"))
    await process.news()
    left = await process.roster.leave(TENANT, session.id, agent_id="build")
    assert left.state is SessionState.LEFT
    assert await process.news() == left
    assert set(process.roster.live_agents(TENANT)) == set()
    for call in (
        process.roster.leave(TENANT, session.id, agent_id="build"),
        process.roster.beat(TENANT, session.id, agent_id="build", load=0),
        process.roster.session(TENANT, session.id),
    ):
        assert (await refusal(call)).reason == "SESSION_NOT_FOUND"


async def test_an_ended_session_vanishes_after_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteEngine(tmp_path, clock).open()
    process = Process(store, now=clock)
    session = await process.roster.register(TENANT, card("build"))
    await process.roster.leave(TENANT, session.id, agent_id="build")
    clock.now += 3_599
    assert await store.get(Key(TENANT, KIND, session.id)) is not None
    clock.now += 2
    assert await store.get(Key(TENANT, KIND, session.id)) is None
    await store.close()


async def test_a_tenant_has_only_so_many_workers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "MOST_SESSIONS", 2)
    roster = Process(store).roster
    first = await roster.register(TENANT, card("build"))
    await roster.register(TENANT, card("qa"))
    error = await refusal(roster.register(TENANT, card("build")))
    assert (error.reason, error.facts, error.retry_after_seconds) == ("OVERLOADED", {"limit": "2"}, 5.0)
    await roster.register("globex", card("build"))
    await roster.leave(TENANT, first.id, agent_id="build")
    assert (await roster.register(TENANT, card("build"))).agent_id == "build"


async def test_a_card_that_would_fill_the_memory_is_refused(store: Store) -> None:
    roster = Process(store).roster
    error = await refusal(roster.register(TENANT, card("build", description="x" * 300_000)))
    assert (error.reason, error.facts["field"]) == ("INVALID_FIELD", "card")
    assert set(roster.live_agents(TENANT)) == set()


async def test_a_silent_worker_is_lost_after_the_leases_time_and_not_before(store: Store) -> None:
    process = Process(store)
    session = await process.roster.register(TENANT, card("build"))
    await process.news()
    process.clock.now += LEASE_SECONDS - 0.1
    await process.look_twice()
    assert set(process.roster.live_agents(TENANT)) == {"build"}
    process.clock.now += 0.1
    await process.look_twice()
    lost = await process.news()
    assert (lost.id, lost.state) == (session.id, SessionState.LOST)
    assert (await refusal(process.roster.beat(TENANT, session.id, agent_id="build", load=0))).reason == "SESSION_NOT_FOUND"


async def test_a_worker_that_speaks_is_alive_although_its_beats_are_late(store: Store, other: Store) -> None:
    """A busy server answers heartbeats late; what comes on the worker's stream counts, and every process learns of it."""
    here, there = Process(store), Process(other)
    session = await here.roster.register(TENANT, card("build"))
    assert (await there.roster.session(TENANT, session.id)).beats == 0
    here.roster.heard(TENANT, session.id)
    await here.look_twice()
    assert (await here.roster.session(TENANT, session.id)).beats == 0, "nothing is written while beats are not late"
    here.clock.now += LEASE_SECONDS
    await here.look_twice()
    assert (await here.roster.session(TENANT, session.id)).beats == 1
    here.clock.now += LEASE_SECONDS
    await here.look_twice()
    assert not here.roster.sessions(TENANT), "who spoke once is not alive for ever"


async def test_a_process_that_was_held_up_hears_what_waited_for_it_before_it_ends_anybody(store: Store) -> None:
    process = Process(store)
    session = await process.roster.register(TENANT, card("build"))
    process.clock.now += 10 * LEASE_SECONDS
    await process.roster.expire()
    await process.roster.beat(TENANT, session.id, agent_id="build", load=0)
    await process.look_twice()
    assert set(process.roster.live_agents(TENANT)) == {"build"}


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_clock_that_jumps_ends_nothing(store: Store, jump: float) -> None:
    process = Process(store)
    session = await process.roster.register(TENANT, card("build"))
    process.now.now += jump
    process.clock.now += LEASE_SECONDS / 2
    await process.look_twice()
    await process.roster.beat(TENANT, session.id, agent_id="build", load=0)
    process.clock.now += LEASE_SECONDS / 2
    await process.look_twice()
    assert set(process.roster.live_agents(TENANT)) == {"build"}
    process.clock.now += LEASE_SECONDS / 2
    await process.look_twice()
    assert set(process.roster.live_agents(TENANT)) == set()


async def test_after_a_restart_a_worker_has_a_full_period_again(store: Store) -> None:
    session = await Process(store).roster.register(TENANT, card("build"))
    async with Process(store, clock=Clock(5_000_000.0)).following() as process:
        assert (await process.news()) == session
        process.clock.now += LEASE_SECONDS - 1
        await process.look_twice()
        assert set(process.roster.live_agents(TENANT)) == {"build"}
        process.clock.now += 1
        await process.look_twice()
        assert set(process.roster.live_agents(TENANT)) == set()


async def test_another_process_sees_who_joins_beats_and_leaves(store: Store, other: Store) -> None:
    one = Process(store)
    async with Process(other).following() as two, one.following():
        tenants: asyncio.Queue[str] = asyncio.Queue()
        two.roster.on_tenant(tenants.put_nowait)
        session = await one.roster.register(TENANT, card("build"))
        async with asyncio.timeout(5):
            assert await tenants.get() == TENANT
        assert await two.news() == session
        assert two.roster.live_agents(TENANT) == {"build"}
        beaten = await two.roster.beat(TENANT, session.id, agent_id="build", load=0.5)
        assert beaten.beats == 1
        await one.roster.leave(TENANT, session.id, agent_id="build")
        assert (await two.news()).state is SessionState.LEFT
        assert set(two.roster.live_agents(TENANT)) == set()
        assert tenants.empty()


async def test_a_session_another_process_has_just_begun_is_found_before_the_news_come(store: Store, other: Store) -> None:
    one, two = Process(store), Process(other)
    session = await one.roster.register(TENANT, card("build", "x"))
    assert await two.roster.session(TENANT, session.id) == session
    assert (await two.roster.beat(TENANT, session.id, agent_id="build", load=1)).beats == 1
    # The first does not know of that beat, and goes on all the same.
    assert (await one.roster.beat(TENANT, session.id, agent_id="build", load=0)).beats == 2


async def test_either_process_ends_the_silent_and_the_other_hears_it(store: Store, other: Store) -> None:
    async with Process(store).following() as one, Process(other).following() as two:
        await one.roster.register(TENANT, card("build"))
        await two.news()
        two.clock.now += LEASE_SECONDS
        await two.look_twice()
        assert (await two.news()).state is SessionState.LOST
        await one.news()
        assert (await one.news()).state is SessionState.LOST
        assert set(one.roster.live_agents(TENANT)) == set()


async def test_a_beat_elsewhere_wins_against_a_process_that_has_not_heard_it(memory: MemoryDocuments) -> None:
    one, two = Process(memory.view()), Process(memory.view())
    session = await one.roster.register(TENANT, card("build"))
    await two.roster.session(TENANT, session.id)
    two.clock.now += LEASE_SECONDS
    await one.roster.beat(TENANT, session.id, agent_id="build", load=0)
    await two.look_twice()
    assert set(two.roster.live_agents(TENANT)) == {"build"}
    assert two.roster.sessions(TENANT)[session.id].beats == 1


async def test_many_beats_at_once_all_count(store: Store, other: Store) -> None:
    one, two = Process(store), Process(other)
    session = await one.roster.register(TENANT, card("build"))
    await asyncio.gather(*[each.roster.beat(TENANT, session.id, agent_id=None, load=0) for each in (one, two) * 10])
    found = await store.get(Key(TENANT, KIND, session.id))
    assert found is not None
    assert found.version == 21


async def test_a_storage_that_fails_for_a_while_loses_nobody(memory: MemoryDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "RETRY_SECONDS", 0.001)
    news = memory.view()
    one, two = Process(memory.view()), Process(news)
    session = await one.roster.register(TENANT, card("build"))
    async with two.following():
        assert await two.news() == session
        memory.failing = True
        await news.let_through()
        two.clock.now += LEASE_SECONDS
        await asyncio.sleep(0.01)  # it asks again, in vain
        memory.failing = False
        second = await one.roster.register(TENANT, card("qa"))
        # Listed again, though its news was never let through; and the first has a full period again.
        assert await two.news() == second
        await two.look_twice()
        assert set(two.roster.live_agents(TENANT)) == {"build", "qa"}


async def test_a_session_that_is_no_longer_stored_is_lost(memory: MemoryDocuments) -> None:
    view = memory.view()
    async with Process(view).following() as process:
        session = await process.roster.register(TENANT, card("build"))
        await process.news()
        await memory.view().delete(Key(TENANT, KIND, session.id))
        await view.let_through()
        assert (await process.news()).state is SessionState.LOST
        assert (await refusal(process.roster.session(TENANT, session.id))).reason == "SESSION_NOT_FOUND"


async def test_silent_ones_are_ended_while_it_follows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "LOOK_SECONDS", 0.001)
    async with Process(store).following() as process:
        await process.roster.register(TENANT, card("build"))
        await process.news()
        process.clock.now += LEASE_SECONDS
        assert (await process.news()).state is SessionState.LOST


async def test_tenants_known_already_are_told_to_who_asks_later(store: Store) -> None:
    roster = Process(store).roster
    await roster.register("a", card("build"))
    told: list[str] = []
    roster.on_tenant(told.append)
    await roster.register("b", card("build"))
    await roster.register("b", card("qa"))
    assert told == ["a", "b"] == list(roster.tenants)


async def test_a_price_in_another_currency_is_refused_because_plans_could_not_be_routed(store: Store) -> None:
    roster = Process(store).roster
    dollars, euros = (card("build", models=(Model("m", Money.of(1, currency)),)) for currency in ("USD", "EUR"))
    await roster.register(TENANT, card("qa"))
    await roster.register(TENANT, dollars)
    error = await refusal(roster.register(TENANT, euros))
    assert isinstance(error, ValidationError)
    assert error.violations[0].field == "card.models[0].input_price_per_million_tokens"
    await roster.register("globex", euros)
    declared = CatalogueIndex(make_catalogue([dollars], ()))
    with pytest.raises(ValidationError):
        await Process(store, declared=lambda: declared).roster.register("initech", euros)


async def test_old_news_do_not_bring_a_session_back(memory: MemoryDocuments) -> None:
    one, view = Process(memory.view()), memory.view()
    two = Process(view)
    async with two.following():
        session = await one.roster.register(TENANT, card("build"))
        # Known and left before the news of its beginning come.
        await two.roster.session(TENANT, session.id)
        await two.roster.leave(TENANT, session.id, agent_id="build")
        assert [(await two.news()).state for _ in range(2)] == [SessionState.LIVE, SessionState.LEFT]
        await view.let_through()
        late = await one.roster.register(TENANT, card("qa"))
        await view.let_through()
        assert await two.news() == late
        assert two.told.empty()


async def test_a_session_that_ended_more_than_a_minute_ago_takes_no_memory(memory: MemoryDocuments) -> None:
    """Workers that come and go for days do not fill the server's memory."""
    process = Process(memory.view())
    sessions = []
    for _ in range(5):
        sessions.append(await process.roster.register(TENANT, card("build")))
        await process.roster.leave(TENANT, sessions[-1].id, agent_id="build")
        process.clock.now += 40.0
    assert list(process.roster._rooms[TENANT].ended) == [session.id for session in sessions[-2:]]
    assert (await refusal(process.roster.beat(TENANT, sessions[0].id, agent_id="build", load=0))).reason == "SESSION_NOT_FOUND"


async def test_old_news_do_not_take_a_beat_back(memory: MemoryDocuments) -> None:
    view = memory.view()
    async with Process(view).following() as process:
        session = await process.roster.register(TENANT, card("build"))
        first = memory.documents[Key(TENANT, KIND, session.id)]
        await process.roster.beat(TENANT, session.id, agent_id="build", load=0)
        memory.changes.append(Change(first.key, first, len(memory.changes) + 1))
        await view.let_through()
        await process.roster.register(TENANT, card("qa"))
        assert process.roster.sessions(TENANT)[session.id].beats == 1


async def test_who_could_not_be_ended_for_a_fault_has_a_full_period_again(memory: MemoryDocuments) -> None:
    process = Process(memory.view())
    await process.roster.register(TENANT, card("build"))
    process.clock.now += LEASE_SECONDS
    await process.roster.expire()
    memory.failing = True
    with pytest.raises(ResourceError):
        await process.roster.expire()
    memory.failing = False
    process.clock.now += LEASE_SECONDS - 1
    await process.look_twice()
    assert set(process.roster.live_agents(TENANT)) == {"build"}
    process.clock.now += 1
    await process.look_twice()
    assert set(process.roster.live_agents(TENANT)) == set()


async def test_a_session_that_vanished_while_nobody_listened_is_lost(memory: MemoryDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "RETRY_SECONDS", 0.001)
    view = memory.view()
    async with Process(view).following() as process:
        session = await process.roster.register(TENANT, card("build"))
        await process.news()
        memory.failing = True
        await view.let_through()
        await asyncio.sleep(0.01)
        del memory.documents[Key(TENANT, KIND, session.id)]
        memory.changes.clear()
        memory.failing = False
        assert (await process.news()).state is SessionState.LOST
