"""Plan, Route and Orchestrate leave decisions that replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from decision_cases import ANN, NO_POET, NOON, WRITERS, Office, book, index_of, opened, writing

from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.overrides import Override, Overrides
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.catalogue import Tool
from genesis_server.model.decision import DecisionFilter, DecisionKind
from genesis_server.model.draft import Brief, DraftedTask, ModelAnswer, ModelDraft
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel, ModelUse, TripwireHit
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints
from genesis_server.model.validation import Verdict
from genesis_server.orchestration import drafting
from genesis_server.orchestration.decisions.recorder import without_proof
from genesis_server.orchestration.orchestrator import Call, Orchestrator, Policy, Wish
from genesis_server.orchestration.plan_store import PlanStore
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.method_files import shipped_methods
from genesis_server.planning.planner import plan_goal
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Put, Store

CALL = Call(ANN, "c-1")
NO_LIMITS = RoutingConstraints()
TOOLS = index_of(tools=(Tool("water_plants", "water the plants"), Tool("feed_cat", "feed the cat")))
GOAL = "Water the plants and feed the cat"
REPEATED = "Water the plants, water the plants and feed the cat"


class Deaf:
    """An observer that keeps nothing."""

    def phase(self, name: str, seconds: float) -> None: ...
    def planned(self, plan: Plan, level: DegradationLevel) -> None: ...
    def routed(self, routing: Routing) -> None: ...
    def judged(self, verdict: Verdict) -> None: ...
    def suspected(self, hits: tuple[TripwireHit, ...], *, blocked: bool) -> None: ...


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as store:
        yield Office(store)


class Model:
    """A language model that always says the same."""

    async def draft(self, brief: Brief, *, seconds: float) -> ModelAnswer:
        tasks = (DraftedTask("a", "feed the cat first", "feed_cat"), DraftedTask("b", "water the plants", "water_plants", after=("a",)))
        return ModelAnswer(ModelDraft(tasks), use=ModelUse("m", 1, 10, 20))


def make(
    office: Office, *, agents: CatalogueIndex = TOOLS, off: tuple[str, ...] = (), recorded: bool = True, model: Model | None = None
) -> Orchestrator:
    flags = FlagSnapshot(overrides=Overrides({key: Override(value=False, variable=key.upper()) for key in off}))
    return Orchestrator(
        snapshots=lambda _: Snapshots(agents, shipped_methods(), flags, book(NO_POET)),
        store=PlanStore(office.store),
        scan=lambda _text, _field: (),
        drafter=drafting.Drafter(scan=lambda _text, _field: (), model=model),
        recorder=office.recorder if recorded else None,
        policy=Policy("p1"),
        observer=Deaf(),
        clock=lambda: 0.0,
        now=lambda: NOON,
        new_plan_id=lambda _now: "plan_1",
    )


async def kinds(office: Office, plan_id: str = "plan_1") -> dict[DecisionKind, str]:
    """The decisions of a plan; every one of them must replay."""
    page = await office.decisions.list("acme", DecisionFilter(plan_id=plan_id), limit=10)
    for head in page.heads:
        replayed = await office.replayer.replay(await office.decisions.get("acme", head.id), ExplanationLevel.FULL)
        assert replayed.same, replayed.differences
    return {head.kind: head.id for head in page.heads}


async def test_a_plan_names_the_decision_that_made_it(office: Office) -> None:
    made = await make(office).plan(CALL, Wish(GOAL, seed=3))
    stored = await PlanStore(office.store).get("acme", "plan_1")
    assert await kinds(office) == {DecisionKind.PLAN: made.provenance.decision_id}
    assert stored.provenance.decision_id == made.provenance.decision_id
    decision = await office.decisions.get("acme", made.provenance.decision_id)
    assert decision.plan == made.plan
    assert (decision.head.provenance.seed, decision.head.provenance.rulebook_version) == (3, book(NO_POET).version)


@pytest.mark.parametrize("level", [ExplanationLevel.NONE, ExplanationLevel.SUMMARY])
async def test_a_routing_names_its_decision_with_the_rules_that_fired_told_or_not(office: Office, level: ExplanationLevel) -> None:
    routed = await make(office, agents=index_of(WRITERS)).route(
        CALL, writing(plan_id="plan_1"), constraints=NO_LIMITS, explanation=level, seed=5
    )
    assert await kinds(office) == {DecisionKind.ROUTE: routed.provenance.decision_id}
    decision = await office.decisions.get("acme", routed.provenance.decision_id)
    assert decision.routing == without_proof(routed.routing)
    assert decision.head.rule_ids == ("no-poet",)


async def test_orchestrate_leaves_one_decision_of_each_kind(office: Office) -> None:
    done = await make(office).orchestrate(CALL, Wish(GOAL), constraints=NO_LIMITS, explanation=ExplanationLevel.FULL)
    found = await kinds(office)
    assert found.keys() == {DecisionKind.PLAN, DecisionKind.ROUTE}
    assert found[DecisionKind.ROUTE] == done.provenance.decision_id


async def test_a_repaired_plan_replays_from_the_draft(office: Office) -> None:
    """What the validator made of it is made of it again."""
    done = await make(office).orchestrate(CALL, Wish(REPEATED), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert done.repairs
    found = await kinds(office)
    planned = await office.decisions.get("acme", found[DecisionKind.PLAN])
    routed = await office.decisions.get("acme", found[DecisionKind.ROUTE])
    assert len(planned.plan.tasks) == 3
    assert len(routed.plan.tasks) == 2


async def test_a_catalogue_of_the_request_is_replayed_from(office: Office) -> None:
    made = await make(office, agents=index_of(WRITERS)).orchestrate(
        CALL, Wish(GOAL, index=TOOLS), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE
    )
    assert (await kinds(office)).keys() == {DecisionKind.PLAN, DecisionKind.ROUTE}
    assert (await office.decisions.get("acme", made.provenance.decision_id)).own_catalogue


async def test_a_plan_made_with_the_planner_off_replays_with_it_on(office: Office) -> None:
    made = await make(office, off=("orchestration_enabled",)).orchestrate(
        CALL, Wish(GOAL), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE
    )
    assert len(made.plan.tasks) == 1
    assert (await kinds(office)).keys() == {DecisionKind.PLAN, DecisionKind.ROUTE}


async def test_a_plan_made_after_a_fault_replays_without_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(goal: str, **arguments: object) -> object:
        if arguments["max_level"] is not DegradationLevel.MINIMAL:
            raise RuntimeError("a fault")
        return plan_goal(goal, **arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(drafting, "plan_goal", faulty)
        made = await make(office).plan(CALL, Wish(GOAL))
    assert made.provenance.level is DegradationLevel.MINIMAL
    assert (await kinds(office)).keys() == {DecisionKind.PLAN}


async def test_a_plan_of_a_language_model_replays_from_its_draft(office: Office) -> None:
    done = await make(office, model=Model()).orchestrate(CALL, Wish(GOAL), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert done.provenance.level is DegradationLevel.LLM
    found = await kinds(office)
    decision = await office.decisions.get("acme", found[DecisionKind.PLAN])
    assert decision.planning is not None
    assert decision.planning.model_draft is not None
    assert [task.goal for task in decision.plan.tasks] == ["feed the cat first", "water the plants"]
    assert decision.head.provenance.model_use == ModelUse("m", 1, 10, 20)


async def test_plan_and_decision_are_stored_together_or_not_at_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Store = office.store
    put_all = store.put_all

    async def fails_late(puts: Sequence[Put]) -> Sequence[int]:
        await put_all([*puts, Put(puts[0].key, b"", expected=7)])
        return ()

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_all", fails_late)
        with pytest.raises(Exception, match="version"):
            await make(office).plan(CALL, Wish(GOAL))
    with pytest.raises(ResourceError):
        await PlanStore(store).get("acme", "plan_1")
    assert await kinds(office) == {}
    assert office.observed == []


async def test_a_routing_is_answered_without_its_decision_when_the_storage_is_down(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(puts: Sequence[Put]) -> Sequence[int]:
        raise ResourceError("STORAGE_UNAVAILABLE", "down")

    monkeypatch.setattr(office.store, "put_all", fail)
    orchestrator = make(office, agents=index_of(WRITERS))
    routed = await orchestrator.route(CALL, writing(), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert routed.provenance.decision_id == ""
    assert routed.routing.routes[0].assignment is not None


async def test_where_nothing_is_to_be_recorded_nothing_is(office: Office) -> None:
    orchestrator = make(office, recorded=False)
    done = await orchestrator.orchestrate(CALL, Wish(GOAL), constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    routed = await orchestrator.route(CALL, done.plan, constraints=NO_LIMITS, explanation=ExplanationLevel.NONE)
    assert (done.provenance.decision_id, routed.provenance.decision_id) == ("", "")
    assert await kinds(office) == {}
