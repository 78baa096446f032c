"""The router: who gets a task, and why."""

from dataclasses import replace

import pytest
from routing_cases import agent, chain, chosen, index_of, model, side_by_side

from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.registry import AgentRegistry
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task, TaskConstraints
from genesis_server.model.routing import (
    ExplanationLevel,
    RoutingConstraints,
    Target,
    TargetKind,
    Unassigned,
    UnassignedReason,
)
from genesis_server.resilience.errors import RoutingError, ValidationError
from genesis_server.routing.router import route_plan

DO = Task("t", "do it", capability="do")


def _unassigned(plan: Plan, index: CatalogueIndex, **keys: object) -> Unassigned:
    found = route_plan(plan, index=index, **keys).routes[-1].unassigned  # type: ignore[arg-type]
    assert found is not None
    return found


def test_an_easy_task_goes_to_the_cheap_model_and_a_hard_one_to_the_good_one() -> None:
    """Money is spent where it helps."""
    index = index_of(agent("a", model("small", 0.3, 0.7), model("medium", 2, 0.86), model("large", 10, 0.93)))
    plan = [replace(DO, id=f"t{n}", difficulty=difficulty) for n, difficulty in enumerate((0.0, 0.3, 0.6, 1.0))]
    picks = [chosen(route_plan(side_by_side(task), index=index))[0] for task in plan]
    assert picks[0] == picks[1] == "a/small"
    assert picks[2] == "a/medium"
    assert picks[3] == "a/large"


def test_the_shipped_agents_do_what_their_examples_say() -> None:
    """A step in anybody's words finds the agent whose card shows such words."""
    index = AgentRegistry().index
    for goal, skill in (
        ("Scan our dependencies for vulnerabilities", "security.scan"),
        ("Send the newsletter", "email.send"),
        ("Design the checkout screens", "frontend.design"),
    ):
        (route,) = route_plan(side_by_side(Task("t", goal)), index=index).routes
        assert route.assignment
        assert route.assignment.target.skill_id == skill


def test_a_known_capability_binds_and_an_unknown_one_leaves_it_to_the_words() -> None:
    """Who names a skill gets that skill, though another one's words are nearer; a name nobody has is no dead end."""
    words = AgentCard("words", (Skill("x", examples=("paint the fence",)),))
    index = index_of(agent("exact"), words)
    painting = Task("t", "Paint the fence", capability="do")
    assert chosen(route_plan(side_by_side(painting), index=index)) == ["exact/"]
    assert chosen(route_plan(side_by_side(replace(painting, capability="gone")), index=index)) == ["words/"]


def test_the_words_decide_between_two_who_have_the_skill() -> None:
    """A security review goes to the security agent."""
    index = AgentRegistry().index
    task = Task("t", "Check this pull request for vulnerabilities", capability="code.review", difficulty=0.5)
    (route,) = route_plan(side_by_side(task), index=index).routes
    assert route.assignment
    assert route.assignment.target.id == "security"


def test_tasks_of_one_level_are_spread_and_tasks_in_a_row_are_not() -> None:
    """Work that runs at the same time goes to those who are free; work that waits anyway stays with the first."""
    index = index_of(agent("a"), agent("b"))
    tasks = [replace(DO, id=f"t{n}") for n in range(4)]
    assert chosen(route_plan(side_by_side(*tasks), index=index)) == ["a/", "b/", "a/", "b/"]
    assert chosen(route_plan(chain(*tasks), index=index)) == ["a/"] * 4
    roomy = index_of(agent("a", max_concurrent_tasks=4), agent("b", max_concurrent_tasks=1))
    assert chosen(route_plan(side_by_side(*tasks), index=roomy)).count("a/") == 3


