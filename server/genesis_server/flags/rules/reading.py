"""Operators that read the data: `var`, `missing`, `missing_some`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from genesis_server.flags.rules.coercion import to_number, to_text
from genesis_server.flags.rules.node import Ask, Node, Scope, fixed_node
from genesis_server.flags.rules.work import spend
from genesis_server.model.flags import JsonValue

FLAGD = "$flagd"
FLAG_KEY = "flagKey"
TARGETING_KEY = "targetingKey"


def look_up(data: JsonValue, key: JsonValue, default: JsonValue = None) -> JsonValue:
    """What `data` holds under a dotted name or a position; all of it when the key is null or empty; `default` when that is nothing."""
    if key is None or key == "":
        return data
    if isinstance(key, (int, float)):
        return _at(data, key, default)
    name = to_text(key)
    spend(len(name) >> 4)
    return _walk(data, name.split("."), default)


def _at(data: JsonValue, position: float, default: JsonValue) -> JsonValue:
    if not isinstance(data, (list, str)) or position != position or int(position) != position:  # noqa: PLR0124 -- NaN
        return default
    return data[int(position)] if 0 <= position < len(data) else default


def _walk(data: JsonValue, names: Sequence[str], default: JsonValue) -> JsonValue:
    for name in names:
        if isinstance(data, dict):
            data = data.get(name)
        elif not isinstance(data, (list, str)):
            return default
        elif name == "length":
            return len(data)
        else:
            index = _index(name)
            if index is None or index >= len(data):
                return default
            data = data[index]
    return default if data is None else data


def _index(name: str) -> int | None:
    """A position as it is written by a computer: no sign, no zeros in front."""
    return int(name) if name.isascii() and name.isdigit() and len(name) < 10 and (name[0] != "0" or name == "0") else None


def whole_context(data: Any, flag_key: str) -> dict[str, JsonValue]:
    """All that a rule may read of the context, with the flag's key, which `FlagContext.data()` leaves to the compiler."""
    spend(len(data) >> 4)
    inside = data.get(FLAGD)
    return {TARGETING_KEY: None, **data, FLAGD: {**(inside if isinstance(inside, dict) else {}), FLAG_KEY: flag_key}}


def var_node(scope: Scope, nodes: Sequence[Node]) -> Node:
    """`var`: what stands under a name, or a default."""
    key = nodes[0] if nodes else fixed_node(None)
    default = nodes[1] if len(nodes) > 1 else fixed_node(None)
    if not key.fixed:
        return Node(_computed(scope, key.ask, default.ask))
    if key.value is None or key.value == "":
        return Node(_after(default, _all(scope)))
    if isinstance(key.value, (int, float)):
        # The context is an object, which holds nothing under a number.
        return default if scope.at_top else Node(_number(key.value, default.ask))
    return _named(scope, to_text(key.value), default)


def _named(scope: Scope, name: str, default: Node) -> Node:
    names = name.split(".")
    otherwise, size = default.ask, len(names) + default.size
    if not scope.at_top:
        return Node(lambda data: _walk(data, names, otherwise(data)), size=size)
    if names[0] == FLAGD and (len(names) == 1 or names[1] == FLAG_KEY):
        if len(names) == 1:
            scope.findings.reads.add(FLAGD)
            return Node(_after(default, lambda data: whole_context(data, scope.flag_key)[FLAGD]))
        value = _walk(scope.flag_key, names[2:], None)
        return default if value is None else _then(default, value)
    scope.findings.reads.add(names[0])
    if default.fixed and default.value is None and len(names) < 3:
        return Node(_inner(*names) if len(names) == 2 else lambda data: data.get(name), size=size)
    first, *rest = names
    return Node(lambda data: _walk(data.get(first), rest, otherwise(data)), size=size)


def _then(default: Node, value: JsonValue) -> Node:
    return fixed_node(value) if default.fixed else Node(_after(default, lambda _: value))


def _after(default: Node, ask: Ask) -> Ask:
    """As in the reference, a default that goes wrong does so even when it is not needed."""
    if default.fixed:
        return ask

    def asked(data: Any) -> JsonValue:
        default.ask(data)
        return ask(data)

    return asked


def _all(scope: Scope) -> Ask:
    if not scope.at_top:
        return lambda data: data
    scope.findings.reads_any = True
    return lambda data: whole_context(data, scope.flag_key)


def _inner(outer: str, inner: str) -> Ask:
    """What stands in an object, or a list, of the context."""

    def ask(data: Any) -> JsonValue:
        inside: JsonValue = data.get(outer)
        return inside.get(inner) if type(inside) is dict else _walk(inside, (inner,), None)

    return ask


def _number(position: float, default: Ask) -> Ask:
    return lambda data: _at(data, position, default(data))


def _computed(scope: Scope, key: Ask, default: Ask) -> Ask:
    if not scope.at_top:
        return lambda data: look_up(data, key(data), default(data))
    everything = _all(scope)
    return lambda data: look_up(everything(data), key(data), default(data))


def missing(data: JsonValue, *values: JsonValue) -> list[JsonValue]:
    """Which of the names have no value in `data`, or an empty text; the names are the first value when that is a list, else all values."""
    first = values[0] if values else None
    names = first if isinstance(first, list) else values
    spend(len(names))
    return [name for name in names if look_up(data, name) in (None, "")]


def missing_some(data: JsonValue, needed: JsonValue = 0, names: JsonValue = None, *_rest: JsonValue) -> list[JsonValue]:
    """As `missing`, but nothing when at least `needed` of the names have a value."""
    if not isinstance(names, list):
        return []
    enough = to_number(needed)
    absent = missing(data, names)
    return [] if len(names) - len(absent) >= enough else absent


def missing_node(scope: Scope, nodes: Sequence[Node]) -> Node:
    """`missing`, compiled."""
    return _looking(scope, nodes, missing, nodes)


def missing_some_node(scope: Scope, nodes: Sequence[Node]) -> Node:
    """`missing_some`, compiled."""
    return _looking(scope, nodes, missing_some, nodes[1:2])


def _looking(scope: Scope, nodes: Sequence[Node], operator: Callable[..., list[JsonValue]], names: Sequence[Node]) -> Node:
    asks = [node.ask for node in nodes]
    if not scope.at_top:
        return Node(lambda data: operator(data, *[ask(data) for ask in asks]))
    written = _written_names(names)
    if written is None:
        scope.findings.reads_any = True
    else:
        scope.findings.reads.update(written)
    return Node(lambda data: operator(whole_context(data, scope.flag_key), *[ask(data) for ask in asks]))


def _written_names(nodes: Sequence[Node]) -> set[str] | None:
    """The names at the top of all values that may be names; None when one is not written out in the rule, or is the whole context."""
    names: set[str] = set()
    for node in nodes:
        values = node.value if isinstance(node.value, list) else [node.value]
        if not node.fixed or None in values or "" in values:
            return None
        names.update(to_text(value).split(".")[0] for value in values)
    return names
