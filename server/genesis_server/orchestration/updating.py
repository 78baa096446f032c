"""Something happened to a stored plan: decide what that changes, route what is new, store the next version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol
from weakref import WeakValueDictionary

from genesis_server import __version__
from genesis_server.agents.index import CatalogueIndex
from genesis_server.dispatch.budget import balance
from genesis_server.dispatch.following import follow_plan
from genesis_server.dispatch.retrying import failed
from genesis_server.model.plan import Plan, PlanCounters, PlanState, RetryPolicy, Task, TaskKind, TaskState
from genesis_server.model.provenance import Provenance, TripwireHit
from genesis_server.model.routing import Routing, TaskRoute
from genesis_server.model.update import (
    AddTaskEdit,
    Approve,
    ChangeBudget,
    ChangeTaskEdit,
    Information,
    PlanDiff,
    PlanEvent,
    RunEvent,
    StartDispatch,
    TaskFailed,
    UndecidedGuard,
    UserEdit,
)
from genesis_server.model.work import Balance, PlanRun
from genesis_server.orchestration.decisions.coding import decode_agents
from genesis_server.orchestration.decisions.keys import snapshot_key
from genesis_server.orchestration.offloading import INLINE_GOAL_LENGTH, INLINE_OFFERS, INLINE_TASKS, offload
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.outcomes import cancelled_puts
from genesis_server.orchestration.phases import PhaseTimer
from genesis_server.orchestration.plan_store import PlanChange, PlanStore, StoredPlan, version_mismatch
from genesis_server.orchestration.repair import with_routes
from genesis_server.orchestration.run_changes import changed_run
from genesis_server.orchestration.runs import RunStore, run_puts
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.apply import Updated, update_all
from genesis_server.planning.update.ids import attempts
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.storage.base import Put, VersionConflictError

ATTEMPTS = 100
"""How often an event for whatever version is decided anew when other processes write meanwhile; each time one of them got on."""

_TOLD_ROUTES = 5

Suspect = Callable[[str, str, Snapshots], tuple[TripwireHit, ...]]
"""The tripwire with the operator's policy: (text, field, snapshots) → hits. Raises SecurityError INJECTION_SUSPECTED."""


class Route(Protocol):
    """Routes a plan."""

    async def __call__(
        self, call: Call, stored: StoredPlan, plan: Plan, *, index: CatalogueIndex | None, excluded: frozenset[str]
    ) -> Routing:
        """A routing of `plan`, the next version of `stored`, under the constraints stored with it.

        `index` is the request's own catalogue the plan was made from, None for the registered agents; nobody in `excluded` gets a task.
        """
        ...


@dataclass(frozen=True, slots=True)
class UpdateAnswer:
    """What an event changed."""

    plan_id: str
    version: int
    diff: PlanDiff
    ready: tuple[Task, ...]
    """Tasks that can be worked on now, in the plan's order."""
    undecided: tuple[UndecidedGuard, ...]
    counters: PlanCounters
    state: PlanState
    replanned: bool
    """Whether the event counts as an update."""
    routes: tuple[TaskRoute, ...]
    """Of tasks that came or changed, in the plan's order, when the plan has a routing."""
    note: str
    """What happened, in one sentence."""
    provenance: Provenance
    balance: Balance | None = None
    """Where the run stands with its budget; None: the plan has no run."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What events make of a plan; nothing is written yet."""

    before: StoredPlan
    after: StoredPlan
    updated: Updated
    errors: tuple[GenesisError | None, ...]
    """For each event why it was refused; None: it was taken."""
    routes: tuple[TaskRoute, ...]
    """Of tasks that came, changed or were routed anew, in the plan's order."""
    note: str
    """What happened, in one sentence."""
    provenance: Provenance

    @property
    def is_new(self) -> bool:
        """Whether there is a new version."""
        return self.after is not self.before