def test_tools_are_targets_of_their_own() -> None:
    """A plain function has no model, costs what its call costs and is never busy."""
    index = index_of(Tool("do", "does it", outputs=(Artefact("x"),), cost_per_call=Money.of(0.01)))
    routing = route_plan(side_by_side(*[replace(DO, id=f"t{n}") for n in range(3)]), index=index)
    assert {r.assignment.target for r in routing.routes if r.assignment} == {Target(TargetKind.TOOL, "do")}
    assert routing.budget.expected_total == Money.of(0.03)
    assert routing.routes[2].explanation
    assert routing.routes[2].explanation.candidates[0].parts.load == 1.0
    assert routing.routes[0].assignment
    assert routing.routes[0].assignment.expected_seconds == 1.0


def test_equal_candidates_are_settled_by_the_documented_rule() -> None:
    """Equal scores go to the cheaper, the likelier, the faster, then the first by id; the answer says which."""
    (route,) = route_plan(side_by_side(DO), index=index_of(agent("b"), agent("a"))).routes
    assert route.explanation
    assert route.explanation.tie_break == "equal in score, cost, success and time: the first by id"
    assert route.assignment
    assert route.assignment.target.id == "a"
    (route,) = route_plan(side_by_side(DO), index=index_of(agent("a", seconds=60), agent("b", seconds=50))).routes
    assert route.explanation
    assert route.explanation.tie_break == "equal scores: the faster one"
    assert route.assignment
    assert route.assignment.target.id == "b"
    assert "(equal scores: the faster one)" in route.assignment.reason


def test_amounts_too_small_to_score_still_break_a_tie() -> None:
    """Between two prices of next to nothing the smaller one wins."""
    index = index_of(agent("a", model("m", 0.000001)), agent("b", model("m", 0.0)))
    (route,) = route_plan(side_by_side(DO), index=index).routes
    assert route.explanation
    assert route.explanation.tie_break == "equal scores: the cheaper one"
    assert route.assignment
    assert route.assignment.target.id == "b"


def test_a_seed_draws_between_equals_and_only_between_equals() -> None:
    """With seeds the first of the alphabet does not get all the work; a better candidate still wins with every seed."""
    index = index_of(*[agent(name) for name in "abcd"], agent("worse", model("m", 5, 0.5)))
    drawn = [chosen(route_plan(side_by_side(DO), index=index, seed=seed))[0] for seed in range(1, 60)]
    assert set(drawn) == {"a/", "b/", "c/", "d/"}
    assert drawn == [chosen(route_plan(side_by_side(DO), index=index, seed=seed))[0] for seed in range(1, 60)]
    (route,) = route_plan(side_by_side(DO), index=index, seed=7).routes
    assert route.explanation
    assert route.explanation.tie_break.endswith("drawn by the seed")


