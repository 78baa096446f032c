"""Which rules can fire at all for some facts: those that wait under a value one of the facts has, and those without such a value.

A rule waits under the values of the one part of its `when` that the fewest tasks are thought to satisfy, among the parts that must
hold and name the values of facts (==, in, contains). The discrimination index of production systems (Forgy, Rete, 1982), one level
deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TypeAlias, cast

from genesis_server.routing.rules.condition import And, Atom, Condition, Operator, Or, Scalar, facts_of, operand
from genesis_server.routing.rules.facts import FACTS, PLACES, FactType, FactValue

Key: TypeAlias = "tuple[str, Scalar]"
"""A fact and a value it has or has in it."""

_FREE_VALUES = 1_000
"""How many values a text without choices is thought to have."""


class RuleIndex:
    """Numbers of rules by the values of facts."""

    def __init__(self, conditions: Iterable[tuple[int, Condition]]) -> None:
        """Index the `when` of each rule under its number."""
        self.always: list[int] = []
        """Rules that wait under no value, in ascending order."""
        read = dict[int, None]()
        tables: dict[str, dict[FactValue | None, list[int]]] = {}
        for number, condition in conditions:
            keys = keys_of(condition)
            if keys is None:
                self.always.append(number)
                read |= dict.fromkeys([PLACES[fact] for fact in facts_of(condition)])
                continue
            for fact, value in keys:
                tables.setdefault(fact, {}).setdefault(value, []).append(number)
        self.read_always: Callable[[Sequence[FactValue | None]], object] = itemgetter(*read) if read else _nothing
        """What the rules that wait under no value read out of the values; for equal ones the same of them fire."""
        sets = [fact for fact in tables if FACTS[fact].type is FactType.TEXTS]
        self._sets = [(PLACES[fact], tables[fact]) for fact in sets]
        self._scalars = [(PLACES[fact], waiting) for fact, waiting in tables.items() if fact not in sets]

    def waiting(self, values: Sequence[FactValue | None]) -> list[int]:
        """The numbers of the rules that wait under one of the values, in no order, perhaps twice."""
        found: list[int] = []
        for place, waiting in self._scalars:
            # No rule waits for a fact to be missing.
            found += waiting.get(values[place], ())
        for place, waiting in self._sets:
            value = values[place]
            if value is not None:
                for key in waiting.keys() & cast("frozenset[str]", value):
                    found += waiting[key]
        return found

    def candidates(self, values: Sequence[FactValue | None]) -> Sequence[int]:
        """The numbers of the rules that may fire, in ascending order, each once."""
        found = self.waiting(values)
        return sorted({*found, *self.always}) if found else self.always


def _nothing(_values: Sequence[FactValue | None]) -> None:
    """What rules that always hold read."""


def keys_of(condition: Condition) -> frozenset[Key] | None:
    """Facts with values one of which is there whenever the condition holds; None: there are none."""
    if isinstance(condition, Atom):
        return _keys_of_atom(condition)
    if isinstance(condition, And):
        found = [keys for part in condition.parts if (keys := keys_of(part)) is not None]
        return min(found, key=_share, default=None)
    if isinstance(condition, Or):
        parts = [keys_of(part) for part in condition.parts]
        return frozenset(key for keys in parts for key in keys or ()) if None not in parts else None
    return None


def _keys_of_atom(atom: Atom) -> frozenset[Key] | None:
    value = operand(atom)
    if isinstance(value, tuple):
        return frozenset((atom.fact, member) for member in value)
    names_value = atom.operator is Operator.EQUAL or (atom.operator is Operator.CONTAINS and FACTS[atom.fact].type is FactType.TEXTS)
    return frozenset({(atom.fact, value)}) if names_value else None


def _share(keys: frozenset[Key]) -> float:
    """The share of tasks that is thought to have one of the values."""
    return sum(1.0 / _value_count(fact) for fact, _ in keys)


def _value_count(fact: str) -> int:
    kind = FACTS[fact]
    if kind.type is FactType.BOOLEAN:
        return 2
    if kind.whole and kind.highest is not None:
        return int(kind.highest) + 1
    return len(kind.choices) or _FREE_VALUES
