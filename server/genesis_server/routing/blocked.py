"""Which rule that did not fire would have changed the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.case import Case
from genesis_server.routing.rules.judging import NOBODY, CompiledRule
from genesis_server.routing.rules.rule import REFUSALS
from genesis_server.routing.rulings import Book, Verdicts


def would_change(
    book: Book,
    verdicts: Verdicts,
    *,
    rows: Sequence[int],
    feasible: Sequence[int],
    chosen: int | None,
    case: Callable[[], Case | None],
) -> Iterator[CompiledRule]:
    """The rules that would have changed the decision had they fired: those that refuse first, then the highest priority.

    `verdicts` are those of the rules that did fire, `rows` and `feasible` are rows of the pool, `chosen` is one of them. A rule that
    refuses who was chosen changes the decision for sure; what others do is found by deciding again.
    """
    if chosen is not None:
        yield from refusals(book, verdicts, chosen)
    for rule in book.against(chosen):
        if rule.effect in REFUSALS or rule.number in verdicts.numbers or not _might(book, verdicts, rule, rows, feasible):
            continue
        found = case()
        if found is not None:
            with_rule = tuple(sorted((*verdicts.fired, rule), key=lambda each: each.number))
            if found.decided.target(found.decide(found.base, with_rule, found.terms)) != found.chosen:
                yield rule


def refusals(book: Book, verdicts: Verdicts, row: int) -> Iterator[CompiledRule]:
    """Those of them that refuse who was chosen, a row of the pool."""
    for rule in book.against(row):
        if rule.effect not in REFUSALS:
            return
        if rule.number not in verdicts.numbers and not _shielded(book, verdicts, rule, row):
            yield rule


def _shielded(book: Book, verdicts: Verdicts, rule: CompiledRule, row: int) -> bool:
    """Whether one of the allowing rules that fired allows a row in spite of another one."""
    return any(each.priority > rule.priority and book.who(each)[row] for each in verdicts.allowing)


def _might(book: Book, verdicts: Verdicts, rule: CompiledRule, rows: Sequence[int], feasible: Sequence[int]) -> bool:
    """Whether it is worth deciding again; cheap, and never wrong when it says no."""
    who = book.who(rule)
    if rule.effect is RuleEffect.ALLOW:
        return any(verdicts.refused_by[row] != NOBODY and who[row] for row in rows)
    helps = rule.effect is RuleEffect.PREFER or rule.rule.weight > 0
    return any(who[row] == helps for row in feasible)
