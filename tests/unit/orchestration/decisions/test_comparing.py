"""What a person is told of two plans or routings that differ."""

from __future__ import annotations

from dataclasses import replace

from decision_cases import ANN, NO_WRITER, book, materials, targets, writing
from hypothesis import given
from routing_cases import plans

from genesis_server.model.decision import RouteInput
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, Plan
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints
from genesis_server.orchestration.decisions.comparing import TOLD_AT_MOST, plan_differences, routing_differences
from genesis_server.orchestration.decisions.making import make_routing
from genesis_server.routing.rules.rulebook import Rulebook

PLAN = writing("write a contract", "write a poem", "write a letter")


def routed(plan: Plan = PLAN, rulebook: Rulebook | None = None) -> Routing:
    """The routing of a plan without proof."""
    asked = RouteInput(RoutingConstraints())
    return make_routing(plan, asked, caller=ANN, materials=materials(rulebook=rulebook), explanation=ExplanationLevel.NONE)


@given(plans(), plans())
def test_plans_differ_in_words_exactly_when_their_tasks_or_edges_do(one: Plan, other: Plan) -> None:
    equal = (one.tasks, sorted(one.edges, key=repr)) == (other.tasks, sorted(other.edges, key=repr))
    assert plan_differences(one, one) == ()
    assert not plan_differences(one, replace(one, id="plan_1", version=7, create_time=3.0))
    same_edges = set(one.edges) == set(other.edges)
    assert bool(plan_differences(one, other)) == (not (equal or (one.tasks == other.tasks and same_edges)))


def test_what_differs_between_plans_is_named() -> None:
    first, second, third = PLAN.tasks
    other = Plan("texts", (replace(first, capability="text.sing", difficulty=0.9), second, replace(third, id="t9")), (Edge("t0", "t1"),))
    assert plan_differences(PLAN, other) == (
        "the task 't2' is not made any more",
        "the task 't0' has another capability, difficulty",
        "the task 't9' is new",
        "'t1' waits for 't0' as it did not",
    )
    assert plan_differences(other, replace(other, edges=())) == ("'t1' does not wait for 't0' as it did",)
    assert plan_differences(PLAN, replace(PLAN, tasks=(second, first, third))) == ("the tasks stand in another order",)


def test_what_differs_between_routings_is_named() -> None:
    before, after = routed(), routed(rulebook=book(NO_WRITER))
    assert targets(before) != targets(after)
    told = routing_differences(before, after)
    assert any(sentence.startswith("the task 't") and "goes to poet with small instead of writer with" in sentence for sentence in told)
    assert told[-1].startswith("all tasks together cost")
    assert routing_differences(before, before) == ()


def test_a_routing_of_other_tasks_or_figures_is_told() -> None:
    before = routed()
    fewer = replace(before, routes=before.routes[:1])
    assert routing_differences(before, fewer)[0] == "the task 't1' is not in the routing any more"
    assert routing_differences(fewer, before)[0] == "the task 't1' is new in the routing"
    assignment = before.routes[0].assignment
    assert assignment is not None
    dearer = replace(before, routes=(replace(before.routes[0], assignment=replace(assignment, expected_cost=Money(1))), *before.routes[1:]))
    assert routing_differences(before, dearer) == ("the task 't0' has other figures or another reason",)


def test_a_long_list_of_differences_is_cut() -> None:
    """And says how much was left out."""
    many = writing(*[f"write text {number}" for number in range(TOLD_AT_MOST + 7)])
    told = plan_differences(many, Plan("texts", ()))
    assert len(told) == TOLD_AT_MOST + 1
    assert told[-1] == "and 7 more differences"
