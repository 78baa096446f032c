"""Concrete facts under which conditions hold or do not, found by trying every kind of value each fact can have.

For each fact the values that the conditions tell apart are represented by one value each: every value that is named, one between
and beside any two, texts with each wanted beginning and part, sets with each combination of what is asked of their members,
and missing. The moments of time are tried together, because hour, weekday and date follow from one instant. All other facts are
taken to be independent of each other. Combinations are tried fact by fact; one is given up as soon as it is clear that a condition
does not come out as wanted (backtracking with three-valued conditions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, pairwise
from math import ceil, floor
from typing import TypeAlias, cast

from genesis_server.routing.rules.building import time_facts
from genesis_server.routing.rules.compiler import compile_condition
from genesis_server.routing.rules.condition import And, Atom, Condition, Not, Operator, Scalar, atoms_of, operand
from genesis_server.routing.rules.facts import END_OF_TIME, FACTS, FIRST_MOMENT, PLACES, FactKind, FactType, FactValue

Situation: TypeAlias = "Mapping[str, FactValue | None]"
"""Facts by name; None: missing. Facts that are not named do not matter."""

_HOUR = 3_600.0
_DAY = 24 * _HOUR
_WEEK_HOURS = 7 * 24
_FIRST_MARK = ord("~")
_START = 1_767_225_600.0
"""2026-01-01, where time is looked at when no condition names an instant."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One kind of value of a fact (or of the facts of time) with what it makes of each atom on it."""

    values: tuple[tuple[str, FactValue | None], ...]
    holds: tuple[bool, ...]


def find_situation(wanted: Iterable[tuple[Condition, bool]]) -> Situation | None:
    """Facts under which each condition holds or does not, as wanted; None: there are none."""
    wanted = tuple(wanted)
    atoms = tuple(dict.fromkeys(chain.from_iterable(atoms_of(condition) for condition, _ in wanted)))
    groups: dict[str, list[Atom]] = {}
    for atom in atoms:
        scope = FACTS[atom.fact].scope
        groups.setdefault(scope if scope == "time" else atom.fact, []).append(atom)
    # Facts with few kinds of values first: what they rule out need not be tried with the others.
    fields = sorted(((tuple(group), _choices(tuple(group))) for group in groups.values()), key=lambda field: len(field[1]))
    found = _search(wanted, fields, {}, [])
    return dict(pair for choice in found for pair in choice.values) if found is not None else None


def values_in(situation: Situation, kinds: Mapping[str, FactKind]) -> Sequence[FactValue | None]:
    """The values of all facts of `kinds` in a situation, as compiled conditions read them; facts it does not name are plain."""
    moment = cast("float", situation.get("time.now", _START))
    known: Situation = {**time_facts(moment), **situation}
    values: list[FactValue | None] = [None] * len(kinds)
    for name, kind in kinds.items():
        values[PLACES[name]] = known[name] if name in known else _plain(kind)
    return values


def _plain(kind: FactKind) -> FactValue | None:
    """A value the fact can have that nobody asked for."""
    if kind.type is FactType.TEXTS:
        return frozenset[str]()
    if not kind.always:
        return None
    if kind.type is FactType.BOOLEAN:
        return False
    if kind.type is FactType.NUMBER:
        return kind.lowest or 0.0
    return kind.choices[0] if kind.choices else ""


def _search(
    wanted: Sequence[tuple[Condition, bool]],
    fields: Sequence[tuple[tuple[Atom, ...], tuple[_Choice, ...]]],
    known: dict[Atom, bool],
    chosen: list[_Choice],
) -> list[_Choice] | None:
    """The first combination of choices, depth first."""
    if any(_outcome(condition, known) is (not outcome) for condition, outcome in wanted):
        return None
    if not fields:
        return chosen
    atoms, choices = fields[0]
    for choice in choices:
        found = _search(wanted, fields[1:], known | dict(zip(atoms, choice.holds, strict=True)), [*chosen, choice])
        if found is not None:
            return found
    return None


def _outcome(condition: Condition, known: Mapping[Atom, bool]) -> bool | None:
    """Whether a condition holds by what is known of its atoms; None: not yet clear."""
    if isinstance(condition, Atom):
        return known.get(condition)
    if isinstance(condition, Not):
        part = _outcome(condition.part, known)
        return None if part is None else not part
    settling = not isinstance(condition, And)
    unclear = False
    for part in condition.parts:
        outcome = _outcome(part, known)
        if outcome is settling:
            return settling
        unclear |= outcome is None
    return None if unclear else not settling


@lru_cache(maxsize=4_096)
def _choices(atoms: tuple[Atom, ...]) -> tuple[_Choice, ...]:
    """One choice for each way the atoms on one fact (or on time) can come out together."""
    tests = [(compile_condition(atom), PLACES[atom.fact]) for atom in atoms]
    kind = FACTS[atoms[0].fact]
    found: dict[tuple[bool, ...], _Choice] = {}
    if kind.type is FactType.TEXTS:
        return tuple(_sets(atoms))
    for facts in _moments(atoms) if kind.scope == "time" else _values(kind, atoms):
        values = _placed(facts)
        holds = tuple([test(values) for test, _ in tests])
        named = [name for name in facts if name == "time.now" or any(atom.fact == name for atom in atoms)]
        found.setdefault(holds, _Choice(tuple([(name, facts[name]) for name in named]), holds))
    return tuple(found.values())


