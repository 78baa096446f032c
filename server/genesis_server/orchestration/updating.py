"""Something happened to a stored plan: decide what that changes, route what is new, store the next version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from weakref import WeakValueDictionary

from genesis_server import __version__
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import Plan, PlanCounters, PlanState, Task, TaskKind, TaskState
from genesis_server.model.provenance import Provenance, TripwireHit
from genesis_server.model.routing import Routing, TaskRoute
from genesis_server.model.update import (
    AddTaskEdit,
    ChangeTaskEdit,
    Information,
    PlanDiff,
    PlanEvent,
    TaskFailed,
    UndecidedGuard,
    UserEdit,
)
from genesis_server.orchestration.decisions.coding import decode_agents
from genesis_server.orchestration.decisions.keys import snapshot_key
from genesis_server.orchestration.offloading import INLINE_GOAL_LENGTH, INLINE_OFFERS, INLINE_TASKS, offload
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.phases import PhaseTimer
from genesis_server.orchestration.plan_store import PlanChange, PlanStore, StoredPlan, version_mismatch
from genesis_server.orchestration.repair import with_routes
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.apply import Updated, update
from genesis_server.planning.update.ids import attempts
from genesis_server.resilience.errors import ResourceError

ATTEMPTS = 100
"""How often an event for whatever version is decided anew when other processes write meanwhile; each time one of them got on."""

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


class Updater:
    """Takes events of plans; several processes may, for every write is a compare-and-set on the plan's version."""

    def __init__(
        self,
        *,
        store: PlanStore,
        snapshots: Callable[[], Snapshots],
        route: Route,
        suspect: Suspect,
        clock: Callable[[], float],
        now: Callable[[], float],
        observe: Callable[[str, float], None],
    ) -> None:
        """Take the parts.

        Args:
            store: where plans are kept.
            snapshots: the snapshots in use.
            route: routes plans that have a routing.
            suspect: looks at new words of tasks.
            clock: monotonic seconds, for durations.
            now: seconds since the epoch, for the time of versions.
            observe: told of every phase, by name and seconds.
        """
        self._store = store
        self._snapshots = snapshots
        self._route = route
        self._suspect = suspect
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._clock = clock
        self._now = now
        self._observe = observe

    async def update(self, call: Call, plan_id: str, version: int, event: PlanEvent) -> UpdateAnswer:
        """Take an event for a version of a plan (0: for whatever version it has) and store the next one.

        Events of one plan that come to this process together are taken in turn, so that only other processes can get in between.
        Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH, SecurityError INJECTION_SUSPECTED, what planning.update.apply.update raises,
        what the router and the storage raise; nothing was stored then.
        """
        snapshots, words = self._snapshots(), _new_words(event)
        hits = await offload(
            sum(len(text) for text, _ in words) > INLINE_GOAL_LENGTH,
            lambda: tuple([hit for text, field in words for hit in self._suspect(text, field, snapshots)]),
        )
        turn = self._turns.setdefault((call.caller.tenant, plan_id), asyncio.Lock())
        async with turn:
            for left in reversed(range(ATTEMPTS)):
                try:
                    return await self._once(call, plan_id, version, event, hits)
                except ResourceError as error:
                    if error.reason != "VERSION_MISMATCH" or version or not left:
                        raise
        raise AssertionError("the last attempt answers or raises")

    async def _once(self, call: Call, plan_id: str, version: int, event: PlanEvent, hits: tuple[TripwireHit, ...]) -> UpdateAnswer:
        timer = PhaseTimer(self._clock, self._observe)
        tenant, snapshots = call.caller.tenant, self._snapshots()
        stored = await self._store.get(tenant, plan_id)
        if version not in {0, stored.plan.version}:
            raise version_mismatch(plan_id, version, stored.plan.version)
        own = await self._own_catalogue(tenant, stored, snapshots) if isinstance(event, TaskFailed | Information | UserEdit) else None
        index = own or snapshots.agents
        replan = _replan(stored, index, snapshots)
        with timer.phase("plan"):
            is_large = len(stored.plan.tasks) > INLINE_TASKS or len(index.offers) > INLINE_OFFERS
            updated = await offload(is_large, lambda: update(stored.plan, event, known=stored.known, replan=replan))
        routes: tuple[TaskRoute, ...] = ()
        if updated.is_new:
            routing = stored.routing
            if routing is not None and updated.replanned:
                with timer.phase("route"):
                    routing, routes = await self._rerouted(call, stored, routing, updated.plan, index=own)
            with timer.phase("store"):
                after = replace(stored, plan=updated.plan, known=updated.known, routing=routing)
                await self._store.update(tenant, after, self._change(call, updated))
        return _answer(updated, routes, _provenance(stored, call, index, snapshots, timer, hits=hits))

    async def _own_catalogue(self, tenant: str, stored: StoredPlan, snapshots: Snapshots) -> CatalogueIndex | None:
        """The request's own catalogue a plan was made from, while it is kept; None for the registered agents."""
        snapshot_id = stored.provenance.agents_snapshot_id
        if snapshot_id == snapshots.agents.catalogue.snapshot_id:
            return None
        document = await self._store.documents.get(snapshot_key(tenant, "agents", snapshot_id))
        return None if document is None else await asyncio.to_thread(decode_agents, document.value)

    async def _rerouted(
        self, call: Call, stored: StoredPlan, routing: Routing, plan: Plan, *, index: CatalogueIndex | None
    ) -> tuple[Routing, tuple[TaskRoute, ...]]:
        """The routing with fresh routes for the work that came or changed, and those routes; who failed at it does not get it again."""
        targets = {route.task_id: route.assignment.target.id for route in routing.routes if route.assignment}
        by_excluded: dict[frozenset[str], set[str]] = {}
        for task in _to_route(stored.plan, plan):
            failed = [other.id for other in attempts(task, plan.tasks) if other.state is TaskState.FAILED]
            excluded = frozenset(targets[one] for one in failed if one in targets)
            by_excluded.setdefault(excluded, set()).add(task.id)
        fresh: dict[str, TaskRoute] = {}
        for excluded, wanted in by_excluded.items():
            found = await self._route(call, stored, plan, index=index, excluded=excluded)
            fresh |= {route.task_id: route for route in found.routes if route.task_id in wanted}
        by_task = {route.task_id: route for route in routing.routes} | fresh
        kept = tuple([by_task[task.id] for task in plan.tasks if task.id in by_task])
        return with_routes(routing, kept), tuple([route for route in kept if route.task_id in fresh])

    def _change(self, call: Call, updated: Updated) -> PlanChange:
        plan = updated.plan
        ready = tuple([task.id for task in updated.ready])
        return PlanChange(plan.id, plan.version, updated.note, updated.diff, ready, plan.state, self._now(), call.caller.subject)


