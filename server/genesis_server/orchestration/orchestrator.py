"""The main job: a goal becomes a plan, a plan gets agents, both get a verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from genesis_server import __version__
from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.bound import BoundFlags
from genesis_server.model.caller import Caller
from genesis_server.model.decision import PlanInput, RouteInput
from genesis_server.model.plan import MAX_TASKS_PER_PLAN, Plan
from genesis_server.model.provenance import DegradationLevel, Provenance, TripwireHit
from genesis_server.model.routing import ExplanationLevel, RoutingConstraints, TaskRoute
from genesis_server.model.update import Known
from genesis_server.model.validation import Verdict
from genesis_server.model.work import PlanRun
from genesis_server.orchestration.decisions.making import Materials, make_routing, make_settled
from genesis_server.orchestration.decisions.recorder import Circumstances, DecisionRecorder, Made, Prepared
from genesis_server.orchestration.drafting import Drafted, Drafter, Wish
from genesis_server.orchestration.observer import Observer
from genesis_server.orchestration.offloading import INLINE_OFFERS, INLINE_TASKS, offload
from genesis_server.orchestration.phases import PhaseTimer
from genesis_server.orchestration.plan_store import PlanStore, StoredPlan
from genesis_server.orchestration.results import Judged, Orchestrated, Planned, Progress, Routed, RunOptions
from genesis_server.orchestration.runs import refuse_foreign_budget, refuse_unrouted, run_puts
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.update.ready import settle as settle_states
from genesis_server.resilience.errors import SecurityError, too_many_tasks
from genesis_server.routing.policy import default_policy as default_routing_policy
from genesis_server.validation.fixpoint import Mended, mend
from genesis_server.validation.judge import Limits, judge_of


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


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and the id that finds the call in logs and traces."""

    caller: Caller
    correlation_id: str
    deadline_seconds_left: float | None = None
    """Time the caller still waits; None: it set no deadline."""
    flags: BoundFlags | None = None
    """The flags as the call sees them; None: as its caller would now."""


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
        snapshots: Callable[[Call], Snapshots],
        store: PlanStore,
        scan: Callable[[str, str], tuple[TripwireHit, ...]],
        drafter: Drafter | None = None,
        recorder: DecisionRecorder | None = None,
        policy: Policy,
        observer: Observer,
        clock: Callable[[], float],
        now: Callable[[], float],
        new_plan_id: Callable[[float], str],
    ) -> None:
        """Take the parts.

        Args:
            snapshots: the snapshots in use, for a call.
            store: where plans are kept.
            scan: the tripwire, (text, field) → hits.
            drafter: makes drafts of plans; None: one without a language model.
            recorder: keeps decisions; None: they are not kept.
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
        self._drafter = drafter or Drafter(scan=scan)
        self._recorder = recorder
        self._observer = observer
        self._clock = clock
        self._now = now
        self._new_plan_id = new_plan_id

    async def plan(self, call: Call, wish: Wish, *, run: RunOptions | None = None) -> Planned:
        """Make and store a plan; with a run when `run` says how.

        Raises DecompositionError, SecurityError, ResourceError, and ValidationError INVALID_FIELD for a budget in a foreign currency.
        """
        result: Planned | None = None
        async for event in self.plan_events(call, wish, run=run):
            if isinstance(event, Planned):
                result = event
        if result is None:
            raise AssertionError("planning ended without a plan")
        return result

    async def plan_events(self, call: Call, wish: Wish, *, run: RunOptions | None = None) -> AsyncIterator[Progress | Planned]:
        """Make and store a plan, telling each phase as it ends; the plan comes last. Raises as `plan`."""
        snapshots, timer = self._snapshots(call), self._timer()
        refuse_foreign_budget(run.budget if run else None, wish.index or snapshots.agents)
        with timer.phase("tripwire"):
            hits = self.suspect(wish.goal, "goal", snapshots)
        yield Progress(timer.phases[-1], 0, f"{len(hits)} suspicious pieces of text" if hits else "nothing suspicious")
        with timer.phase("plan"):
            draft = await self._drafter.draft(wish, snapshots, seconds_left=call.deadline_seconds_left, hits=hits)
        self._observer.planned(draft.plan, draft.level)
        yield Progress(timer.phases[-1], len(draft.plan.tasks), draft.message)
        plan = self._named(draft.plan)
        with timer.phase("store"):
            made_so_far = self._provenance(call, wish.index, snapshots, timer, seed=wish.seed, draft=draft, hits=hits)
            under = self._circumstances(call, wish.index, snapshots, made_so_far)
            stored = StoredPlan(plan, made_so_far, own_catalogue=wish.index is not None)
            if snapshots.stores:
                made_so_far = await self._store(call, stored, run, under, _planned(wish, draft, plan, now=plan.create_time))
        yield Progress(timer.phases[-1], len(plan.tasks), f"stored as {plan.id}" if snapshots.stores else "not stored")
        yield Planned(plan, replace(made_so_far, phases=timer.phases), snapshots.stores)

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
        snapshots, timer = self._snapshots(call), self._timer()
        materials = _materials(index, snapshots)
        asked = RouteInput(constraints, seed, self._now(), load=snapshots.load, unhealthy=snapshots.unhealthy)
        with timer.phase("route"):
            routing = await offload(
                _is_large(plan, materials.agents),
                lambda: make_routing(plan, asked, caller=call.caller, materials=materials, explanation=explanation),
            )
        self._observer.routed(routing)
        provenance = self._provenance(call, index, snapshots, timer, seed=seed)
        if self._recorder is not None and snapshots.stores:
            with timer.phase("store"):
                under = self._circumstances(call, index, snapshots, provenance, explanation)
                decision_id = await self._recorder.record(under, Made(plan, asked.now, asked=asked, routing=routing))
            provenance = replace(provenance, decision_id=decision_id, phases=timer.phases)
        return Routed(routing, provenance)

    async def validate(
        self,
        call: Call,
        plan: Plan,
        *,
        goal: str,
        index: CatalogueIndex | None = None,
        routes: Sequence[TaskRoute] = (),
        constraints: RoutingConstraints,
        apply_fixes: bool = False,
    ) -> Judged:
        """Judge a plan and its routing, and mend it when `apply_fixes`. A bad plan is a verdict, not an error.

        Raises RoutingError TOO_MANY_TASKS.
        """
        _refuse_more_tasks(plan, MAX_TASKS_PER_PLAN if apply_fixes else self.policy.max_validate_tasks)
        snapshots, timer = self._snapshots(call), self._timer()
        with timer.phase("tripwire"):
            hits = self.suspect(goal or plan.goal, "goal", snapshots)

        judge = judge_of(
            goal=goal or plan.goal,
            index=index or snapshots.agents,
            constraints=constraints,
            limits=Limits(max_tasks=self.policy.max_validate_tasks),
            structural_only=snapshots.structural_only,
        )

        def decide() -> tuple[Verdict, Mended | None]:
            if not apply_fixes:
                return judge(plan, tuple(routes)), None
            mended = mend(plan, tuple(routes), judge=judge)
            return mended.verdict, mended

        with timer.phase("validate"):
            verdict, mended = await offload(_is_large(plan, index or snapshots.agents), decide)
        self._observer.judged(verdict)
        return Judged(verdict, self._provenance(call, index, snapshots, timer, hits=hits), mended)

    async def validate_elsewhere(self, call: Call, judge: Callable[[Snapshots], Awaitable[_JudgedT]]) -> tuple[_JudgedT, Provenance]:
        """Judge by `judge`, which does it outside this process. Raises what `judge` raises, and SecurityError."""
        snapshots, timer = self._snapshots(call), self._timer()
        with timer.phase("validate"):
            judged = await judge(snapshots)
        with timer.phase("tripwire"):
            hits = self.suspect(judged.goal, "goal", snapshots)
        self._observer.judged(judged.verdict)
        return judged, self._provenance(call, None, snapshots, timer, hits=hits)

    async def orchestrate(
        self,
        call: Call,
        wish: Wish,
        *,
        constraints: RoutingConstraints,
        explanation: ExplanationLevel,
        run: RunOptions | None = None,
    ) -> Orchestrated:
        """Plan, route, validate, repair and store; with a run when `run` says how.

        Raises as `plan`, and RoutingError PLAN_NOT_ROUTED for a plan of a catalogue of its own that agents are to carry out.
        """
        if run is not None and run.dispatched:
            refuse_unrouted("", routed=True, own_catalogue=wish.index is not None)
        snapshots, timer = self._snapshots(call), self._timer()
        materials, begun = _materials(wish.index, snapshots), self._now()
        refuse_foreign_budget(run.budget if run else None, materials.agents)
        with timer.phase("tripwire"):
            hits = self.suspect(wish.goal, "goal", snapshots)
        with timer.phase("plan"):
            draft = await self._drafter.draft(wish, snapshots, seconds_left=call.deadline_seconds_left, hits=hits)
        self._observer.planned(draft.plan, draft.level)

        asked = RouteInput(
            constraints,
            wish.seed,
            self._now(),
            load=snapshots.load,
            unhealthy=snapshots.unhealthy,
            repaired=True,
            structural_only=snapshots.structural_only,
        )
        settled = await offload(
            _is_large(draft.plan, materials.agents),
            lambda: make_settled(draft.plan, asked, caller=call.caller, materials=materials, explanation=explanation, phase=timer.phase),
        )
        self._observer.routed(settled.routing)
        self._observer.judged(settled.verdict)
        plan = self._named(settled.plan)
        routed = Made(plan, asked.now, asked=_with_draft(asked, draft.plan, settled.plan), routing=settled.routing)
        with timer.phase("store"):
            made_so_far = self._provenance(call, wish.index, snapshots, timer, seed=wish.seed, draft=draft, hits=hits)
            under = self._circumstances(call, wish.index, snapshots, made_so_far, explanation)
            stored = StoredPlan(
                plan, made_so_far, settled.routing, settled.verdict, constraints=constraints, own_catalogue=wish.index is not None
            )
            if snapshots.stores:
                planned = _planned(wish, draft, _known_as(plan, draft.plan), now=begun)
                made_so_far = await self._store(call, stored, run, under, planned, routed)
        provenance = replace(made_so_far, phases=timer.phases)
        return Orchestrated(plan, settled.routing, settled.verdict, settled.repairs, provenance, snapshots.stores)

    def suspect(self, text: str, field: str, snapshots: Snapshots) -> tuple[TripwireHit, ...]:
        """What the tripwire sees in a field of a request; raises SecurityError INJECTION_SUSPECTED when the operator wants that."""
        hits = self._scan(text, field)
        blocks = bool(hits) and self.policy.tripwire_blocks and snapshots.flags.enabled("security_hardening_enabled")
        if hits:
            self._observer.suspected(hits, blocked=blocks)
        if blocks:
            raise SecurityError(
                "INJECTION_SUSPECTED",
                f"{field} looks like an instruction to a language model ({hits[0].family}); say what is to be done in plain words",
                facts={"field": field, "family": hits[0].family},
            )
        return hits

    def _timer(self) -> PhaseTimer:
        return PhaseTimer(self._clock, self._observer.phase)

    async def _store(self, call: Call, stored: StoredPlan, run: RunOptions | None, under: Circumstances, *made: Made) -> Provenance:
        """Write a new plan with its run and the decisions that made it, all or none; the provenance with the id of the last decision."""
        prepared = Prepared((), ()) if self._recorder is None else await self._recorder.prepare(under, *made)
        provenance = replace(stored.provenance, decision_id=prepared.ids[-1] if prepared.ids else "")
        named = replace(stored, provenance=provenance)
        tenant, plan = under.caller.tenant, stored.plan
        opened = [] if run is None else run_puts(tenant, None, _opened(call, plan, run), plan, now=self._now())[0]
        await self.store.create(tenant, named, also=[*prepared.puts, *opened], actor=under.caller.subject)
        if self._recorder is not None:
            self._recorder.noted(prepared)
        return provenance

    def _circumstances(
        self,
        call: Call,
        index: CatalogueIndex | None,
        snapshots: Snapshots,
        provenance: Provenance,
        explanation: ExplanationLevel = ExplanationLevel.UNSPECIFIED,
    ) -> Circumstances:
        return Circumstances(call.caller, _materials(index, snapshots), provenance, index is not None, explanation)

    def _named(self, plan: Plan) -> Plan:
        now = self._now()
        named = replace(plan, id=self._new_plan_id(now), version=1, create_time=now)
        return settle_states(named, Known()).plan

    def _provenance(
        self,
        call: Call,
        index: CatalogueIndex | None,
        snapshots: Snapshots,
        timer: PhaseTimer,
        *,
        seed: int = 0,
        draft: Drafted | None = None,
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
            rulebook_version=snapshots.rulebook.version,
            policy_version=self.policy.version,
            seed=seed,
            correlation_id=call.correlation_id,
            phases=timer.phases,
            server_version=__version__,
            tripwire_hits=hits,
            model_use=draft.model_use if draft else None,
        )


def _opened(call: Call, plan: Plan, run: RunOptions) -> PlanRun:
    """The run that begins with a plan."""
    return PlanRun(
        plan.id,
        plan.version,
        plan.create_time,
        budget=run.budget,
        dispatched=run.dispatched,
        priority=run.priority,
        traceparent=run.traceparent,
        correlation_id=call.correlation_id,
        caller=call.caller,
    )


def _refuse_more_tasks(plan: Plan, limit: int) -> None:
    if len(plan.tasks) > limit:
        raise too_many_tasks(len(plan.tasks), limit)


def _materials(index: CatalogueIndex | None, snapshots: Snapshots) -> Materials:
    return Materials(index or snapshots.agents, snapshots.methods, snapshots.rulebook, default_routing_policy())


def _planned(wish: Wish, draft: Drafted, plan: Plan, *, now: float) -> Made:
    """The decision that made `plan` of a goal; its id is that of the stored plan."""
    planning = PlanInput(wish.goal, wish.givens, draft.tried_level, draft.model_draft)
    return Made(plan, now, planning=planning)


def _known_as(stored: Plan, draft: Plan) -> Plan:
    """The draft under the id of the plan that was stored in its place."""
    return replace(draft, id=stored.id, version=stored.version, create_time=stored.create_time)


def _with_draft(asked: RouteInput, draft: Plan, settled: Plan) -> RouteInput:
    return asked if settled == draft else replace(asked, draft=draft)


def _is_large(plan: Plan, index: CatalogueIndex) -> bool:
    return len(plan.tasks) > INLINE_TASKS or len(index.offers) > INLINE_OFFERS
