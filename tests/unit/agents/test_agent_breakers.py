"""Breakers of several processes on one store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from genesis_server.agents import agent_breakers
from genesis_server.agents.agent_breakers import KEPT_SECONDS, KIND, RESETS, AgentBreakers
from genesis_server.agents.shared_breaker import BEAT_SECONDS, FAILURES, RESET_SECONDS, record_from_bytes
from genesis_server.resilience.breakers import BreakerState
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Key
from genesis_server.storage.sqlite.store import SqliteStore

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
TENANT, AGENT = "acme", "builder"
KEY = Key(TENANT, KIND, AGENT)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Processes:
    """Server processes on one file."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.clock = Clock()
        self.stack = AsyncExitStack()
        self.observed: list[tuple[str, ...]] = []

    async def start(self, *, known: bool = True) -> AgentBreakers:
        breakers, _ = await self.with_store(known=known)
        return breakers

    async def with_store(self, *, known: bool = True, wrap: Callable[[SqliteStore], SqliteStore] = lambda store: store):
        store = SqliteStore(self.place / "store.db", clock=lambda: self.clock.now + 1e9)
        self.stack.push_async_callback(store.close)
        breakers = AgentBreakers(
            wrap(store), clock=self.clock, now=lambda: self.clock.now + 1e9, observe=lambda *told: self.observed.append(told)
        )
        if known:
            breakers.know(TENANT)
        following = asyncio.create_task(breakers.follow())
        self.stack.push_async_callback(stopped, following)
        return breakers, store


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    made = Processes(tmp_path)
    async with made.stack:
        yield made


async def until(breakers: AgentBreakers, holds: Callable[[], bool]) -> None:
    """Wait for changes until something holds."""
    changed = asyncio.Event()
    breakers.on_change(lambda *_: changed.set())
    async with asyncio.timeout(5):
        while not holds():
            changed.clear()
            await changed.wait()


async def written(store: SqliteStore, count: int = 1, *, version: int = 1) -> None:
    """Wait until so many breakers are in the store, at this version."""
    seen: set[str] = set()
    async with asyncio.timeout(5):
        async for change in store.watch(TENANT, KIND, after_revision=0):
            if change.document is not None and change.document.version >= version:
                seen.add(change.key.id)
            if len(seen) == count:
                return


def fail(breakers: AgentBreakers, times: int = FAILURES, agent: str = AGENT) -> None:
    for _ in range(times):
        breakers.tell(TENANT, agent, "it said no")


def state(breakers: AgentBreakers, agent: str = AGENT) -> BreakerState | None:
    return next((view.state for view in breakers.listed(TENANT) if view.agent_id == agent), None)


async def test_the_router_and_the_dispatcher_leave_a_failing_agent_alone(processes: Processes) -> None:
    """The fifth failure counts at once where it is seen; other agents and other tenants do not notice."""
    breakers = await processes.start()
    assert (breakers.passes(TENANT, AGENT), breakers.take(TENANT, AGENT), breakers.retry_in(TENANT, AGENT)) == (True, True, None)
    assert breakers.unhealthy(TENANT) == frozenset()
    assert breakers.listed("nobody") == []
    breakers.release(TENANT, AGENT)
    breakers.tell(TENANT, "tester", None)
    fail(breakers)
    assert breakers.unhealthy(TENANT) == {AGENT}
    assert breakers.unhealthy("other") == frozenset()
    assert (breakers.passes(TENANT, AGENT), breakers.take(TENANT, AGENT), breakers.retry_in(TENANT, AGENT)) == (False, False, 60.0)
    assert (breakers.passes("other", AGENT), breakers.passes(TENANT, "tester")) == (True, True)
    assert [(view.agent_id, view.state, view.failures) for view in breakers.listed(TENANT)] == [(AGENT, OPEN, 5), ("tester", CLOSED, 0)]
    assert processes.observed == [(TENANT, AGENT, CLOSED, OPEN)]


async def test_every_process_hears_of_an_opening(processes: Processes) -> None:
    """What one process saw keeps the agent out in the others, within a tenth of a second."""
    one, other = await processes.start(), await processes.start()
    await one.refresh(TENANT)
    began = time.perf_counter()
    fail(one)
    await until(other, lambda: state(other) is OPEN)
    assert time.perf_counter() - began < 1.0
    assert other.unhealthy(TENANT) == {AGENT}
    assert other.listed(TENANT)[0].reason == "it said no"
    assert other.listed(TENANT)[0].opened_at == 1_000 + 1e9


async def test_one_process_gets_the_trial(processes: Processes) -> None:
    """Both ask when the time is over; one hands out the trial, and its success lets everybody work again."""
    one, other = await processes.start(), await processes.start()
    fail(one)
    await until(other, lambda: state(other) is OPEN)
    processes.clock.now += RESET_SECONDS
    assert one.unhealthy(TENANT) == frozenset()
    assert (one.take(TENANT, AGENT), other.take(TENANT, AGENT)) == (False, False)
    await until(one, lambda: state(one) is HALF_OPEN)
    await until(other, lambda: state(other) is HALF_OPEN)
    taken = [one.take(TENANT, AGENT), other.take(TENANT, AGENT)]
    assert sorted(taken) == [False, True]
    assert one.unhealthy(TENANT) == other.unhealthy(TENANT) == {AGENT}
    (one if taken[0] else other).tell(TENANT, AGENT, None)
    await until(one, lambda: state(one) is CLOSED)
    await until(other, lambda: state(other) is CLOSED)


