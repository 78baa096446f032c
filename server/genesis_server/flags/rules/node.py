"""A part of a rule that is compiled, and what operators are told about the rule around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from genesis_server.model.flags import Generation, JsonValue

Ask: TypeAlias = Callable[[Any], JsonValue]
"""What a part of a rule says of the data: those of the context, or an item of a list inside the operators over lists."""


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled part of a rule."""

    ask: Ask
    fixed: bool = False
    """Whether it is the same for all data."""
    value: JsonValue = None
    """What it is, when fixed."""
    items: tuple[Node, ...] | None = None
    """The items of a list that is written out in the rule."""
    size: int = 0
    """How many steps it takes at most, what operators over lists spend themselves aside; 0: one more than its arguments take."""


@dataclass(slots=True)
class Findings:
    """What is found out about a rule while it is compiled."""

    reads: set[str] = field(default_factory=set[str])
    reads_any: bool = False
    draws: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in which rule an operator stands."""

    flag_key: str
    generation: Generation
    findings: Findings
    at_top: bool = True
    """Whether it reads the context; else an item of a list."""

    def inside_list(self) -> Scope:
        """The scope of what is asked of each item of a list."""
        return replace(self, at_top=False)


def fixed_node(value: JsonValue) -> Node:
    """A value that stands in the rule as it is."""
    return Node(lambda _: value, fixed=True, value=value, size=1)


def list_node(value: list[JsonValue]) -> Node:
    """A list without lists in it that stands in the rule as it is. It is another one each time: `==` tells them apart."""
    return Node(lambda _: value[:], fixed=True, value=value, size=1 + len(value))
