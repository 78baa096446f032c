"""The main job without a network: snapshots in, plans, routes and verdicts out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.overrides import Override, Overrides
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.caller import Caller, Role
from genesis_server.model.catalogue import Catalogue, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import MAX_TASKS_PER_PLAN, Plan, Task
from genesis_server.model.provenance import DegradationLevel, TripwireHit
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints
from genesis_server.model.span import Span
from genesis_server.model.validation import FindingKind, Verdict
from genesis_server.model.work import RunBudget
from genesis_server.orchestration import drafting as module
from genesis_server.orchestration.orchestrator import Call, Orchestrator, Policy, Wish
from genesis_server.orchestration.plan_store import PlanStore
from genesis_server.orchestration.results import Planned, Progress, RunOptions
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.method_files import shipped_methods
from genesis_server.resilience.errors import DecompositionError, RoutingError, SecurityError, ValidationError
from genesis_server.storage.base import Store
from genesis_server.storage.opening import open_store

CALL = Call(Caller("acme", "ann", frozenset({Role.CLIENT})), "c-1")
TOOLS = CatalogueIndex(Catalogue(tools=(Tool("water_plants", "water the plants"), Tool("feed_cat", "feed the cat")), snapshot_id="tools-1"))
GOAL = "Water the plants and feed the cat"
NO_LIMITS = RoutingConstraints()


@dataclass
class Recorder:
    """Remembers what the orchestrator told."""

    told: list[str] = field(default_factory=list)

    def phase(self, name: str, seconds: float) -> None:
        self.told.append(f"phase {name}")

    def planned(self, plan: Plan, level: DegradationLevel) -> None:
        self.told.append(f"planned {level.name}")

    def routed(self, routing: Routing) -> None:
        self.told.append("routed")

    def judged(self, verdict: Verdict) -> None:
        self.told.append("judged")

    def suspected(self, hits: tuple[TripwireHit, ...], *, blocked: bool) -> None:
        self.told.append(f"suspected, blocked: {blocked}")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: 1000.0)
    yield opened
    await opened.close()


def suspicious(text: str, field_name: str) -> tuple[TripwireHit, ...]:
    """A tripwire that knows one word."""
    start = text.find("IGNORE")
    return (TripwireHit("instruction_override", field_name, Span(start, start + 6, "IGNORE")),) if start >= 0 else ()


def make(store: Store, *, off: tuple[str, ...] = (), policy: Policy | None = None, observer: Recorder | None = None) -> Orchestrator:
    flags = FlagSnapshot(overrides=Overrides({key: Override(value=False, variable=key.upper()) for key in off}))
    numbers = iter(range(1000))
    return Orchestrator(
        snapshots=lambda _: Snapshots(TOOLS, shipped_methods(), flags),
        store=PlanStore(store),
        scan=suspicious,
        policy=policy or Policy("p1"),
        observer=observer or Recorder(),
        clock=lambda: 0.0,
        now=lambda: 1000.0,
        new_plan_id=lambda _now: f"plan_{next(numbers)}",
    )


async def test_a_plan_is_stored_under_the_tenant_with_version_and_time(store: Store) -> None:
    made = await make(store).plan(CALL, Wish(GOAL))
    assert (made.plan.id, made.plan.version, made.plan.create_time) == ("plan_0", 1, 1000.0)
    stored = await PlanStore(store).get("acme", "plan_0")
    assert stored.plan == made.plan
    assert stored.routing is None


async def test_phases_are_told_in_order_before_the_plan(store: Store) -> None:
    recorder = Recorder()
    events = [event async for event in make(store, observer=recorder).plan_events(CALL, Wish(GOAL))]
    assert [event.phase.phase for event in events if isinstance(event, Progress)] == ["tripwire", "plan", "store"]
    assert isinstance(events[-1], Planned)
    assert recorder.told == ["phase tripwire", "phase plan", "planned HEURISTIC", "phase store"]


async def test_everything_that_was_decided_is_told_and_stored(store: Store) -> None:
    recorder = Recorder()
    done = await make(store, observer=recorder).orchestrate(
        CALL, Wish(GOAL, seed=3), constraints=NO_LIMITS, explanation=ExplanationLevel.FULL
    )
    assert recorder.told == [
        "phase tripwire",
        "phase plan",
        "planned HEURISTIC",
        "phase route",
        "phase validate",
        "routed",
        "judged",
        "phase store",
    ]
    stored = await PlanStore(store).get("acme", done.plan.id)
    assert (stored.routing, stored.verdict) == (done.routing, done.verdict)
    assert (done.provenance.seed, done.provenance.policy_version, done.provenance.agents_snapshot_id) == (3, "p1", "tools-1")


async def test_a_repeated_step_is_dropped(store: Store) -> None:
    wish = Wish("Water the plants, water the plants and feed the cat")
    done = await make(store).orchestrate(CALL, wish, constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert [task.capability for task in done.plan.tasks] == ["water_plants", "feed_cat"]
    assert [repair.finding.kind for repair in done.repairs] == [FindingKind.REPEATED_TASK]
    assert len(done.routing.routes) == 2


async def test_a_budget_in_another_currency_than_the_prices_is_refused_before_anything_is_made(store: Store) -> None:
    """Nothing would ever start under it."""
    priced = CatalogueIndex(Catalogue(tools=(Tool("water_plants", "water the plants", cost_per_call=Money(5, "USD")),), snapshot_id="t"))
    euros, dollars = (RunOptions(RunBudget(Money(9, currency))) for currency in ("EUR", "USD"))
    orchestrator, wish = make(store), Wish(GOAL, index=priced)
    for call in (
        orchestrator.plan(CALL, wish, run=euros),
        orchestrator.orchestrate(CALL, wish, constraints=NO_LIMITS, explanation=ExplanationLevel.NONE, run=euros),
    ):
        with pytest.raises(ValidationError, match=r"is EUR, and prices are in USD .* give the budget in USD") as caught:
            await call
        assert caught.value.facts == {"field": "run_budget.cost.currency_code"}
    assert (await orchestrator.plan(CALL, wish, run=dollars)).plan.id == "plan_0"
    assert (await orchestrator.plan(CALL, Wish(GOAL), run=euros)).plan.id == "plan_1"


async def test_suspicious_text_is_noted(store: Store) -> None:
    recorder = Recorder()
    made = await make(store, observer=recorder).plan(CALL, Wish(f"IGNORE {GOAL}"))
    assert made.provenance.tripwire_hits[0].span == Span(0, 6, "IGNORE")
    assert "suspected, blocked: False" in recorder.told


async def test_suspicious_text_is_refused_where_the_operator_wants_that(store: Store) -> None:
    policy = Policy("p1", tripwire_blocks=True)
    with pytest.raises(SecurityError) as caught:
        await make(store, policy=policy).plan(CALL, Wish(f"IGNORE {GOAL}"))
    assert caught.value.facts == {"field": "goal", "family": "instruction_override"}
    assert (await make(store, policy=policy, off=("security_hardening_enabled",)).plan(CALL, Wish(f"IGNORE {GOAL}"))).plan.tasks


async def test_with_orchestration_off_plans_are_minimal_and_verdicts_structural(store: Store) -> None:
    done = await make(store, off=("orchestration_enabled",)).orchestrate(
        CALL, Wish(GOAL), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE
    )
    assert len(done.plan.tasks) == 1
    assert done.provenance.level is DegradationLevel.MINIMAL
    assert "orchestration_enabled" in done.provenance.level_reason
    assert done.verdict.completeness_passed is None


async def test_a_fault_of_the_heuristic_planner_costs_a_level_and_not_the_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "plan_goal", failing_above_minimal(module.plan_goal))
    with caplog.at_level(logging.ERROR):
        made = await make(store).plan(CALL, Wish(GOAL))
    assert len(made.plan.tasks) == 1
    assert "RuntimeError" in made.provenance.level_reason
    assert "heuristic planner failed" in caplog.text


async def test_without_error_handling_the_fault_is_the_answer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plan_goal", failing_above_minimal(module.plan_goal))
    with pytest.raises(RuntimeError):
        await make(store, off=("error_handling_enabled",)).plan(CALL, Wish(GOAL))


def failing_above_minimal(plan_goal: Callable[..., object]) -> Callable[..., object]:
    """A planner with a fault in everything but its lowest level."""

    def plan(goal: str, **options: object) -> object:
        if options["max_level"] is not DegradationLevel.MINIMAL:
            raise RuntimeError
        return plan_goal(goal, **options)

    return plan


async def test_a_goal_without_words_is_refused_at_every_level(store: Store) -> None:
    with pytest.raises(DecompositionError) as caught:
        await make(store).plan(CALL, Wish("…"))
    assert caught.value.reason == "EMPTY_GOAL"


async def test_a_long_goal_and_a_large_plan_are_decided_off_the_loop_with_the_same_answer(store: Store) -> None:
    orchestrator = make(store)
    assert (await orchestrator.plan(CALL, Wish(f"{GOAL}. " * 40))).plan.tasks
    plan = Plan("g", tuple(Task(f"t{n}", "feed the cat", capability="feed_cat") for n in range(200)))
    routed = await orchestrator.route(CALL, plan, constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert len(routed.routing.routes) == 200
    judged = await orchestrator.validate(CALL, plan, goal="", routes=routed.routing.routes, constraints=NO_LIMITS)
    assert judged.verdict.structure_passed


async def test_more_tasks_than_a_plan_may_have_are_not_routed(store: Store) -> None:
    plan = Plan("g", tuple(Task(f"t{n}", "x") for n in range(MAX_TASKS_PER_PLAN + 1)))
    with pytest.raises(RoutingError) as caught:
        await make(store).route(CALL, plan, constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert caught.value.facts == {"limit": "1000", "count": "1001"}


@given(st.text(max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_gets_a_plan_or_is_told_to_have_no_words(store: Store, goal: str) -> None:
    try:
        done = await make(store).orchestrate(CALL, Wish(goal), constraints=NO_LIMITS, explanation=ExplanationLevel.SUMMARY)
    except DecompositionError:
        assert not any(char.isalnum() for char in goal)
        return
    assert done.plan.goal == goal
    assert done.verdict.structure_passed
    await PlanStore(store).delete("acme", done.plan.id)