@pytest.mark.parametrize(
    ("card", "call", "own", "reason", "missing", "remedy"),
    [
        (
            {"region": "eu"},
            RoutingConstraints(regions=("us",)),
            TaskConstraints(),
            UnassignedReason.REGION,
            "a runs in eu; allowed: us",
            "allow the region eu",
        ),
        (
            {},
            RoutingConstraints(),
            TaskConstraints(regions=("us", "eu")),
            UnassignedReason.REGION,
            "a has no region; allowed: eu or us",
            "give a a region or allow any",
        ),
        (
            {"region": "eu"},
            RoutingConstraints(regions=("us",)),
            TaskConstraints(regions=("eu",)),
            UnassignedReason.REGION,
            "nothing in common",
            "allow the region eu",
        ),
        (
            {},
            RoutingConstraints(data_class=DataClass.RESTRICTED),
            TaskConstraints(),
            UnassignedReason.DATA_CLASS,
            "a may see internal data at most; the task's are restricted",
            "clear a for restricted data",
        ),
        (
            {"max_data_class": DataClass.PUBLIC},
            RoutingConstraints(),
            TaskConstraints(),
            UnassignedReason.DATA_CLASS,
            "a may see public data at most; the task's are internal",
            "clear a for internal data",
        ),
        (
            {},
            RoutingConstraints(excluded_targets=frozenset({"a"})),
            TaskConstraints(),
            UnassignedReason.EXCLUDED,
            "a is excluded by the request",
            "take a out of excluded_targets",
        ),
        (
            {},
            RoutingConstraints(deadline_seconds=45),
            TaskConstraints(),
            UnassignedReason.DEADLINE,
            "a with m would end 60 s after the plan's start, later than 45 s",
            "allow it to end after 60 s",
        ),
        (
            {},
            RoutingConstraints(),
            TaskConstraints(max_cost=Money.of(0.001)),
            UnassignedReason.BUDGET,
            "a with m costs 0.00825 USD; the task may cost 0.001 USD",
            "raise the task's max_cost to 0.00825 USD",
        ),
    ],
)
def test_who_fails_a_hard_constraint_gets_nothing_and_the_answer_says_what_would_help(  # noqa: PLR0917
    card: dict[str, object], call: RoutingConstraints, own: TaskConstraints, reason: UnassignedReason, missing: str, remedy: str
) -> None:
    """Each constraint has its reason, the nearest candidate and a remedy."""
    plan = side_by_side(replace(DO, constraints=own))
    found = _unassigned(plan, index_of(agent("a", model("m", 1), **card)), constraints=call)
    assert found.reason is reason
    assert found.nearest_miss
    assert found.nearest_miss.target == Target(TargetKind.AGENT, "a", "m", "do")
    assert found.nearest_miss.failed == (reason,)
    assert missing in found.nearest_miss.missing
    assert found.message.startswith("Nobody who could do it passes every hard constraint. Nearest is a with m: ")
    assert found.message.endswith(f"It would help to {remedy}.")


def test_unhealthy_agents_are_routed_around_as_long_as_somebody_else_can() -> None:
    """An agent that is ill loses its work to the next one, and nobody is left the answer says so."""
    index = index_of(agent("a"), agent("b", model("m", 5)))
    assert chosen(route_plan(side_by_side(DO), index=index)) == ["a/"]
    assert chosen(route_plan(side_by_side(DO), index=index, unhealthy=frozenset({"a"}))) == ["b/m"]
    found = _unassigned(side_by_side(DO), index, unhealthy=frozenset({"a", "b"}))
    assert found.reason is UnassignedReason.UNHEALTHY
    assert "wait for a to get well" in found.message


def test_a_task_nobody_can_do_names_the_nearest() -> None:
    """An unknown wish is refused with who came nearest by words and by how much."""
    index = AgentRegistry().index
    found = _unassigned(side_by_side(Task("t", "Knit a pullover for the customer", capability="knit")), index)
    assert found.reason is UnassignedReason.NO_CAPABILITY
    assert found.message.startswith("Nobody has the capability 'knit' or has skills whose words are near enough")
    assert found.nearest_miss
    assert "needed: 0.15" in found.nearest_miss.missing
    assert found.nearest_miss.failed == (UnassignedReason.NO_CAPABILITY,)
    assert _unassigned(side_by_side(Task("t", "")), index).nearest_miss is not None


def test_the_nearest_miss_failed_the_fewest_constraints() -> None:
    """Among the refused the one with the least to change is named."""
    near, far = agent("near", region="eu"), agent("far", region="eu", max_data_class=DataClass.PUBLIC)
    found = _unassigned(side_by_side(DO), index_of(far, near), constraints=RoutingConstraints(regions=("us",)))
    assert found.nearest_miss
    assert found.nearest_miss.target.id == "near"


def test_an_empty_catalogue_says_what_to_add() -> None:
    """Without anybody there is no nearest either."""
    found = _unassigned(side_by_side(DO), index_of())
    assert found == Unassigned(UnassignedReason.NO_CAPABILITY, "The catalogue is empty; add an agent or a tool.")


