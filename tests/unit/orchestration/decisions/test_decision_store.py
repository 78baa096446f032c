"""Finding recorded decisions again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from decision_cases import ANN, BIG, NO_POET, NOON, SMALL, WRITERS, Office, book, index_of, materials, opened, rule, under, writing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis_server.model.catalogue import AgentCard, Skill
from genesis_server.model.decision import DecisionFilter, DecisionKind, PlanInput
from genesis_server.model.routing import ExplanationLevel
from genesis_server.orchestration.decisions.making import make_plan
from genesis_server.orchestration.decisions.recorder import Made
from genesis_server.resilience.errors import ResourceError
from genesis_server.rpc.convert.values import time_from_proto, time_to_proto

ANYTHING = DecisionFilter()


async def test_decisions_come_newest_first_page_by_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        office = Office(store)
        names = [await office.routed(now=NOON + number) for number in range(5)]
        first = await office.decisions.list("acme", ANYTHING, limit=2)
        second = await office.decisions.list("acme", ANYTHING, before=first.following, limit=2)
        third = await office.decisions.list("acme", ANYTHING, before=second.following, limit=2)
        assert [head.id for page in (first, second, third) for head in page.heads] == names[::-1]
        assert third.following == ""
        assert (await office.decisions.list("other", ANYTHING, limit=2)).heads == ()


async def test_a_page_that_ends_with_the_last_decision_is_the_last(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        office = Office(store)
        for number in range(2):
            await office.routed(now=NOON + number)
        assert (await office.decisions.list("acme", ANYTHING, limit=2)).following == ""


async def test_decisions_are_found_by_plan_target_rule_kind_and_time(tmp_path: Path) -> None:
    poets = materials(index_of([AgentCard("poet", (Skill("text.write"),), models=(BIG, SMALL))]), book(rule("any", "weight", weight=0.1)))
    planning = PlanInput("write a text")
    plan = replace(make_plan(planning, materials()).plan, id="plan_2")
    async with opened(tmp_path) as store:
        office = Office(store)
        ruled = await office.routed(writing(plan_id="plan_1"), on=materials(rulebook=book(NO_POET)), now=NOON)
        poet = await office.routed(writing(plan_id="plan_2"), on=poets, now=NOON + 10)
        planned = await office.recorder.record(under(materials()), Made(plan, NOON + 20, planning=planning))

        async def found(wanted: DecisionFilter) -> list[str]:
            return [head.id for head in (await office.decisions.list("acme", wanted, limit=10)).heads]

        assert await found(DecisionFilter(plan_id="plan_2")) == [planned, poet]
        assert await found(DecisionFilter(plan_id="plan")) == []
        assert await found(DecisionFilter(target_id="writer")) == [ruled]
        assert await found(DecisionFilter(rule_id="no-poet")) == [ruled]
        assert await found(DecisionFilter(kind=DecisionKind.PLAN)) == [planned]
        assert await found(DecisionFilter(plan_id="plan_2", kind=DecisionKind.ROUTE)) == [poet]
        assert await found(DecisionFilter(start=NOON + 10)) == [planned, poet]
        assert await found(DecisionFilter(end=NOON + 10)) == [ruled]
        assert await found(DecisionFilter(start=NOON + 10, end=NOON + 20)) == [poet]


async def test_the_time_a_decision_tells_finds_it_again(tmp_path: Path) -> None:
    """Times are told to the microsecond, so they are kept to the microsecond."""
    async with opened(tmp_path) as store:
        office = Office(store)
        made = await office.routed(now=NOON + 0.295_093_8)
        told = time_from_proto(time_to_proto((await office.decisions.get("acme", made)).head.time))
        assert [head.id for head in (await office.decisions.list("acme", DecisionFilter(start=told), limit=1)).heads] == [made]
        assert (await office.decisions.list("acme", DecisionFilter(end=told), limit=1)).heads == ()


async def test_a_page_looks_at_a_bounded_number_of_decisions(tmp_path: Path) -> None:
    """A rare filter makes short pages, not slow ones."""
    async with opened(tmp_path) as store:
        office = Office(store)
        rare = await office.routed(on=materials(rulebook=book(NO_POET)), now=NOON)
        for number in range(1, 6):
            await office.routed(now=NOON + number)
        wanted = DecisionFilter(rule_id="no-poet")
        first = await office.decisions.list("acme", wanted, limit=10, scanned_at_most=3)
        assert first.heads == ()
        assert first.following
        second = await office.decisions.list("acme", wanted, before=first.following, limit=10, scanned_at_most=3)
        assert [head.id for head in second.heads] == [rare]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    offsets=st.lists(st.floats(0, 0.02), min_size=1, max_size=8),
    limit=st.integers(1, 3),
    scanned=st.integers(1, 4),
    window=st.tuples(st.floats(0, 0.02), st.floats(0, 0.02)),
)
def test_pages_together_are_what_the_filter_takes(
    tmp_path_factory: pytest.TempPathFactory, offsets: list[float], limit: int, scanned: int, window: tuple[float, float]
) -> None:
    """However close in time decisions are, and wherever a page ends."""
    wanted = DecisionFilter(start=NOON + min(window), end=NOON + max(window))

    async def scenario() -> None:
        async with opened(tmp_path_factory.mktemp("pages")) as store:
            office = Office(store)
            names = {await office.routed(now=NOON + offset): round(NOON + offset, 6) for offset in offsets}
            found: list[str] = []
            before = ""
            for _ in range(40):
                page = await office.decisions.list("acme", wanted, before=before, limit=limit, scanned_at_most=scanned)
                assert len(page.heads) <= limit
                found += [head.id for head in page.heads]
                before = page.following
                if not before:
                    break
            assert not before
            expected = sorted((name for name, time in names.items() if NOON + min(window) <= time < NOON + max(window)), reverse=True)
            assert found == expected

    asyncio.run(scenario())


async def test_plans_whose_ids_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    """Callers may name plans as they like."""
    async with opened(tmp_path) as store:
        office = Office(store)
        mine = await office.routed(writing(plan_id="a"), now=NOON)
        for number in range(3):
            await office.routed(writing(plan_id="a/b"), now=NOON + number)
        page = await office.decisions.list("acme", DecisionFilter(plan_id="a"), limit=1, scanned_at_most=2)
        following = await office.decisions.list("acme", DecisionFilter(plan_id="a"), before=page.following, limit=5, scanned_at_most=2)
    assert [head.id for head in (*page.heads, *following.heads)] == [mine]


async def test_a_decision_of_another_tenant_is_not_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        office = Office(store)
        name = await office.routed(caller=replace(ANN, tenant="rival"))
        with pytest.raises(ResourceError) as caught:
            await office.decisions.get("acme", name)
        assert caught.value.reason == "DECISION_NOT_FOUND"
        assert (await office.decisions.get("rival", name)).caller.tenant == "rival"


@pytest.mark.parametrize("level", [ExplanationLevel.NONE, ExplanationLevel.SUMMARY, ExplanationLevel.FULL])
async def test_a_head_tells_who_got_what_by_which_rules(tmp_path: Path, level: ExplanationLevel) -> None:
    """Also when no explanation was asked for."""
    async with opened(tmp_path) as store:
        office = Office(store)
        on = materials(index_of(WRITERS), book(NO_POET))
        name = await office.routed(writing("write a contract", "write a poem"), on=on, level=level)
        head = (await office.decisions.get("acme", name)).head
    assert (head.rule_ids, head.caller, head.task_count, head.kind) == (("no-poet",), "ann", 2, DecisionKind.ROUTE)
    assert "writer" in head.target_ids
    assert head.provenance.decision_id == head.id == name
