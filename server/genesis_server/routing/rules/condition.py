"""Conditions over facts: what they are made of, and how they are written.

`print_condition` and `parsing.parse_condition` are each other's inverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from genesis_server.routing.rules.facts import FACTS, FactKind, FactType, Fold, format_date, format_instant, format_number
from genesis_server.text.words import stem


class Operator(StrEnum):
    """How a fact is compared with a value; whatever the operator, it does not hold for a missing fact."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    IN = "in"
    """The fact is one of the values; of a set: one of its members is."""
    CONTAINS = "contains"
    """The text has the value in it; the set has it as a member."""
    PREFIX = "prefix"
    """The text begins with the value; of a set: one of its members does."""


ORDERINGS = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)

Scalar: TypeAlias = "str | float | bool"
Literal: TypeAlias = "Scalar | tuple[Scalar, ...]"
"""Instants and dates are seconds since the epoch; a tuple is the list of `in`."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A comparison of one fact with a value as it was written."""

    fact: str
    operator: Operator
    value: Literal


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part does not."""

    part: Condition


@dataclass(frozen=True, slots=True)
class And:
    """Holds when all of its parts do; without parts: always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Holds when one of its parts does; it has at least one."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = "Atom | Not | And | Or"

ALWAYS = And(())


def atoms_of(condition: Condition) -> Iterator[Atom]:
    """Its atoms from left to right, with repeats."""
    if isinstance(condition, Atom):
        yield condition
    elif isinstance(condition, Not):
        yield from atoms_of(condition.part)
    else:
        for part in condition.parts:
            yield from atoms_of(part)


def facts_of(condition: Condition) -> tuple[str, ...]:
    """The names of the facts it reads, in the order they are first read."""
    return tuple(dict.fromkeys(atom.fact for atom in atoms_of(condition)))


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """The parts that must all hold."""
    return condition.parts if isinstance(condition, And) else (condition,)


def operand(atom: Atom) -> Literal:
    """The value of an atom as it is compared: folded as the fact's texts are."""
    fold = FACTS[atom.fact].fold
    if fold is Fold.STEM and atom.operator is Operator.PREFIX:
        fold = Fold.LOWER
    if isinstance(atom.value, tuple):
        return tuple([_folded(value, fold) for value in atom.value])
    return _folded(atom.value, fold)


def _folded(value: Scalar, fold: Fold) -> Scalar:
    if fold is Fold.NONE or not isinstance(value, str):
        return value
    return value.lower() if fold is Fold.LOWER else stem(value.lower())


def print_condition(condition: Condition) -> str:
    """A condition as it is written in a rulebook; empty for the one that always holds."""
    if isinstance(condition, Atom):
        return f"{condition.fact} {needed(condition)}"
    if isinstance(condition, Not):
        return f"not {_inner(condition.part)}"
    word = " and " if isinstance(condition, And) else " or "
    return word.join(_inner(part) for part in condition.parts)


def needed(atom: Atom) -> str:
    """An atom without its fact: `>= 0.7`."""
    kind = FACTS[atom.fact]
    if isinstance(atom.value, tuple):
        return f"{atom.operator} [{', '.join(print_literal(value, kind) for value in atom.value)}]"
    return f"{atom.operator} {print_literal(atom.value, kind)}"


def print_literal(value: Scalar, kind: FactKind) -> str:
    """A value as it is written in a condition."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if kind.type is FactType.NUMBER:
        return format_number(value)
    return quoted(format_instant(value) if kind.type is FactType.INSTANT else format_date(value))


def quoted(text: str) -> str:
    """A text in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _inner(condition: Condition) -> str:
    text = print_condition(condition)
    return f"({text})" if isinstance(condition, And | Or) else text