def test_an_empty_plan_has_an_empty_routing() -> None:
    """Nothing to do costs nothing."""
    routing = route_plan(Plan("g", ()), index=AgentRegistry().index, constraints=RoutingConstraints(budget=Money(0)))
    assert routing.routes == ()
    assert (routing.budget.expected_total, routing.budget.met) == (Money(), True)


def test_a_deadline_makes_the_first_step_leave_time_for_the_second() -> None:
    """The better but slower agent is refused where the rest of the plan would be late, and used where it would not."""
    slow, fast = agent("slow", seconds=100, skill="first"), agent("fast", model("m", 5, 0.5), seconds=10, skill="first")
    index = index_of(slow, fast, agent("next", skill="second", seconds=50))
    plan = chain(Task("a", "x", capability="first"), Task("b", "y", capability="second"))
    assert chosen(route_plan(plan, index=index)) == ["slow/", "next/"]
    assert chosen(route_plan(plan, index=index, constraints=RoutingConstraints(deadline_seconds=150))) == ["slow/", "next/"]
    tight = route_plan(plan, index=index, constraints=RoutingConstraints(deadline_seconds=149), explanation=ExplanationLevel.FULL)
    assert chosen(tight) == ["fast/m", "next/"]
    assert tight.routes[0].explanation
    refused = tight.routes[0].explanation.candidates[-1]
    assert refused.failed == (UnassignedReason.DEADLINE,)
    assert refused.detail == "slow would end 100 s after the plan's start, later than 99 s"


def test_a_task_that_says_its_own_duration_takes_that_long() -> None:
    """The plan knows better than the card how long a step takes."""
    plan = side_by_side(replace(DO, expected_seconds=7.0))
    (route,) = route_plan(plan, index=index_of(agent("a")), constraints=RoutingConstraints(deadline_seconds=10)).routes
    assert route.assignment
    assert route.assignment.expected_seconds == 7.0


def test_a_budget_is_kept_where_it_hurts_least() -> None:
    """The step that loses the least for the money is done by somebody cheaper, and the reason says so."""
    index = index_of(agent("a", model("small", 0.3, 0.5), model("large", 10, 0.95)))
    tasks = [replace(DO, id="easy", difficulty=0.45), replace(DO, id="hard", difficulty=0.9)]
    plan = chain(*tasks)
    free = route_plan(plan, index=index)
    assert chosen(free) == ["a/large", "a/large"]
    limit = Money(free.budget.expected_total.nanos - 1)
    kept = route_plan(plan, index=index, constraints=RoutingConstraints(budget=limit))
    assert chosen(kept).count("a/small") == 1
    assert kept.budget.met
    cheaper = next(r for r in kept.routes if r.assignment and r.assignment.target.model_id == "small")
    assert cheaper.assignment
    assert cheaper.explanation
    assert cheaper.assignment.reason.startswith("Chosen because it saves ")
    assert "of score against a with large, to keep the budget" in cheaper.explanation.decisive_difference
    assert cheaper.explanation.tie_break == ""


def test_money_that_does_not_reach_goes_to_the_first_steps_and_the_rest_learns_what_it_would_take() -> None:
    """A budget that cannot be met is an answer, not an error: who is left out, and the cheapest total."""
    index = index_of(agent("a", model("m", 1)), Tool("free"))
    tasks = [replace(DO, id=f"t{n}") for n in range(3)] + [Task("t3", "x", capability="free")]
    one = route_plan(side_by_side(DO), index=index).budget.expected_total
    routing = route_plan(chain(*tasks), index=index, constraints=RoutingConstraints(budget=Money(one.nanos * 2)))
    assert chosen(routing) == ["a/m", "a/m", "-", "free/"]
    assert routing.budget.expected_total == Money(one.nanos * 2)
    assert routing.budget.cheapest_feasible_total == Money(one.nanos * 3)
    assert not routing.budget.met
    left_out = routing.routes[2].unassigned
    assert left_out
    assert left_out.reason is UnassignedReason.BUDGET
    assert f"The cheapest feasible total of the plan is {routing.budget.cheapest_feasible_total}" in left_out.message
    assert left_out.nearest_miss
    assert left_out.nearest_miss.failed == (UnassignedReason.BUDGET,)


