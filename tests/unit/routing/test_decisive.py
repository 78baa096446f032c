"""The set a decision hangs on, checked by routing again without it and without each of its proper parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from routing_cases import (
    CALL_CONSTRAINTS,
    CAPABLE_CATALOGUES,
    CATALOGUES,
    CLIENT,
    RULEBOOKS,
    Call,
    agent,
    chain,
    index_of,
    model,
    one_task_plans,
    plans,
    side_by_side,
)

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue, DataClass
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task, TaskConstraints
from genesis_server.model.routing import DecisiveSet, ExplanationLevel, RoutingConstraints, RuleEffect, Target
from genesis_server.routing.policy import RoutingPolicy, default_policy
from genesis_server.routing.router import route_plan
from genesis_server.routing.rules.condition import Atom, Operator
from genesis_server.routing.rules.facts import TaskFacts
from genesis_server.routing.rules.judging import CompiledRule
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK, Rulebook, compile_rulebook

DO = Task("t", "do it", capability="do")
BUDGETS = st.sampled_from([None, None, Money(0), Money(10**6), Money(10**7), Money(10**8)])
LOADS = st.sampled_from([{}, {}, {"agent0": 2, "agent1": 1}])


class _Blind:
    """A rulebook to which some facts are missing."""

    def __init__(self, book: Rulebook, names: frozenset[str]) -> None:
        self._book, self._names = book, names

    def fired_each(self, tasks: Sequence[TaskFacts]) -> list[tuple[CompiledRule, ...]]:
        return self._book.fired_each([facts.without(self._names) for facts in tasks])

    def __getattr__(self, name: str) -> object:
        return getattr(self._book, name)


def _policy_without(names: frozenset[str], *, has_key: bool) -> RoutingPolicy:
    policy = default_policy()
    off = {name.removeprefix("score."): 0.0 for name in names if name.startswith("score.")}
    policy = replace(policy, weights=policy.weights.model_copy(update=off))
    if "match.text_threshold" in names:
        policy = replace(policy, match=policy.match.model_copy(update={"text_threshold": 0.0}))
    if "load" in names and not has_key:
        policy = replace(policy, load=policy.load.model_copy(update={"near_best": -1.0}))
    # The version keys what is kept for a policy, so another policy needs another one.
    return replace(policy, version=" ".join([policy.version, *sorted(names)]))


def _target_without(  # noqa: C901 - a line for each thing that can be left out
    call: Call, names: frozenset[str]
) -> Target | None:
    """Who gets the one task of a call when some facts and rules were never there, by the router itself."""
    (task,), constraints = call.plan.tasks, call.constraints
    own = task.constraints
    if "task.regions" in names:
        own, constraints = replace(own, regions=()), replace(constraints, regions=())
    if "task.data_class" in names:
        own = replace(own, data_class=DataClass.PUBLIC)
    if "task.max_cost" in names:
        own = replace(own, max_cost=None)
    if "task.deadline_seconds" in names:
        own = replace(own, deadline_seconds=None)
    if "plan.deadline_seconds" in names:
        constraints = replace(constraints, deadline_seconds=None)
    if "plan.budget" in names:
        constraints = replace(constraints, budget=None)
    if "sticky_key" in names:
        constraints = replace(constraints, sticky_key="")
    gone = {name.partition(".")[2] for name in names if name.startswith(("agent.", "tool."))}
    excluded = frozenset[str]() if "constraints.excluded_targets" in names else constraints.excluded_targets
    constraints = replace(constraints, excluded_targets=excluded | gone)
    task = replace(task, constraints=own)
    if "task.capability" in names:
        task = replace(task, capability="")
    if "task.difficulty" in names:
        task = replace(task, difficulty=None)
    if "task.expected_seconds" in names:
        task = replace(task, expected_seconds=None)
    # The rules see the facts as they were, less those that are left out.
    facts_book = _Frozen(call, names)
    (route,) = route_plan(
        replace(call.plan, tasks=(task,)),
        index=call.index,
        constraints=constraints,
        explanation=ExplanationLevel.NONE,
        seed=0 if "seed" in names else call.seed,
        unhealthy=frozenset() if "health" in names else call.unhealthy,
        policy=_policy_without(names, has_key=bool(constraints.sticky_key)),
        rulebook=facts_book,  # type: ignore[arg-type]
        caller=CLIENT,
        now=call.now,
        load=call.load,
    ).routes
    return route.assignment.target if route.assignment else None


class _Frozen:
    """The rulebook of a call that judges its task by the facts it had, less some, whatever the task has become."""

    def __init__(self, call: Call, names: frozenset[str]) -> None:
        seen: list[TaskFacts] = []

        class Spy(_Blind):
            def fired_each(self, tasks: Sequence[TaskFacts]) -> list[tuple[CompiledRule, ...]]:
                seen.extend(tasks)
                return [() for _ in tasks]

        call.route(rulebook=Spy(call.rulebook, frozenset()), explanation=ExplanationLevel.NONE)
        rules = {name.removeprefix("rule:") for name in names if name.startswith("rule:")}
        facts = seen[0].without(
            [name for name in names if name.split(".")[0] in {"task", "plan", "caller", "time"} and name != "plan.later_deadlines"]
        )
        self._book = call.rulebook
        self._fired = tuple([rule for rule in call.rulebook.fired(facts) if rule.id not in rules])

    def fired_each(self, tasks: Sequence[TaskFacts]) -> list[tuple[CompiledRule, ...]]:
        return [self._fired for _ in tasks]

    def __getattr__(self, name: str) -> object:
        return getattr(self._book, name)


def _names(found: DecisiveSet) -> list[str]:
    return [*found.facts, *[f"rule:{rule}" for rule in found.rules]]


def _calls(
    plan_strategy: st.SearchStrategy[Plan], catalogues: st.SearchStrategy[Catalogue], constraints: st.SearchStrategy[RoutingConstraints]
) -> st.SearchStrategy[Call]:
    return st.builds(
        lambda plan, catalogue, limits, budget, key, rulebook, seed, load, unhealthy: Call(
            plan, CatalogueIndex(catalogue), replace(limits, budget=budget, sticky_key=key), rulebook, seed, load, unhealthy
        ),
        plan_strategy,
        catalogues,
        constraints,
        BUDGETS,
        st.sampled_from(["", "", "customer 7"]),
        RULEBOOKS,
        st.sampled_from([0, 0, 1, 2**63]),
        LOADS,
        st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"agent0", "code.fix"})]),
    )


def _check(call: Call) -> None:
    """The decisive set of a call's one task, by routing again."""
    (route,) = call.route(explanation=ExplanationLevel.FULL).routes
    assert route.explanation
    found = route.explanation.decisive
    chosen = route.assignment.target if route.assignment else None
    if found is None:
        assert chosen is None
        return
    names = _names(found)
    if any(name.startswith("tie_break.") for name in names):
        return
    assert _target_without(call, frozenset()) == chosen
    assert _target_without(call, frozenset(names)) == found.without != chosen
    for size in range(len(names)):
        for part in combinations(names, size):
            assert _target_without(call, frozenset(part)) == chosen, part


