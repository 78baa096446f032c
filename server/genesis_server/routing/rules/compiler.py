"""Conditions as closures over the values of facts; a text in `who` or `when` is read once and never looked at again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from genesis_server.routing.rules.condition import And, Atom, Condition, Not, Operator, operand
from genesis_server.routing.rules.facts import FACTS, PLACES, FactKind, FactType

# The values of facts have many types; the parser has checked that each goes with its operator.
_Value: TypeAlias = Any

Test: TypeAlias = Callable[[Sequence[_Value]], bool]
"""Whether a condition holds for the values of TaskFacts or CandidateFacts."""


def compile_condition(condition: Condition) -> Test:
    """The closure of a condition."""
    if isinstance(condition, Atom):
        return _atom(condition)
    if isinstance(condition, Not):
        part = compile_condition(condition.part)
        return lambda values: not part(values)
    parts = [compile_condition(part) for part in condition.parts]
    return _all(parts) if isinstance(condition, And) else _any(parts)


def _all(parts: list[Test]) -> Test:
    if not parts:
        return lambda _: True
    if len(parts) == 1:
        return parts[0]
    first, second = parts[0], _all(parts[1:])
    return lambda values: first(values) and second(values)


def _any(parts: list[Test]) -> Test:
    if len(parts) == 1:
        return parts[0]
    first, second = parts[0], _any(parts[1:])
    return lambda values: first(values) or second(values)


def _atom(atom: Atom) -> Test:
    kind, place, value = FACTS[atom.fact], PLACES[atom.fact], operand(atom)
    if kind.type is FactType.TEXTS:
        return _of_set(place, atom.operator, value)
    if kind.choices:
        return _one_of(place, _choices(kind, atom.operator, value))
    return _of_scalar(place, atom.operator, value)


def _choices(kind: FactKind, operator: Operator, value: _Value) -> frozenset[str]:
    """The values of an enumerated fact for which a comparison holds."""
    if operator is Operator.IN:
        return frozenset(value)
    mark = kind.choices.index(value)
    holds: dict[Operator, Callable[[int], bool]] = {
        Operator.EQUAL: lambda place: place == mark,
        Operator.NOT_EQUAL: lambda place: place != mark,
        Operator.LESS: lambda place: place < mark,
        Operator.AT_MOST: lambda place: place <= mark,
        Operator.GREATER: lambda place: place > mark,
        Operator.AT_LEAST: lambda place: place >= mark,
    }
    return frozenset(choice for place, choice in enumerate(kind.choices) if holds[operator](place))


def _one_of(place: int, values: frozenset[_Value]) -> Test:
    return lambda facts: facts[place] in values


def _of_set(place: int, operator: Operator, value: _Value) -> Test:
    if operator is Operator.CONTAINS:
        return lambda facts: value in (facts[place] or ())
    if operator is Operator.IN:
        wanted = frozenset(value)
        return lambda facts: not wanted.isdisjoint(facts[place] or ())
    return lambda facts: any(member.startswith(value) for member in (facts[place] or ()))


def _of_scalar(place: int, operator: Operator, value: _Value) -> Test:
    if operator is Operator.IN:
        return _one_of(place, frozenset(value))
    tests: dict[Operator, Test] = {
        Operator.EQUAL: lambda facts: facts[place] == value,
        Operator.NOT_EQUAL: lambda facts: facts[place] is not None and facts[place] != value,
        Operator.LESS: lambda facts: facts[place] is not None and facts[place] < value,
        Operator.AT_MOST: lambda facts: facts[place] is not None and facts[place] <= value,
        Operator.GREATER: lambda facts: facts[place] is not None and facts[place] > value,
        Operator.AT_LEAST: lambda facts: facts[place] is not None and facts[place] >= value,
        Operator.CONTAINS: lambda facts: facts[place] is not None and value in facts[place],
        Operator.PREFIX: lambda facts: facts[place] is not None and facts[place].startswith(value),
    }
    return tests[operator]
