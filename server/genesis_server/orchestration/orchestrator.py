"""The main job: a goal becomes a plan, a plan gets agents, both get a verdict."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from genesis_server import __version__
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.caller import Caller
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import MAX_TASKS_PER_PLAN, Plan
from genesis_server.model.provenance import DegradationLevel, PhaseDuration, Provenance, TripwireHit
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints, TaskRoute
from genesis_server.model.validation import Repair, Verdict
from genesis_server.orchestration.observer import Observer
from genesis_server.orchestration.phases import PhaseTimer
from genesis_server.orchestration.plan_store import PlanStore, StoredPlan
from genesis_server.orchestration.repair import Settled, settle
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.planner import Draft, plan_goal
from genesis_server.resilience.errors import SecurityError, too_many_tasks
from genesis_server.resilience.ladder import walk
from genesis_server.routing.router import route_plan
from genesis_server.validation.fixes import apply_fix
from genesis_server.validation.judge import Limits, judge_plan

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class JudgedElsewhere(Protocol):
    """What comes back from a judgement outside this process."""

    @property
    def goal(self) -> str:
        """The goal the request named; empty when it named none."""
        ...

    @property
    def verdict(self) -> Verdict:
        """The judgement."""
        ...


_JudgedT = TypeVar("_JudgedT", bound=JudgedElsewhere)

# Above these sizes a decision is made on a thread, so that the loop is not held for more than about 5 ms.
INLINE_GOAL_LENGTH = 500
INLINE_TASKS = 50
INLINE_OFFERS = 1_000


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and the id that finds the call in logs and traces."""

    caller: Caller
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a plan is wanted for."""

    goal: str
    index: CatalogueIndex | None = None
    """The request's own catalogue; None: the registered agents."""
    givens: tuple[Artefact, ...] = ()
    max_level: DegradationLevel = DegradationLevel.UNSPECIFIED
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A phase of planning ended."""

    phase: PhaseDuration
    task_count: int
    message: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A stored plan."""

    plan: Plan
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Routed:
    """A routing."""

    routing: Routing
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict."""

    verdict: Verdict
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Orchestrated:
    """A routed, judged, stored plan."""

    plan: Plan
    routing: Routing
    verdict: Verdict
    repairs: tuple[Repair, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided."""

    version: str
    tripwire_blocks: bool = False
    max_validate_tasks: int = 200_000


