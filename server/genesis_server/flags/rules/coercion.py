"""How JSONLogic takes one type for another: exactly as panzi-json-logic 1.0.1 does, which flagd's evaluator in Python uses.

Differences from JavaScript are meant: `null` equals 0 and `""` does not, and a boolean among texts is written True and False.
"""

from __future__ import annotations

from math import isnan, nan

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.work import MAX_DEPTH, MAX_TEXT, spend, spend_on_text
from genesis_server.model.flags import JsonValue

_NOT_NUMBERS = ("inf", "-inf", "+inf")


def truthy(value: JsonValue) -> bool:
    """Whether a value counts as true: not null, false, zero, NaN, the empty text or the empty list. An object always does."""
    if isinstance(value, dict):
        return True
    if isinstance(value, float) and isnan(value):
        return False
    return bool(value)


def to_number(value: JsonValue) -> float | int:
    """A value as a number, NaN when it is none: null and the empty list are 0, a list of one is what it holds."""
    while isinstance(value, list):
        spend(1)
        value = value[0] if len(value) == 1 else nan if value else 0
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return 0
    return nan if isinstance(value, dict) else _number_in(value)


def _number_in(text: str) -> float:
    spend_on_text(text)
    try:
        return nan if text.strip().lower() in _NOT_NUMBERS else float(text)
    except ValueError:
        return nan


def to_text(value: JsonValue) -> str:
    """A value as text. Raises RuleError for a list that is too long or too deep, ValueError for a number of over 4300 digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "[object Object]"
    return _list_text(value, 1)


def _list_text(items: list[JsonValue], depth: int) -> str:
    if depth > MAX_DEPTH:
        raise RuleError(f"a list is nested more than {MAX_DEPTH} deep")
    spend(len(items))
    return joined([_list_text(item, depth + 1) if isinstance(item, list) else to_text(item) for item in items], ",")


def joined(texts: list[str], between: str = "") -> str:
    """Texts put together. Raises RuleError when that is longer than MAX_TEXT."""
    if sum(map(len, texts)) > MAX_TEXT:
        raise RuleError(f"the rule puts a text of more than {MAX_TEXT} characters together")
    text = between.join(texts)
    spend_on_text(text)
    return text


def loosely_equal(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> bool:
    """`==`: values of different types are equal when they are as numbers or as texts; a list or object only equals itself."""
    if type(a) is type(b):
        return a is b if isinstance(a, (list, dict)) else a == b
    if isinstance(a, (int, float)):
        return a == to_number(b)
    if isinstance(b, (int, float)):
        return to_number(a) == b
    if isinstance(a, str) and isinstance(b, (list, dict)):
        return a == to_text(b)
    if isinstance(b, str) and isinstance(a, (list, dict)):
        return to_text(a) == b
    return False


def strictly_equal(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> bool:
    """`===`: as Python compares, so that 1, 1.0 and true are equal, and lists and objects by what they hold."""
    if isinstance(a, (list, dict)) and isinstance(b, (list, dict)):
        return _same(a, b)
    return a == b


def _same(a: JsonValue, b: JsonValue) -> bool:
    pairs: list[tuple[JsonValue, JsonValue]] = [(a, b)]
    while pairs:
        left, right = pairs.pop()
        if left is right:
            continue
        if isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            spend(len(left))
            pairs.extend(zip(left, right, strict=True))
        elif isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            spend(len(left))
            pairs.extend((value, right[name]) for name, value in left.items())
        elif isinstance(left, (list, dict)) or left != right:
            return False
    return True


def contains(items: list[JsonValue], wanted: JsonValue) -> bool:
    """Whether a list holds a value, by `strictly_equal`; the same NaN counts as equal, as in Python."""
    spend(len(items))
    if isinstance(wanted, (list, dict)):
        return any(_same(wanted, item) for item in items)
    return wanted in items
