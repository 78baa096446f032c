"""Writes flags in flagd's format for the four ways of turning something on: at once, by percentage, for cohorts first, over time.

Only what every evaluator of flagd understands alike is written: weights that are whole numbers, `+` and `-` of whole numbers, draws by
the targeting key. The variant to turn on is always the first arm: a subject is in when its hash, as a part of 2^32, is below the arm's
share, whatever the sum of the weights, so whoever is in at 10 % is in at 25 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

from genesis_server.model.flags import JsonValue, Scalar
from genesis_server.resilience.errors import invalid_field

FlagObject = dict[str, JsonValue]
"""The object of a flag in flagd's format."""
STEPS = 100_000
"""How many steps of 0.001 % make all subjects."""
SWITCH: Mapping[str, JsonValue] = {"on": True, "off": False}
_LARGEST_TIME = 2**31 - 1
_NO_METADATA: Mapping[str, Scalar] = {}
_NOW: JsonValue = {"var": "$flagd.timestamp"}


def all_at_once(
    variant: str = "on", *, variants: Mapping[str, JsonValue] = SWITCH, metadata: Mapping[str, Scalar] = _NO_METADATA
) -> FlagObject:
    """`variant` for everybody, without a rule."""
    return _flag(None, default=variant, variants=variants, metadata=metadata)


def percentage(
    percent: float,
    *,
    chosen: str = "on",
    other: str = "off",
    variants: Mapping[str, JsonValue] = SWITCH,
    metadata: Mapping[str, Scalar] = _NO_METADATA,
) -> FlagObject:
    """`chosen` for so many per cent of the targeting keys, `other` for the rest and for nobody.

    `percent`: 0 to 100 in steps of 0.001. Raises ValidationError INVALID_FIELD for anything else.
    """
    return _flag(_drawn(percent, chosen, other), default=other, variants=variants, metadata=metadata)


def canary(
    attribute: str,
    values: Sequence[str],
    percent: float,
    *,
    chosen: str = "on",
    other: str = "off",
    variants: Mapping[str, JsonValue] = SWITCH,
    metadata: Mapping[str, Scalar] = _NO_METADATA,
) -> FlagObject:
    """`chosen` for everybody whose `attribute` is one of `values`, and for so many per cent of the others. Raises as `percentage`."""
    rule: JsonValue = {"if": [{"in": [{"var": attribute}, list(values)]}, chosen, _drawn(percent, chosen, other)]}
    return _flag(rule, default=other, variants=variants, metadata=metadata)


def progressive(
    begin: int,
    end: int,
    *,
    chosen: str = "on",
    other: str = "off",
    variants: Mapping[str, JsonValue] = SWITCH,
    metadata: Mapping[str, Scalar] = _NO_METADATA,
) -> FlagObject:
    """`chosen` for nobody until `begin`, for everybody from `end` on, and for a share that grows evenly in between.

    Times are whole seconds since the epoch. The clock of whoever evaluates drives it: it goes on while Genesis is down, and clocks that
    differ put subjects near the edge on different sides. Raises ValidationError INVALID_FIELD unless 0 <= begin < end < 2^31.
    """
    if not 0 <= begin < end <= _LARGEST_TIME:
        raise invalid_field("end", "must be a time after the beginning; both in whole seconds since the epoch, before the year 2038")
    rule: JsonValue = {"fractional": [[chosen, {"-": [_NOW, begin]}], [other, {"-": [end, _NOW]}]]}
    return _flag(rule, default=other, variants=variants, metadata=metadata)


def steps_of(percent: float) -> int:
    """Per cent as a number of steps. Raises ValidationError INVALID_FIELD."""
    steps = round(percent * 1000) if 0 <= percent <= 100 else -1
    if steps < 0 or abs(percent * 1000 - steps) > 1e-6:
        raise invalid_field("percent", "must be 0 to 100 in steps of 0.001")
    return steps


def legible(weights: Sequence[int]) -> list[int]:
    """The same shares as parts of 100, of 1 000 and so on up to `STEPS` where they are whole, else by the smallest numbers."""
    divisor = gcd(*weights)
    total = sum(weights) // divisor
    scale = next((scale for scale in (100, 1_000, 10_000, STEPS) if scale % total == 0), total)
    return [weight // divisor * (scale // total) for weight in weights]


def _drawn(percent: float, chosen: str, other: str) -> JsonValue:
    steps = steps_of(percent)
    first, second = legible([steps, STEPS - steps])
    return {"fractional": [[chosen, first], [other, second]]}


def _flag(rule: JsonValue, *, default: str, variants: Mapping[str, JsonValue], metadata: Mapping[str, Scalar]) -> FlagObject:
    flag: FlagObject = {"state": "ENABLED", "variants": dict(variants), "defaultVariant": default}
    if rule is not None:
        flag["targeting"] = rule
    if metadata:
        flag["metadata"] = dict(metadata)
    return flag
