"""A decision made again: on another process, with other snapshots in use, it comes out the same."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from decision_cases import (
    ANN,
    ASKED,
    BOOKS,
    DAY,
    LEVELS,
    NO_POET,
    NO_WRITER,
    NOON,
    PLAN_GOALS,
    WRITERS,
    Office,
    book,
    index_of,
    materials,
    opened,
    targets,
    under,
    writing,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from routing_cases import CATALOGUES, plans

from genesis_server.model.catalogue import Artefact, Catalogue
from genesis_server.model.decision import DecisionKind, PlanInput, RouteInput
from genesis_server.model.draft import DraftedTask, ModelDraft
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel
from genesis_server.model.routing import ExplanationLevel, RoutingConstraints
from genesis_server.orchestration.decisions.coding import decode_methods, encode_methods
from genesis_server.orchestration.decisions.making import make_plan, make_routing, make_settled
from genesis_server.orchestration.decisions.recorder import Made, without_proof
from genesis_server.resilience.errors import ResourceError
from genesis_server.routing.rules.rulebook import Rulebook

EXAMPLES = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
NUMBERS = itertools.count()


@settings(EXAMPLES, max_examples=150)
@given(drawn=st.tuples(plans(), CATALOGUES, BOOKS, ASKED), level=LEVELS)
def test_a_routing_replays_to_the_same_on_a_process_that_has_other_snapshots(
    tmp_path: Path, drawn: tuple[Plan, Catalogue, Rulebook, RouteInput], level: ExplanationLevel
) -> None:
    """At every level of explanation, whatever was asked at the time; and the proof is that of the first time."""
    plan, catalogue, rulebook, asked = drawn
    on = materials(index_of(catalogue.agents, catalogue.tools), rulebook)
    folder = tmp_path / str(next(NUMBERS))

    async def scenario() -> None:
        if asked.repaired:
            settled = make_settled(plan, asked, caller=ANN, materials=on, explanation=level)
            routed, routing = settled.plan, settled.routing
        else:
            routed, routing = plan, make_routing(plan, asked, caller=ANN, materials=on, explanation=level)
        kept = replace(asked, draft=plan) if routed != plan else asked
        async with opened(folder) as store:
            made = Made(replace(routed, id="plan_1"), asked.now, asked=kept, routing=routing)
            name = await Office(store).recorder.record(under(on, level=level), made)
        async with opened(folder) as store:
            office = Office(store)
            decision = await office.decisions.get("acme", name)
            assert decision.routing == without_proof(routing)
            for again in (ExplanationLevel.NONE, ExplanationLevel.SUMMARY, ExplanationLevel.FULL):
                replayed = await office.replayer.replay(decision, again)
                assert (replayed.same, replayed.differences, replayed.note) == (True, (), "")
                assert replayed.plan == decision.plan
                if again is level:
                    assert replayed.routing == routing

    asyncio.run(scenario())


@EXAMPLES
@given(goal=PLAN_GOALS, catalogue=CATALOGUES)
def test_a_plan_replays_to_the_same(tmp_path: Path, goal: str, catalogue: Catalogue) -> None:
    """Without the methods and agents of its time in use any more."""
    on = materials(index_of(catalogue.agents, catalogue.tools))
    planning = PlanInput(goal, (Artefact("report", "text"),))
    plan = replace(make_plan(planning, on).plan, id="plan_1", version=1, create_time=NOON)
    folder = tmp_path / str(next(NUMBERS))

    async def scenario() -> None:
        async with opened(folder) as store:
            name = await Office(store).recorder.record(under(on), Made(plan, NOON, planning=planning))
        async with opened(folder) as store:
            office = Office(store)
            decision = await office.decisions.get("acme", name)
            replayed = await office.replayer.replay(decision, ExplanationLevel.FULL)
            assert decision.head.kind is DecisionKind.PLAN
            assert replayed.same
            assert replayed.plan == plan
            assert replayed.draft is not None

    asyncio.run(scenario())


async def test_the_words_of_a_language_model_are_replayed_and_not_asked_for_again(tmp_path: Path) -> None:
    tasks = (DraftedTask("a", "write the text", "text.write"), DraftedTask("b", "read it aloud", after=("a",)))
    planning = PlanInput("Write a text and read it aloud", model_draft=ModelDraft(tasks))
    plan = make_plan(planning, materials()).plan
    async with opened(tmp_path) as store:
        office = Office(store)
        name = await office.recorder.record(under(materials()), Made(plan, NOON, planning=planning))
        replayed = await office.replayer.replay(await office.decisions.get("acme", name), ExplanationLevel.NONE)
    assert replayed.same
    assert [task.goal for task in replayed.plan.tasks] == ["write the text", "read it aloud"]
    assert replayed.draft is not None
    assert replayed.draft.level is DegradationLevel.LLM


async def test_a_draft_that_would_not_be_used_any_more_is_told(tmp_path: Path) -> None:
    """A later version may trust language models less."""
    planning = PlanInput("Write a text", model_draft=ModelDraft(()))
    async with opened(tmp_path) as store:
        office = Office(store)
        name = await office.recorder.record(under(materials()), Made(writing(), NOON, planning=planning))
        replayed = await office.replayer.replay(await office.decisions.get("acme", name), ExplanationLevel.NONE)
    assert (replayed.same, replayed.differences) == (False, ("the language model's draft had no task",))


async def test_a_record_that_was_tampered_with_is_told_to_differ(tmp_path: Path) -> None:
    """A replay that could only say "same" would prove nothing."""
    async with opened(tmp_path) as store:
        office = Office(store)
        decision = await office.decisions.get("acme", await office.routed(writing("write a contract", "write a poem")))
        other = make_routing(
            decision.plan,
            RouteInput(RoutingConstraints()),
            caller=ANN,
            materials=materials(rulebook=book(NO_WRITER)),
            explanation=ExplanationLevel.NONE,
        )
        assert targets(other) != targets(decision.routing)
        replayed = await office.replayer.replay(replace(decision, routing=other, algorithm="planning 0"), ExplanationLevel.NONE)
    assert not replayed.same
    assert any("instead of" in sentence for sentence in replayed.differences)
    assert "made by Genesis 1.2.3 (planning 0)" in replayed.note


async def test_a_plan_that_was_tampered_with_is_told_to_differ(tmp_path: Path) -> None:
    planning = PlanInput("Write a text and read it aloud")
    plan = make_plan(planning, materials()).plan
    other = replace(plan, tasks=(replace(plan.tasks[0], goal="sing"),), edges=())
    async with opened(tmp_path) as store:
        office = Office(store)
        name = await office.recorder.record(under(materials()), Made(other, NOON, planning=planning))
        replayed = await office.replayer.replay(await office.decisions.get("acme", name), ExplanationLevel.NONE)
    assert not replayed.same
    assert any("has another goal" in sentence for sentence in replayed.differences)


async def test_after_the_retention_time_the_snapshots_are_told_to_be_gone(tmp_path: Path) -> None:
    now = NOON
    async with opened(tmp_path, lambda: now) as store:
        office = Office(store)
        decision = await office.decisions.get("acme", await office.routed())
        now += 30 * DAY + 3 * 3600
        with pytest.raises(ResourceError) as gone:
            await office.decisions.get("acme", decision.head.id)
        assert gone.value.reason == "DECISION_NOT_FOUND"
        with pytest.raises(ResourceError) as expired:
            await office.replayer.replay(decision, ExplanationLevel.NONE)
    assert expired.value.reason == "DECISION_EXPIRED"
    assert expired.value.facts == {"decision_id": decision.head.id, "snapshot_id": index_of(WRITERS).catalogue.snapshot_id}


async def test_a_rulebook_that_is_not_understood_any_more_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        office = Office(store)
        on = materials(rulebook=replace(book(NO_POET), text="[[rules]]\nid = 'of another age'\n"))
        decision = await office.decisions.get("acme", await office.routed(on=on))
        with pytest.raises(ResourceError, match="not understood any more") as caught:
            await office.replayer.replay(decision, ExplanationLevel.NONE)
    assert caught.value.reason == "DECISION_EXPIRED"


async def test_a_catalogue_of_the_request_stays_with_its_tenant(tmp_path: Path) -> None:
    on = materials(index_of(WRITERS[:1]))
    planning = PlanInput("write a text")
    plan = make_plan(planning, on).plan
    async with opened(tmp_path) as store:
        office = Office(store)
        name = await office.recorder.record(under(on, own=True), Made(plan, NOON, planning=planning))
        decision = await office.decisions.get("acme", name)
        assert (await office.replayer.replay(decision, ExplanationLevel.NONE)).same
        with pytest.raises(ResourceError):
            await Office(store).replayer.replay(replace(decision, own_catalogue=False), ExplanationLevel.NONE)


async def test_snapshots_are_built_once_and_kept_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as store:
        office = Office(store)
        decision = await office.decisions.get("acme", await office.routed())
        await office.replayer.replay(decision, ExplanationLevel.NONE)
        reads: list[str] = []
        read = store.get
        monkeypatch.setattr(store, "get", lambda key: reads.append(key.id) or read(key))
        await office.replayer.replay(decision, ExplanationLevel.NONE)
        assert reads == []
        monkeypatch.setattr("genesis_server.orchestration.decisions.materials.KEPT_AT_MOST", 1)
        fresh = Office(store)
        await fresh.replayer.replay(decision, ExplanationLevel.NONE)
        await fresh.replayer.replay(decision, ExplanationLevel.NONE)
    assert len(reads) == 6


def test_methods_survive_storing() -> None:
    """The library that is read back fits the same goals as well."""
    library = materials().methods
    again = decode_methods(encode_methods(library), library.snapshot_id)
    assert again.methods == library.methods
    text = "plan a birthday party for twenty people"
    assert again.match(text) == library.match(text)
