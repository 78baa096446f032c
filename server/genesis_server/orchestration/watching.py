"""The versions of a plan as they come: first those that were missed, then each new one, also when another process makes it.

Between them, for those who ask, the work on the plan's tasks.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from genesis_server.dispatch.codec import RUN_KIND, decode_run
from genesis_server.model.work import Balance
from genesis_server.orchestration.dispatching.answers import RunView, TaskRunView
from genesis_server.orchestration.plan_store import CHANGES, PlanChange, PlanStore, StoredPlan, change_from, has_ended
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Change

NEWS_SECONDS = 0.1
"""The least time between two pieces of news of the work alone."""
LAST_SECONDS = 2.0
"""How long the last news of the work on a plan that has ended may take."""
_PAGE = 100

View = Callable[[str, StoredPlan], Awaitable[RunView | None]]
"""The work on a stored plan of a tenant; None when it has no run."""


async def watch_plan(store: PlanStore, tenant: str, plan_id: str, *, after_version: int = 0) -> AsyncGenerator[PlanChange]:
    """Every version of a plan after one, each once and in order; ends after the last one of a plan that has ended, and when it is deleted.

    Who resumes from the last version it has seen misses nothing. Raises ResourceError PLAN_NOT_FOUND, and what the storage raises.
    """
    prefix = f"{plan_id}/"
    # Watched before it is read, so that nothing falls in between.
    live = store.documents.watch(tenant, CHANGES)
    stored = await store.get(tenant, plan_id)
    last = after_version
    while found := await store.changes(tenant, plan_id, after_version=last, limit=_PAGE):
        for change in found:
            yield change
            last = change.version
            if change.is_last:
                return
    if has_ended(stored.plan.state):
        return
    async for told in live:
        if not told.key.id.startswith(prefix):
            continue
        if told.document is None:
            return
        change = change_from(told.document.value)
        if change.version > last:
            yield change
            last = change.version
        # Also for who has seen a version that never came to be.
        if change.is_last:
            return


@dataclass(frozen=True, slots=True)
class PlanNews:
    """A version of a plan, or news of the work on it."""

    version: int
    """That of the news before when there is no `change`."""
    change: PlanChange | None = None
    """The version; None: only the work went on."""
    runs: tuple[TaskRunView, ...] = ()
    """The work on tasks that came or changed since the news before, whole."""
    balance: Balance | None = None
    """Where the run stands with its budget; None: as before, or there is no run."""


async def watch_work(
    store: PlanStore,
    view: View,
    tenant: str,
    plan_id: str,
    *,
    after_version: int = 0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[PlanNews]:
    """Every version as `watch_plan` tells it, and between them the work on the plan's tasks, at most once in NEWS_SECONDS.

    The plan's present version comes with the work as it is by then, older ones without; who has missed no version is told all the work
    there is. After its last version a plan is followed until nothing of it is under way any more, for about LAST_SECONDS at most.
    Raises as `watch_plan`. `clock` tells monotonic seconds, and `sleep` waits some.
    """
    moved = asyncio.Event()
    work = _Work(store, view, tenant, plan_id)
    # Watched before it is read, so that nothing falls in between.
    following = asyncio.create_task(work.follow(store.documents.watch(tenant, RUN_KIND), moved))
    versions = watch_plan(store, tenant, plan_id, after_version=after_version)
    step: asyncio.Future[PlanChange | None] | None = None
    try:
        last, told_at = after_version, -math.inf
        begun = await work.begin()
        if begun <= after_version:
            moved.set()
        while True:
            step = step or asyncio.ensure_future(anext(versions, None))
            # News between versions that were missed would come too early.
            await _either(step, following, moved if last >= begun else None)
            if step.done():
                change, step = step.result(), None
                if change is None:
                    break
                moved.clear()
                last, told_at = change.version, clock()
                yield await work.at(change)
                if change.is_last:
                    break
            elif (early := told_at + NEWS_SECONDS - clock()) > 0:
                await sleep(early)
            else:
                moved.clear()
                if (news := await work.since(last)) is not None:
                    told_at = clock()
                    yield news
        async with aclosing(work.rest(last, moved, sleep)) as rest:
            async for news in rest:
                yield news
    finally:
        waiting = [one for one in (following, step) if one is not None]
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await versions.aclose()


class _Work:
    """What a watcher was told of the work on a plan."""

    def __init__(self, store: PlanStore, view: View, tenant: str, plan_id: str) -> None:
        self._store = store
        self._view = view
        self._tenant = tenant
        self._plan_id = plan_id
        self._stored: StoredPlan | None = None
        self._run: bytes = b""
        """The run's document as it came last."""
        self._runs: Mapping[str, TaskRunView] = {}
        self._balance: Balance | None = None

    async def begin(self) -> int:
        """The plan's version. Raises ResourceError PLAN_NOT_FOUND."""
        self._stored = await self._store.get(self._tenant, self._plan_id)
        return self._stored.plan.version

    async def follow(self, changes: AsyncIterator[Change], moved: asyncio.Event) -> None:
        """Note when the run moves, until cancelled."""
        async for change in changes:
            if change.key.id == self._plan_id and change.document is not None:
                self._run = change.document.value
                moved.set()

    async def at(self, change: PlanChange) -> PlanNews:
        """A version, with the work when it is the present one."""
        stored = await self._at_least(change.version)
        if stored is None or stored.plan.version != change.version:
            return PlanNews(change.version, change)
        runs, balance = await self._look(stored)
        return PlanNews(change.version, change, runs, balance or self._balance)

    async def since(self, version: int) -> PlanNews | None:
        """What moved since the last look; None when nothing did."""
        stored = await self._at_least(decode_run(self._run).plan_version if self._run else version)
        if stored is None:
            return None
        runs, balance = await self._look(stored)
        return PlanNews(version, None, runs, balance) if runs or balance else None

    @property
    def _is_under_way(self) -> bool:
        """Whether a task was in a worker's hands at the last look."""
        return any(view.run.running is not None for view in self._runs.values())

    async def rest(self, version: int, moved: asyncio.Event, sleep: Callable[[float], Awaitable[None]]) -> AsyncGenerator[PlanNews]:
        """What moves until nothing is under way."""
        moved.set()
        for _ in range(round(LAST_SECONDS / NEWS_SECONDS)):
            if moved.is_set():
                moved.clear()
                if (news := await self.since(version)) is not None:
                    yield news
            if not self._is_under_way:
                return
            await sleep(NEWS_SECONDS)

    async def _at_least(self, version: int) -> StoredPlan | None:
        """The plan at a version or a later one; None when it was deleted."""
        if self._stored is None or self._stored.plan.version < version:
            try:
                self._stored = await self._store.get(self._tenant, self._plan_id)
            except ResourceError as error:
                if error.reason != "PLAN_NOT_FOUND":
                    raise
                self._stored = None
        return self._stored

    async def _look(self, stored: StoredPlan) -> tuple[tuple[TaskRunView, ...], Balance | None]:
        """The work on tasks that changed, and the balance when it did."""
        seen = await self._view(self._tenant, stored)
        if seen is None:
            return (), None
        changed = tuple([run for run in seen.runs if self._runs.get(run.run.task_id) != run])
        self._runs = {run.run.task_id: run for run in seen.runs}
        balance = seen.balance if seen.balance != self._balance else None
        self._balance = seen.balance
        return changed, balance


async def _either(step: asyncio.Future[Any], following: asyncio.Task[None], moved: asyncio.Event | None) -> None:
    """Wait for a step, or for a move. Raises what the following of moves raised."""
    if moved is not None and moved.is_set():
        return
    waits: list[asyncio.Future[Any]] = [step, following]
    if moved is not None:
        waits.append(asyncio.ensure_future(moved.wait()))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits[2:]:
            one.cancel()
    if following.done() and not step.done():
        following.result()
        await step