class Updater:
    """Takes events of plans; several processes may, for every write is a compare-and-set on the plan's version."""

    def __init__(
        self,
        *,
        store: PlanStore,
        snapshots: Callable[[Call], Snapshots],
        route: Route,
        suspect: Suspect,
        clock: Callable[[], float],
        now: Callable[[], float],
        observe: Callable[[str, float], None],
    ) -> None:
        """Take the parts.

        Args:
            store: where plans are kept.
            snapshots: the snapshots in use, for a call.
            route: routes plans that have a routing.
            suspect: looks at new words of tasks.
            clock: monotonic seconds, for durations.
            now: seconds since the epoch, for the time of versions.
            observe: told of every phase, by name and seconds.
        """
        self.store = store
        self.runs = RunStore(store.documents)
        self._snapshots = snapshots
        self._route = route
        self._suspect = suspect
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._clock = clock
        self._now = now
        self._observe = observe

    def turn(self, tenant: str, plan_id: str) -> asyncio.Lock:
        """Whose holder writes the plan: changes that come to this process together are made in turn."""
        return self._turns.setdefault((tenant, plan_id), asyncio.Lock())

    async def update(self, call: Call, plan_id: str, version: int, event: PlanEvent | RunEvent) -> UpdateAnswer:
        """Take an event for a version of a plan (0: for whatever version it has) and store the next one.

        Events of one plan that come to this process together are taken in turn, so that only other processes can get in between.
        Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH, RoutingError PLAN_NOT_ROUTED, SecurityError INJECTION_SUSPECTED, what
        planning.update.apply.update raises, what the router and the storage raise; nothing was stored then.
        """
        snapshots, words = self._snapshots(call), _new_words(event)
        hits = await offload(
            sum(len(text) for text, _ in words) > INLINE_GOAL_LENGTH,
            lambda: tuple([hit for text, field in words for hit in self._suspect(text, field, snapshots)]),
        )
        async with self.turn(call.caller.tenant, plan_id):
            for left in reversed(range(ATTEMPTS)):
                try:
                    return await self._once(call, plan_id, version, event, hits)
                except VersionConflictError:
                    # The run was written meanwhile, not the plan: the caller's version may still hold.
                    if not left:
                        raise version_mismatch(plan_id, version, version) from None
                except ResourceError as error:
                    if error.reason != "VERSION_MISMATCH" or version or not left:
                        raise
        raise AssertionError("the last attempt answers or raises")

    async def _once(
        self, call: Call, plan_id: str, version: int, event: PlanEvent | RunEvent, hits: tuple[TripwireHit, ...]
    ) -> UpdateAnswer:
        timer = PhaseTimer(self._clock, self._observe)
        tenant = call.caller.tenant
        stored, stored_run = await asyncio.gather(self.store.get(tenant, plan_id), self.runs.get(tenant, plan_id))
        if version not in {0, stored.plan.version}:
            raise version_mismatch(plan_id, version, stored.plan.version)
        run = None if stored_run is None else stored_run.run
        if isinstance(event, ChangeBudget | StartDispatch):
            run = changed_run(stored, run, event, call, self._now())
            decided = _run_changed(stored, event)
        else:
            decided = await self.decide(call, stored, [event], hits=hits, run=run, timer=timer)
            for error in decided.errors:
                if error is not None:
                    raise error
        if decided.is_new:
            also: list[Put] = []
            if run is not None:
                before, run = run, follow_plan(run, decided.after.plan, now=self._now())
                also += run_puts(tenant, stored_run, run, decided.after.plan, now=self._now())[0]
                also += cancelled_puts(tenant, before, run, stored, now=self._now())
            with timer.phase("store"):
                await self.store.update(tenant, stored, decided.after, self.change(call.caller.subject, decided), also=also)
        return _answer(decided, timer, None if run is None else balance(run, now=self._now()))

    async def decide(
        self,
        call: Call,
        stored: StoredPlan,
        events: Sequence[PlanEvent],
        *,
        hits: tuple[TripwireHit, ...] = (),
        rerouted: Mapping[str, TaskRoute] = MappingProxyType({}),
        run: PlanRun | None = None,
        timer: PhaseTimer | None = None,
    ) -> Decided:
        """What events that came together make of a plan, and of its routing.

        `rerouted` has new routes for tasks that are there; `run` is the work on the plan so far, whose failures tell who need not try
        again. Writes nothing but the record of the routing.
        """
        timer = timer or PhaseTimer(self._clock, self._observe)
        tenant, snapshots = call.caller.tenant, self._snapshots(call)
        asks = any(isinstance(event, TaskFailed | Information | UserEdit | Approve) for event in events)
        own = await self._own_catalogue(tenant, stored) if asks else None
        index = own or snapshots.agents
        replan = _replan(stored, run, index, snapshots) if asks else Replan(index, snapshots.methods)
        with timer.phase("plan"):
            is_large = asks and (len(stored.plan.tasks) > INLINE_TASKS or len(index.offers) > INLINE_OFFERS)
            updated, errors = await offload(is_large, lambda: update_all(stored.plan, events, known=stored.known, replan=replan))
        routing, routes = stored.routing, ()
        if routing is not None and (updated.replanned or rerouted):
            fresh = dict(rerouted)
            if updated.replanned:
                with timer.phase("route"):
                    fresh |= await self.find_routes(call, stored, updated.plan, _to_route(stored, updated.plan, replan), index=own)
            by_task = {route.task_id: route for route in routing.routes} | fresh
            kept = tuple([by_task[task.id] for task in updated.plan.tasks if task.id in by_task])
            routing, routes = with_routes(routing, kept), tuple([route for route in kept if route.task_id in fresh])
        after, note = stored, updated.note
        if updated.is_new or routing is not stored.routing:
            plan = updated.plan
            if not updated.is_new:
                plan, note = replace(plan, version=plan.version + 1), _new_routes(routes)
            after = replace(stored, plan=plan, known=updated.known, routing=routing)
        provenance = _provenance(stored, call, index, snapshots, timer, hits=hits)
        return Decided(stored, after, updated, errors, routes, note, provenance)

    def change(self, actor: str, decided: Decided) -> PlanChange:
        """The version that was decided, as it is told."""
        plan, updated = decided.after.plan, decided.updated
        ready = tuple([task.id for task in updated.ready])
        return PlanChange(plan.id, plan.version, decided.note, updated.diff, ready, plan.state, self._now(), actor)

    async def _own_catalogue(self, tenant: str, stored: StoredPlan) -> CatalogueIndex | None:
        """The request's own catalogue a plan was made from, while it is kept; None for the registered agents."""
        if not stored.own_catalogue:
            return None
        document = await self.store.documents.get(snapshot_key(tenant, "agents", stored.provenance.agents_snapshot_id))
        return None if document is None else await asyncio.to_thread(decode_agents, document.value)

    async def find_routes(
        self,
        call: Call,
        stored: StoredPlan,
        plan: Plan,
        wanted: Mapping[str, frozenset[str]],
        *,
        index: CatalogueIndex | None = None,
    ) -> dict[str, TaskRoute]:
        """Fresh routes for tasks of `plan`, each without those who must not get it; `index` is the plan's own catalogue, if it has one."""
        by_excluded: dict[frozenset[str], set[str]] = {}
        for task_id, excluded in wanted.items():
            by_excluded.setdefault(excluded, set()).add(task_id)
        fresh: dict[str, TaskRoute] = {}
        for excluded, ids in by_excluded.items():
            found = await self._route(call, stored, plan, index=index, excluded=excluded)
            fresh |= {route.task_id: route for route in found.routes if route.task_id in ids}
        return fresh


