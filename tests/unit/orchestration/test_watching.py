"""Versions of a plan as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from update_cases import plan, task

from genesis_server.model.plan import PlanState
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.update import PlanDiff
from genesis_server.orchestration.plan_store import PlanChange, PlanStore, StoredPlan
from genesis_server.orchestration.watching import watch_plan
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
    stored = replace(FIRST, plan=replace(FIRST.plan, id=plan_id, version=version, state=state))
    await store.update("acme", stored, PlanChange(plan_id, version, f"event {version}", PlanDiff(), (), state, 0.0, "ann"))


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