async def test_a_trial_that_is_given_back_goes_to_the_other_process(processes: Processes) -> None:
    one, other = await processes.start(), await processes.start()
    fail(one)
    await until(other, lambda: state(other) is OPEN)
    processes.clock.now += RESET_SECONDS
    one.take(TENANT, AGENT)
    await until(one, lambda: one.take(TENANT, AGENT))
    one.release(TENANT, AGENT)
    await until(other, lambda: other.passes(TENANT, AGENT))
    other.take(TENANT, AGENT)
    await until(other, lambda: other.take(TENANT, AGENT))
    assert not one.take(TENANT, AGENT)


async def test_a_reset_reaches_every_process_and_is_kept(processes: Processes) -> None:
    """An operator closes it in one process; all let work pass, and who did it, why and when is on disk."""
    one, store = await processes.with_store()
    other = await processes.start()
    fail(one)
    await until(other, lambda: state(other) is OPEN)
    view = await other.reset(TENANT, AGENT, actor="ann", cause="the disk was full")
    assert (view.state, view.failures, view.opened_at, view.retry_at) == (CLOSED, 0, None, None)
    await until(one, lambda: state(one) is CLOSED)
    fail(one, 4)
    await other.reset(TENANT, AGENT, actor="bob", cause="again")
    (first, second) = await store.list(TENANT, RESETS)
    told = [record_from_bytes(document.value) for document in (first, second)]
    assert [(record.actor, record.cause, record.changed) for record in told if record is not None] == [
        ("ann", "the disk was full", 1_000 + 1e9),
        ("bob", "again", 1_000 + 1e9),
    ]


async def test_an_agent_nobody_knows_has_no_breaker_to_reset(processes: Processes) -> None:
    breakers = await processes.start()
    with pytest.raises(ResourceError) as caught:
        await breakers.reset(TENANT, "nobody", actor="ann", cause="why not")
    assert (caught.value.reason, caught.value.facts) == ("BREAKER_NOT_FOUND", {"agent_id": "nobody"})


async def test_a_reset_wins_over_what_happens_meanwhile(processes: Processes) -> None:
    """A transition that comes between its reading and its writing makes the reset begin again."""
    one, store = await processes.with_store()
    fail(one)
    await until(one, lambda: True)
    read = store.get

    async def slow(key: Key):  # the breaker is reset by somebody else after it was read
        document = await read(key)
        store.get = read  # type: ignore[method-assign]
        await one.reset(TENANT, AGENT, actor="bob", cause="first")
        return document

    store.get = slow  # type: ignore[method-assign]
    view = await one.reset(TENANT, AGENT, actor="ann", cause="second")
    assert view.state is CLOSED
    assert [(record_from_bytes(document.value) or view).actor for document in await store.list(TENANT, RESETS)] == ["bob", "ann"]


async def test_a_reset_gives_up_when_others_are_always_first(processes: Processes) -> None:
    one, store = await processes.with_store()
    fail(one)
    read = store.get

    async def slow(key: Key):
        document = await read(key)
        await store.put(key, b"{}")
        return document

    store.get = slow  # type: ignore[method-assign]
    with pytest.raises(ResourceError, match="decide again"):
        await one.reset(TENANT, AGENT, actor="ann", cause="why not")


async def test_a_restart_forgets_nothing(processes: Processes) -> None:
    """A process that starts, and a tenant it hears of only later, takes over what is in the store."""
    one, store = await processes.with_store()
    fail(one)
    other = await processes.start(known=False)
    await written(store)
    assert other.passes(TENANT, AGENT)
    other.know(TENANT)
    await until(other, lambda: state(other) is OPEN)
    third = await processes.start(known=False)
    await third.refresh(TENANT)
    assert state(third) is OPEN


async def test_many_breakers_are_read_in_pages(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_breakers, "_PAGE", 2)
    one, store = await processes.with_store()
    for number in range(5):
        fail(one, agent=f"agent{number}")
    await written(store, 5)
    other = await processes.start(known=False)
    await other.refresh(TENANT)
    assert len(other.unhealthy(TENANT)) == 5


