"""The rulebook against the same rules said plainly, and what its views and texts promise."""

from __future__ import annotations

import random

import numpy as np
import pytest
from plain_rules import blocking_atom, bonus, draw_candidate, draw_rule, draw_task, fires, in_order, preference, refused_by

from genesis_server.model.routing import Fact, RuleEffect
from genesis_server.routing.rules.condition import needed
from genesis_server.routing.rules.facts import CandidateFacts, TaskFacts, format_instant
from genesis_server.routing.rules.judging import judge
from genesis_server.routing.rules.parsing import parse_condition
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK, Rulebook, compile_rulebook

RULEBOOKS = 2_000
FACTS_PER_RULEBOOK = 50


def compare(rulebook: Rulebook, rules: list[Rule], facts: TaskFacts, candidates: list[CandidateFacts], rows: list[int]) -> None:
    """Both engines decide alike and give the same reasons."""
    fired = rulebook.fired(facts)
    plain = [rule for rule in in_order(rules) if fires(rule, facts)]
    assert [each.rule for each in fired] == plain
    outcome = judge(fired, rulebook.columns(candidates), np.array(rows, dtype=np.intp))
    chosen = [candidates[row] for row in rows]
    ids = ["" if number < 0 else rulebook.compiled[number].id for number in outcome.refused_by.tolist()]
    assert ids == [refused_by(plain, candidate) for candidate in chosen]
    assert outcome.refused.tolist() == [bool(rule_id) for rule_id in ids]
    assert outcome.bonus.tolist() == [bonus(plain, candidate) for candidate in chosen]
    keys = [preference(plain, candidate) for candidate in chosen]
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    found = np.unique(outcome.preference, return_inverse=True)[1].tolist()
    assert found == [ranks[key] for key in keys]


def compare_blocked(rulebook: Rulebook, rules: list[Rule], facts: TaskFacts) -> None:
    """Each rule that does not fire is blocked by the same fact in both engines."""
    blocked = rulebook.blocked(facts)
    plain = [rule for rule in in_order(rules) if not fires(rule, facts)]
    assert [each.rule_id for each in blocked] == [rule.id for rule in plain]
    for each, rule in zip(blocked, plain, strict=True):
        if not rule.enabled:
            assert (each.fact, each.needed) == (Fact("rule.enabled", "false"), "== true")
        elif not rule.valid_at(facts.now):
            assert each.fact == Fact("time.now", format_instant(facts.now))
            assert each.needed[:2] in {">=", "< "}
        else:
            found = blocking_atom(rule.when, facts)
            assert found is not None
            atom, negated, _ = found
            assert (each.fact, each.needed) == (facts.fact(atom.fact), f"not {needed(atom)}" if negated else needed(atom))