def test_a_budget_and_a_deadline_together_keep_both() -> None:
    """Saving money does not make the plan late, and being in time does not break the bank."""
    good = agent("good", model("m", 8, 0.95), seconds=10)
    cheap = agent("cheap", model("m", 1, 0.6), seconds=90)
    middle = agent("middle", model("m", 4, 0.6), seconds=10)
    index = index_of(good, cheap, middle)
    plan = chain(replace(DO, id="a"), replace(DO, id="b"))
    in_time = RoutingConstraints(deadline_seconds=100)
    free = route_plan(plan, index=index, constraints=in_time)
    assert chosen(free) == ["good/m", "good/m"]
    assert free.budget.cheapest_feasible_total.nanos < free.budget.expected_total.nanos
    least = replace(in_time, budget=free.budget.cheapest_feasible_total)
    tight = route_plan(plan, index=index, constraints=least)
    assert tight.budget.met
    assert chosen(tight) == ["cheap/m", "middle/m"]
    between = route_plan(plan, index=index, constraints=replace(in_time, budget=Money(free.budget.expected_total.nanos - 1)))
    assert sorted(chosen(between)) == ["good/m", "middle/m"]
    nothing = route_plan(plan, index=index, constraints=replace(in_time, budget=Money(0)))
    assert chosen(nothing) == ["-", "-"]


def test_prices_beyond_64_bits_are_exact() -> None:
    """The largest price of the contract neither overflows nor rounds."""
    huge = Money(9 * 10**15 * 10**9)
    index = index_of(agent("a", Model("m", huge, huge)))
    (route,) = route_plan(side_by_side(DO), index=index).routes
    assert route.assignment
    assert route.assignment.expected_cost.nanos == huge.nanos * (6_000 + 2_250) // 1_000_000


@pytest.mark.parametrize(
    ("budget", "max_cost", "field"),
    [
        (Money(1, "EUR"), None, "constraints.budget"),
        (None, Money(0, "EUR"), "plan.tasks[0].constraints.max_cost"),
    ],
)
def test_a_second_currency_is_refused_by_its_field(budget: Money | None, max_cost: Money | None, field: str) -> None:
    """Euros are not compared with dollars."""
    plan = side_by_side(replace(DO, constraints=TaskConstraints(max_cost=max_cost)))
    with pytest.raises(ValidationError) as caught:
        route_plan(plan, index=index_of(agent("a", model("m", 1))), constraints=RoutingConstraints(budget=budget))
    assert caught.value.reason == "INVALID_FIELD"
    assert caught.value.facts["field"] == field
    assert "all amounts must share one currency" in caught.value.message


def test_a_catalogue_with_two_currencies_is_refused_by_its_field() -> None:
    """A caller who mixes prices learns which one is odd."""
    index = index_of(agent("a", model("m", 1)), Tool("t", cost_per_call=Money(1, "EUR")))
    with pytest.raises(ValidationError) as caught:
        route_plan(side_by_side(DO), index=index)
    assert caught.value.facts["field"] == "catalogue.tools[0].cost_per_call"


def test_the_currency_of_the_answer_is_that_of_the_prices() -> None:
    """A caller in euros is answered in euros, also where nothing costs anything."""
    index = index_of(agent("a", Model("m", Money(10**9, "EUR"))))
    assert route_plan(side_by_side(DO), index=index).budget.expected_total.currency == "EUR"
    free = route_plan(side_by_side(DO), index=index_of(agent("a")), constraints=RoutingConstraints(budget=Money(5, "CHF")))
    assert free.budget.expected_total == Money(0, "CHF")
    assert route_plan(side_by_side(DO), index=index_of(agent("a"))).budget.expected_total == Money(0, "USD")


