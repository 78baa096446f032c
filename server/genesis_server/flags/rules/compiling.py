"""Turns a targeting rule into closures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from genesis_server.flags.rules.arguments import operator_node
from genesis_server.flags.rules.errors import RuleError, RuleMistakesError, RulePath
from genesis_server.flags.rules.fractional import fractional_node
from genesis_server.flags.rules.lists import LIST_OPERATORS, reduce_list
from genesis_server.flags.rules.logic import and_node, if_node, or_node
from genesis_server.flags.rules.node import Findings, Node, Scope, fixed_node, list_node
from genesis_server.flags.rules.operators import OPERATORS
from genesis_server.flags.rules.reading import missing_node, missing_some_node, var_node
from genesis_server.flags.rules.shape import key_mistake, shape_mistake
from genesis_server.flags.rules.work import begin
from genesis_server.model.flags import Generation, JsonValue

__all__ = ["MAX_OPERATORS", "CompiledRule", "RuleError", "RuleMistakesError", "RulePath", "compile_rule"]

MAX_OPERATORS = 2000
"""Operators in one rule."""
_CHOICES: Mapping[str, Callable[[Sequence[Node]], Node]] = {"if": if_node, "?:": if_node, "and": and_node, "or": or_node}
_READERS: Mapping[str, Callable[[Scope, Sequence[Node]], Node]] = {
    "var": var_node,
    "missing": missing_node,
    "missing_some": missing_some_node,
    "fractional": fractional_node,
}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that is ready to be asked."""

    ask: Callable[[Mapping[str, object]], object]
    """What the rule says of the data of a FlagContext (`FlagContext.data()`): any JSON value. Raises RuleError.

    For the caller null stands for the default variant, true and false for the variants "true" and "false", and a text for the variant of
    that name; anything else is wrong. A list may hold itself so many times over that nobody can write it out.
    """
    reads: frozenset[str] | None
    """Names at the top of the data that it may read; None: it may read any."""
    draws: bool
    """Whether somebody is drawn by percentage in it."""


def compile_rule(key: str, rule: object, *, generation: Generation) -> CompiledRule:
    """Compile the targeting rule of the flag `key`, whose `$ref`s are inlined already. Raises RuleMistakesError."""
    begin()
    mistake = key_mistake(key) or shape_mistake(rule)
    if mistake is not None:
        raise RuleMistakesError([mistake])
    compiler = _Compiler(key, generation)
    try:
        node = compiler.node(cast("JsonValue", rule), (), compiler.scope)
    except RuleError as error:
        raise RuleMistakesError([((), str(error))]) from error
    if compiler.mistakes:
        raise RuleMistakesError(compiler.mistakes)
    found = compiler.scope.findings
    return CompiledRule(_asking(node), None if found.reads_any else frozenset(found.reads), found.draws)


def _asking(node: Node) -> Callable[[Mapping[str, object]], object]:
    inner = node.ask

    def ask(data: Mapping[str, object]) -> object:
        begin()
        try:
            return inner(data)
        except (TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
            raise RuleError(f"the rule cannot be worked out for this context: {error}") from error

    return ask


class _Compiler:
    """Compiles one rule and collects its mistakes."""

    def __init__(self, key: str, generation: Generation) -> None:
        self.scope = Scope(key, generation, Findings())
        self.mistakes: list[tuple[RulePath, str]] = []
        self._operators = 0

    def node(self, logic: JsonValue, path: RulePath, scope: Scope) -> Node:
        """Compile a part of the rule."""
        if isinstance(logic, list):
            return self._list(logic, path, scope)
        if not isinstance(logic, dict) or len(logic) != 1:
            return fixed_node(logic)
        ((operator, arguments),) = logic.items()
        path = (*path, operator)
        self._operators += 1
        if self._operators == MAX_OPERATORS + 1:
            self.mistakes.append((path, f"a rule may have {MAX_OPERATORS} operators"))
        if self._operators > MAX_OPERATORS:
            return fixed_node(None)
        if not isinstance(arguments, list):
            return self._operator(operator, [arguments], [path], path, scope)
        return self._operator(operator, arguments, [(*path, number) for number in range(len(arguments))], path, scope)

    def _list(self, items: list[JsonValue], path: RulePath, scope: Scope) -> Node:
        if not any(isinstance(item, (list, dict)) for item in items):
            return list_node(items)
        nodes = tuple(self.node(item, (*path, number), scope) for number, item in enumerate(items))
        asks = [node.ask for node in nodes]
        fixed = all(node.fixed for node in nodes)
        return Node(
            lambda data: [ask(data) for ask in asks],
            fixed=fixed,
            value=[node.value for node in nodes] if fixed else None,
            items=nodes,
            size=1 + sum(node.size for node in nodes),
        )

    def _operator(self, name: str, arguments: list[JsonValue], paths: list[RulePath], path: RulePath, scope: Scope) -> Node:
        if name in LIST_OPERATORS or name == "reduce":
            return self._over_list(name, arguments, paths, scope)
        nodes = [self.node(argument, where, scope) for argument, where in zip(arguments, paths, strict=True)]
        node = self._built(name, nodes, path, scope)
        return node if node.size else replace(node, size=1 + sum(argument.size for argument in nodes))

    def _built(self, name: str, nodes: Sequence[Node], path: RulePath, scope: Scope) -> Node:
        if name in _CHOICES:
            return _CHOICES[name](nodes)
        if name in OPERATORS:
            return operator_node(name, OPERATORS[name], nodes)
        if name in _READERS:
            if name == "var" and len(nodes) > 2:
                self.mistakes.append((path, "var takes a name and a default, and nothing else"))
            return _READERS[name](scope, nodes)
        self.mistakes.append((path, f"there is no operator {name[:60]!r}"))
        return fixed_node(None)

    def _over_list(self, name: str, arguments: list[JsonValue], paths: list[RulePath], scope: Scope) -> Node:
        inside = scope.inside_list()
        items = self.node(arguments[0], paths[0], scope) if arguments else None
        each = self.node(arguments[1], paths[1], inside) if len(arguments) > 1 else None
        if name == "reduce":
            start = arguments[2] if len(arguments) > 2 else None
            if items is None:
                return fixed_node(None)
            each = each or fixed_node(None)
            return Node(reduce_list(items.ask, each.ask, each.size + 1, start), size=items.size + 1)
        operator, without = LIST_OPERATORS[name]
        if items is None or (each is None and name != "map"):
            return list_node([]) if without == [] else fixed_node(without)
        each = each or fixed_node(None)
        return Node(operator(items.ask, each.ask, each.size + 1), size=items.size + 1)
