"""What a flag is defined as, in the words of flagd's flag-definition format.

A flag is `{"state", "variants", "defaultVariant", "targeting", "metadata"}`; reading.py reads files of them.
Format: https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from genesis_server.flags.rules.compiling import CompiledRule
from genesis_server.model.flags import Generation, JsonValue, Scalar

BUCKETING = "genesis.bucketing"
"""Metadata of a flag or of its set that pins the generation of the draws by percentage: "v2" or "v3"."""
GENERATIONS: Mapping[str, Generation] = {"v2": Generation.V2, "v3": Generation.V3}
NEWEST = "v3"
"""The generation of flags that say nothing."""


@dataclass(frozen=True, slots=True)
class FlagDefinition:
    """A flag as one layer defines it, ready to be asked."""

    key: str
    active: bool
    """False: the state is DISABLED, and a flag of Genesis has its built-in default, any other none."""
    variants: Mapping[str, JsonValue]
    """The values by name, all of one type."""
    default_variant: str | None
    """None: the choice is left to the built-in default, or to the caller's own."""
    rule: JsonValue = None
    """The targeting rule with its `$ref`s inlined; None when there is none."""
    compiled: CompiledRule | None = field(default=None, compare=False)
    """The rule, compiled."""
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """What it says besides: the metadata of the flag over that of its set."""
    text: str = ""
    """The flag's object as it was written, JSON without blanks."""
    raw: str = field(default="", compare=False, repr=False)
    """The flag's object letter for letter, where it was read from a file: told to be unchanged without reading it."""
    digest: str = ""
    """SHA-256 of all that matters, in hexadecimal: equal for definitions that answer alike for everybody."""

    @property
    def description(self) -> str:
        """What the flag switches; empty when its metadata does not say."""
        return str(self.metadata.get("description", ""))

    @property
    def group(self) -> str:
        """Key of the flag without which this one is off; empty for none."""
        return str(self.metadata.get("group", ""))

    @property
    def emergency(self) -> bool:
        """Whether it is set and cleared by hand, and by nothing else."""
        return self.metadata.get("emergency") is True

    @property
    def type(self) -> str:
        """Type of its values: "boolean", "string", "number" or "object" (lists too)."""
        return type_word(next(iter(self.variants.values()), None))

    @property
    def generation(self) -> Generation:
        """How it draws by percentage."""
        return GENERATIONS[str(self.metadata.get(BUCKETING, NEWEST))]

    def variant_of(self, value: bool) -> str:  # noqa: FBT001  (a switch's value is a boolean)
        """Name of the first variant with this value; "on" or "off" when no variant has it."""
        return next((name for name, meant in self.variants.items() if meant is value), "on" if value else "off")

    def whole(self) -> dict[str, JsonValue]:
        """The flag's object with `$ref`s inlined and the set's metadata merged: it means the same in any file."""
        flag: dict[str, JsonValue] = {"state": "ENABLED" if self.active else "DISABLED", "variants": dict(self.variants)}
        if self.default_variant is not None:
            flag["defaultVariant"] = self.default_variant
        if self.rule is not None:
            flag["targeting"] = self.rule
        if self.metadata:
            flag["metadata"] = dict(self.metadata)
        return flag


class FlagMistakesError(ValueError):
    """Flags or a variable cannot be used; `mistakes` holds every reason, each naming its file and line or its variable."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        """Keep the mistakes."""
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def type_word(value: JsonValue) -> str:
    """Type of a flag's value in OpenFeature's words; empty for null, which no flag may be."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "" if value is None else "object"


def flags_document(definitions: Iterable[FlagDefinition]) -> bytes:
    """A flag file that defines the same flags, however they came together."""
    flags = {definition.key: definition.whole() for definition in definitions}
    return json.dumps({"flags": flags}, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=1)
def built_in_flags() -> Mapping[str, FlagDefinition]:
    """The flags that ship (data/flags.json), by key: exactly those that switch something."""
    from genesis_server.flags.reading import read_built_in  # noqa: PLC0415  (reading.py needs this module)

    return read_built_in((files("genesis_server") / "data" / "flags.json").read_bytes())


@lru_cache(maxsize=1)
def flags_not_built() -> tuple[str, ...]:
    """Flags of the specification whose feature is not built (data/flags_not_built.txt); nothing reads them."""
    text = (files("genesis_server") / "data" / "flags_not_built.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def did_you_mean(word: str, choices: Mapping[str, object] | tuple[str, ...]) -> str:
    """The end of a sentence that names the nearest choice, or all of them when none is near."""
    near = get_close_matches(word, list(choices), n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(choices)}"
