"""Operators over texts."""

from __future__ import annotations

from math import isnan

from genesis_server.flags.rules.coercion import joined, to_number, to_text
from genesis_server.flags.rules.work import spend_on_text
from genesis_server.model.flags import JsonValue


def concatenate(*values: JsonValue) -> str:
    """`cat`: all values as texts, in a row. Raises RuleError when that is too long."""
    return joined([to_text(value) for value in values])


def part_of_text(value: JsonValue = None, index: JsonValue = None, length: JsonValue = None, *_rest: JsonValue) -> str:
    """`substr`: from `index`, which counts from the end when it is negative; `length` characters, or all but that many when negative."""
    text = to_text(value)
    spend_on_text(text)
    size = len(text)
    start = _start(to_number(index), size)
    if length is None:
        return text[start:]
    count = to_number(length)
    if isnan(count):
        return ""
    count = int(count)
    return text[start : max(size + count, start) if count < 0 else start + count]


def _start(index: float, size: int) -> int:
    if isnan(index):
        return 0
    if index < 0:
        return 0 if -index >= size else size - int(-index)
    return min(int(index), size)


def starts_with(*values: JsonValue) -> bool | None:
    """Whether the first of two texts starts with the second; null for anything but two texts."""
    if len(values) != 2:
        return None
    text, start = values
    return text.startswith(start) if isinstance(text, str) and isinstance(start, str) else None


def ends_with(*values: JsonValue) -> bool | None:
    """Whether the first of two texts ends with the second; null for anything but two texts."""
    if len(values) != 2:
        return None
    text, end = values
    return text.endswith(end) if isinstance(text, str) and isinstance(end, str) else None
