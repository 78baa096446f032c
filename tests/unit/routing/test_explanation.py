"""What a route tells of rules, limits and what would have changed it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from routing_cases import CALL_CONSTRAINTS, CAPABLE_CATALOGUES, RULEBOOKS, Call, agent, chain, chosen, index_of, model, plans, side_by_side

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue, DataClass
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task, TaskConstraints
from genesis_server.model.routing import (
    ExplanationLevel,
    RouteExplanation,
    Routing,
    RoutingConstraints,
    RuleEffect,
    Target,
    TargetKind,
    UnassignedReason,
)
from genesis_server.routing.router import route_plan
from genesis_server.routing.rules.condition import Atom, Operator
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK, Rulebook, compile_rulebook

DO = Task("t", "do it", capability="do")
HARD = Atom("task.difficulty", Operator.AT_LEAST, 0.7)
GOOD, POOR = agent("good", model("m", 1, 0.95)), agent("poor", model("m", 1, 0.6))
TWO = index_of(GOOD, POOR)


def _is(name: str) -> Atom:
    return Atom("agent.id", Operator.EQUAL, name)


def _route(task: Task, *rules: Rule, index: CatalogueIndex = TWO, full: bool = False, **keys: object) -> Routing:
    level = ExplanationLevel.FULL if full else ExplanationLevel.SUMMARY
    return route_plan(side_by_side(task), index=index, rulebook=compile_rulebook(rules), explanation=level, **keys)  # type: ignore[arg-type]


def _proof(routing: Routing, place: int = 0) -> RouteExplanation:
    found = routing.routes[place].explanation
    assert found
    return found


def test_denied_and_not_required_candidates_get_nothing() -> None:
    """Who a rule denies, or does not require, is refused with the rule's name and reason."""
    for rule in (
        Rule("keep-out", RuleEffect.DENY, who=_is("good"), explanation="difficulty is {task.difficulty}"),
        Rule("keep-out", RuleEffect.REQUIRE, who=_is("poor"), explanation="difficulty is {task.difficulty}"),
    ):
        routing = _route(DO, rule)
        assert chosen(routing) == ["poor/m"]
        refused = _proof(routing).candidates[-1]
        assert refused.failed == (UnassignedReason.RULE,)
        assert refused.detail == "the rule keep-out refuses good with m: difficulty is 0.5"
        (fired,) = _proof(routing).fired
        assert (fired.rule_id, fired.effect, fired.candidate_count) == ("keep-out", rule.effect, 1)


def test_a_task_all_are_denied_says_which_rule_to_change() -> None:
    """Nobody is left: the reason is the rule, with the nearest and what would help."""
    (route,) = _route(DO, Rule("nobody", RuleEffect.DENY)).routes
    assert route.unassigned
    assert route.unassigned.reason is UnassignedReason.RULE
    assert route.unassigned.message.endswith("It would help to change the rule nobody.")


def test_an_allowance_shields_from_lower_priorities() -> None:
    """An exception of higher priority holds."""
    deny = Rule("deny", RuleEffect.DENY, priority=1)
    assert chosen(_route(DO, deny, Rule("allow", RuleEffect.ALLOW, who=_is("poor"), priority=2))) == ["poor/m"]
    assert chosen(_route(DO, deny, Rule("allow", RuleEffect.ALLOW, who=_is("poor"), priority=0))) == ["-"]


def test_a_preference_goes_before_the_score_and_gives_way_to_money() -> None:
    """The preferred one gets the task though it scores less, but not at the price of the budget."""
    prefer = Rule("prefer", RuleEffect.PREFER, who=_is("dear"))
    index = index_of(GOOD, agent("dear", model("m", 9, 0.5)))
    routing = _route(DO, prefer, index=index)
    assert chosen(routing) == ["dear/m"]
    assert _proof(routing).decisive_difference.startswith("preferred by the rules to good with m (")
    assert [candidate.target.id for candidate in _proof(routing).candidates] == ["dear", "good"]
    cheap = _route(DO, prefer, index=index, constraints=RoutingConstraints(budget=Money.of(0.01)))
    assert chosen(cheap) == ["good/m"]
    assert cheap.budget.met


def test_steps_down_stay_among_the_preferred_as_long_as_they_can() -> None:
    """With less money the preferred agent's cheaper model is taken before anybody else's."""
    prefer = Rule("prefer", RuleEffect.PREFER, who=_is("liked"))
    index = index_of(agent("liked", model("large", 9, 0.9), model("small", 1, 0.2)), agent("other", model("m", 1, 0.89)))
    assert chosen(_route(DO, prefer, index=index)) == ["liked/large"]
    assert chosen(_route(DO, prefer, index=index, constraints=RoutingConstraints(budget=Money.of(0.05)))) == ["liked/small"]


