"""The set of facts and rules a decision hangs on: without it the decision is another one, without any proper part of it it is not.

Sets are tried by size, so that the first one found has no smaller one in it, up to three members and a bound of work. A decision
that no such set changes hangs on the offer that was chosen; a task nobody gets hangs on what refuses everybody, reduced until each
member is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from genesis_server.model.routing import DecisiveSet, Target, TargetKind, UnassignedReason
from genesis_server.routing.case import RULE, Case
from genesis_server.routing.limits import flag
from genesis_server.routing.redecision import TIE_KEYS
from genesis_server.routing.rules.condition import facts_of

LARGEST = 3
MOST_WORK = 400
"""Candidates looked at again for one task, those of every try counted."""
MOST_REFUSALS = 8
_REFUSALS = {
    UnassignedReason.REGION: "task.regions",
    UnassignedReason.DATA_CLASS: "task.data_class",
    UnassignedReason.BUDGET: "task.max_cost",
    UnassignedReason.EXCLUDED: "constraints.excluded_targets",
    UnassignedReason.UNHEALTHY: "health",
    UnassignedReason.NO_CAPABILITY: "match.text_threshold",
}


def decisive_set(case: Case) -> DecisiveSet | None:
    """What the decision hangs on; None when nothing that could be left out would help a task nobody gets."""
    chosen = case.chosen
    names = list(dict.fromkeys(_names(case)))
    tries = max(len(names), MOST_WORK // max(1, len(case.base.rows)))
    for size in range(1, LARGEST + 1):
        for some in combinations(names, size):
            if tries == 0:
                break
            tries -= 1
            found = case.without(frozenset(some))
            if found != chosen:
                return _told(some, found)
    if chosen is None:
        return _reduced(case, [*[RULE + rule.id for rule in case.decided.rulings.fired[case.job]], *dict.fromkeys(_refusals(case))])
    offer = f"{'tool' if chosen.kind is TargetKind.TOOL else 'agent'}.{chosen.id}"
    return _told((offer,), case.without(frozenset({offer})))


def _reduced(case: Case, names: Sequence[str]) -> DecisiveSet | None:
    """Refusals without which somebody gets the task, none of them to spare."""
    if case.without(frozenset(names)) is None:
        return None
    kept = list(names)
    for name in names:
        if case.without(frozenset(kept) - {name}) is not None:
            kept.remove(name)
    if len(kept) > MOST_REFUSALS:
        return None
    parts = [frozenset(some) for size in range(1, len(kept)) for some in combinations(kept, size)]
    if any(case.without(part) is not None for part in parts):
        return None
    return _told(kept, case.without(frozenset(kept)))


def _told(names: Sequence[str], target: Target | None) -> DecisiveSet:
    rules = [name.removeprefix(RULE) for name in names if name.startswith(RULE)]
    return DecisiveSet(tuple([name for name in names if not name.startswith(RULE)]), tuple(rules), target)


def _names(case: Case) -> Iterator[str]:
    """What may be left out, the most telling first: rules and the facts they read, constraints, load, score, ties."""
    fired = case.decided.rulings.fired[case.job]
    for rule in fired:
        yield RULE + rule.id
    yield from _refusals(case)
    for rule in fired:
        yield from facts_of(rule.rule.when)
    yield from _of_choice(case)
    if case.task.difficulty is not None:
        yield "task.difficulty"
    if case.task.capability:
        yield "task.capability"


def _refusals(case: Case) -> Iterator[str]:
    """Hard constraints that refuse somebody."""
    failed = 0
    for flags in case.field.failed:
        failed |= flags
    for reason, name in _REFUSALS.items():
        if failed & flag(reason):
            yield name
    if failed & flag(UnassignedReason.DEADLINE):
        yield from [name for name, _ in case.deadlines]
    if case.terms.money is not None:
        yield "plan.budget"


def _of_choice(case: Case) -> Iterator[str]:
    """What orders those who are feasible."""
    field = case.field
    if len(field.order) < 2:
        return
    balance = field.balance
    if balance is not None:
        if balance.is_sticky:
            yield "sticky_key"
        yield "load"
    if case.terms.tie_breaker.seed and (balance is not None or "seed" in field.tie_break):
        yield "seed"
    base = case.base
    for name, values in (("score.success", base.success), ("score.cost", base.costs), ("score.skill_match", base.skill)):
        if any(values[place] != values[field.order[0]] for place in field.order):
            yield name
    if field.tie_break:
        yield from TIE_KEYS
