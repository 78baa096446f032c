r"""Conditions from their text; every mistake of meaning is told at once, of grammar the first.

    condition  = any
    any        = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | "(" any ")" | fact comparison
    comparison = ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "prefix" ) value | "in" "[" value { "," value } "]"
    value      = text in single or double quotes, with \ before a quote or a \ | number | "true" | "false"

Instants and dates are written as text: "2026-01-31T09:00:00Z", "2026-01-31". A recursive descent, one function for each line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from genesis_server.routing.rules.condition import ALWAYS, ORDERINGS, And, Atom, Condition, Literal, Not, Operator, Or, Scalar
from genesis_server.routing.rules.facts import FACTS, FactKind, FactType, Fold, parse_date, parse_instant
from genesis_server.text.words import stop_words, word_texts

MAX_NESTING = 50
MAX_ATOMS = 200

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:\\[\"'\\]|[^\"\\])*\"|'(?:\\[\"'\\]|[^'\\])*')"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<mark>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)"
    r"|(?P<other>\S)|(?P<end>\Z))"
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_TYPES = {FactType.NUMBER: "a number", FactType.BOOLEAN: "true or false"}
_OPERATORS: Mapping[FactType, tuple[Operator, ...]] = {
    FactType.TEXT: (Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.CONTAINS, Operator.PREFIX),
    FactType.NUMBER: (Operator.EQUAL, Operator.NOT_EQUAL, *ORDERINGS, Operator.IN),
    FactType.BOOLEAN: (Operator.EQUAL, Operator.NOT_EQUAL),
    FactType.INSTANT: (Operator.EQUAL, Operator.NOT_EQUAL, *ORDERINGS, Operator.IN),
    FactType.DATE: (Operator.EQUAL, Operator.NOT_EQUAL, *ORDERINGS, Operator.IN),
    FactType.TEXTS: (Operator.CONTAINS, Operator.IN, Operator.PREFIX),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a condition."""

    column: int
    """Of the condition, from 1."""
    message: str


