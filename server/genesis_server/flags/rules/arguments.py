"""Closures of operators that only need the values of their arguments, the usual forms without a call in between."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from genesis_server.flags.rules.comparing import equal_to, with_number, with_numbers
from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.lists import one_of
from genesis_server.flags.rules.node import Ask, Node, fixed_node
from genesis_server.flags.rules.sem_ver import VERSION_COMPARISONS, parse_version, version_test
from genesis_server.flags.rules.work import begin
from genesis_server.model.flags import JsonValue

Operator = Callable[..., JsonValue]


_OF_NUMBERS: Mapping[str, Callable[[Any, Any], JsonValue]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": lambda a, b: 0 + a + b,
    "-": operator.sub,
}


def operator_node(name: str, function: Operator, nodes: Sequence[Node]) -> Node:
    """The operator `name`, which `function` carries out, with its arguments."""
    if all(node.fixed for node in nodes):
        return _folded(_asked(function, [node.ask for node in nodes]))
    if len(nodes) == 2:
        first, second = nodes
        usual = _usual(name, function, first, second)
        if usual is not None:
            return usual
    if name == "sem_ver" and len(nodes) == 3:
        usual = _version_test(*nodes)
        if usual is not None:
            return usual
    return Node(_asked(function, [node.ask for node in nodes]))


def _usual(name: str, function: Operator, first: Node, second: Node) -> Node | None:
    if name in _OF_NUMBERS:
        if second.fixed and type(second.value) in {int, float}:
            return Node(with_number(first.ask, cast("float", second.value), _OF_NUMBERS[name], function))
        return Node(with_numbers(first.ask, second.ask, _OF_NUMBERS[name], function))
    if name == "==" and (first.fixed or second.fixed):
        asked, wanted = (second, first.value) if first.fixed else (first, second.value)
        return Node(equal_to(asked.ask, wanted)) if isinstance(wanted, (str, int, float)) else None
    if name == "in" and isinstance(second.value, list) and not any(isinstance(item, (list, dict)) for item in second.value):
        return Node(one_of(first.ask, frozenset(second.value)), size=1 + first.size)
    return None


def _version_test(first: Node, comparison: Node, second: Node) -> Node | None:
    if not (comparison.fixed and isinstance(comparison.value, str) and comparison.value in VERSION_COMPARISONS and second.fixed):
        return None
    version = parse_version(second.value)
    return None if version is None else Node(version_test(first.ask, comparison.value, version))


def _folded(ask: Ask) -> Node:
    """What does not depend on the data is worked out now; what goes wrong, does so only when it is reached."""
    begin()
    try:
        value = ask({})
    except (RuleError, TypeError, ValueError, ArithmeticError):
        return Node(ask)
    return Node(ask) if isinstance(value, (list, dict)) else fixed_node(value)


def _asked(operator: Operator, asks: list[Ask]) -> Ask:
    if len(asks) == 1:
        return _one(operator, asks[0])
    if len(asks) == 2:
        return _two(operator, asks[0], asks[1])
    return lambda data: operator(*[ask(data) for ask in asks])


def _one(operator: Operator, first: Ask) -> Ask:
    return lambda data: operator(first(data))


def _two(operator: Operator, first: Ask, second: Ask) -> Ask:
    return lambda data: operator(first(data), second(data))
