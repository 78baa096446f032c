"""What the contract says of routing beside the choice itself: names, bounds, exact amounts, who could have done it."""

from dataclasses import replace
from urllib.parse import unquote

import pytest
from routing_cases import agent, chosen, index_of, model, side_by_side

from genesis_server.model.catalogue import AgentCard, Skill
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, Plan, Task
from genesis_server.model.routing import ExplanationLevel, RoutingConstraints, UnassignedReason
from genesis_server.resilience.errors import RoutingError, ValidationError
from genesis_server.routing import router
from genesis_server.routing.router import route_plan

DO = Task("t", "do it", capability="do")


def test_an_agent_is_excluded_by_its_name_too() -> None:
    """Who does not know the id says the name; everybody else stays in."""
    index = index_of(replace(agent("a"), name="Alice"), replace(agent("b"), name="Bob"))
    plan = side_by_side(DO)
    assert chosen(route_plan(plan, index=index, constraints=RoutingConstraints(excluded_targets=frozenset({"Alice"})))) == ["b/"]
    assert chosen(route_plan(plan, index=index, constraints=RoutingConstraints(excluded_targets=frozenset({"a", "Bo"})))) == ["b/"]


def test_one_who_is_barred_keeps_nobody_from_a_task_that_goes_by_words() -> None:
    """The nearest by words may be in the wrong region; somebody less near, but near enough, then gets the task."""
    near = AgentCard("near", (Skill("x", examples=("paint the garden fence",)),), region="us")
    less_near = AgentCard("less_near", (Skill("y", description="paint walls and a fence"),), region="eu")
    plan = side_by_side(Task("t", "Paint the garden fence"))
    index = index_of(near, less_near)
    assert chosen(route_plan(plan, index=index)) == ["near/"]
    (route,) = route_plan(plan, index=index, constraints=RoutingConstraints(regions=("eu",)), explanation=ExplanationLevel.FULL).routes
    assert route.assignment
    assert route.assignment.target.id == "less_near"
    assert route.explanation
    assert [found.failed for found in route.explanation.candidates] == [(), (UnassignedReason.REGION,)]


def test_the_nearest_miss_of_a_task_nobody_fits_is_one_who_may_do_it() -> None:
    """Of two whose words do not fit, the one in the right region failed fewer constraints."""
    us = AgentCard(
        "us", (Skill("x", description="one fence and a hundred other things: " + " ".join(f"w{n}" for n in range(99))),), region="us"
    )
    eu = AgentCard("eu", (Skill("y", description="nothing of it"),), region="eu")
    (route,) = route_plan(side_by_side(Task("t", "fence")), index=index_of(us, eu), constraints=RoutingConstraints(regions=("eu",))).routes
    missed = route.unassigned
    assert missed
    assert missed.nearest_miss
    assert (missed.nearest_miss.target.id, missed.nearest_miss.failed) == ("eu", (UnassignedReason.NO_CAPABILITY,))


def test_more_choices_than_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small request can name many agents with many models for many tasks; the server says so instead of dying of it."""
    index = index_of(agent("a", model("m", 1), model("n", 1)), agent("b", model("m", 1)))
    plan = side_by_side(DO, replace(DO, id="t2"))
    monkeypatch.setattr(router, "MAX_CANDIDATES", 6)
    monkeypatch.setattr(router, "MAX_CANDIDATES_IN_FULL", 5)
    assert len(route_plan(plan, index=index).routes) == 2
    with pytest.raises(ValidationError, match="more than 5 choices"):
        route_plan(plan, index=index, explanation=ExplanationLevel.FULL)
    monkeypatch.setattr(router, "MAX_CANDIDATES", 5)
    with pytest.raises(ValidationError, match="catalogue") as refused:
        route_plan(plan, index=index)
    assert refused.value.reason == "INVALID_FIELD"


def test_ids_with_commas_can_be_told_apart_in_an_error() -> None:
    """A program that splits the list and decodes its parts gets the ids of the plan."""
    plan = Plan("", (Task("a,b", ""), Task("100%", "")), (Edge("a,b", "100%"), Edge("100%", "a,b")))
    with pytest.raises(RoutingError) as refused:
        route_plan(plan, index=index_of(agent("a")))
    assert [unquote(part) for part in refused.value.facts["task_ids"].split(",")] == ["a,b", "100%", "a,b"]


def test_amounts_in_messages_are_exact_however_large() -> None:
    """The budget that would do is named to the billionth, so that asking again with it works."""
    assert str(Money(9_000_000_000_000_000_999_999_999)) == "9000000000000000.999999999 USD"
    assert [str(Money(nanos, "EUR")) for nanos in (0, 12_500_000, 10**9, 1)] == ["0.00 EUR", "0.0125 EUR", "1.00 EUR", "0.000000001 EUR"]