@pytest.mark.parametrize("part", range(4))
def test_a_hundred_thousand_random_rules_and_facts_are_decided_and_explained_alike_by_both_engines(part: int) -> None:
    rng = random.Random(part)
    for _ in range(RULEBOOKS // 4):
        rules = [draw_rule(rng, number) for number in range(rng.randint(1, 6))]
        rulebook = compile_rulebook(rules)
        candidates = [draw_candidate(rng) for _ in range(4)]
        columns = rulebook.columns(candidates)
        for number in range(FACTS_PER_RULEBOOK):
            facts = draw_task(rng)
            fired = rulebook.fired(facts)
            plain = [rule for rule in in_order(rules) if fires(rule, facts)]
            assert [each.rule for each in fired] == plain
            outcome = columns.outcome(fired)
            ids = ["" if refused < 0 else rulebook.compiled[refused].id for refused in outcome.refused_by.tolist()]
            assert ids == [refused_by(plain, candidate) for candidate in candidates]
            compare_blocked(rulebook, rules, facts)
            if number % 10 == 0:
                compare(rulebook, rules, facts, candidates, rng.sample(range(4), rng.randint(0, 4)))


@pytest.mark.parametrize("part", range(4))
def test_several_tasks_asked_together_fire_what_each_fires_alone(part: int) -> None:
    rng = random.Random(part)
    for _ in range(100):
        rulebook = compile_rulebook([draw_rule(rng, number) for number in range(rng.randint(0, 12))])
        view = rulebook.without([rule.id for rule in rulebook.rules if rng.random() < 0.2])
        tasks = [draw_task(rng) for _ in range(20)]
        for one in (rulebook, view):
            together = one.fired_each(tasks)
            assert together == [one.fired(facts) for facts in tasks]
            assert len({id(fired) for fired in together}) == len(set(map(tuple, [[rule.number for rule in fired] for fired in together])))


def book(*rules: Rule) -> Rulebook:
    return compile_rulebook(rules)


def rule(name: str, effect: RuleEffect, when: str = "", who: str = "", **keys: object) -> Rule:
    return Rule(name, effect, parse_condition(when), parse_condition(who), **keys)  # type: ignore[arg-type]


AGENTS = [CandidateFacts.of({"agent.id": name}) for name in ("a", "b")]
NOTHING = TaskFacts.of({}, 0.0)


def refusals(rulebook: Rulebook) -> list[str]:
    outcome = judge(rulebook.fired(NOTHING), rulebook.columns(AGENTS), np.arange(2))
    return ["" if number < 0 else rulebook.compiled[number].id for number in outcome.refused_by.tolist()]


def test_without_rules_nobody_is_refused_and_nobody_goes_first() -> None:
    outcome = judge(EMPTY_RULEBOOK.fired(NOTHING), EMPTY_RULEBOOK.columns(AGENTS), np.arange(2))
    assert not outcome.refused.any()
    assert not outcome.bonus.any()
    assert outcome.preference[0] == outcome.preference[1]


def test_an_allowance_shields_from_lower_refusals_only() -> None:
    allow = rule("allow", RuleEffect.ALLOW, who='agent.id == "a"', priority=5)
    assert refusals(book(allow, rule("deny", RuleEffect.DENY, priority=4))) == ["", "deny"]
    assert refusals(book(allow, rule("deny", RuleEffect.DENY, priority=5))) == ["deny", "deny"]
    assert refusals(book(allow, rule("only-b", RuleEffect.REQUIRE, who='agent.id == "b"', priority=4))) == ["", ""]
    assert refusals(book(rule("only-b", RuleEffect.REQUIRE, who='agent.id == "b"'))) == ["only-b", ""]


def test_preferences_of_higher_priority_go_before_any_number_of_lower_ones() -> None:
    lower = [rule(f"b{number}", RuleEffect.PREFER, who='agent.id == "b"', priority=1) for number in range(3)]
    rulebook = book(rule("a", RuleEffect.PREFER, who='agent.id == "a"', priority=2), *lower)
    outcome = judge(rulebook.fired(NOTHING), rulebook.columns(AGENTS), np.arange(2))
    assert outcome.preference[0] < outcome.preference[1]


def test_ranks_stay_in_order_through_a_hundred_levels_of_preference() -> None:
    rules = [rule(f"p{number}", RuleEffect.PREFER, who=f'agent.id == "{"ab"[number % 2]}"', priority=-number) for number in range(100)]
    rulebook = book(*rules)
    outcome = judge(rulebook.fired(NOTHING), rulebook.columns(AGENTS), np.array([1, 0]))
    assert outcome.preference.tolist()[1] < outcome.preference.tolist()[0]


def test_a_view_without_a_rule_decides_as_a_book_that_never_had_it() -> None:
    rng = random.Random(7)
    rules = [draw_rule(rng, number) for number in range(8)]
    rulebook = compile_rulebook(rules)
    candidates = [draw_candidate(rng) for _ in range(4)]
    columns = rulebook.columns(candidates)
    for _ in range(200):
        facts = draw_task(rng)
        gone = {f"r{number}" for number in rng.sample(range(8), 2)}
        view, fresh = rulebook.without(gone), compile_rulebook([rule for rule in rules if rule.id not in gone])
        assert view.rules == fresh.rules
        assert [each.id for each in view.fired(facts)] == [each.id for each in fresh.fired(facts)]
        assert view.blocked(facts) == fresh.blocked(facts)
        mine, other = columns.outcome(view.fired(facts)), fresh.columns(candidates).outcome(fresh.fired(facts))
        assert mine.refused.tolist() == other.refused.tolist()
        assert mine.bonus.tolist() == other.bonus.tolist()
        assert view.without(()).rules == view.rules


def test_a_fired_rule_tells_the_facts_it_read_and_its_explanation_with_their_values() -> None:
    told = rule("r", RuleEffect.DENY, 'task.words contains "fix" and not plan.budget > 1', explanation="{task.words} for {plan.budget}")
    rulebook = book(told)
    facts = TaskFacts.of({"task.words": frozenset({"fix", "bug"})}, 0.0)
    (fired,) = rulebook.fired(facts)
    found = rulebook.told(fired, facts, 3)
    assert found.explanation == "bug, fix for missing"
    assert found.facts == (Fact("task.words", "bug, fix"), Fact("plan.budget", "missing"))
    assert (found.rule_id, found.effect, found.priority, found.candidate_count) == ("r", RuleEffect.DENY, 0, 3)


def test_of_alternatives_the_one_that_nearly_holds_is_named() -> None:
    condition = "(task.depth == 2 and task.difficulty > 0.5 and plan.depth == 9) or (task.depth == 1 and task.max_cost <= 2)"
    rulebook = book(rule("r", RuleEffect.DENY, condition))
    (blocked,) = rulebook.blocked(TaskFacts.of({"task.depth": 1.0, "task.max_cost": 3.0}, 0.0))
    assert (blocked.fact, blocked.needed) == (Fact("task.max_cost", "3"), "<= 2")


def test_a_decision_stays_in_a_rules_window_when_the_fact_of_time_is_taken_away() -> None:
    rulebook = book(rule("r", RuleEffect.DENY, valid_from=10.0, valid_until=20.0))
    assert [len(rulebook.fired(TaskFacts.of({"time.now": now}, now).without({"time.now"}))) for now in (9.0, 10.0, 19.0, 20.0)] == [
        0,
        1,
        1,
        0,
    ]


def test_the_version_goes_by_what_the_rules_say_and_not_by_their_order() -> None:
    first, second = rule("a", RuleEffect.DENY, line=1), rule("b", RuleEffect.ALLOW, line=2)
    moved = [rule("b", RuleEffect.ALLOW, line=7), rule("a", RuleEffect.DENY, line=9)]
    assert book(first, second).version == compile_rulebook(moved).version
    assert book(first).version != book(second).version
    assert book(first).version.startswith("rulebook_")


def test_two_rules_of_one_id_are_no_rulebook() -> None:
    with pytest.raises(ValueError, match="same id"):
        book(rule("a", RuleEffect.DENY), rule("a", RuleEffect.ALLOW))


def test_a_rule_that_fires_is_blocked_by_nothing() -> None:
    from genesis_server.routing.rules.blocking import blocked_rule

    with pytest.raises(ValueError, match="fires"):
        blocked_rule(rule("a", RuleEffect.DENY), NOTHING)


def test_outcomes_are_not_kept_without_bound() -> None:
    rules = [rule(f"r{number}", RuleEffect.WEIGHT, weight=0.5) for number in range(300)]
    rulebook = book(*rules)
    columns = rulebook.columns(AGENTS)
    fired = rulebook.fired(NOTHING)
    for each in fired:
        assert columns.outcome((each,)).bonus.tolist() == [0.5, 0.5]
    assert columns.outcome(fired).bonus.tolist() == [1.0, 1.0]
