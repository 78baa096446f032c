"""Server processes on one store file, with clocks that stand until they are moved, and workers played by tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from engines import Clock
from update_cases import METHODS

from genesis_server.agents.agent_breakers import AgentBreakers
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.roster import Roster
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.dispatch.codec import OUTCOME_KIND, decode_outcome
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.caller import Caller, Role
from genesis_server.model.catalogue import AgentCard, Skill
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, EdgeKind, Plan, PlanCounters, Task
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints
from genesis_server.model.update import ChangeBudget, Known, StartDispatch
from genesis_server.model.work import (
    AttemptOutcome,
    Declined,
    Done,
    Failed,
    Outcome,
    PlanRun,
    Report,
    RunBudget,
    Session,
    Usage,
    Values,
)
from genesis_server.orchestration.dispatching.answers import Assigned, Move, Notice, Reported
from genesis_server.orchestration.dispatching.desk import Desk
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Limits, Tools
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import PlanStore, StoredPlan, has_ended
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.orchestration.updating import Updater
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.routing.policy import default_policy
from genesis_server.routing.router import route_plan
from genesis_server.storage.base import ANY_VERSION, Change, Document, Key, Put
from genesis_server.storage.sqlite.store import SqliteStore

TENANT = "acme"
LEASE_SECONDS = 30.0
PATIENCE = 20.0
"""Seconds of real time after which a test gives up waiting."""
HOUR = 3600.0


def call(tenant: str = TENANT) -> Call:
    """A client's call."""
    return Call(Caller(tenant, "cleo", frozenset({Role.CLIENT})), "c-1")


def agent(name: str, *skills: str | Skill, places: int = 1, **more: Any) -> AgentCard:
    """An agent's card."""
    made = tuple([one if isinstance(one, Skill) else Skill(one, one, one.replace("_", " ")) for one in skills or ("write",)])
    return AgentCard(name, made, max_concurrent_tasks=places, **more)


def work(task_id: str, capability: str = "write", **more: Any) -> Task:
    """A task."""
    return Task(task_id, capability.replace("_", " "), capability=capability, **more)


def plan(plan_id: str, tasks: Sequence[Task], *edges: tuple[str, ...], **more: Any) -> Plan:
    """A plan of version 1; an edge with a third member is a data edge of that artefact."""
    made = tuple(Edge(e[0], e[1], EdgeKind.DATA if len(e) > 2 else EdgeKind.ORDER, e[2] if len(e) > 2 else "") for e in edges)
    whole = Plan("Get it done", tuple(tasks), made, id=plan_id, version=1, counters=PlanCounters(tasks_created=len(tasks)))
    return replace(whole, **more)