async def test_no_number_of_agents_fills_the_memory(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients name whom they report of: closed breakers make room, those that are open stay, and nobody is refused for it."""
    monkeypatch.setattr(agent_breakers, "MOST_BREAKERS", 3)
    one, store = await processes.with_store()
    fail(one, agent="open")
    for number in range(10):
        one.tell(TENANT, f"agent{number}", "it said no")
    assert [view.agent_id for view in one.listed(TENANT)] == ["open", "agent8", "agent9"]
    for number in range(10):
        fail(one, agent=f"bad{number}")
    assert one.unhealthy(TENANT) == {"open", "bad0", "bad1"}
    assert one.passes(TENANT, "bad9")
    other = await processes.start()
    fail(other, agent="elsewhere")
    await written(store, 4)
    view = await one.reset(TENANT, "elsewhere", actor="ann", cause="it is well")
    assert (view.agent_id, view.state) == ("elsewhere", CLOSED)


async def test_what_is_known_of_an_agent_that_is_gone_vanishes_and_its_resets_stay(processes: Processes) -> None:
    one, store = await processes.with_store()
    for cause in ("first", "second"):
        fail(one)
        await until(one, lambda: state(one) is OPEN)
        await one.reset(TENANT, AGENT, actor="ann", cause=cause)
        assert await store.get(KEY) is not None
        processes.clock.now += KEPT_SECONDS + 1
        assert await store.get(KEY) is None
    assert len(await store.list(TENANT, RESETS)) == 2


async def test_a_stop_that_comes_together_with_a_change_is_heard(processes: Processes) -> None:
    one, _ = await processes.with_store(known=False)
    one.know(TENANT)
    following = asyncio.create_task(one.follow())
    fail(one)
    await until(one, lambda: state(one) is OPEN)
    processes.clock.now += RESET_SECONDS
    one.take(TENANT, AGENT)
    await until(one, lambda: one.take(TENANT, AGENT))
    for _ in range(20):
        await asyncio.sleep(0)
    one.release(TENANT, AGENT)
    # What it waits for is there, and it has not gone on yet.
    await asyncio.sleep(0)
    await stopped(following)


async def test_faults_of_the_storage_stop_nothing(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store fails the process goes on alone; what it saw is written when the store is back."""
    monkeypatch.setattr(agent_breakers, "RETRY_SECONDS", 0.01)
    faults = [ResourceError("STORAGE_UNAVAILABLE", "gone"), OSError("odd"), None]

    def failing(store: SqliteStore) -> SqliteStore:
        put, list_ = store.put, store.list
        left = {"put": list(faults), "list": list(faults)}

        def sometimes(name: str, call):
            async def wrapped(*given, **named):
                error = left[name].pop(0) if left[name] else None
                if error is not None:
                    raise error
                return await call(*given, **named)

            return wrapped

        store.put, store.list = sometimes("put", put), sometimes("list", list_)  # type: ignore[method-assign]
        return store

    one, store = await processes.with_store(wrap=failing)
    other = await processes.start()
    fail(one)
    assert not one.passes(TENANT, AGENT)
    await until(other, lambda: state(other) is OPEN)
    assert (await store.get(KEY)) is not None


async def test_a_document_that_is_gone_or_strange_is_made_anew(processes: Processes) -> None:
    """Somebody deleted it, or another age of the server wrote it: the next transition is there again, everywhere."""
    one, store = await processes.with_store()
    other = await processes.start()
    fail(one)
    await until(other, lambda: state(other) is OPEN)
    await store.delete(KEY)
    await store.put(KEY, b"strange")
    processes.clock.now += RESET_SECONDS
    one.take(TENANT, AGENT)
    await until(one, lambda: one.take(TENANT, AGENT))
    await store.delete(KEY)
    one.tell(TENANT, AGENT, None)
    await until(other, lambda: state(other) is CLOSED)


async def test_whoever_tries_says_that_it_is_there(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long trial is written down again and again, so that no other process takes it for lost."""
    monkeypatch.setattr(agent_breakers, "TICK_SECONDS", 0.01)
    one, store = await processes.with_store()
    fail(one)
    processes.clock.now += RESET_SECONDS
    one.take(TENANT, AGENT)
    await until(one, lambda: one.take(TENANT, AGENT))
    before = await store.get(KEY)
    processes.clock.now += BEAT_SECONDS
    assert before is not None
    await written(store, version=before.version + 1)
    after = record_from_bytes((await store.get(KEY) or before).value)
    assert after is not None
    assert (after.state, after.holder != "") == (HALF_OPEN, True)


async def test_without_error_handling_every_agent_passes_and_nothing_is_counted(tmp_path: Path) -> None:
    """The flag is turned off while a breaker is open; turned on again it stands where it stood."""
    store, clock, on = SqliteStore(tmp_path / "store.db", clock=lambda: 1e9), Clock(), [True]
    breakers = AgentBreakers(store, clock=clock, now=lambda: 1e9, observe=lambda *_: None, enabled=lambda: on[0])
    for number in range(FAILURES):
        breakers.tell(TENANT, AGENT, f"no oil {number}")
    assert not breakers.take(TENANT, AGENT)
    assert breakers.unhealthy(TENANT) == {AGENT}
    on[0] = False
    assert breakers.passes(TENANT, AGENT)
    assert breakers.take(TENANT, AGENT)
    assert breakers.retry_in(TENANT, AGENT) is None
    assert breakers.unhealthy(TENANT) == frozenset()
    for number in range(FAILURES):
        breakers.tell(TENANT, "other", f"no oil {number}")
    on[0] = True
    assert breakers.unhealthy(TENANT) == {AGENT}
    assert breakers.passes(TENANT, "other")
    await store.close()
