"""Compares two values: which is less, and whether they are equal."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from genesis_server.flags.rules.coercion import loosely_equal, to_number, to_text
from genesis_server.flags.rules.node import Ask
from genesis_server.model.flags import JsonValue

Comparison = Callable[[Any, Any], bool]


def _ordered(compare: Comparison, a: JsonValue, b: JsonValue) -> bool:
    """As numbers when one of them is a number, else as texts when one is a text, else as numbers."""
    if isinstance(a, (int, float)) or isinstance(b, (int, float)):
        return compare(to_number(a), to_number(b))
    if isinstance(a, str) or isinstance(b, str):
        return compare(to_text(a), to_text(b))
    return compare(to_number(a), to_number(b))


def comparison(compare: Comparison) -> Callable[..., bool]:
    """`a < b`, or `a < b < c` when there is a third value that is not null."""

    def compared(a: JsonValue = None, b: JsonValue = None, c: JsonValue = None, *_rest: JsonValue) -> bool:
        return _ordered(compare, a, b) and (c is None or _ordered(compare, b, c))

    return compared


less, less_or_equal = comparison(operator.lt), comparison(operator.le)
greater, greater_or_equal = comparison(operator.gt), comparison(operator.ge)


def equal_to(asked: Ask, wanted: JsonValue) -> Ask:
    """`==` with a text, a number or a boolean that stands in the rule."""
    kind = type(wanted)

    def ask(data: Any) -> bool:
        value = asked(data)
        return value == wanted if type(value) is kind else loosely_equal(value, wanted)

    return ask


def with_numbers(first: Ask, second: Ask, of_numbers: Callable[[Any, Any], JsonValue], of_others: Callable[..., JsonValue]) -> Ask:
    """An operator of two values that are numbers as a rule."""

    def ask(data: Any) -> JsonValue:
        a, b = first(data), second(data)
        if (type(a) is int or type(a) is float) and (type(b) is int or type(b) is float):
            return of_numbers(a, b)
        return of_others(a, b)

    return ask


def with_number(first: Ask, second: float, of_numbers: Callable[[Any, Any], JsonValue], of_others: Callable[..., JsonValue]) -> Ask:
    """The same with a second number that stands in the rule."""

    def ask(data: Any) -> JsonValue:
        a = first(data)
        return of_numbers(a, second) if type(a) is int or type(a) is float else of_others(a, second)

    return ask
