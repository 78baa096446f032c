"""What a rulebook must look like when it comes from a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.rules.facts import parse_instant
from genesis_server.text.toml_file import TableSchema

MAX_RULES = 1_000
"""The lint compares each with each; more would take it longer than a caller waits."""

EFFECTS = {
    "allow": RuleEffect.ALLOW,
    "deny": RuleEffect.DENY,
    "require": RuleEffect.REQUIRE,
    "prefer": RuleEffect.PREFER,
    "weight": RuleEffect.WEIGHT,
}


def _checked_instant(text: str) -> str:
    parse_instant(text)
    return text


InstantText = Annotated[str, AfterValidator(_checked_instant)]
ConditionText = Annotated[str, Field(max_length=4_000)]


class RuleEntry(TableSchema):
    """`[[rules]]`."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")
    description: str = Field(default="", max_length=2_000)
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    enabled: bool = True
    valid_from: InstantText | None = None
    valid_until: InstantText | None = None
    effect: Literal["allow", "deny", "require", "prefer", "weight"]
    weight: float | None = Field(default=None, ge=-1, le=1, allow_inf_nan=False)
    when: ConditionText = ""
    who: ConditionText = ""
    explanation: str = Field(min_length=1, max_length=1_000)


class EndEntry(TableSchema):
    """`[end]`, the mark that the file is whole."""


class RulebookFile(TableSchema):
    """The whole file."""

    rules: list[RuleEntry] = Field(default=[], max_length=MAX_RULES)
    end: EndEntry
