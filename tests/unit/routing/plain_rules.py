"""The rulebook a second time, as plainly as it can be said: it walks the conditions, knows no index, no closures and no columns.

Written from the docstrings of routing/rules, and the random rules and facts both engines are compared on.
"""

from __future__ import annotations

import operator as operators
import random
from collections.abc import Mapping, Sequence

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.rules.building import time_facts
from genesis_server.routing.rules.condition import And, Atom, Condition, Not, Operator, Or, Scalar
from genesis_server.routing.rules.facts import (
    CANDIDATE_FACTS,
    FACTS,
    TASK_FACTS,
    CandidateFacts,
    FactKind,
    FactType,
    FactValue,
    Fold,
    TaskFacts,
)
from genesis_server.routing.rules.parsing import operators_of
from genesis_server.routing.rules.rule import Rule
from genesis_server.text.words import stem

NOW = 1_790_000_000.0
TEXTS = ("a", "ab", "abc", "b", "ba", "c", "Review", "reviews")
NUMBERS = (0.0, 0.25, 0.5, 1.0, 2.0, 10.0)
MOMENTS = (NOW - 86_400.0, NOW, NOW + 1.0, NOW + 86_400.0)
DATES = (1_789_948_800.0, 1_790_035_200.0)


COMPARISONS = {
    Operator.EQUAL: operators.eq,
    Operator.NOT_EQUAL: operators.ne,
    Operator.LESS: operators.lt,
    Operator.AT_MOST: operators.le,
    Operator.GREATER: operators.gt,
    Operator.AT_LEAST: operators.ge,
}

# --- the second engine ---


def holds(condition: Condition, facts: TaskFacts | CandidateFacts) -> bool:
    """Whether a condition holds."""
    if isinstance(condition, Atom):
        return compare(condition, facts.get(condition.fact))
    if isinstance(condition, Not):
        return not holds(condition.part, facts)
    outcomes = [holds(part, facts) for part in condition.parts]
    return all(outcomes) if isinstance(condition, And) else any(outcomes)


def compare(atom: Atom, value: FactValue | None) -> bool:
    """Whether one comparison holds for a value."""
    kind = FACTS[atom.fact]
    if value is None:
        return False
    if isinstance(value, frozenset):
        return any(compare_one(kind, atom, member) for member in value)
    return compare_one(kind, atom, value)


def compare_one(kind: FactKind, atom: Atom, value: object) -> bool:
    """Whether one comparison holds for a plain value, or for a member of a set."""
    is_member = kind.type is FactType.TEXTS
    wanted = [fold(kind, atom.operator, one) for one in (atom.value if isinstance(atom.value, tuple) else (atom.value,))]
    one = wanted[0]
    if atom.operator is Operator.IN:
        return value in wanted
    if atom.operator is Operator.CONTAINS:
        return value == one if is_member else str(one) in str(value)
    if atom.operator is Operator.PREFIX:
        return str(value).startswith(str(one))
    left, right = (kind.choices.index(str(each)) for each in (value, one)) if kind.choices else (value, one)
    return bool(COMPARISONS[atom.operator](left, right))


def fold(kind: FactKind, operator: Operator, value: Scalar) -> Scalar:
    """A wanted text as the fact's texts are."""
    if not isinstance(value, str) or kind.fold is Fold.NONE:
        return value
    return stem(value.lower()) if kind.fold is Fold.STEM and operator is not Operator.PREFIX else value.lower()


def fires(rule: Rule, facts: TaskFacts) -> bool:
    """Whether a rule fires for a task."""
    begun = rule.valid_from is None or rule.valid_from <= facts.now
    ended = rule.valid_until is not None and rule.valid_until <= facts.now
    return rule.enabled and begun and not ended and holds(rule.when, facts)


def in_order(rules: Sequence[Rule]) -> list[Rule]:
    """Highest priority first, then by id."""
    return sorted(sorted(rules, key=lambda rule: rule.id), key=lambda rule: rule.priority, reverse=True)


def refused_by(fired: Sequence[Rule], candidate: CandidateFacts) -> str:
    """The rule that refuses a candidate; empty: none does."""
    speaking: list[tuple[int, bool, str]] = []
    for rule in fired:
        is_in = holds(rule.who, candidate)
        if (rule.effect is RuleEffect.ALLOW and is_in) or (rule.effect is RuleEffect.DENY and is_in):
            speaking.append((rule.priority, rule.effect is RuleEffect.DENY, rule.id))
        elif rule.effect is RuleEffect.REQUIRE and not is_in:
            speaking.append((rule.priority, True, rule.id))
    if not speaking:
        return ""
    top = max(priority for priority, _, _ in speaking)
    refusing = [rule_id for priority, refuses, rule_id in speaking if priority == top and refuses]
    return min(refusing, default="")


def bonus(fired: Sequence[Rule], candidate: CandidateFacts) -> float:
    """What weight rules add."""
    total = 0.0
    for rule in fired:
        if rule.effect is RuleEffect.WEIGHT and holds(rule.who, candidate):
            total += rule.weight
    return max(-1.0, min(1.0, total))