def test_a_weight_is_part_of_the_score() -> None:
    """What a rule adds stands in the parts and can turn the choice."""
    routing = _route(DO, Rule("boost", RuleEffect.WEIGHT, who=_is("poor"), weight=0.5))
    assert chosen(routing) == ["poor/m"]
    best = _proof(routing).candidates[0]
    assert best.parts.rules == 0.5
    assert best.score <= 1.0
    assert "rules +0.50" in _proof(routing).decisive_difference


def test_the_summary_names_the_blocked_rule_that_would_have_changed_the_choice() -> None:
    """Of the rules that did not fire only the one that matters is told, with the fact that kept it from firing."""
    idle = Rule("idle", RuleEffect.DENY, when=HARD, who=_is("poor"), priority=9)
    deny = Rule("deny", RuleEffect.DENY, when=HARD, who=_is("good"))
    (blocked,) = _proof(_route(DO, idle, deny)).blocked
    assert (blocked.rule_id, blocked.fact.name, blocked.fact.value, blocked.needed) == ("deny", "task.difficulty", "0.5", ">= 0.7")
    assert _proof(_route(DO, idle)).blocked == ()
    shield = Rule("shield", RuleEffect.ALLOW, who=_is("good"), priority=5)
    assert _proof(_route(DO, deny, shield)).blocked == ()
    for effect, weight, who in ((RuleEffect.PREFER, 0.0, "poor"), (RuleEffect.WEIGHT, 0.9, "poor"), (RuleEffect.WEIGHT, -0.9, "good")):
        (blocked,) = _proof(_route(DO, Rule("other", effect, when=HARD, who=_is(who), weight=weight))).blocked
        assert blocked.rule_id == "other"
    assert _proof(_route(DO, Rule("small", RuleEffect.WEIGHT, when=HARD, who=_is("poor"), weight=0.01))).blocked == ()
    exception = Rule("exception", RuleEffect.ALLOW, when=HARD, priority=5)
    (blocked,) = _proof(_route(DO, Rule("nobody", RuleEffect.DENY), exception)).blocked
    assert blocked.rule_id == "exception"


def test_the_full_proof_tells_every_rule_and_the_facts_they_read() -> None:
    """Fired and blocked rules together are the rulebook, those that are switched off too."""
    rules = [
        Rule("a", RuleEffect.PREFER, who=_is("poor")),
        Rule("b", RuleEffect.DENY, when=HARD),
        Rule("c", RuleEffect.DENY, enabled=False),
    ]
    proof = _proof(_route(DO, *rules, full=True))
    assert [rule.rule_id for rule in proof.fired] == ["a"]
    assert [rule.rule_id for rule in proof.blocked] == ["b", "c"]
    assert [(fact.name, fact.value) for fact in proof.facts] == [("task.difficulty", "0.5")]
    assert proof.decisive
    assert proof.decisive.rules == ("a",)
    assert {found.change for found in proof.counterfactuals} == {"there were no rule a", "task.difficulty >= 0.7"}


def test_what_a_dearer_agent_would_take_is_told_exactly() -> None:
    """The threshold is the price: at it the task goes elsewhere, a billionth below it does not."""
    index = index_of(agent("good", model("m", 9, 0.99)), agent("poor", model("m", 1, 0.5)))
    task = replace(DO, constraints=TaskConstraints(max_cost=Money.of(0.01)))
    proof = _proof(_route(task, index=index))
    (told,) = proof.counterfactuals
    assert told.target == Target(TargetKind.AGENT, "good", "m", "do")
    assert told.change == "task.max_cost >= 0.07425 USD"
    assert told.text == "would have gone to good with m if task.max_cost >= 0.07425 USD"
    for nanos, name in ((74_250_000, "good/m"), (74_249_999, "poor/m")):
        assert chosen(_route(replace(task, constraints=TaskConstraints(max_cost=Money(nanos))), index=index)) == [name]


@given(plans(), CAPABLE_CATALOGUES, CALL_CONSTRAINTS, st.sampled_from([0, 10**6, 10**7, 3 * 10**7, 10**8]), RULEBOOKS)
@settings(max_examples=200)
def test_the_threshold_of_the_budget_is_exact_for_the_whole_plan(
    plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, budget: int, rulebook: Rulebook
) -> None:
    """With the budget a counterfactual names the task goes where it says; with less it does not."""
    call = Call(plan, CatalogueIndex(catalogue), replace(constraints, budget=Money(budget)), rulebook)
    routing = call.route(explanation=ExplanationLevel.FULL)
    for place, route in enumerate(routing.routes):
        for told in _proof(routing, place).counterfactuals:
            if not told.change.startswith("plan.budget >= "):
                continue
            units, currency = told.change.removeprefix("plan.budget >= ").split()
            whole, _, decimals = units.partition(".")
            needed = Money(int(whole) * 10**9 + int(decimals.ljust(9, "0")), currency)
            # Rules that read the budget would see another one.
            if any("plan.budget" in str(rule.when) for rule in rulebook.rules):
                continue
            again = replace(call, constraints=replace(constraints, budget=needed)).route().routes[place]
            assert again.assignment
            assert again.assignment.target == told.target
            less = replace(call, constraints=replace(constraints, budget=Money(needed.nanos - 1))).route().routes[place]
            assert route.assignment is None or less.assignment != again.assignment


