"""Bounds on a rule's key and form, looked at before anything else."""

from __future__ import annotations

from typing import cast

from genesis_server.flags.rules.errors import RulePath
from genesis_server.flags.rules.work import MAX_DEPTH

MAX_VALUES = 100_000
"""Values in one rule, those inside lists and objects included."""
_MAX_BITS = 1024
_PLAIN = frozenset({str, bool, float, type(None)})


def key_mistake(key: str) -> tuple[RulePath, str] | None:
    """What is wrong with the key of a flag; None when nothing is."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return (), "the key of the flag holds half a character (\\ud8..)"
    return None


def shape_mistake(rule: object) -> tuple[RulePath, str] | None:
    """What is wrong with the form of a rule, and where; None when nothing is."""
    if not isinstance(rule, dict) or len(cast("dict[object, object]", rule)) != 1:
        return (), "a rule is an object with one operator"
    mistake = _value_mistake(cast("object", rule))
    if mistake is not None:
        return (), mistake
    left: list[tuple[object, RulePath]] = [(cast("object", rule), ())]
    count = 1
    while left:
        holder, path = left.pop()
        inside = _inside(holder)
        count += len(inside)
        if len(path) == MAX_DEPTH and inside:
            return path, f"a rule may be nested {MAX_DEPTH} deep"
        if count > MAX_VALUES:
            return path, f"a rule may have {MAX_VALUES} values"
        for name, value in inside:
            if type(value) in _PLAIN:
                continue
            mistake = _value_mistake(value)
            if mistake is not None:
                return (*path, name), mistake
            if isinstance(value, (list, dict)):
                left.append((cast("object", value), (*path, name)))
    return None


def _value_mistake(value: object) -> str | None:
    if isinstance(value, list):
        return None
    if isinstance(value, int):
        return None if value.bit_length() <= _MAX_BITS else f"a whole number may have {_MAX_BITS} bits"
    kind = type(value).__name__
    if isinstance(value, dict) and all(isinstance(name, str) for name in cast("dict[object, object]", value)):
        return None
    return f"not a JSON value: {kind}"


def _inside(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, list):
        return list(enumerate(cast("list[object]", value)))
    return list(cast("dict[str | int, object]", value).items())
