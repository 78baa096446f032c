"""What is odd about a rule that can be compiled: it never chooses, or evaluators of other languages understand it otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import cast

from genesis_server.flags.definition import FlagDefinition
from genesis_server.flags.json_lines import Path
from genesis_server.flags.json_text import short
from genesis_server.flags.rules.compiling import RuleError
from genesis_server.model.flags import JsonValue

Found = Iterator[tuple[Path, str]]
"""Where in the rule something is odd, and what."""

FRACTIONAL = "fractional"
_MEANT_AS_PERCENT = range(50, 151)
"""Sums of weights that are likely meant to be 100."""
_COMPARING = frozenset({"==", "!=", "<", "<=", ">", ">="})
_TEXTS = frozenset({"cat", "substr"})
_NUMBERS = frozenset({"+", "-", "*", "/", "%", "max", "min"})
_BOOLEANS = _COMPARING | {"===", "!==", "!", "!!", "in", "all", "none", "some", "starts_with", "ends_with", "sem_ver"}
_UNKNOWN = object()


def rule_findings(definition: FlagDefinition) -> Found:
    """What is odd about the rule of a flag."""
    rule = definition.rule
    if rule is None or definition.compiled is None:
        return
    results = list(_results(rule, ()))
    never = all(result is None for _, result in results)
    constant = "" if never else _constant(definition)
    if never or constant:
        yield (), constant or "can never choose a variant; leave it out"
    for path, result in results:
        yield from ((path, what) for what in _unnamed(result, definition))
    for path, name, arguments in _operators(rule, ()):
        if name == FRACTIONAL:
            yield from _draw_findings(path, arguments)
        elif name in _COMPARING:
            yield from ((path, what) for what in _unlike(arguments))
        elif name == "if" and len(arguments) > 3:
            yield path, "has more than three arguments, which flagd's schema does not allow; put an if in the last one"


def _constant(definition: FlagDefinition) -> str:
    """What is odd about a rule that asks for nothing."""
    compiled = definition.compiled
    if compiled is None or compiled.reads or compiled.reads is None or compiled.draws:
        return ""
    try:
        result = cast("JsonValue", compiled.ask({}))
    except RuleError as error:
        return f"always goes wrong: {error}"
    if result is None:
        return "can never choose a variant; leave it out"
    return next(_unnamed(result, definition), f"always gives {short(result)}; use defaultVariant instead")


def _results(rule: JsonValue, path: Path) -> Iterator[tuple[Path, object]]:
    """What a rule may give, as far as it stands in it."""
    name, arguments = _operator(rule)
    if not name:
        yield path, rule
    elif name == "if":
        count = len(arguments)
        branches = [*range(1, count, 2), *([count - 1] if count % 2 else [])]
        yield from chain.from_iterable(_results(arguments[at], (*path, "if", at)) for at in branches)
        if count % 2 == 0:
            yield path, None
    elif name == FRACTIONAL:
        for at, arm in _arms(arguments):
            yield from _results(arm[0], (*path, FRACTIONAL, at, 0))
    else:
        yield path, _UNKNOWN


def _unnamed(result: object, definition: FlagDefinition) -> Iterator[str]:
    if result is None or result is _UNKNOWN:
        return
    named = {True: "true", False: "false"}[result] if isinstance(result, bool) else result
    if not isinstance(named, str) or named not in definition.variants:
        yield f"gives {short(result)}, which is none of the variants: {', '.join(map(short, definition.variants))[:300]}"


def _draw_findings(path: Path, arguments: Sequence[JsonValue]) -> Found:
    arms = list(_arms(arguments))
    if not arms:
        yield path, "draws between no variants"
        return
    if arms[0][0]:
        yield from (((*path, FRACTIONAL, 0), what) for what in _drawn_by(arguments[0]))
    weights = [arm[1] if len(arm) > 1 else 1 for _, arm in arms]
    for (at, arm), weight in zip(arms, weights, strict=True):
        if any(name in {"/", "%"} for _, name, _ in _operators(weight, ())) or _holds_decimals(weight):
            yield (
                (*path, FRACTIONAL, at, 1),
                "is a weight with decimals or a division, with which some languages draw nobody; use whole numbers",
            )
        if not arms[0][0] and any(
            name == FRACTIONAL and inner[:1] and isinstance(inner[0], list) for _, name, inner in _operators(arm[0], ())
        ):
            yield (
                (*path, FRACTIONAL, at, 0),
                'draws from those whom the same hash put here, so that the first share gets them all; draw by {"cat": ["salt", ...]}',
            )
    whole = [weight for weight in weights if isinstance(weight, int)]
    if len(whole) == len(weights) and sum(whole) <= 0:
        yield path, "draws nobody, as its weights sum to 0"
    elif len(whole) == len(weights) and sum(whole) != 100 and sum(whole) in _MEANT_AS_PERCENT:
        yield path, f"has weights that sum to {sum(whole)}, not 100; each is a part of that sum"


def _drawn_by(value: JsonValue) -> Iterator[str]:
    name, arguments = _operator(value)
    if value is None:
        yield "draws by null, which some versions of flagd take for nobody and others for the targeting key; leave it out"
    elif not name or _kind(value) in {"number", "boolean", "list"}:
        yield "draws by what is no text or the same for everybody; draw by a text of the context, or leave it out for the targeting key"
    elif name == "var" and arguments[:1] == ["targetingKey"]:
        yield "draws by the targeting key alone, so that the same subjects come first in every flag; leave it out to mix in the flag's key"


def _unlike(arguments: Sequence[JsonValue]) -> Iterator[str]:
    kinds = {kind for kind in map(_kind, arguments) if kind}
    if len(kinds) > 1:
        yield f"compares a {' with a '.join(sorted(kinds))}, which languages do differently; compare like with like"


def _kind(value: JsonValue) -> str:
    """Type of what a part of a rule gives; empty when that is not known, or null."""
    name, _ = _operator(value)
    if name:
        return "text" if name in _TEXTS else "number" if name in _NUMBERS else "boolean" if name in _BOOLEANS else ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else ""


def _operators(rule: JsonValue, path: Path) -> Iterator[tuple[Path, str, Sequence[JsonValue]]]:
    """Every operation of a rule: where the object with it is, its name and what it is given."""
    waiting: list[tuple[Path, JsonValue]] = [(path, rule)]
    while waiting:
        where, part = waiting.pop()
        name, arguments = _operator(part)
        if name:
            yield where, name, arguments
        if isinstance(part, dict):
            waiting.extend(((*where, key), inner) for key, inner in part.items())
        elif isinstance(part, list):
            waiting.extend(((*where, at), inner) for at, inner in enumerate(part))


def _operator(part: JsonValue) -> tuple[str, Sequence[JsonValue]]:
    """Name and arguments of an operation; nothing for anything else."""
    if not isinstance(part, dict) or len(part) != 1:
        return "", ()
    ((name, arguments),) = part.items()
    return name, arguments if isinstance(arguments, list) else [arguments]


def _arms(arguments: Sequence[JsonValue]) -> Iterator[tuple[int, list[JsonValue]]]:
    """The arms of a draw with their positions: lists, with or without what to draw by before them."""
    return ((at, arm) for at, arm in enumerate(arguments) if isinstance(arm, list) and arm)


def _holds_decimals(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_decimals, value.values()))
    return any(map(_holds_decimals, value)) if isinstance(value, list) else isinstance(value, float)