class FaultyStore:
    """A store that fails when it is told to; nothing was written then."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.fault: str | None = None
        """Reason of the fault of every write; None: it works."""
        self.faults_left = 0
        """How many writes fail, when no lasting fault is set."""
        self.writes = 0
        self.reads: Counter[str] = Counter()
        self.gate: asyncio.Event | None = None
        """What writes wait for before they are made."""
        self.watch_fault = asyncio.Event()

    async def _check(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise ResourceError(self.fault, "the store does not answer")
        if self.faults_left:
            self.faults_left -= 1
            raise ResourceError("STORAGE_UNAVAILABLE", "the store does not answer")
        self.writes += 1

    async def get(self, key: Key) -> Document | None:
        self.reads[key.kind] += 1
        if self.fault == "STORAGE_UNAVAILABLE":
            raise ResourceError(self.fault, "the store does not answer")
        return await self.store.get(key)

    async def put(self, key: Key, value: bytes, *, expected: int = ANY_VERSION, expires: float | None = None) -> int:
        await self._check()
        return await self.store.put(key, value, expected=expected, expires=expires)

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        await self._check()
        return await self.store.put_all(puts)

    async def delete(self, key: Key, *, expected: int = ANY_VERSION) -> bool:
        await self._check()
        return await self.store.delete(key, expected=expected)

    async def list(
        self, tenant: str, kind: str, *, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> Sequence[Document]:
        return await self.store.list(tenant, kind, prefix=prefix, after=after, limit=limit, descending=descending)

    def watch(self, tenant: str, kind: str, *, after_revision: int | None = None) -> AsyncIterator[Change]:
        # The watch begins here, not with the first look at it.
        return self._watch(self.store.watch(tenant, kind, after_revision=after_revision))

    async def _watch(self, changes: AsyncIterator[Change]) -> AsyncIterator[Change]:
        async for change in changes:
            if self.watch_fault.is_set():
                raise ResourceError("STORAGE_UNAVAILABLE", "the store does not answer")
            yield change


class Observer:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[AttemptOutcome] = Counter()
        self.delays: list[float] = []

    def handed_out(self, agent_id: str, delay_seconds: float) -> None:
        self.counts["handed_out"] += 1
        self.delays.append(delay_seconds)

    def attempt_ended(self, agent_id: str, outcome: AttemptOutcome) -> None:
        self.outcomes[outcome] += 1

    def task_completed(self) -> None:
        self.counts["completed"] += 1

    def task_failed(self) -> None:
        self.counts["failed"] += 1

    def dead_lettered(self) -> None:
        self.counts["dead"] += 1

    def reported(self, result: str) -> None:
        self.counts[result] += 1

    def budget_refused(self, part: str) -> None:
        self.counts[f"budget_{part}"] += 1

    def leases(self, count: int) -> None:
        self.counts["leases"] = count

    def live_agents(self, count: int) -> None:
        self.counts["live"] = count

    def worker_lost(self) -> None:
        self.counts["lost"] += 1

    def running(self, agent_id: str, count: int) -> None:
        self.counts[f"running_{agent_id}"] = count


class Process:
    """A server process, as far as it carries plans out."""

    def __init__(self, path: Path, clock: Clock, now: Clock, *, limits: Limits, declared: Sequence[AgentCard], draw: float = 0.5) -> None:
        self.clock, self.now = clock, now
        self.plain = SqliteStore(path, clock=now)
        self.store = FaultyStore(self.plain)
        ids = count(1)
        name = f"{id(self):x}"
        index = CatalogueIndex(make_catalogue(declared, ()))
        self.roster = Roster(
            self.store,
            declared=lambda: index,
            lease_seconds=LEASE_SECONDS,
            clock=clock,
            now=now,
            new_id=lambda: f"ses_{name}_{next(ids)}",
        )
        self.transitions: list[tuple[str, str, str]] = []
        self.breakers = AgentBreakers(
            self.store,
            clock=clock,
            now=now,
            observe=lambda _, agent_id, old, new: self.transitions.append((agent_id, old, new)),
            process=name,
        )
        self.roster.on_tenant(self.breakers.know)
        self.plans = PlanStore(self.store)
        self.routed: list[frozenset[str]] = []
        self.route_error: GenesisError | None = None
        self.updater = Updater(
            store=self.plans,
            snapshots=lambda of: Snapshots(self.roster.index(of.caller.tenant), METHODS, FlagSnapshot()),
            route=self._route,
            suspect=lambda *_: (),
            clock=clock,
            now=now,
            observe=lambda *_: None,
        )
        self.observer = Observer()
        self.lease_ids = count(1)
        self.dispatcher = Dispatcher(
            Tools(
                updater=self.updater,
                runs=self.updater.runs,
                roster=self.roster,
                breakers=self.breakers,
                policy=default_policy(),
                observer=self.observer,
                limits=limits,
                clock=clock,
                now=now,
                draw=lambda: draw,
                new_lease_id=lambda: f"lse_{name}_{next(self.lease_ids)}",
            )
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def _route(self, of: Call, stored: StoredPlan, whole: Plan, *, index: CatalogueIndex | None, excluded: frozenset[str]) -> Routing:
        if self.route_error is not None:
            raise self.route_error
        self.routed.append(excluded)
        tenant = of.caller.tenant
        constraints = replace(stored.constraints, excluded_targets=stored.constraints.excluded_targets | excluded)
        return route_plan(
            whole,
            index=index or self.roster.index(tenant),
            constraints=constraints,
            explanation=ExplanationLevel.NONE,
            unhealthy=self.breakers.unhealthy(tenant),
            load=self.dispatcher.load(tenant),
        )

    def start(self) -> None:
        """Follow the others, as a server does."""
        for work_of in (self.roster.follow(), self.breakers.follow(), self.dispatcher.follow()):
            self._tasks.append(asyncio.create_task(work_of))

    async def crash(self) -> None:
        """Stop at once: nothing is told to anybody, what is being written is written or not."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for desk in self.desks.values():
            for task in list(desk._tasks):
                task.cancel()
        await self.plain.close()

    async def stop(self) -> None:
        """Stop in order."""
        if self.store.gate is not None:
            self.store.gate.set()
        await self.dispatcher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self.plain.close()

    @property
    def desks(self) -> Mapping[str, Desk]:
        return self.dispatcher._desks

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not any(desk._tasks or desk._matcher._soon for desk in self.desks.values())

    def tick(self) -> None:
        """What happens ten times a second."""
        for desk in self.desks.values():
            desk.tick()