class Orchestrator:
    """Decides on the snapshots of the moment a call begins; everything that varies is passed in."""

    def __init__(
        self,
        *,
        snapshots: Callable[[], Snapshots],
        store: PlanStore,
        scan: Callable[[str, str], tuple[TripwireHit, ...]],
        policy: Policy,
        observer: Observer,
        clock: Callable[[], float],
        now: Callable[[], float],
        new_plan_id: Callable[[float], str],
    ) -> None:
        """Take the parts.

        Args:
            snapshots: the snapshots in use.
            store: where plans are kept.
            scan: the tripwire, (text, field) → hits.
            policy: what the operator decided.
            observer: told of every phase and decision.
            clock: monotonic seconds, for durations.
            now: seconds since the epoch, for create times.
            new_plan_id: makes an id from the time.
        """
        self.store = store
        self.policy = policy
        self._snapshots = snapshots
        self._scan = scan
        self._observer = observer
        self._clock = clock
        self._now = now
        self._new_plan_id = new_plan_id

    async def plan(self, call: Call, wish: Wish) -> Planned:
        """Make and store a plan. Raises DecompositionError, SecurityError, ResourceError."""
        result: Planned | None = None
        async for event in self.plan_events(call, wish):
            if isinstance(event, Planned):
                result = event
        if result is None:
            raise AssertionError("planning ended without a plan")
        return result

    async def plan_events(self, call: Call, wish: Wish) -> AsyncIterator[Progress | Planned]:
        """Make and store a plan, telling each phase as it ends; the plan comes last. Raises as `plan`."""
        snapshots, timer = self._snapshots(), self._timer()
        with timer.phase("tripwire"):
            hits = self._suspect(wish.goal, snapshots)
        yield Progress(timer.phases[-1], 0, f"{len(hits)} suspicious pieces of text" if hits else "nothing suspicious")
        with timer.phase("plan"):
            draft = await self._draft(wish, snapshots)
        self._observer.planned(draft.plan, draft.level)
        message = draft.level_reason or f"{len(draft.plan.tasks)} tasks at level {draft.level.name}"
        yield Progress(timer.phases[-1], len(draft.plan.tasks), message)
        plan = self._named(draft.plan)
        with timer.phase("store"):
            made_so_far = self._provenance(call, wish.index, snapshots, timer, seed=wish.seed, draft=draft, hits=hits)
            await self.store.create(call.caller.tenant, StoredPlan(plan, made_so_far))
        yield Progress(timer.phases[-1], len(plan.tasks), f"stored as {plan.id}")
        yield Planned(plan, replace(made_so_far, phases=timer.phases))

    async def route(
        self,
        call: Call,
        plan: Plan,
        *,
        index: CatalogueIndex | None = None,
        constraints: RoutingConstraints,
        explanation: ExplanationLevel,
        seed: int = 0,
    ) -> Routed:
        """Give every primitive task an agent or tool. Raises RoutingError for a plan that is no sound graph or too large."""
        _refuse_more_tasks(plan, MAX_TASKS_PER_PLAN)
        snapshots, timer = self._snapshots(), self._timer()
        with timer.phase("route"):
            routing = await offload(
                _is_large(plan, index or snapshots.agents),
                lambda: route_plan(plan, index=index or snapshots.agents, constraints=constraints, explanation=explanation, seed=seed),
            )
        self._observer.routed(routing)
        return Routed(routing, self._provenance(call, index, snapshots, timer, seed=seed))

    async def validate(
        self,
        call: Call,
        plan: Plan,
        *,
        goal: str,
        index: CatalogueIndex | None = None,
        routes: Sequence[TaskRoute] = (),
        constraints: RoutingConstraints,
    ) -> Judged:
        """Judge a plan and its routing. A bad plan is a verdict, not an error. Raises RoutingError TOO_MANY_TASKS."""
        _refuse_more_tasks(plan, self.policy.max_validate_tasks)
        snapshots, timer = self._snapshots(), self._timer()
        with timer.phase("tripwire"):
            hits = self._suspect(goal or plan.goal, snapshots)
        with timer.phase("validate"):
            verdict = await offload(
                _is_large(plan, index or snapshots.agents),
                lambda: judge_plan(
                    plan,
                    goal=goal or plan.goal,
                    index=index or snapshots.agents,
                    routes=tuple(routes),
                    constraints=constraints,
                    limits=Limits(max_tasks=self.policy.max_validate_tasks),
                    structural_only=snapshots.structural_only,
                ),
            )
        self._observer.judged(verdict)
        return Judged(verdict, self._provenance(call, index, snapshots, timer, hits=hits))

    async def validate_elsewhere(self, call: Call, judge: Callable[[Snapshots], Awaitable[_JudgedT]]) -> tuple[_JudgedT, Provenance]:
        """Judge by `judge`, which does it outside this process. Raises what `judge` raises, and SecurityError."""
        snapshots, timer = self._snapshots(), self._timer()
        with timer.phase("validate"):
            judged = await judge(snapshots)
        with timer.phase("tripwire"):
            hits = self._suspect(judged.goal, snapshots)
        self._observer.judged(judged.verdict)
        return judged, self._provenance(call, None, snapshots, timer, hits=hits)

    async def orchestrate(
        self,
        call: Call,
        wish: Wish,
        *,
        constraints: RoutingConstraints,
        explanation: ExplanationLevel,
    ) -> Orchestrated:
        """Plan, route, validate, repair and store. Raises DecompositionError, SecurityError, ResourceError."""
        snapshots, timer = self._snapshots(), self._timer()
        index = wish.index or snapshots.agents
        with timer.phase("tripwire"):
            hits = self._suspect(wish.goal, snapshots)
        with timer.phase("plan"):
            draft = await self._draft(wish, snapshots)
        self._observer.planned(draft.plan, draft.level)

        def route(plan: Plan) -> Routing:
            with timer.phase("route"):
                return route_plan(plan, index=index, constraints=constraints, explanation=explanation, seed=wish.seed)

        def judge(plan: Plan, routing: Routing) -> Verdict:
            with timer.phase("validate"):
                return judge_plan(
                    plan,
                    goal=wish.goal,
                    index=index,
                    routes=routing.routes,
                    constraints=constraints,
                    structural_only=snapshots.structural_only,
                )

        def decide() -> Settled:
            routing = route(draft.plan)
            start = Settled(draft.plan, routing, judge(draft.plan, routing))
            return settle(start, route=route, judge=judge, apply=apply_fix)

        settled = await offload(_is_large(draft.plan, index), decide)
        self._observer.routed(settled.routing)
        self._observer.judged(settled.verdict)
        plan = self._named(settled.plan)
        with timer.phase("store"):
            made_so_far = self._provenance(call, wish.index, snapshots, timer, seed=wish.seed, draft=draft, hits=hits)
            await self.store.create(call.caller.tenant, StoredPlan(plan, made_so_far, settled.routing, settled.verdict))
        provenance = replace(made_so_far, phases=timer.phases)
        return Orchestrated(plan, settled.routing, settled.verdict, settled.repairs, provenance)

    def _timer(self) -> PhaseTimer:
        return PhaseTimer(self._clock, self._observer.phase)

    def _suspect(self, text: str, snapshots: Snapshots) -> tuple[TripwireHit, ...]:
        """What the tripwire sees in the goal; raises SecurityError INJECTION_SUSPECTED when the operator wants that."""
        hits = self._scan(text, "goal")
        blocks = bool(hits) and self.policy.tripwire_blocks and snapshots.flags.enabled("security_hardening_enabled")
        if hits:
            self._observer.suspected(hits, blocked=blocks)
        if blocks:
            raise SecurityError(
                "INJECTION_SUSPECTED",
                f"the goal looks like an instruction to a language model ({hits[0].family}); say what is to be done in plain words",
                facts={"field": "goal", "family": hits[0].family},
            )
        return hits

    async def _draft(self, wish: Wish, snapshots: Snapshots) -> Draft:
        index = wish.index or snapshots.agents
        forced = snapshots.minimal_reason
        level = DegradationLevel.MINIMAL if forced else wish.max_level

        def plan_at(max_level: DegradationLevel) -> Draft:
            return plan_goal(wish.goal, index=index, methods=snapshots.methods, givens=wish.givens, max_level=max_level)

        levels = [level]
        if level is not DegradationLevel.MINIMAL and snapshots.flags.enabled("error_handling_enabled"):
            levels.append(DegradationLevel.MINIMAL)
        rungs = [(rung, partial(plan_at, rung)) for rung in levels]
        large = len(wish.goal) > INLINE_GOAL_LENGTH or len(index.offers) > INLINE_OFFERS
        landing = await offload(large, lambda: walk(rungs, catch=Exception))
        if landing.falls:
            _LOG.error("the heuristic planner failed; planned at the minimal level", exc_info=landing.falls[0].error)
            return replace(landing.result, level_reason=f"the heuristic planner failed ({landing.falls[0].reason})")
        return replace(landing.result, level_reason=forced) if forced else landing.result

    def _named(self, plan: Plan) -> Plan:
        now = self._now()
        return replace(plan, id=self._new_plan_id(now), version=1, create_time=now)

    def _provenance(
        self,
        call: Call,
        index: CatalogueIndex | None,
        snapshots: Snapshots,
        timer: PhaseTimer,
        *,
        seed: int = 0,
        draft: Draft | None = None,
        hits: tuple[TripwireHit, ...] = (),
    ) -> Provenance:
        forced = snapshots.minimal_reason
        level = draft.level if draft else DegradationLevel.MINIMAL if forced else DegradationLevel.HEURISTIC
        return Provenance(
            level=level,
            level_reason=draft.level_reason if draft else forced,
            agents_snapshot_id=(index or snapshots.agents).catalogue.snapshot_id,
            methods_snapshot_id=snapshots.methods.snapshot_id,
            flags_snapshot_id=snapshots.flags.snapshot_id,
            policy_version=self.policy.version,
            seed=seed,
            correlation_id=call.correlation_id,
            phases=timer.phases,
            server_version=__version__,
            tripwire_hits=hits,
        )


def _refuse_more_tasks(plan: Plan, limit: int) -> None:
    if len(plan.tasks) > limit:
        raise too_many_tasks(len(plan.tasks), limit)


def _is_large(plan: Plan, index: CatalogueIndex) -> bool:
    return len(plan.tasks) > INLINE_TASKS or len(index.offers) > INLINE_OFFERS


async def offload(large: bool, decide: Callable[[], _T]) -> _T:  # noqa: FBT001  (a one-word question)
    """Do it here when it is quick, on a thread when it may hold the loop."""
    return await asyncio.to_thread(decide) if large else decide()
