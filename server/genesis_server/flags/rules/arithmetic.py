"""Sums and products. Whole numbers stay whole; a quotient never is."""

from __future__ import annotations

from math import nan

from genesis_server.flags.rules.coercion import to_number
from genesis_server.flags.rules.errors import RuleError
from genesis_server.model.flags import JsonValue

_LIMIT = 1 << 1024
"""Beyond every floating-point number; Python's whole numbers would grow without end."""

Number = float | int


def add(*values: JsonValue) -> Number:
    """The sum; 0 of nothing."""
    total: Number = 0
    for value in values:
        total += to_number(value)
    return total


def multiply(*values: JsonValue) -> Number:
    """The product; 1 of nothing. Raises RuleError for a whole number that no floating-point number reaches."""
    product: Number = 1
    for value in values:
        product *= to_number(value)
        if isinstance(product, int) and not -_LIMIT < product < _LIMIT:
            raise RuleError("the product is too large a number")
    return product


def subtract(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> Number:
    """The difference; the negative of the first when there is no second, or it is null."""
    return -to_number(a) if b is None else to_number(a) - to_number(b)


def divide(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> float:
    """The quotient. Raises ZeroDivisionError."""
    return to_number(a) / to_number(b)


def remainder(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> Number:
    """The remainder, with the sign of the second. Raises ZeroDivisionError."""
    return to_number(a) % to_number(b)


def least(*values: JsonValue) -> Number:
    """The least number; NaN of nothing."""
    return min(map(to_number, values)) if values else nan


def greatest(*values: JsonValue) -> Number:
    """The greatest number; NaN of nothing."""
    return max(map(to_number, values)) if values else nan