@dataclass
class Worker:
    """A worker as a test plays it."""

    process: Process
    session: Session
    tenant: str
    stream: WorkStream | None = None
    tasks: asyncio.Queue[Assigned] = field(default_factory=asyncio.Queue)
    holds: dict[str, Assigned] = field(default_factory=dict)
    """Tasks that arrived and were not reported, by lease id."""
    notices: list[Notice] = field(default_factory=list)
    moved: int = 0
    reader: asyncio.Task[None] | None = None
    readers: list[asyncio.Task[None]] = field(default_factory=list)
    """Those of connections nobody has noticed to be broken as well."""

    @property
    def agent_id(self) -> str:
        return self.session.agent_id

    async def open(self, *, slots: int | None = None, held: Sequence[str] | None = None, process: Process | None = None) -> None:
        """Begin a stream, by default with what it holds."""
        self.process = process or self.process
        kept = list(self.holds) if held is None else list(held)
        most = self.session.card.max_concurrent_tasks
        stream = await self.process.dispatcher.open(self.tenant, self.session.id, slots=most if slots is None else slots, held=kept)
        self.stream = stream
        self.reader = asyncio.create_task(self._read(stream))
        self.readers.append(self.reader)
        await asyncio.sleep(0)

    async def _read(self, stream: WorkStream) -> None:
        messages = stream.messages()
        try:
            async for message in messages:
                match message:
                    case Assigned():
                        self.holds[message.attempt.lease.lease_id] = message
                        self.tasks.put_nowait(message)
                    case Notice():
                        self.notices.append(message)
                    case Move():
                        self.moved += 1
        finally:
            await messages.aclose()

    async def break_off(self) -> None:
        """The connection breaks."""
        for reader in self.readers:
            reader.cancel()
        if self.readers:
            await asyncio.wait(self.readers)
        self.readers.clear()

    async def next(self, *, acknowledge: bool = True) -> Assigned:
        """The next task that comes."""
        async with asyncio.timeout(PATIENCE):
            assigned = await self.tasks.get()
        if acknowledge and self.stream is not None:
            self.stream.acknowledge(assigned.attempt.lease.lease_id)
        return assigned

    async def beat(self) -> None:
        """A sign of life."""
        await self.process.roster.beat(self.tenant, self.session.id, agent_id=self.agent_id, load=0.0)

    async def report(self, assigned: Assigned, outcome: Done | Failed | Declined, usage: Usage | None = None, **more: Any) -> Reported:
        """Report to the process it is with."""
        told = Report(assigned.plan_id, assigned.task.id, outcome, assigned.attempt.lease, usage)
        told = replace(told, **{key: value for key, value in more.items() if key in {"lease", "task_id", "plan_id"}})
        process: Process = more.get("process", self.process)
        answer = await process.dispatcher.report(call(self.tenant), told, agent_id=more.get("agent_id", self.agent_id))
        self.holds.pop(assigned.attempt.lease.lease_id, None)
        return answer

    async def done(self, assigned: Assigned, usage: Usage | None = None, /, **outputs: Any) -> Reported:
        """The task succeeded."""
        return await self.report(assigned, Done(Values(outputs)), usage)

    async def failed(self, assigned: Assigned, error: str = "no", *, permanent: bool = False, usage: Usage | None = None) -> Reported:
        """It failed."""
        return await self.report(assigned, Failed(error, permanent), usage)

    async def declined(self, assigned: Assigned, reason: str = "busy", *, hand_back: bool = False) -> Reported:
        """It was not wanted."""
        return await self.report(assigned, Declined(reason, hand_back))


