"""Hands ready tasks to workers and takes their reports; one for each process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from genesis_server.dispatch.budget import balance, exhausted_error, refused_part
from genesis_server.dispatch.codec import RUN_KIND, decode_run
from genesis_server.dispatch.waiting import waiting
from genesis_server.model.plan import Task, TaskKind, TaskState
from genesis_server.model.work import LeaseProgress, PlanRun, Report, Session, TaskRun
from genesis_server.orchestration.dispatching.answers import Reported, RunView, TaskRunView
from genesis_server.orchestration.dispatching.commands import TakeReport
from genesis_server.orchestration.dispatching.desk import Desk
from genesis_server.orchestration.dispatching.plan_clock import PlanClock
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import StoredPlan
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError

TICK_SECONDS = 0.1
"""How often is looked for what is due."""
PAUSE_SECONDS = 0.5
"""Before the store is asked again after a fault."""

_LOG = logging.getLogger(__name__)


class Dispatcher:
    """The desks of all tenants with work; belongs to one event loop."""

    def __init__(self, tools: Tools) -> None:
        """Work with these parts; nothing moves before `follow` runs."""
        self._tools = tools
        self._desks: dict[str, Desk] = {}
        self._known = asyncio.Event()
        tools.roster.on_tenant(self._know)
        tools.roster.on_change(self._session_changed)
        tools.roster.on_stream(lambda tenant, session: self._desk(tenant).stream_opened(session))
        tools.breakers.on_change(self._breaker_changed)

    async def open(self, tenant: str, session_id: str, *, slots: int, held: Sequence[str]) -> WorkStream:
        """Begin a stream of a session that is live; an older one ends, at any process.

        Raises ResourceError SESSION_NOT_FOUND, and what the storage raises.
        """
        session = await self._tools.roster.open_stream(tenant, session_id)
        return self._desk(tenant).open(session, slots=slots, held=held)

    async def report(self, call: Call, report: Report, *, agent_id: str | None) -> Reported:
        """Take a report. `agent_id`: who reports, when an agent does, and may report its own leases only; None: a client.

        Raises ResourceError PLAN_NOT_FOUND, TASK_NOT_FOUND, LEASE_LOST, SecurityError LEASE_FOREIGN, ValidationError OUTPUT_MISMATCH,
        INVALID_FIELD, and what the storage raises; nothing has happened then.
        """
        answer: asyncio.Future[Reported] = asyncio.get_running_loop().create_future()
        self._desk(call.caller.tenant).submit(report.plan_id, TakeReport(report, agent_id, answer))
        return await answer

    async def progress(self, tenant: str, agent_id: str | None, told: Sequence[LeaseProgress]) -> None:
        """Keep how far tasks are; what names a lease that is gone or another agent's is ignored."""
        desk = self._desk(tenant)
        for one in told:
            desk.progress(one, agent_id)

    async def view(self, tenant: str, stored: StoredPlan) -> RunView | None:
        """The work on a plan; None when it has no run."""
        found = await self._tools.runs.get(tenant, stored.plan.id)
        if found is None:
            return None
        run = found.run
        state = State(stored, found, settle(stored.plan, stored.known).ready)
        ready = {task.id for task in state.ready}
        times = self._times(tenant, run)
        runs = [
            self._task_view(tenant, state, task, times)
            for task in stored.plan.tasks
            if task.id in run.tasks
            or (run.dispatched and task.kind is not TaskKind.COMPOUND and (task.id in ready or task.state is TaskState.AWAITING_APPROVAL))
        ]
        return RunView(balance(run, now=self._now(times)), tuple(runs), run.dispatched, run.priority)

    async def refuse_exhausted(self, tenant: str, plan_id: str) -> None:
        """Raise ResourceError BUDGET_EXHAUSTED when a part of a plan's budget was spent; what is only set aside may come back."""
        found = await self._tools.runs.get(tenant, plan_id)
        if found is None:
            return
        now = self._now(self._times(tenant, found.run))
        exhausted = balance(replace(found.run, tasks={}), now=now).exhausted
        if exhausted:
            raise exhausted_error(found.run, exhausted[0], now)

    def holding(self, tenant: str) -> Mapping[str, int]:
        """How many tasks each worker holds, by session id."""
        desk = self._desks.get(tenant)
        return {} if desk is None else desk.holding

    def load(self, tenant: str) -> Mapping[str, int]:
        """How many tasks each agent has under way, by its id."""
        desk = self._desks.get(tenant)
        return {} if desk is None else dict(desk.load)

    async def follow(self) -> NoReturn:
        """Keep plans moving until it is cancelled; a store that fails is asked again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick(), name="genesis-dispatch-clock")
            followed: set[str] = set()
            while True:
                for tenant in sorted(self._desks.keys() - followed):
                    followed.add(tenant)
                    group.create_task(self._follow(tenant), name=f"genesis-dispatch-{tenant}")
                self._known.clear()
                await self._known.wait()

    async def close(self) -> None:
        """Send all workers elsewhere, and finish what is being written."""
        for desk in self._desks.values():
            await desk.close()

    def move_streams(self) -> None:
        """Send all workers elsewhere: the server is about to stop, or takes no new work."""
        for desk in self._desks.values():
            desk.move_streams()

    def hand_out_again(self) -> None:
        """Hand out here again, after `move_streams`."""
        for desk in self._desks.values():
            desk.hand_out_again()

    async def _tick(self) -> NoReturn:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for desk in list(self._desks.values()):
                try:
                    desk.tick()
                except Exception:  # noqa: BLE001  (one tenant's trouble must not stop the clock of all)
                    _LOG.exception("looking for what is due failed")
            self._tools.observer.leases(sum(sum(desk.load.values()) for desk in self._desks.values()))
            self._tools.observer.live_agents(sum(len(self._tools.roster.live_agents(tenant)) for tenant in self._desks))

    async def _follow(self, tenant: str) -> NoReturn:
        """Hear of every run document of a tenant, and begin with those that are there."""
        desk, runs = self._desk(tenant), self._tools.runs
        while True:
            try:
                # Watched before it is read, so that nothing falls in between.
                changes = runs.documents.watch(tenant, RUN_KIND)
                desk.begin(await runs.dispatched(tenant))
                async for change in changes:
                    if change.document is None:
                        desk.told(change.key.id, None, dispatched=False)
                        continue
                    if desk.has_seen(change.key.id, change.document.version):
                        continue
                    known = desk.entry(change.key.id) is not None
                    dispatched = known or decode_run(change.document.value).dispatched
                    desk.told(change.key.id, change.document.version, dispatched=dispatched)
            except GenesisError as error:
                _LOG.warning("the runs of a tenant cannot be followed (%s); trying again", error.reason)
            except Exception:  # noqa: BLE001  (whatever it is, plans must go on)
                _LOG.exception("following the runs of a tenant failed; trying again")
            await asyncio.sleep(PAUSE_SECONDS)

    def _times(self, tenant: str, run: PlanRun) -> PlanClock:
        """How time passes for a run: as the desk counts it that carries it out."""
        desk = self._desks.get(tenant)
        entry = desk.entry(run.plan_id) if desk is not None else None
        if entry is not None and entry.state is not None:
            return entry.clock
        times = PlanClock()
        times.note(run, clock=self._tools.clock(), now=self._tools.now())
        return times

    def _now(self, times: PlanClock) -> float:
        return times.now(self._tools.clock()) or self._tools.now()

    def _task_view(self, tenant: str, state: State, task: Task, times: PlanClock) -> TaskRunView:
        if state.run is None:
            raise AssertionError("a plan without a run has no view of it")
        run, agent_id, breakers = state.run.run, state.agent_of(task.id), self._tools.breakers
        task_run = run.tasks.get(task.id)
        if not run.dispatched or task.state.ended:
            return TaskRunView(task_run or TaskRun(task.id))
        now, wait = self._now(times), times.due(task.id) - self._tools.clock()
        waiting_for, message = waiting(
            task,
            None if task_run is None else replace(task_run, not_before=now + max(0.0, wait)),
            agent_id=agent_id,
            live=agent_id in self._tools.roster.live_agents(tenant),
            breaker_open_seconds=breakers.retry_in(tenant, agent_id) if agent_id else None,
            budget_part=refused_part(run, state.expected(task, self._tools.policy), now=now),
            now=now,
        )
        return TaskRunView(task_run or TaskRun(task.id), waiting_for, message)

    def _desk(self, tenant: str) -> Desk:
        desk = self._desks.get(tenant)
        if desk is None:
            desk = self._desks[tenant] = Desk(tenant, self._tools)
            self._known.set()
        return desk

    def _know(self, tenant: str) -> None:
        self._desk(tenant)

    def _session_changed(self, tenant: str, session: Session) -> None:
        self._desk(tenant).session_changed(session)

    def _breaker_changed(self, tenant: str, agent_id: str) -> None:
        self._desk(tenant).breaker_changed(agent_id)