@given(_calls(one_task_plans(), CATALOGUES, CALL_CONSTRAINTS))
@settings(max_examples=200)
def test_a_decision_changes_without_its_decisive_set_and_without_no_part_of_it(call: Call) -> None:
    """The proof is causal: routed again without the named facts and rules the task goes elsewhere, without some of them it does not."""
    _check(call)


@given(_calls(one_task_plans(loose=True), CAPABLE_CATALOGUES, st.just(RoutingConstraints())))
@settings(max_examples=300)
def test_it_is_causal_too_where_rules_scores_and_load_choose_among_many(call: Call) -> None:
    """The same where hardly anybody is refused, so that rules, scores, load, keys and seeds decide."""
    _check(call)


@given(_calls(plans(), CAPABLE_CATALOGUES, CALL_CONSTRAINTS))
@settings(max_examples=250)
def test_every_assigned_task_of_a_plan_has_a_decisive_set(call: Call) -> None:
    """In plans of several tasks too, whatever money and load made of the choice."""
    for route in call.route(explanation=ExplanationLevel.FULL).routes:
        assert route.explanation
        found = route.explanation.decisive
        chosen = route.assignment.target if route.assignment else None
        assert found is None or found.without != chosen
        assert found is not None or chosen is None


def _decisive(plan: Plan, index: CatalogueIndex, **keys: object) -> DecisiveSet | None:
    keys = {"rulebook": EMPTY_RULEBOOK, **keys}
    proof = route_plan(plan, index=index, explanation=ExplanationLevel.FULL, **keys).routes[0].explanation  # type: ignore[arg-type]
    assert proof
    return proof.decisive