def _replan(stored: StoredPlan, index: CatalogueIndex, snapshots: Snapshots) -> Replan:
    routes = stored.routing.routes if stored.routing else ()
    targets = {route.task_id: route.assignment.target for route in routes if route.assignment}
    return Replan(
        index,
        snapshots.methods,
        targets={task_id: target.id for task_id, target in targets.items()},
        capabilities={task_id: target.skill_id or target.id for task_id, target in targets.items()},
    )


def _new_words(event: PlanEvent) -> Sequence[tuple[str, str]]:
    """The words an event gives to tasks, each with the field of the request that holds them."""
    match event:
        case Information(text=text):
            return [(text, "information.text")]
        case UserEdit(edits):
            return [(one.task.goal, "edit") for one in edits if isinstance(one, AddTaskEdit | ChangeTaskEdit)]
        case _:
            return []


def _to_route(before: Plan, after: Plan) -> Sequence[Task]:
    """The unfinished work that came, or that changed in more than its conditions."""
    old = {task.id: _as_routed(task) for task in before.tasks}
    work = [task for task in after.tasks if task.kind is not TaskKind.COMPOUND and not task.state.ended]
    return [task for task in work if old.get(task.id) != _as_routed(task)]


def _as_routed(task: Task) -> Task:
    """A task without what its route does not depend on."""
    return replace(task, state=TaskState.PENDING, error="", guards=())


def _answer(updated: Updated, routes: tuple[TaskRoute, ...], provenance: Provenance) -> UpdateAnswer:
    plan = updated.plan
    return UpdateAnswer(
        plan_id=plan.id,
        version=plan.version,
        diff=updated.diff,
        ready=updated.ready,
        undecided=updated.undecided,
        counters=plan.counters,
        state=plan.state,
        replanned=updated.replanned,
        routes=routes,
        note=updated.note,
        provenance=provenance,
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
