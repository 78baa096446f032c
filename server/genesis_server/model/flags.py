"""Words of feature flags that everybody shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Scalar: TypeAlias = bool | int | float | str


class FlagReason(IntEnum):
    """Why a flag has its value, in OpenFeature's words; the numbers are the contract's."""

    UNSPECIFIED = 0
    STATIC = 1
    """The definition has no rule; its default holds for everybody."""
    DISABLED = 2
    """The definition is disabled: a flag of Genesis has its built-in default, any other none."""
    ENVIRONMENT = 3
    """An environment variable says so."""
    GROUP = 4
    """A group flag is off, so its members are."""
    STALE = 5
    """The definition has no rule, and its source is broken or gone; the last good one holds."""
    TARGETING_MATCH = 6
    """The rule chose the variant, a draw by percentage included."""
    DEFAULT = 7
    """The rule chose none; the default holds."""
    EMERGENCY = 8
    """An emergency flag was set."""
    ERROR = 9
    """The rule went wrong; a flag of Genesis has its built-in default, any other none."""


class FlagLayer(IntEnum):
    """Which layer decided; a higher one beats those below it. The numbers are the contract's."""

    UNSPECIFIED = 0
    BUILT_IN = 1
    FILE = 2
    WRITTEN = 3
    PIN = 4
    ENVIRONMENT = 5
    GROUP = 6
    EMERGENCY = 7


class Generation(IntEnum):
    """Which generation of flagd's bucketing draws by percentage (flagd notes, fractional)."""

    V2 = 2
    """The hash of flag key and targeting key, or of the text to bucket by, as UTF-8."""
    V3 = 3
    """The hash of the same as CBOR (RFC 8949, core deterministic)."""


@dataclass(frozen=True, slots=True)
class FlagContext:
    """Whom a flag is asked for."""

    targeting_key: str = ""
    """Who; drawn by percentage. Empty: nobody, so that what is drawn falls to the default."""
    attributes: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What rules may ask for, by name."""
    time: float = 0.0
    """Seconds since the epoch: `$flagd.timestamp`."""

    def data(self) -> dict[str, object]:
        """What rules read: the attributes, `targetingKey`, and `$flagd.timestamp` in whole seconds."""
        data: dict[str, object] = {**self.attributes, "$flagd": {"timestamp": int(self.time)}}
        if self.targeting_key:
            data["targetingKey"] = self.targeting_key
        return data


NOBODY = FlagContext()
"""Whom the server asks for itself when no call is under way."""
