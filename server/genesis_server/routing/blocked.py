"""Which rule that did not fire would have changed the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.case import Case
from genesis_server.routing.rules.judging import NOBODY, CompiledRule
from genesis_server.routing.rules.rule import REFUSALS
from genesis_server.routing.rulings import Fired, Rulings


def would_change(
    rulings: Rulings, fired: Fired, *, rows: Sequence[int], feasible: Sequence[int], chosen: int | None, case: Callable[[], Case | None]
) -> Iterator[CompiledRule]:
    """The rules that would have changed the decision had they fired: those that refuse first, then the highest priority.

    `rows` and `feasible` are rows of the pool, `chosen` is one of them. A rule that refuses who was chosen changes the decision for
    sure; what others do is found by deciding again.
    """
    numbers = {rule.number for rule in fired}
    allowing = [rule for rule in fired if rule.effect is RuleEffect.ALLOW]
    for rule in rulings.book.against(chosen):
        if rule.number in numbers:
            continue
        if chosen is not None and rule.effect in REFUSALS:
            if not _shielded(rulings, allowing, rule, chosen):
                yield rule
        elif _might(rulings, fired, rule, rows, feasible) and (found := case()) is not None:
            with_rule = tuple(sorted((*fired, rule), key=lambda each: each.number))
            if found.decided.target(found.decide(found.base, with_rule, found.terms)) != found.chosen:
                yield rule


def _shielded(rulings: Rulings, allowing: Sequence[CompiledRule], rule: CompiledRule, row: int) -> bool:
    """Whether one of the allowing rules that fired allows a row in spite of another one."""
    return any(each.priority > rule.priority and rulings.book.who(each)[row] for each in allowing)


def _might(rulings: Rulings, fired: Fired, rule: CompiledRule, rows: Sequence[int], feasible: Sequence[int]) -> bool:
    """Whether it is worth deciding again; cheap, and never wrong when it says no."""
    who = rulings.book.who(rule)
    if rule.effect is RuleEffect.ALLOW:
        refused_by = rulings.book.verdicts(fired).refused_by
        return any(refused_by[row] != NOBODY and who[row] for row in rows)
    helps = rule.effect is RuleEffect.PREFER or rule.rule.weight > 0
    return any(who[row] == helps for row in feasible)
