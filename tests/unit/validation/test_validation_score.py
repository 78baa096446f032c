"""The score and its terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from validation_makers import LARGE, SMALL, assigned, index_of, plan_of, plans, skill, to_tool

from genesis_server.model.catalogue import AgentCard, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task
from genesis_server.model.routing import RoutingConstraints
from genesis_server.model.validation import QualityTerms
from genesis_server.validation.judge import judge_plan
from genesis_server.validation.score import quality_score

WRITER = AgentCard("writer", (skill("write"),), models=(SMALL, LARGE))
INDEX = index_of(WRITER, Tool("write", "writes", cost_per_call=Money.of(3)), Tool("weigh", cost_per_call=Money.of(2)))
TWO = plan_of([Task("a", "write one", capability="write"), Task("b", "write another", capability="write")])


def test_the_weights_are_those_of_the_contract() -> None:
    assert quality_score(QualityTerms(success=1, quality=0, cost=1, time=1)) == pytest.approx(0.4)
    assert quality_score(QualityTerms(success=0, quality=1, cost=1, time=1)) == pytest.approx(0.3)
    assert quality_score(QualityTerms(success=0, quality=0, cost=0, time=1)) == pytest.approx(0.2)
    assert quality_score(QualityTerms(success=0, quality=0, cost=1, time=0)) == pytest.approx(0.1)


def test_success_is_the_geometric_mean_with_the_prior_for_tasks_without_an_assignment() -> None:
    terms = judge_plan(TWO, index=INDEX, routes=(assigned("a", "writer", "small", "write", success=0.4),)).quality_terms
    assert terms.success == pytest.approx((0.4 * 0.7) ** 0.5)
    assert judge_plan(TWO).quality_terms.success == pytest.approx(0.7)
    assert judge_plan(plan_of([])).quality_terms.success == 0.7


def test_a_task_that_cannot_succeed_makes_success_zero() -> None:
    routes = (assigned("a", "writer", "small", "write", success=0.0), assigned("b", "writer", "small", "write"))
    assert judge_plan(TWO, index=INDEX, routes=routes).quality_terms.success == 0.0


def test_an_error_weighs_four_times_a_warning() -> None:
    one_error = plan_of(["a", "b"], [("a", "ghost")])
    one_warning = plan_of(["a", "b"], [("a", "b"), ("a", "b")])
    assert judge_plan(one_error).quality_terms.quality == pytest.approx(0.5)
    assert judge_plan(one_warning).quality_terms.quality == pytest.approx(1 - 0.25 / 2)


def test_cost_is_measured_against_the_budget() -> None:
    routes = (assigned("a", "writer", "small", "write", cost=1), assigned("b", "writer", "small", "write", cost=2))
    for budget, term in ((Money.of(6), 0.5), (Money.of(2), 1.0), (Money(), 1.0)):
        constraints = RoutingConstraints(budget=budget)
        assert judge_plan(TWO, index=INDEX, routes=routes, constraints=constraints).quality_terms.cost == pytest.approx(term)


def test_without_a_budget_cost_is_measured_against_the_dearest_fit_targets() -> None:
    """The large model costs ten times the small one; a tool costs 3 a call."""
    cheap = (assigned("a", "writer", "small", "write", cost=1), assigned("b", "writer", "small", "write", cost=1))
    assert judge_plan(TWO, index=INDEX, routes=cheap).quality_terms.cost == pytest.approx(2 / 20)
    dear = (assigned("a", "writer", "large", "write", cost=10), assigned("b", "writer", "large", "write", cost=10))
    assert judge_plan(TWO, index=INDEX, routes=dear).quality_terms.cost == 1.0
    tools = (to_tool("a", "write", cost=3), to_tool("b", "write", cost=0))
    assert judge_plan(TWO, index=INDEX, routes=tools).quality_terms.cost == pytest.approx(3 / 6)


def test_what_is_free_costs_nothing_and_what_is_unknown_half() -> None:
    free = index_of(AgentCard("writer", (skill("write"),)))
    routes = (assigned("a", "writer", "", "write"), assigned("b", "writer", "", "write"))
    assert judge_plan(TWO, index=free, routes=routes).quality_terms.cost == 0.0
    assert judge_plan(TWO, index=INDEX).quality_terms.cost == 0.5


def test_time_is_the_makespan_over_the_sum() -> None:
    tasks = [Task("a", "x", expected_seconds=3.0), Task("b", "y", expected_seconds=1.0)]
    assert judge_plan(plan_of(tasks)).quality_terms.time == pytest.approx(3 / 4)
    assert judge_plan(plan_of(tasks, [("a", "b")])).quality_terms.time == 1.0
    assert judge_plan(plan_of([Task("a", "x", expected_seconds=0.0)])).quality_terms.time == 0.0


def test_an_unsound_plan_has_no_score() -> None:
    verdict = judge_plan(plan_of(["a", "b"], [("a", "b"), ("b", "a")]))
    assert (verdict.quality_score, verdict.quality_terms.time) == (0.0, 1.0)


@given(plans(), st.floats(0, 1))
def test_terms_and_score_stay_between_0_and_1(plan: Plan, success: float) -> None:
    """Whatever the plan."""
    routes = tuple(assigned(task.id, "writer", "small", "write", cost=0.5, success=success) for task in plan.tasks)
    verdict = judge_plan(plan, index=INDEX, routes=routes)
    terms = verdict.quality_terms
    assert all(0.0 <= value <= 1.0 for value in (terms.success, terms.quality, terms.cost, terms.time, verdict.quality_score))
