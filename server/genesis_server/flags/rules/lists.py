"""Operators over lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genesis_server.flags.rules.coercion import contains, to_text, truthy
from genesis_server.flags.rules.node import Ask
from genesis_server.flags.rules.work import spend, spend_on_text
from genesis_server.model.flags import JsonValue

ListOperator = Callable[[Ask, Ask, int], Ask]
"""Asks of the list, of each item, and how many steps the latter takes; makes what asks of the whole."""


def is_in(value: JsonValue = None, holder: JsonValue = None, *_rest: JsonValue) -> bool:
    """`in`: whether a list holds a value, or a text holds it as a text."""
    if isinstance(holder, list):
        return contains(holder, value)
    if isinstance(holder, str):
        spend_on_text(holder)
        return to_text(value) in holder
    return False


def one_of(asked: Ask, values: frozenset[JsonValue]) -> Ask:
    """`in` a list of texts, numbers, booleans and nulls that stands in the rule."""

    def ask(data: Any) -> bool:
        value = asked(data)
        return not isinstance(value, (list, dict)) and value in values

    return ask


def merge(*values: JsonValue) -> list[JsonValue]:
    """All values in one list, with the items of those that are lists."""
    merged: list[JsonValue] = []
    for value in values:
        if isinstance(value, list):
            spend(len(value))
            merged.extend(value)
        else:
            merged.append(value)
    return merged


def _items(found: JsonValue, steps: int) -> list[JsonValue] | None:
    if not isinstance(found, list):
        return None
    spend(len(found) * steps)
    return found


def map_list(items: Ask, each: Ask, steps: int) -> Ask:
    """`map`: what is said of each item; the empty list of what is no list."""
    return lambda data: [each(item) for item in _items(items(data), steps) or ()]


def filter_list(items: Ask, each: Ask, steps: int) -> Ask:
    """`filter`: the items of which is said what counts as true; the empty list of what is no list."""
    return lambda data: [item for item in _items(items(data), steps) or () if truthy(each(item))]


def all_of(items: Ask, each: Ask, steps: int) -> Ask:
    """`all`: whether there are items, and it is said of all of them."""

    def ask(data: Any) -> bool:
        found = _items(items(data), steps)
        return bool(found) and all(truthy(each(item)) for item in found)

    return ask


def some_of(items: Ask, each: Ask, steps: int) -> Ask:
    """`some`: whether it is said of an item."""
    return lambda data: any(truthy(each(item)) for item in _items(items(data), steps) or ())


def none_of(items: Ask, each: Ask, steps: int) -> Ask:
    """`none`: whether it is said of no item."""
    return lambda data: not any(truthy(each(item)) for item in _items(items(data), steps) or ())


def reduce_list(items: Ask, each: Ask, steps: int, start: JsonValue) -> Ask:
    """`reduce`: what is said of the last item as `current` together with what was said of those before as `accumulator`."""

    def ask(data: Any) -> JsonValue:
        accumulator = start
        for item in _items(items(data), steps) or ():
            accumulator = each({"accumulator": accumulator, "current": item})
        return accumulator

    return ask


LIST_OPERATORS: dict[str, tuple[ListOperator, JsonValue]] = {
    "map": (map_list, []),
    "filter": (filter_list, []),
    "all": (all_of, False),
    "some": (some_of, False),
    "none": (none_of, True),
}
"""The operators over each item, and what they say with too few arguments."""