def _placed(facts: Situation) -> list[FactValue | None]:
    values: list[FactValue | None] = [None] * len(FACTS)
    for name, value in facts.items():
        values[PLACES[name]] = value
    return values


def _values(kind: FactKind, atoms: Sequence[Atom]) -> Iterable[Situation]:
    """A value of a fact for each way it can stand to what the atoms name."""
    named = [value for atom in atoms for value in _operands(atom)]
    values: Iterable[FactValue]
    if kind.type is FactType.BOOLEAN:
        values = (True, False)
    elif kind.choices:
        values = kind.choices
    elif kind.type is FactType.NUMBER:
        values = _numbers(kind, sorted({cast("float", value) for value in named}))
    else:
        values = _texts(atoms)
    yield from ({kind.name: value} for value in values)
    if not kind.always:
        yield {kind.name: None}


def _operands(atom: Atom) -> Sequence[Scalar]:
    value = operand(atom)
    return value if isinstance(value, tuple) else (value,)


def _numbers(kind: FactKind, named: Sequence[float]) -> Iterable[float]:
    """Each named number, one between any two that follow each other, one below and one above all."""
    marks = {0.0, *named} | {limit for limit in (kind.lowest, kind.highest) if limit is not None}
    if kind.whole:
        values = {float(near) for mark in marks for near in (floor(mark) - 1, floor(mark), ceil(mark), ceil(mark) + 1)}
    else:
        ordered = sorted(marks)
        values = {*marks, ordered[0] - 1.0, ordered[-1] + 1.0, *[(low + high) / 2 for low, high in pairwise(ordered)]}
    for value in sorted(values):
        if (kind.lowest is None or value >= kind.lowest) and (kind.highest is None or value <= kind.highest):
            yield value


def _texts(atoms: Sequence[Atom]) -> Iterable[str]:
    """Each named text, and for each beginning and each choice of parts the text that has no more than these.

    They are joined by a mark that no named text has, so that nothing else is in the text by accident.
    """
    mark = _mark(atoms)
    whole = [text for atom in atoms if atom.operator not in {Operator.CONTAINS, Operator.PREFIX} for text in _operands(atom)]
    parts = sorted({str(text) for atom in atoms if atom.operator is Operator.CONTAINS for text in _operands(atom)})
    starts = sorted({str(text) for atom in atoms if atom.operator is Operator.PREFIX for text in _operands(atom)})
    yield from (str(text) for text in whole)
    for count in range(len(parts) + 1):
        for some in combinations(parts, count):
            for start in ("", *starts):
                yield mark.join([start, *some]) + mark


def _mark(atoms: Sequence[Atom]) -> str:
    named = {character for atom in atoms for text in _operands(atom) for character in str(text)}
    return next(mark for mark in map(chr, range(_FIRST_MARK, _FIRST_MARK + len(named) + 1)) if mark not in named)


def _sets(atoms: Sequence[Atom]) -> Iterable[_Choice]:
    """A set for each way the atoms can come out: they ask only whether a member is there, so that sets of few members are enough."""
    fact, mark = atoms[0].fact, _mark(atoms)
    members = sorted({str(text) + end for atom in atoms for text in _operands(atom) for end in ("", mark)})
    tests = [compile_condition(atom) for atom in atoms]
    found: dict[tuple[bool, ...], frozenset[str]] = {tuple([False] * len(atoms)): frozenset()}
    for member in members:
        values = _placed({fact: frozenset({member})})
        adds = [test(values) for test in tests]
        for holds, others in list(found.items()):
            found.setdefault(tuple([old or new for old, new in zip(holds, adds, strict=True)]), others | {member})
    return [_Choice(((fact, members),), holds) for holds, members in found.items()]


def _moments(atoms: Sequence[Atom]) -> Iterable[Situation]:
    """Moments in every hour of the week before, between and after the instants and dates that the atoms name."""
    marks: set[float] = set()
    for atom in atoms:
        if FACTS[atom.fact].type in {FactType.INSTANT, FactType.DATE}:
            for value in _operands(atom):
                marks.add(cast("float", value))
                if atom.fact == "time.date":
                    marks.add(cast("float", value) + _DAY)
    first = min(marks, default=_START)
    earliest = max(first // _HOUR * _HOUR - _WEEK_HOURS * _HOUR, FIRST_MOMENT)
    ordered = [earliest, *sorted(mark for mark in marks if mark < END_OF_TIME), END_OF_TIME]
    for start, end in pairwise(ordered):
        hour = start // _HOUR * _HOUR + _HOUR
        yield time_facts(start)
        yield time_facts((start + min(hour, end)) / 2)
        for number in range(_WEEK_HOURS):
            if hour + number * _HOUR < end:
                yield time_facts(hour + number * _HOUR)