def test_a_cyclic_plan_is_refused() -> None:
    """There is no first step to route."""
    plan = chain(DO, replace(DO, id="u"), DO)
    with pytest.raises(RoutingError) as caught:
        route_plan(Plan("g", plan.tasks[:2], plan.edges), index=index_of(agent("a")))
    assert caught.value.facts["finding"] == "CYCLE"


def test_the_reason_names_the_decisive_parts() -> None:
    """One sentence says why this one and not the next."""
    index = index_of(agent("a", model("m", 1, 0.9)), agent("b", model("m", 1, 0.6)), Tool("lone"))
    (route,) = route_plan(side_by_side(DO), index=index).routes
    assert route.assignment
    assert route.explanation
    assert route.explanation.decisive_difference == "success +0.13 against b with m"
    assert route.assignment.reason == "Best of 2 candidates: success +0.13 against b with m; expected success 0.90 for 0.00825 USD."
    (route,) = route_plan(side_by_side(Task("t", "x", capability="lone")), index=index).routes
    assert route.assignment
    assert route.assignment.reason.startswith("It is the only candidate that passes every hard constraint")


def test_candidates_that_hardly_differ_are_told_so() -> None:
    """A difference too small to matter is not dressed up as a reason."""
    index = index_of(agent("a", model("m", 1, 0.900)), agent("b", model("m", 1, 0.901)))
    (route,) = route_plan(side_by_side(DO), index=index).routes
    assert route.explanation
    assert route.explanation.decisive_difference == "no part differs by 0.005 or more against a with m"


def test_a_new_snapshot_is_routed_with_at_once() -> None:
    """What was learned of one catalogue is not used for the next."""
    first, second = index_of(agent("a", model("m", 1))), index_of(agent("b", model("m", 1)))
    assert chosen(route_plan(side_by_side(DO), index=first)) == ["a/m"]
    assert chosen(route_plan(side_by_side(DO), index=second)) == ["b/m"]
    assert chosen(route_plan(side_by_side(DO), index=CatalogueIndex(Catalogue(first.catalogue.agents)))) == ["a/m"]


def test_words_that_fit_much_worse_than_the_best_are_no_candidates() -> None:
    """An agent that shares one word with the task does not get it because it is cheap."""
    near = AgentCard("near", (Skill("a", examples=("paint the garden fence green",)),), models=(model("m", 9),))
    far = AgentCard("far", (Skill("b", examples=("green tea, black coffee, white wine and garden parties",)),))
    (route,) = route_plan(side_by_side(Task("t", "Paint the garden fence green")), index=index_of(near, far)).routes
    assert route.explanation
    assert [candidate.target.id for candidate in route.explanation.candidates] == ["near"]


def test_cheapness_is_measured_among_those_who_can_be_in_time() -> None:
    """A candidate that is too late does not make the others look dear."""
    index = index_of(agent("late", seconds=90), agent("timely", model("m", 5), seconds=10))
    plan = side_by_side(DO)
    (free,) = route_plan(plan, index=index).routes
    (tight,) = route_plan(plan, index=index, constraints=RoutingConstraints(deadline_seconds=20)).routes
    assert free.explanation
    assert tight.explanation
    assert {c.target.id: c.parts.cost for c in free.explanation.candidates}["timely"] < 0.5
    assert {c.target.id: c.parts.cost for c in tight.explanation.candidates}["timely"] == 1.0


def test_the_choice_is_shown_also_when_three_others_score_higher() -> None:
    """What a budget made of the choice stands in the summary beside the best."""
    index = index_of(*[agent(f"a{n}", model("m", 9 + n, 0.99)) for n in range(3)], agent("poor", model("m", 0.3, 0.1)))
    (route,) = route_plan(side_by_side(DO), index=index, constraints=RoutingConstraints(budget=Money.of(0.01))).routes
    assert route.explanation
    assert [candidate.target.id for candidate in route.explanation.candidates] == ["a0", "a1", "poor"]