def _run_changed(stored: StoredPlan, event: RunEvent) -> Decided:
    """A version whose plan is the same: what changed is how it is carried out."""
    plan = replace(stored.plan, version=stored.plan.version + 1)
    settled = settle(plan, stored.known)
    note = "the run has another budget" if isinstance(event, ChangeBudget) else f"handed to agents with priority {event.priority}"
    updated = Updated(plan, stored.known, PlanDiff(), settled.ready, settled.undecided, replanned=False, note=note)
    return Decided(stored, replace(stored, plan=plan), updated, (None,), (), note, stored.provenance)


def _new_routes(routes: Sequence[TaskRoute]) -> str:
    """Who gets what from now on."""
    parts = [
        f"{route.task_id} goes to {route.assignment.target.id}" if route.assignment else f"nobody can do {route.task_id}"
        for route in routes[:_TOLD_ROUTES]
    ]
    more = f" and {len(routes) - _TOLD_ROUTES} more" if len(routes) > _TOLD_ROUTES else ""
    return "; ".join(parts) + more


def _replan(stored: StoredPlan, run: PlanRun | None, index: CatalogueIndex, snapshots: Snapshots) -> Replan:
    routes = stored.routing.routes if stored.routing else ()
    targets = {route.task_id: route.assignment.target for route in routes if route.assignment}
    return Replan(
        index,
        snapshots.methods,
        targets={task_id: target.id for task_id, target in targets.items()},
        capabilities={task_id: target.skill_id or target.id for task_id, target in targets.items()},
        failed={} if run is None else {task.task_id: failed(task) for task in run.tasks.values()},
    )