class World:
    """Everything a test needs."""

    def __init__(self, folder: Path, *, declared: Sequence[AgentCard] = ()) -> None:
        self.path = folder / "store.db"
        self.limits, self.declared = Limits(), declared
        self.now = Clock(1_700_000_000.0)
        self.processes: list[Process] = []
        self.workers: list[Worker] = []

    def process(self) -> Process:
        """One more server process; each has a monotonic clock of its own, all share the time of day."""
        made = Process(self.path, Clock(100.0 + 1000 * len(self.processes)), self.now, limits=self.limits, declared=self.declared)
        made.start()
        self.processes.append(made)
        return made

    async def close(self) -> None:
        """Stop everything."""
        for worker in self.workers:
            await worker.break_off()
        for process in self.processes:
            await process.stop()

    def forget(self, process: Process) -> None:
        """It is not there any more."""
        self.processes.remove(process)

    def advance(self, seconds: float, *, wall: float | None = None) -> None:
        """Time passes; `wall`: what the time of day makes of it."""
        self.now.now += seconds if wall is None else wall
        for process in self.processes:
            process.clock.now += seconds

    def jump(self, seconds: float) -> None:
        """The time of day jumps."""
        self.now.now += seconds

    async def join(self, process: Process, card: AgentCard, *, slots: int | None = None, tenant: str = TENANT) -> Worker:
        """A worker registers and opens a stream."""
        session = await process.roster.register(tenant, card)
        worker = Worker(process, session, tenant)
        self.workers.append(worker)
        await worker.open(slots=slots)
        return worker

    async def dispatch(
        self,
        process: Process,
        whole: Plan,
        *,
        budget: RunBudget | None = None,
        priority: int = 5,
        tenant: str = TENANT,
        known: Known | None = None,
        start: bool = True,
    ) -> None:
        """Store a plan, routed among those who are there, and hand it to agents."""
        index = process.roster.index(tenant)
        whole = settle(whole, known or Known()).plan
        routing = route_plan(whole, index=index, constraints=RoutingConstraints(), explanation=ExplanationLevel.NONE)
        made = Provenance(DegradationLevel.HEURISTIC, agents_snapshot_id=index.catalogue.snapshot_id, seed=3, decision_id="d")
        await process.plans.create(tenant, StoredPlan(whole, made, routing, known=known or Known()))
        if budget is not None:
            await process.updater.update(call(tenant), whole.id, 0, ChangeBudget(budget))
        if start:
            await process.updater.update(call(tenant), whole.id, 0, StartDispatch(priority))

    async def settle(self) -> None:
        """Let everything happen that happens without time passing."""
        async with asyncio.timeout(PATIENCE):
            quiet = 0
            while quiet < 3:
                await asyncio.sleep(0.002)
                quiet = quiet + 1 if await self._is_quiet() else 0

    async def _is_quiet(self) -> bool:
        if not all(process.is_idle for process in self.processes):
            return False
        healthy = [process for process in self.processes if process.store.fault is None]
        tenants = {tenant for process in self.processes for tenant in process.desks}
        for tenant in tenants:
            for process in healthy:
                if tenant not in process.desks:
                    return False
                runs, entries = process.updater.runs, process.desks[tenant]._entries
                for plan_id in {*entries, *await runs.dispatched(tenant)}:
                    with suppress(GenesisError):
                        if has_ended((await process.plans.get(tenant, plan_id)).plan.state) and plan_id not in entries:
                            continue  # a clock that jumped back can show the mark of a plan that has ended
                    run, entry = await runs.get(tenant, plan_id), entries.get(plan_id)
                    known = entry.state.run.version if entry is not None and entry.state is not None and entry.state.run is not None else 0
                    if run is None or run.version != known:
                        return False
            if len({frozenset(process.roster.sessions(tenant)) for process in healthy}) > 1:
                return False
        return all(process.is_idle for process in self.processes)

    async def pass_time(self, seconds: float, *, step: float = 1.0, wall: float | None = None) -> None:
        """Let time pass in steps, each with all that is due."""
        for number in range(max(1, round(seconds / step))):
            self.advance(step, wall=wall if number == 0 else None)
            for process in self.processes:
                process.tick()
            await self.settle()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what comes without time passing."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                for process in self.processes:
                    process.tick()
                await asyncio.sleep(0.002)

    async def settle_briefly(self) -> None:
        """Let what is under way end, or come to a fault; what other processes hear comes later."""
        for _ in range(200):
            await asyncio.sleep(0.001)
            if all(process.is_idle for process in self.processes):
                return

    async def until_real(self, condition: Callable[[], bool]) -> None:
        """Wait for what the server's own clock brings."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  (it is the server that sleeps)
                await asyncio.sleep(0.01)

    # What is stored.

    async def run(self, plan_id: str, *, tenant: str = TENANT) -> PlanRun:
        """The run as it is stored."""
        found = await self.processes[0].updater.runs.get(tenant, plan_id)
        assert found is not None
        return found.run

    async def stored(self, plan_id: str, *, tenant: str = TENANT) -> StoredPlan:
        """The plan as it is stored."""
        return await self.processes[0].plans.get(tenant, plan_id)

    async def states(self, plan_id: str, *, tenant: str = TENANT) -> dict[str, str]:
        """How far each task is."""
        return {task.id: task.state.name for task in (await self.stored(plan_id, tenant=tenant)).plan.tasks}

    async def outcomes(self, plan_id: str, *, tenant: str = TENANT) -> list[Outcome]:
        """The history of a plan."""
        store = self.processes[0].plain
        found: list[Document] = []
        while page := await store.list(tenant, OUTCOME_KIND, prefix=f"{plan_id}/", after=found[-1].key.id if found else ""):
            found += page
        return [decode_outcome(document.value) for document in found]

    async def attempts(self, plan_id: str, task_id: str) -> list[tuple[str, str]]:
        """Who tried a task, and how it ended."""
        found = (await self.run(plan_id)).tasks[task_id]
        return [(attempt.agent_id, attempt.outcome.name) for attempt in found.attempts]

    def entry(self, process: Process, plan_id: str, tenant: str = TENANT) -> Any:
        """What a process keeps of a plan."""
        return process.desks[tenant].entry(plan_id)


def usd(amount: float) -> Money:
    """Dollars."""
    return Money.of(amount)
