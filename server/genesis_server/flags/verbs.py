"""The narrow changes of a flag: another share, on for everybody, off for everybody. Each gives the whole object to write."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import gcd

from genesis_server.flags.definition import FlagDefinition
from genesis_server.flags.strategies import STEPS, FlagObject, legible, percentage, steps_of
from genesis_server.model.flags import JsonValue
from genesis_server.resilience.errors import ValidationError

_LARGEST_TOTAL = 2**31 - 1
_FRACTIONAL = "fractional"


def with_weight(definition: FlagDefinition, percent: float) -> FlagObject:
    """The flag with `percent` of the subjects for the first variant of its draw; the others share the rest as they do now.

    `percent`: 0 to 100 in steps of 0.001. A boolean flag without a rule gets a draw between on and off, off for nobody.
    Raises ValidationError FLAG_VERB_MISMATCH and INVALID_FIELD.
    """
    steps = steps_of(percent)
    verb = "set_weight"
    if not definition.active:
        raise _mismatch(definition, verb, "is disabled, so that no share of it would be drawn")
    if definition.rule is None:
        on, off = _variant(definition, verb, value=True), _variant(definition, verb, value=False)
        return percentage(percent, chosen=on, other=off, variants=definition.variants, metadata=definition.metadata)
    draws = sum(1 for _ in _draws(definition.rule))
    if draws != 1:
        raise _mismatch(definition, verb, f"has a rule that draws by percentage {draws} times, not once")
    flag = definition.whole()
    flag["targeting"] = _reweighted(definition, definition.rule, steps)
    return flag


def enabled(definition: FlagDefinition) -> FlagObject:
    """The boolean flag on for everybody, without its rule. Raises ValidationError FLAG_VERB_MISMATCH."""
    return _switched(definition, "enable", value=True)


def disabled(definition: FlagDefinition) -> FlagObject:
    """The boolean flag off for everybody, without its rule; its state stays ENABLED, as a disabled flag has the default of whoever asks.

    Raises ValidationError FLAG_VERB_MISMATCH.
    """
    return _switched(definition, "disable", value=False)


def _switched(definition: FlagDefinition, verb: str, *, value: bool) -> FlagObject:
    flag = definition.whole()
    flag.pop("targeting", None)
    return {**flag, "state": "ENABLED", "defaultVariant": _variant(definition, verb, value=value)}


def _variant(definition: FlagDefinition, verb: str, *, value: bool) -> str:
    if definition.type != "boolean":
        raise _mismatch(definition, verb, f"is of type {definition.type}, not boolean")
    found = next((name for name, meant in definition.variants.items() if meant is value), None)
    if found is None:
        raise _mismatch(definition, verb, f"has no variant that is {'true' if value else 'false'}")
    return found


def _draws(rule: JsonValue) -> Iterator[JsonValue]:
    """What every draw of a rule is given."""
    waiting = [rule]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if len(part) == 1 and _FRACTIONAL in part:
                yield part[_FRACTIONAL]
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _reweighted(definition: FlagDefinition, part: JsonValue, steps: int) -> JsonValue:
    """The part of the rule with the weights of its draw changed."""
    if isinstance(part, list):
        return [_reweighted(definition, item, steps) for item in part]
    if not isinstance(part, dict):
        return part
    if len(part) == 1 and _FRACTIONAL in part:
        return {_FRACTIONAL: _arms(definition, part[_FRACTIONAL], steps)}
    return {name: _reweighted(definition, item, steps) for name, item in part.items()}


def _arms(definition: FlagDefinition, arguments: JsonValue, steps: int) -> JsonValue:
    values = arguments if isinstance(arguments, list) else []
    begin = 0 if values and isinstance(values[0], list) else 1
    names: list[JsonValue] = []
    weights: list[int] = []
    for arm in values[begin:]:
        weight = arm[1] if isinstance(arm, list) and len(arm) == 2 else 1
        if not isinstance(arm, list) or not 1 <= len(arm) <= 2 or not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
            raise _mismatch(definition, "set_weight", "has a draw whose weights are not all whole numbers")
        names.append(arm[0])
        weights.append(weight)
    if len(names) < 2:
        raise _mismatch(definition, "set_weight", "has a draw between fewer than two variants")
    if len(names) > 2 and not any(weights[1:]):
        raise _mismatch(definition, "set_weight", "has no shares behind the first whose proportions could be kept")
    shares = legible(_shared(steps, weights[1:] if len(names) > 2 else [1]))
    return [*values[:begin], *([name, share] for name, share in zip(names, shares, strict=True))]


def _shared(steps: int, others: list[int]) -> list[int]:
    """Weights that give `steps` of `STEPS` to the first, exactly, and the rest to the others in proportion, exactly where it can be."""
    divisor = gcd(*others)
    others = [weight // divisor for weight in others]
    total = sum(others)
    scale = min(total, _LARGEST_TOTAL // STEPS)
    rest = (STEPS - steps) * scale
    ends = [rest * end // total for end in accumulate(others)]
    return [steps * scale, *(end - before for before, end in zip([0, *ends], ends, strict=False))]


def _mismatch(definition: FlagDefinition, verb: str, why: str) -> ValidationError:
    message = f"the flag {definition.key!r} {why}; write the whole definition with PutFlag"
    return ValidationError("FLAG_VERB_MISMATCH", message, facts={"flag": definition.key, "verb": verb})