def preference(fired: Sequence[Rule], candidate: CandidateFacts) -> tuple[int, ...]:
    """Sorts candidates: how many preferences of each priority it misses, highest priority first."""
    preferring = [rule for rule in fired if rule.effect is RuleEffect.PREFER]
    levels = sorted({rule.priority for rule in preferring}, reverse=True)
    return tuple(sum(not holds(rule.who, candidate) for rule in preferring if rule.priority == level) for level in levels)


def blocking_atom(condition: Condition, facts: TaskFacts, *, negated: bool = False) -> tuple[Atom, bool, int] | None:
    """The comparison that keeps a condition (or its contrary) from holding, whether it is one too many, and how many there are."""
    if holds(condition, facts) is not negated:
        return None
    if isinstance(condition, Atom):
        return condition, negated, 1
    if isinstance(condition, Not):
        return blocking_atom(condition.part, facts, negated=not negated)
    found = [found for part in condition.parts if (found := blocking_atom(part, facts, negated=negated)) is not None]
    if isinstance(condition, And) is not negated:
        return (*found[0][:2], sum(count for _, _, count in found))
    return min(found, key=lambda one: one[2])


# --- random rules and facts ---


def draw_atom(rng: random.Random, names: Sequence[str]) -> Atom:
    """A comparison that the parser would take."""
    kind = FACTS[rng.choice(names)]
    operator = rng.choice(operators_of(kind))
    if operator is Operator.IN:
        return Atom(kind.name, operator, tuple(draw_literal(rng, kind) for _ in range(rng.randint(1, 3))))
    return Atom(kind.name, operator, draw_literal(rng, kind))


def draw_literal(rng: random.Random, kind: FactKind) -> Scalar:
    """A value to compare a fact with."""
    if kind.type is FactType.BOOLEAN:
        return rng.random() < 0.5
    if kind.type is FactType.TEXTS and kind.fold is Fold.STEM:
        return rng.choice(("review", "reviews", "Fix", "test"))
    pool = {FactType.NUMBER: NUMBERS, FactType.INSTANT: MOMENTS, FactType.DATE: DATES}.get(kind.type, kind.choices or TEXTS)
    return rng.choice(pool)


def draw_condition(rng: random.Random, names: Sequence[str], depth: int = 3) -> Condition:
    """A condition that is not nested deeper than `depth`."""
    kind = rng.random()
    if depth == 0 or kind < 0.5:
        return draw_atom(rng, names)
    if kind < 0.6:
        return Not(draw_condition(rng, names, depth - 1))
    parts = tuple(draw_condition(rng, names, depth - 1) for _ in range(rng.randint(2, 3)))
    return And(parts) if kind < 0.85 else Or(parts)


def draw_value(rng: random.Random, kind: FactKind) -> FactValue | None:
    """A value of a fact, or that it is missing."""
    if rng.random() < 0.15:
        return None
    if kind.type is FactType.TEXTS:
        pool = [stem(word) for word in ("review", "fix", "test", "ship")] if kind.fold is Fold.STEM else TEXTS
        return frozenset(rng.sample(pool, rng.randint(0, 3)))
    value = draw_literal(rng, kind)
    return value.lower() if isinstance(value, str) and kind.fold is Fold.LOWER else value


def draw_task(rng: random.Random) -> TaskFacts:
    """Facts of a task."""
    return TaskFacts.of({name: draw_value(rng, kind) for name, kind in TASK_FACTS.items()}, rng.choice(MOMENTS))


def draw_candidate(rng: random.Random) -> CandidateFacts:
    """Facts of a candidate."""
    return CandidateFacts.of({name: draw_value(rng, kind) for name, kind in CANDIDATE_FACTS.items()})


TASK_NAMES = tuple(TASK_FACTS)
CANDIDATE_NAMES = tuple(CANDIDATE_FACTS)


def draw_rule(rng: random.Random, number: int) -> Rule:
    """A rule; about half fire for a random task."""
    windows = ((None, None), (None, None), (NOW, None), (None, NOW), (NOW, NOW + 1.0))
    valid_from, valid_until = rng.choice(windows)
    return Rule(
        id=f"r{number}",
        effect=RuleEffect(rng.randint(1, 5)),
        when=And(()) if rng.random() < 0.2 else draw_condition(rng, TASK_NAMES),
        who=And(()) if rng.random() < 0.1 else draw_condition(rng, CANDIDATE_NAMES, 1),
        priority=rng.randint(0, 3),
        weight=rng.choice((-0.75, -0.25, 0.5, 1.0)),
        enabled=rng.random() < 0.9,
        valid_from=valid_from,
        valid_until=valid_until,
        explanation="because of {task.goal}",
    )


def draw_possible(rng: random.Random, kinds: Mapping[str, FactKind]) -> dict[str, FactValue | None]:
    """Facts as they could be: whole numbers whole, what is never missing there, time in agreement with itself."""
    values: dict[str, FactValue | None] = {}
    for name, kind in kinds.items():
        value = draw_value(rng, kind)
        while kind.always and value is None:
            value = draw_value(rng, kind)
        if isinstance(value, float) and kind.type is FactType.NUMBER:
            value = min(value, kind.highest) if kind.highest is not None else value
            value = float(int(value)) if kind.whole else value
        values[name] = value
    now = rng.choice((*MOMENTS, NOW + rng.randint(-200, 200) * 3_600.0))
    return {name: value for name, value in (values | time_facts(now)).items() if name in kinds}