class ConditionError(ValueError):
    """A condition cannot be read; `problems` tells what is wrong with it, in order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"column {problem.column}: {problem.message}" for problem in problems))


def parse_condition(text: str, facts: Mapping[str, FactKind] = FACTS) -> Condition:
    """The condition of a text that may read `facts`; empty text always holds. Raises ConditionError."""
    return _Parser(text, facts).parse()


def operators_of(kind: FactKind) -> tuple[Operator, ...]:
    """The operators a fact may be compared with."""
    if not kind.choices:
        return _OPERATORS[kind.type]
    return (Operator.EQUAL, Operator.NOT_EQUAL, *(ORDERINGS if kind.ordered else ()), Operator.IN)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


class _Parser:
    def __init__(self, text: str, facts: Mapping[str, FactKind]) -> None:
        self._facts = facts
        self._tokens = [
            _Token(found.lastgroup or "", found.group(found.lastgroup or 0), found.start(found.lastgroup or 0) + 1)
            for found in _TOKEN.finditer(text)
        ]
        self._at = 0
        self._depth = 0
        self._atoms = 0
        self._problems: list[Problem] = []

    def parse(self) -> Condition:
        if self._next.kind == "end":
            return ALWAYS
        condition = self._any()
        if self._next.kind != "end":
            self._stop('expected "and", "or" or the end')
        if self._problems:
            raise ConditionError(tuple(self._problems))
        return condition

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, text: str) -> bool:
        """Go past the next token when it is the word or mark `text`."""
        taken = self._next.kind in {"name", "mark"} and self._next.text == text
        self._at += taken
        return taken

    def _stop(self, expected: str) -> NoReturn:
        token = self._next
        there = "the end" if token.kind == "end" else token.text
        message = "a quote is not closed" if token.kind == "other" and token.text in "\"'" else f"{expected}, not {there}"
        raise ConditionError((*self._problems, Problem(token.column, message)))

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ConditionError((*self._problems, Problem(self._next.column, f"is nested more than {MAX_NESTING} deep")))
        if self._take("not"):
            found: Condition = Not(self._one())
        elif self._take("("):
            found = self._any()
            if not self._take(")"):
                self._stop('expected ")"')
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Condition:
        name = self._next
        if name.kind != "name" or name.text in {"and", "or", "in", "contains", "prefix", "true", "false"}:
            self._stop('expected a fact, "not" or "("')
        self._atoms += 1
        if self._atoms > MAX_ATOMS:
            raise ConditionError((*self._problems, Problem(name.column, f"has more than {MAX_ATOMS} comparisons; make it several rules")))
        self._at += 1
        kind = self._facts.get(name.text)
        if kind is None:
            self._problem(name, self._unknown(name.text))
        sign = self._next
        operator = next((found for found in Operator if self._take(found)), None)
        if operator is None:
            advice = "; write == true" if kind and kind.type is FactType.BOOLEAN else ""
            self._stop(f"expected a comparison such as == or in{advice}")
        if kind is not None and operator not in operators_of(kind):
            may = ", ".join(operators_of(kind))
            self._problem(sign, f"{operator} does not go with {name.text}, which is {_described(kind)}; use one of {may}")
            kind = None
        value = self._list(kind) if operator is Operator.IN else self._value(kind, operator)
        return Atom(name.text, operator, value)

    def _list(self, kind: FactKind | None) -> Literal:
        if not self._take("["):
            self._stop('expected a list such as ["a", "b"]')
        values = [self._value(kind, Operator.IN)]
        while self._take(","):
            values.append(self._value(kind, Operator.IN))
        if not self._take("]"):
            self._stop('expected "," or "]"')
        return tuple(values)

    def _value(self, kind: FactKind | None, operator: Operator) -> Scalar:
        token = self._next
        value: Scalar
        if token.kind == "text":
            value = _ESCAPE.sub(r"\1", token.text[1:-1])
        elif token.kind == "number":
            value = float(token.text)
        elif token.kind == "name" and token.text in {"true", "false"}:
            value = token.text == "true"
        else:
            self._stop("expected a text in quotes, a number, true or false")
        self._at += 1
        if kind is None:
            return value
        try:
            return _checked(value, kind, operator)
        except ValueError as error:
            self._problem(token, str(error))
            return value

    def _problem(self, token: _Token, message: str) -> None:
        self._problems.append(Problem(token.column, message))

    def _unknown(self, name: str) -> str:
        scopes = ", ".join(sorted({kind.scope for kind in self._facts.values()}))
        if name in FACTS:
            return f"{name} cannot be read here; only facts of {scopes} can"
        near = get_close_matches(name, self._facts, n=1)
        return f"unknown fact {name}; did you mean {near[0]}?" if near else f"unknown fact {name}; there are facts of {scopes}"


def _described(kind: FactKind) -> str:
    return f"one of {', '.join(kind.choices)}" if kind.choices else f"a {kind.type}" if kind.type is not FactType.INSTANT else "an instant"


def _checked(value: Scalar, kind: FactKind, operator: Operator) -> Scalar:
    """The value as the fact's type has it. ValueError when it does not fit."""
    if kind.type in _TYPES:
        fits = isinstance(value, bool) if kind.type is FactType.BOOLEAN else isinstance(value, float)
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{kind.name} is {_described(kind)}; compare it with {_TYPES[kind.type]}")
        return value
    if not isinstance(value, str):
        raise ValueError(f"{kind.name} is {_described(kind)}; compare it with a text in quotes")  # noqa: TRY004  (a value of the file)
    if kind.type is FactType.INSTANT:
        return parse_instant(value)
    if kind.type is FactType.DATE:
        return parse_date(value)
    if kind.choices and value not in kind.choices:
        raise ValueError(f"{kind.name} is never {value!r}; it is one of {', '.join(kind.choices)}")
    if not value:
        raise ValueError("an empty text matches nothing or everything; write what it should be")
    if kind.fold is Fold.STEM and operator is not Operator.PREFIX:
        found = word_texts(value)
        if len(found) != 1 or found[0] in stop_words():
            raise ValueError(f"{value!r} is never one of the words; write a single word that is no stop word")
    return value
