"""`if`, `and`, `or`: ask no more than they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genesis_server.flags.rules.coercion import truthy
from genesis_server.flags.rules.node import Ask, Node, fixed_node
from genesis_server.model.flags import JsonValue


def if_node(nodes: Sequence[Node]) -> Node:
    """`[condition, then, condition, then, ..., else]`, null without an else."""
    otherwise = nodes[-1] if len(nodes) % 2 else fixed_node(None)
    branches: list[tuple[Node, Node]] = []
    for condition, then in zip(nodes[0:-1:2], nodes[1::2], strict=True):
        if not condition.fixed:
            branches.append((condition, then))
        elif truthy(condition.value):
            otherwise = then
            break
    if not branches:
        return otherwise
    if len(branches) == 1:
        return Node(_either(branches[0][0].ask, branches[0][1].ask, otherwise.ask))
    return Node(_ladder(tuple((condition.ask, then.ask) for condition, then in branches), otherwise.ask))


def _either(condition: Ask, then: Ask, otherwise: Ask) -> Ask:
    def ask(data: Any) -> JsonValue:
        found = condition(data)
        return then(data) if found is True or (found is not False and truthy(found)) else otherwise(data)

    return ask


def _ladder(branches: tuple[tuple[Ask, Ask], ...], otherwise: Ask) -> Ask:
    def ask(data: Any) -> JsonValue:
        for condition, then in branches:
            found = condition(data)
            if found is True or (found is not False and truthy(found)):
                return then(data)
        return otherwise(data)

    return ask


def and_node(nodes: Sequence[Node]) -> Node:
    """The first value that counts as false, else the last; null of nothing."""
    return _first(nodes, wanted=False)


def or_node(nodes: Sequence[Node]) -> Node:
    """The first value that counts as true, else the last; null of nothing."""
    return _first(nodes, wanted=True)


def _first(nodes: Sequence[Node], *, wanted: bool) -> Node:
    asked: list[Node] = []
    for number, node in enumerate(nodes, 1):
        decided = node.fixed and truthy(node.value) is wanted
        if decided or not node.fixed or number == len(nodes):
            asked.append(node)
        if decided:
            break
    if len(asked) < 2:
        return asked[0] if asked else fixed_node(None)
    *firsts, last = [node.ask for node in asked]

    def ask(data: Any) -> JsonValue:
        for each in firsts:
            found = each(data)
            if found is wanted or (found is not (not wanted) and truthy(found) is wanted):
                return found
        return last(data)

    return Node(ask)


def negated(value: JsonValue = None, *_rest: JsonValue) -> bool:
    """`!`: whether a value counts as false."""
    return not truthy(value)


def as_boolean(value: JsonValue = None, *_rest: JsonValue) -> bool:
    """`!!`: whether a value counts as true."""
    return truthy(value)
