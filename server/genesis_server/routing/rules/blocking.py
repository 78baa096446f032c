"""Why a rule did not fire: the one fact that kept it from it, with what was needed of it.

Of parts that must all hold it is the first that does not; of parts one of which must hold, the one that the fewest comparisons keep
from holding, the first of those that are equal in that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from genesis_server.model.routing import BlockedRule, Fact
from genesis_server.routing.rules.compiler import Test, compile_condition
from genesis_server.routing.rules.condition import And, Atom, Condition, Not, needed
from genesis_server.routing.rules.facts import TaskFacts, format_instant
from genesis_server.routing.rules.rule import ENABLED_FACT, Rule


@dataclass(frozen=True, slots=True)
class _Failure:
    atom: Atom
    negated: bool
    count: int
    """How many comparisons would have to come out otherwise."""


def blocked_rule(rule: Rule, facts: TaskFacts) -> BlockedRule:
    """What kept a rule that did not fire from firing: that it is switched off, its window, or a fact."""
    if not rule.enabled:
        return _blocked(rule, Fact(ENABLED_FACT, "false"), "== true")
    if rule.valid_from is not None and facts.now < rule.valid_from:
        return _blocked(rule, _now(facts), f'>= "{format_instant(rule.valid_from)}"')
    if rule.valid_until is not None and facts.now >= rule.valid_until:
        return _blocked(rule, _now(facts), f'< "{format_instant(rule.valid_until)}"')
    failure = _failure(rule.when, facts, wanted=True)
    if failure is None:
        raise ValueError(f"the rule {rule.id!r} fires")
    text = needed(failure.atom)
    return _blocked(rule, facts.fact(failure.atom.fact), f"not {text}" if failure.negated else text)


def _blocked(rule: Rule, fact: Fact, text: str) -> BlockedRule:
    return BlockedRule(rule_id=rule.id, effect=rule.effect, priority=rule.priority, fact=fact, needed=text)


def _now(facts: TaskFacts) -> Fact:
    return Fact("time.now", format_instant(facts.now))


@lru_cache(maxsize=10_000)
def _test(atom: Atom) -> Test:
    return compile_condition(atom)


def _failure(condition: Condition, facts: TaskFacts, *, wanted: bool) -> _Failure | None:
    """Why a condition is not `wanted`; None when it is."""
    if isinstance(condition, Atom):
        holds = _test(condition)(facts.values)
        return None if holds == wanted else _Failure(condition, not wanted, 1)
    if isinstance(condition, Not):
        return _failure(condition.part, facts, wanted=not wanted)
    found = [_failure(part, facts, wanted=wanted) for part in condition.parts]
    failures = [failure for failure in found if failure is not None]
    # Not all of several: one of them must fail, as one of several must hold.
    if isinstance(condition, And) == wanted:
        if not failures:
            return None
        return _Failure(failures[0].atom, failures[0].negated, sum(failure.count for failure in failures))
    return None if len(failures) < len(found) else min(failures, key=lambda failure: failure.count)
