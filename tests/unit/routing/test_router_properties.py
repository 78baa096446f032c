"""What holds for every routing, whatever the plan and the catalogue."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from routing_cases import CALL_CONSTRAINTS, CATALOGUES, ends_of, plans

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Catalogue, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, TaskKind
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints, TargetKind, UnassignedReason
from genesis_server.routing.router import route_plan

BUDGETS = st.one_of(st.none(), st.sampled_from([0, 10**6, 10**7, 3 * 10**7, 10**8, 10**12]).map(Money))
SEEDS = st.sampled_from([0, 0, 1, 2**63])
UNHEALTHY = st.sampled_from([frozenset[str](), frozenset({"agent0", "code.fix"})])


def _decision(routing: Routing) -> object:
    return [(r.task_id, r.assignment, r.unassigned) for r in routing.routes], routing.budget


def _total(routing: Routing) -> int:
    return sum(r.assignment.expected_cost.nanos for r in routing.routes if r.assignment)


@given(plans(), CATALOGUES, CALL_CONSTRAINTS, BUDGETS, UNHEALTHY, SEEDS)
@settings(max_examples=250)
def test_every_primitive_task_has_one_route_and_no_assignment_breaks_a_constraint(  # noqa: PLR0917
    plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, budget: Money | None, unhealthy: frozenset[str], seed: int
) -> None:
    """Each step is answered once, in order, and nobody works who must not: wrong capability, region, clearance, price, health."""
    constraints = replace(constraints, budget=budget)
    routing = route_plan(plan, index=CatalogueIndex(catalogue), constraints=constraints, unhealthy=unhealthy, seed=seed)
    work = [task for task in plan.tasks if task.kind is TaskKind.PRIMITIVE]
    assert [route.task_id for route in routing.routes] == [task.id for task in work]
    owners: dict[tuple[TargetKind, str], AgentCard | Tool] = {(TargetKind.AGENT, a.id): a for a in catalogue.agents}
    owners |= {(TargetKind.TOOL, tool.name): tool for tool in catalogue.tools}
    offered = {skill.id for a in catalogue.agents for skill in a.skills} | {tool.name for tool in catalogue.tools}
    for task, route in zip(work, routing.routes, strict=True):
        if route.unassigned:
            assert route.unassigned.message
            assert route.unassigned.reason is not UnassignedReason.UNSPECIFIED
            assert (route.unassigned.nearest_miss is None) == (not offered)
            continue
        assert route.assignment
        found = route.assignment
        owner = owners[found.target.kind, found.target.id]
        skill = owner.name if isinstance(owner, Tool) else found.target.skill_id
        assert task.capability not in offered or skill == task.capability
        assert found.target.id not in constraints.excluded_targets | unhealthy
        region = "" if isinstance(owner, Tool) else owner.region
        assert not constraints.regions or region in constraints.regions
        assert not task.constraints.regions or region in task.constraints.regions
        needed = (task.constraints.data_class or constraints.data_class).effective
        assert isinstance(owner, Tool) or owner.max_data_class >= needed
        assert task.constraints.max_cost is None or found.expected_cost.nanos <= task.constraints.max_cost.nanos
        assert 0 <= found.score <= 1
        assert 0 <= found.expected_success <= 1
        assert found.reason.endswith(".")
        assert len(found.reason) <= 2_000


@given(plans(), CATALOGUES, CALL_CONSTRAINTS, BUDGETS)
@settings(max_examples=250)
def test_assigned_tasks_end_in_time_and_the_money_adds_up(
    plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, budget: Money | None
) -> None:
    """Every deadline of an assigned task holds along the plan's edges, and the budget's summary is true."""
    constraints = replace(constraints, budget=budget)
    routing = route_plan(plan, index=CatalogueIndex(catalogue), constraints=constraints)
    ends = ends_of(plan, routing)
    deadlines = {task.id: task.constraints.deadline_seconds for task in plan.tasks}
    for route in routing.routes:
        for deadline in (constraints.deadline_seconds, deadlines[route.task_id]):
            assert route.unassigned or deadline is None or ends[route.task_id] <= deadline + 1e-5
    summary = routing.budget
    left_out = [r for r in routing.routes if r.unassigned and "budget" in r.unassigned.message]
    assert summary.expected_total.nanos == _total(routing)
    assert summary.limit == budget
    if budget is not None:
        assert summary.expected_total.nanos <= budget.nanos
        assert summary.met == (not left_out) == (summary.cheapest_feasible_total.nanos <= budget.nanos)
    else:
        assert summary.met
    if summary.met:
        assert summary.cheapest_feasible_total.nanos <= summary.expected_total.nanos


@given(plans(), CATALOGUES, CALL_CONSTRAINTS, st.lists(st.integers(0, 10**8), min_size=2, max_size=5))
@settings(max_examples=150)
def test_a_smaller_budget_never_costs_more(plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, limits: list[int]) -> None:
    """Turning the budget down never turns the bill up, and the cheapest feasible total does not depend on it."""
    index = CatalogueIndex(catalogue)
    routings = [route_plan(plan, index=index, constraints=replace(constraints, budget=Money(limit))) for limit in sorted(limits)]
    routings.append(route_plan(plan, index=index, constraints=constraints))
    totals = [_total(routing) for routing in routings]
    assert totals == sorted(totals)
    assert len({routing.budget.cheapest_feasible_total for routing in routings}) == 1


@given(plans(), CATALOGUES, CALL_CONSTRAINTS, BUDGETS, SEEDS, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_the_order_of_the_catalogue_and_the_level_of_the_explanation_decide_nothing(  # noqa: PLR0917
    plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, budget: Money | None, seed: int, rnd: random.Random
) -> None:
    """The same question gets the same answer, however the catalogue is sorted and however much proof is asked for."""
    constraints = replace(constraints, budget=budget)
    agents, tools = list(catalogue.agents), list(catalogue.tools)
    rnd.shuffle(agents)
    rnd.shuffle(tools)
    full = route_plan(plan, index=CatalogueIndex(catalogue), constraints=constraints, seed=seed, explanation=ExplanationLevel.FULL)
    shuffled = CatalogueIndex(Catalogue(tuple(agents), tuple(tools)))
    assert full == route_plan(plan, index=shuffled, constraints=constraints, seed=seed, explanation=ExplanationLevel.FULL)
    for level in (ExplanationLevel.UNSPECIFIED, ExplanationLevel.NONE, ExplanationLevel.SUMMARY):
        assert _decision(route_plan(plan, index=shuffled, constraints=constraints, seed=seed, explanation=level)) == _decision(full)


@given(plans(), CATALOGUES, CALL_CONSTRAINTS, BUDGETS)
@settings(max_examples=150)
def test_the_proof_agrees_with_the_decision(
    plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, budget: Money | None
) -> None:
    """The chosen target stands among the candidates with the same score; the feasible come first, the best first; refused ones say why."""
    constraints = replace(constraints, budget=budget)
    routing = route_plan(plan, index=CatalogueIndex(catalogue), constraints=constraints, explanation=ExplanationLevel.FULL)
    short = route_plan(plan, index=CatalogueIndex(catalogue), constraints=constraints)
    for route, summary in zip(routing.routes, short.routes, strict=True):
        proof, few = route.explanation, summary.explanation
        assert proof
        assert few
        assert (proof.candidate_count, proof.feasible_count) == (few.candidate_count, few.feasible_count)
        assert len(proof.candidates) == proof.candidate_count
        assert len(few.candidates) == min(3, few.candidate_count)
        assert set(few.candidates) <= set(proof.candidates)
        feasible = proof.candidates[: proof.feasible_count]
        assert all(not candidate.failed and not candidate.detail for candidate in feasible)
        assert all(c.failed and c.detail and c.score == 0 for c in proof.candidates[proof.feasible_count :])
        assert [round(c.score, 8) for c in feasible] == sorted([round(c.score, 8) for c in feasible], reverse=True)
        for candidate in proof.candidates:
            parts = candidate.parts
            assert all(0 <= part <= 1 for part in (parts.skill_match, parts.success, parts.cost, parts.load))
        if route.assignment:
            assert (route.assignment.target, route.assignment.score) in [(c.target, c.score) for c in few.candidates]
            assert proof.decisive_difference
        elif proof.candidates and not feasible:
            assert route.unassigned
            assert route.unassigned.nearest_miss
            assert route.unassigned.nearest_miss.target == proof.candidates[0].target
            assert route.unassigned.reason is route.unassigned.nearest_miss.failed[0]
