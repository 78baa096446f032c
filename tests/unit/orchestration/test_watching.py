"""Versions of a plan as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from update_cases import plan, task

from genesis_server.dispatch.codec import decode_run, encode_run, run_key
from genesis_server.model.plan import PlanState
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.update import PlanDiff
from genesis_server.model.work import Attempt, AttemptOutcome, Balance, LeaseToken, PlanRun, RunBudget, TaskRun, Usage
from genesis_server.orchestration.dispatching.answers import RunView, TaskRunView
from genesis_server.orchestration.plan_store import PlanChange, PlanStore, StoredPlan
from genesis_server.orchestration.watching import NEWS_SECONDS, PlanNews, watch_plan, watch_work
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Store
from genesis_server.storage.opening import open_store

FIRST = StoredPlan(plan([task("a"), task("b")]), Provenance(DegradationLevel.HEURISTIC))


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[list[Store]]:
    """The same file twice, as two processes see it."""
    opened = [open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: 0.0) for _ in range(2)]
    yield opened
    for one in opened:
        await one.close()


async def write(store: PlanStore, version: int, state: PlanState = PlanState.ACTIVE, plan_id: str = "p1") -> None:
    before = replace(FIRST, plan=replace(FIRST.plan, id=plan_id, version=version - 1), decided_version=1)
    after = replace(before, plan=replace(before.plan, version=version, state=state))
    await store.update("acme", before, after, PlanChange(plan_id, version, f"event {version}", PlanDiff(), (), state, 0.0, "ann"))


async def collect(store: PlanStore, after_version: int = 0, limit: int = 1000) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(10), aclosing(watch_plan(store, "acme", "p1", after_version=after_version)) as versions:
        async for change in versions:
            found.append(change.version)
            if len(found) == limit:
                break
    return found


async def test_missed_versions_come_first_then_those_of_another_process(stores: list[Store]) -> None:
    mine, theirs = [PlanStore(one) for one in stores]
    await mine.create("acme", FIRST)
    await write(mine, 2)
    watching = asyncio.ensure_future(collect(mine))
    await asyncio.sleep(0)
    await theirs.create("acme", replace(FIRST, plan=replace(FIRST.plan, id="p10")))
    await write(theirs, 2, plan_id="p10")
    await write(theirs, 3)
    await write(mine, 4)
    await write(theirs, 5, PlanState.DONE)
    assert await watching == [1, 2, 3, 4, 5]


async def test_who_resumes_from_any_version_misses_nothing_and_sees_nothing_twice(stores: list[Store]) -> None:
    store = PlanStore(stores[0])
    await store.create("acme", FIRST)
    for version in range(2, 131):
        await write(store, version)
    await write(store, 131, PlanState.CANCELLED)
    for seen in (0, 1, 50, 130, 131, 400):
        assert await collect(store, seen) == list(range(seen + 1, 132))


async def test_who_waits_behind_a_version_that_never_comes_is_let_go_when_the_plan_ends(stores: list[Store]) -> None:
    store = PlanStore(stores[0])
    await store.create("acme", FIRST)
    watching = asyncio.ensure_future(collect(store, 1000))
    # The watcher's look at the plan is asked for before this one, and answered before it.
    await asyncio.sleep(0)
    await store.get("acme", "p1")
    await write(store, 2)
    await write(store, 3, PlanState.DONE)
    assert await watching == []


async def test_versions_written_while_somebody_reads_come_once(stores: list[Store]) -> None:
    store = PlanStore(stores[0])
    await store.create("acme", FIRST)

    async def work() -> None:
        for version in range(2, 40):
            await write(store, version)
        await write(store, 40, PlanState.FAILED)

    working = asyncio.ensure_future(work())
    watchers = await asyncio.gather(*(collect(store) for _ in range(4)))
    await working
    assert watchers == [list(range(1, 41))] * 4


async def test_watching_ends_when_the_plan_is_deleted(stores: list[Store]) -> None:
    mine, theirs = [PlanStore(one) for one in stores]
    await mine.create("acme", FIRST)
    async with asyncio.timeout(10), aclosing(watch_plan(mine, "acme", "p1")) as versions:
        assert (await anext(versions)).version == 1
        await theirs.delete("acme", "p1")
        assert await anext(versions, None) is None


async def test_a_plan_that_is_not_there_cannot_be_watched(stores: list[Store]) -> None:
    store = PlanStore(stores[0])
    await store.create("acme", FIRST)
    for tenant, plan_id in (("acme", "p2"), ("other", "p1")):
        with pytest.raises(ResourceError) as caught:
            await anext(watch_plan(store, tenant, plan_id))
        assert caught.value.reason == "PLAN_NOT_FOUND"


async def test_a_watcher_may_leave(stores: list[Store]) -> None:
    store = PlanStore(stores[0])
    await store.create("acme", FIRST)
    assert await collect(store, limit=1) == [1]


class Watched:
    """A plan with a run, watched on a clock that only waiting moves."""

    def __init__(self, mine: Store, theirs: Store) -> None:
        self.store, self.documents = PlanStore(mine), theirs
        self.time = 0.0
        self.looks: list[float] = []
        self.asleep = asyncio.Event()
        """Set when the watcher lets news come together."""
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def view(self, tenant: str, stored: StoredPlan) -> RunView | None:
        self.looks.append(self.time)
        document = await self.store.documents.get(run_key(tenant, stored.plan.id))
        if document is None:
            return None
        run = decode_run(document.value)
        balance = Balance(run.budget, run.spent, Usage(), run.begin)
        views = tuple([TaskRunView(run.tasks[one.id]) for one in stored.plan.tasks if one.id in run.tasks])
        return RunView(balance, views, run.dispatched, run.priority)

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self.go_on.wait()
        self.time += seconds
        await asyncio.sleep(0)

    def watch(self, after_version: int = 0) -> AsyncGenerator[PlanNews]:
        return watch_work(self.store, self.view, "acme", "p1", after_version=after_version, clock=lambda: self.time, sleep=self.sleep)

    async def run(self, *tasks: TaskRun, spent: int = 0, version: int = 1, plan_id: str = "p1") -> None:
        by_id = {one.task_id: one for one in tasks}
        run = PlanRun(plan_id, version, 0.0, RunBudget(tasks=9), Usage(tasks=spent), dispatched=True, tasks=by_id)
        await self.documents.put(run_key("acme", plan_id), encode_run(run))


def attempt(task_id: str, outcome: AttemptOutcome = AttemptOutcome.RUNNING, fraction: float = 0.0) -> TaskRun:
    return TaskRun(task_id, (Attempt(1, "x", "s", LeaseToken("l", 1), 0.0, 60.0, outcome=outcome, fraction=fraction),))


DONE = AttemptOutcome.DONE


def told(news: PlanNews) -> tuple[int, bool, list[str], int | None]:
    """Version, whether it is a new one, tasks with news, attempts spent."""
    spent = None if news.balance is None else news.balance.spent.tasks
    return news.version, news.change is not None, [view.run.task_id for view in news.runs], spent


@pytest.fixture
def watched(stores: list[Store]) -> Watched:
    return Watched(*stores)


async def test_who_watches_work_is_told_what_moved_between_versions_and_nothing_twice(watched: Watched) -> None:
    store = watched.store
    await store.create("acme", FIRST)
    await watched.run(attempt("a"))
    async with asyncio.timeout(10), aclosing(watched.watch()) as news:
        assert told(await anext(news)) == (1, True, ["a"], 0)
        await watched.run(attempt("a"), attempt("b"), spent=1)
        assert told(await anext(news)) == (1, False, ["b"], 1)
        await watched.run(attempt("z"), plan_id="other")
        await watched.run(attempt("a", fraction=0.5), attempt("b"), spent=1)
        assert told(await anext(news)) == (1, False, ["a"], None)
        await watched.run(attempt("a", DONE), attempt("b", DONE), spent=2, version=2)
        await write(store, 2, PlanState.DONE)
        rest = [told(one) async for one in news]
    # The run's document and the plan's were not written together here: either may be seen first.
    assert [one for one in rest if one[1]] == [(2, True, rest[-1][2], 2)]
    assert {task_id for one in rest for task_id in one[2]} == {"a", "b"}


async def test_versions_that_were_missed_come_as_they_were_and_the_present_one_with_the_work(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)
    await write(watched.store, 2)
    await write(watched.store, 3)
    await watched.run(attempt("a"), version=3)
    async with asyncio.timeout(10), aclosing(watched.watch()) as news:
        assert [told(await anext(news)) for _ in range(3)] == [(1, True, [], None), (2, True, [], None), (3, True, ["a"], 0)]


async def test_who_has_missed_no_version_is_told_all_the_work_at_once(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)
    await watched.run(attempt("a"))
    async with asyncio.timeout(10), aclosing(watched.watch(1)) as news:
        assert told(await anext(news)) == (1, False, ["a"], 0)


async def test_news_that_come_fast_come_together(watched: Watched) -> None:
    """At most ten times a second a watcher looks."""
    await watched.store.create("acme", FIRST)
    await watched.run(attempt("a"))
    async with asyncio.timeout(10), aclosing(watched.watch(1)) as news:
        await anext(news)
        watched.go_on.clear()
        following = asyncio.ensure_future(anext(news))
        for step in range(1, 21):
            await watched.run(attempt("a", fraction=step / 20))
        await watched.asleep.wait()
        watched.go_on.set()
        assert (await following).runs[0].run.attempts[0].fraction == 1.0
    assert watched.looks == [0.0, pytest.approx(NEWS_SECONDS)]


async def test_the_last_version_comes_with_the_last_of_the_work_also_when_that_is_written_later(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)
    await watched.run(attempt("a"))
    async with asyncio.timeout(10), aclosing(watched.watch()) as news:
        await anext(news)
        await write(watched.store, 2, PlanState.CANCELLED)
        assert told(await anext(news)) == (2, True, [], 0)
        await watched.run(attempt("a", AttemptOutcome.CANCELLED), version=2)
        assert [told(one) async for one in news] == [(2, False, ["a"], None)]


async def test_work_that_never_ends_does_not_keep_a_watcher_of_an_ended_plan(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)
    await write(watched.store, 2, PlanState.CANCELLED)
    await watched.run(attempt("a"), version=2)
    async with asyncio.timeout(10), aclosing(watched.watch(2)) as news:
        assert [told(one) async for one in news] == [(2, False, ["a"], 0)]
    assert 1 < watched.time < 5


async def test_a_plan_without_a_run_is_watched_like_any_other(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)
    await write(watched.store, 2, PlanState.DONE)
    async with asyncio.timeout(10), aclosing(watched.watch()) as news:
        assert [told(one) async for one in news] == [(1, True, [], None), (2, True, [], None)]


async def test_watching_work_ends_when_the_plan_is_deleted_and_does_not_begin_without_one(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)
    await watched.run(attempt("a"))
    async with asyncio.timeout(10), aclosing(watched.watch()) as news:
        await anext(news)
        await watched.store.delete("acme", "p1")
        assert [told(one) async for one in news] == []
    with pytest.raises(ResourceError) as caught:
        await anext(watched.watch())
    assert caught.value.reason == "PLAN_NOT_FOUND"


async def test_a_store_that_fails_while_work_is_watched_is_told(watched: Watched) -> None:
    await watched.store.create("acme", FIRST)

    async def fail(tenant: str, stored: StoredPlan) -> RunView | None:
        raise ResourceError("STORAGE_UNAVAILABLE", "away")

    with pytest.raises(ResourceError, match="away"):
        await anext(watch_work(watched.store, fail, "acme", "p1"))