def _new_words(event: PlanEvent | RunEvent) -> Sequence[tuple[str, str]]:
    """The words an event gives to tasks, each with the field of the request that holds them."""
    match event:
        case Information(text=text):
            return [(text, "information.text")]
        case UserEdit(edits):
            return [(one.task.goal, "edit") for one in edits if isinstance(one, AddTaskEdit | ChangeTaskEdit)]
        case _:
            return []


def _to_route(stored: StoredPlan, after: Plan, replan: Replan) -> dict[str, frozenset[str]]:
    """The unfinished work that came, or that changed in more than its conditions, each with those who failed at it."""
    old = {task.id: _as_routed(task) for task in stored.plan.tasks}
    wanted: dict[str, frozenset[str]] = {}
    for task in after.tasks:
        if task.kind is not TaskKind.COMPOUND and not task.state.ended and old.get(task.id) != _as_routed(task):
            before = [other.id for other in attempts(task, after.tasks) if other.state is TaskState.FAILED]
            last = {replan.targets[one] for one in before if one in replan.targets}
            wanted[task.id] = frozenset(last.union(*(replan.failed.get(one, ()) for one in before)))
    return wanted


def _as_routed(task: Task) -> Task:
    """A task without what its route does not depend on."""
    return replace(
        task, state=TaskState.PENDING, error="", guards=(), approved_by="", needs_approval=False, retry=RetryPolicy(), timeout_seconds=None
    )


def _answer(decided: Decided, timer: PhaseTimer, balance: Balance | None) -> UpdateAnswer:
    plan, updated = decided.after.plan, decided.updated
    return UpdateAnswer(
        plan_id=plan.id,
        version=plan.version,
        diff=updated.diff,
        ready=updated.ready,
        undecided=updated.undecided,
        counters=plan.counters,
        state=plan.state,
        replanned=updated.replanned,
        routes=decided.routes,
        note=decided.note,
        provenance=replace(decided.provenance, phases=timer.phases),
        balance=balance,
    )


def _provenance(
    stored: StoredPlan, call: Call, index: CatalogueIndex, snapshots: Snapshots, timer: PhaseTimer, *, hits: tuple[TripwireHit, ...]
) -> Provenance:
    """How the version was made: at the level of the plan, from the snapshots of now."""
    return replace(
        stored.provenance,
        agents_snapshot_id=index.catalogue.snapshot_id,
        methods_snapshot_id=snapshots.methods.snapshot_id,
        flags_snapshot_id=snapshots.flags.snapshot_id,
        rulebook_version=snapshots.rulebook.version,
        correlation_id=call.correlation_id,
        phases=timer.phases,
        server_version=__version__,
        tripwire_hits=hits,
        decision_id="",
        model_use=None,
    )
