"""What rules would have changed: a fact that would have made one fire, and each one that fired being absent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from genesis_server.model.catalogue import DataClass
from genesis_server.model.routing import BlockedRule, Counterfactual
from genesis_server.routing.case import RULE, Case
from genesis_server.routing.counterfactuals import told
from genesis_server.routing.redecision import Columns
from genesis_server.routing.rules.condition import Atom, Operator, atoms_of, needed, operand
from genesis_server.routing.rules.facts import FactValue
from genesis_server.routing.rules.judging import CompiledRule

_ROUTER_READS = frozenset(
    {"task.goal", "task.words", "task.capability", "task.regions", "task.max_cost", "task.deadline_seconds", "task.expected_seconds"}
)
"""Facts the router goes by itself in ways that the change of a rule's fact does not tell."""


def without_rules(case: Case) -> Iterator[Counterfactual]:
    """What each rule that fired changed."""
    for rule in case.decided.rulings.fired[case.job]:
        target = case.without(frozenset({RULE + rule.id}))
        if target != case.chosen:
            yield told(f"there were no rule {rule.id}", target)


def with_rules(case: Case, blocked: Sequence[tuple[CompiledRule, BlockedRule]]) -> Iterator[Counterfactual]:
    """The facts that kept rules from firing, where another value would have changed the decision."""
    known: dict[tuple[str, FactValue], Columns] = {}
    for rule, why in blocked:
        name = why.fact.name
        atom = next((each for each in atoms_of(rule.rule.when) if each.fact == name and needed(each) == why.needed), None)
        if atom is None or name in _ROUTER_READS or name.startswith("plan."):
            continue
        value = _satisfying(atom, case.facts.get(name))
        if value is None:
            continue
        fired = case.decided.rulings.book.rulebook.fired(case.facts.replaced({name: value}))
        if rule not in fired:
            continue
        columns = known.get((name, value), case.base)
        if columns is case.base and name in {"task.difficulty", "task.data_class"}:
            task = case.task
            if name == "task.difficulty":
                task = replace(task, difficulty=cast("float", value))
            else:
                task = replace(task, constraints=replace(task.constraints, data_class=DataClass[cast("str", value).upper()]))
            columns = known[name, value] = case.columns_for(task, case.decided.constraints, case.decided.unhealthy)
        target = case.decided.target(case.decide(columns, fired, case.terms))
        if target != case.chosen and not case.lacks_only_money(target, columns, fired, case.terms):
            yield told(f"{name} {why.needed}", target)


def _satisfying(atom: Atom, value: FactValue | None) -> FactValue | None:
    """A value an atom holds for, near to a fact's own; None for an atom without one that is plain."""
    wanted, found = operand(atom), None
    match atom.operator:
        case Operator.EQUAL | Operator.AT_LEAST | Operator.AT_MOST | Operator.PREFIX if not isinstance(wanted, tuple):
            found = wanted if not isinstance(value, frozenset) else None
        case Operator.GREATER if isinstance(wanted, float):
            found = math.nextafter(wanted, math.inf)
        case Operator.LESS if isinstance(wanted, float):
            found = math.nextafter(wanted, -math.inf)
        case Operator.IN if isinstance(wanted, tuple) and wanted:
            found = value | {cast("str", wanted[0])} if isinstance(value, frozenset) else wanted[0]
        case Operator.CONTAINS if isinstance(wanted, str) and isinstance(value, frozenset):
            found = value | {wanted}
        case _:
            pass
    return found