def test_a_rule_that_took_the_task_from_the_best_is_the_decisive_set() -> None:
    """Who asks why not the best is told the rule's id, and who would have got it."""
    index = index_of(agent("best", model("m", 1, 0.95)), agent("other", model("m", 1, 0.6)))
    book = compile_rulebook([Rule("no-best", RuleEffect.DENY, who=Atom("agent.id", Operator.EQUAL, "best"))])
    found = _decisive(side_by_side(DO), index, rulebook=book)
    assert found
    assert (found.facts, found.rules) == ((), ("no-best",))
    assert found.without
    assert found.without.id == "best"


def test_two_rules_that_refuse_the_same_are_decisive_together() -> None:
    """Taking one of them away would change nothing, so both are named."""
    best, other = (agent(name, model("m", 1, prior), skill="paint") for name, prior in (("best", 0.95), ("other", 0.6)))
    who = Atom("agent.id", Operator.EQUAL, "best")
    book = compile_rulebook([Rule("one", RuleEffect.DENY, who=who), Rule("two", RuleEffect.DENY, who=who)])
    found = _decisive(side_by_side(Task("t", "paint")), index_of(best, other), rulebook=book)
    assert found
    assert set(found.rules) == {"one", "two"}


def test_a_choice_nobody_comes_near_hangs_on_the_offer() -> None:
    """The only one who can do it is what the decision hangs on; without it nobody does."""
    found = _decisive(side_by_side(Task("t", "paint")), index_of(agent("only", skill="paint")))
    assert found == DecisiveSet(("agent.only",), (), None)


def test_a_task_nobody_gets_names_every_limit_that_must_go() -> None:
    """Wrong region, too dear and excluded: all of them are named, more than three too."""
    index = index_of(agent("a", model("m", 5), region="eu", max_data_class=DataClass.PUBLIC, seconds=90))
    task = replace(DO, constraints=TaskConstraints(regions=("us",), max_cost=Money(1), data_class=DataClass.RESTRICTED, deadline_seconds=5))
    found = _decisive(side_by_side(task), index, constraints=RoutingConstraints(excluded_targets=frozenset({"a"})))
    assert found
    assert set(found.facts) == {
        "task.regions",
        "task.max_cost",
        "task.data_class",
        "task.deadline_seconds",
        "constraints.excluded_targets",
    }
    assert found.without
    assert found.without.id == "a"


def test_nothing_helps_where_nobody_is() -> None:
    """An empty catalogue has no decisive set."""
    assert _decisive(side_by_side(DO), index_of()) is None


def test_order_of_ids_is_decisive_between_equals() -> None:
    """Two that are equal in everything: the decision hangs on load or on the order of the ids, and says so."""
    found = _decisive(side_by_side(DO), index_of(agent("a"), agent("b")))
    assert found
    assert found.facts == ("tie_break.id",)
    assert found.without
    assert found.without.id == "b"


def test_a_deadline_of_the_call_and_of_a_later_task_have_their_names() -> None:
    """What makes the better one too slow is named: the call's deadline, or a later task's."""
    slow, fast = agent("slow", seconds=100, skill="first"), agent("fast", model("m", 5, 0.5), seconds=10, skill="first")
    index = index_of(slow, fast, agent("next", skill="second", seconds=50))
    first, second = Task("a", "x", capability="first"), Task("b", "y", capability="second")
    found = _decisive(chain(first, second), index, constraints=RoutingConstraints(deadline_seconds=149))
    assert found
    assert found.facts == ("plan.deadline_seconds",)
    found = _decisive(chain(first, replace(second, constraints=TaskConstraints(deadline_seconds=149))), index)
    assert found
    assert found.facts == ("plan.later_deadlines",)
    assert found.without
    assert found.without.id == "slow"