def test_times_regions_classes_names_and_health_have_their_counterfactuals() -> None:
    """Whatever limit keeps the better one out is named with what it would have to be."""
    good = agent("good", model("m", 1, 0.95), seconds=90, region="us", max_data_class=DataClass.INTERNAL)
    index = index_of(good, agent("poor", model("m", 1, 0.5), seconds=10, region="eu", max_data_class=DataClass.RESTRICTED))

    def changes(limits: TaskConstraints, **keys: object) -> set[str]:
        found = _proof(_route(replace(DO, constraints=limits), index=index, full=True, **keys)).counterfactuals
        assert all(told.target and told.target.id == "good" for told in found)
        return {told.change for told in found}

    assert changes(TaskConstraints(deadline_seconds=60)) == {"task.deadline_seconds >= 90"}
    assert changes(TaskConstraints(), constraints=RoutingConstraints(deadline_seconds=60)) == {"plan.deadline_seconds >= 90"}
    both = {"constraints": RoutingConstraints(deadline_seconds=50)}
    assert changes(TaskConstraints(deadline_seconds=60), **both) == {"it may end 90 s after the plan's start"}
    assert changes(TaskConstraints(regions=("eu",))) == {"task.regions contains us"}
    assert changes(TaskConstraints(data_class=DataClass.RESTRICTED)) == {"task.data_class <= internal"}
    excluded = RoutingConstraints(excluded_targets=frozenset({"good", "x"}))
    assert changes(TaskConstraints(), constraints=excluded) == {"constraints.excluded_targets is without good"}
    assert changes(TaskConstraints(), unhealthy=frozenset({"good"})) == {"good is healthy"}


def test_facts_that_would_have_made_a_rule_fire_are_counterfactuals() -> None:
    """A caller, an hour or a class of data that would have turned the choice is named, each kind of comparison."""
    atoms = {
        'task.kind == "compound"': Atom("task.kind", Operator.EQUAL, "compound"),
        "time.hour > 20": Atom("time.hour", Operator.GREATER, 20.0),
        "task.depth < 1": Atom("task.depth", Operator.LESS, 1.0),
        'time.weekday in ["sat", "sun"]': Atom("time.weekday", Operator.IN, ("sat", "sun")),
        'task.inputs contains "secret"': Atom("task.inputs", Operator.CONTAINS, "secret"),
        'task.id prefix "x"': Atom("task.id", Operator.PREFIX, "x"),
        'task.data_class >= "confidential"': Atom("task.data_class", Operator.AT_LEAST, "confidential"),
    }
    index = index_of(*[replace(card, max_data_class=DataClass.RESTRICTED) for card in (GOOD, POOR)])
    for change, atom in atoms.items():
        (told,) = _proof(_route(DO, Rule("r", RuleEffect.DENY, when=atom, who=_is("good")), index=index, full=True)).counterfactuals
        assert told.change == change
        assert told.target
        assert told.target.id == "poor"


@given(plans(), CAPABLE_CATALOGUES, CALL_CONSTRAINTS, RULEBOOKS, st.sampled_from([0, 3]))
@settings(max_examples=100)
def test_with_rules_too_the_level_and_the_catalogues_order_decide_nothing(
    plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints, rulebook: Rulebook, seed: int
) -> None:
    """The same arguments give the same routing to the last word; another order of the catalogue or another level the same choices."""
    call = Call(plan, CatalogueIndex(catalogue), constraints, rulebook, seed, {"agent1": 1})
    full = call.route(explanation=ExplanationLevel.FULL)
    turned = CatalogueIndex(Catalogue(catalogue.agents[::-1], catalogue.tools[::-1]))
    assert full == call.route(explanation=ExplanationLevel.FULL)
    assert full == replace(call, index=turned).route(explanation=ExplanationLevel.FULL)
    for level in (ExplanationLevel.NONE, ExplanationLevel.SUMMARY):
        other = call.route(explanation=level)
        assert [(route.assignment, route.unassigned) for route in other.routes] == [(r.assignment, r.unassigned) for r in full.routes]
        assert other.budget == full.budget
        assert all(
            len(_proof(other, place).counterfactuals) <= 1 for place in range(len(other.routes)) if level is ExplanationLevel.SUMMARY
        )


def test_the_shipped_rulebook_is_taken_when_none_is_given() -> None:
    """A caller who says nothing of rules is routed by those that ship."""
    proof = _proof(route_plan(chain(DO), index=TWO, explanation=ExplanationLevel.FULL))
    assert len(proof.fired) + len(proof.blocked) >= 30
    assert _proof(route_plan(chain(DO), index=TWO, rulebook=EMPTY_RULEBOOK)).fired == ()
