"""Tells the way through a targeting rule: what was asked, what it said, and how near the draws by percentage were.

A walk over the rule as it is written, slow and step by step, with the operators of the compiled rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from genesis_server.flags.rules.coercion import truthy
from genesis_server.flags.rules.compiling import RuleError, RulePath, compile_rule
from genesis_server.flags.rules.fractional import Drawn, draw
from genesis_server.flags.rules.json_start import json_start, text_start
from genesis_server.flags.rules.lists import LIST_OPERATORS, reduce_list
from genesis_server.flags.rules.operators import OPERATORS
from genesis_server.flags.rules.reading import FLAG_KEY, FLAGD, TARGETING_KEY, look_up, missing, missing_some, whole_context
from genesis_server.flags.rules.work import begin, spend
from genesis_server.model.flags import Generation, JsonValue

MAX_STEPS = 1000
"""Steps of a trace; those after them are left out."""
MAX_WALKED = 10 * MAX_STEPS
"""Operations that are walked for a trace; the draws after them are left out, too."""
MAX_SHOWN = 200
"""Characters of arguments, and of a result."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation that was carried out; those inside of it come before it."""

    path: str
    """Where it stands in the rule, as JSON pointer (RFC 6901)."""
    operation: str
    arguments: str
    """What it was given, as a list in JSON, cut after MAX_SHOWN characters; of `if`, `and` and `or` what was asked."""
    result: str
    """What it said, as JSON, cut likewise; empty: it went wrong."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A draw by percentage that was made."""

    path: str
    """Where it stands in the rule, as JSON pointer (RFC 6901)."""
    bucketed_by: str
    """What was hashed: a text as it is, else JSON; cut after MAX_SHOWN characters."""
    hash: int
    """MurmurHash3 x86, 32 bits, seed 0."""
    bucket: int
    """hash × total_weight ÷ 2^32, rounded down."""
    total_weight: int
    variant: str
    """A text as it is, else JSON."""
    lower: int
    """The first bucket of the variant's share."""
    upper: int
    """The first bucket beyond it."""
    distance: float
    """How far the hash is from the nearer end of the share, as part of all subjects: the share may shrink there by that much."""
    generation: Generation


@dataclass(frozen=True, slots=True)
class Trace:
    """The way through a rule."""

    result: JsonValue
    """What the rule says; None, too, when it went wrong."""
    steps: tuple[Step, ...]
    """In the order in which they were done."""
    buckets: tuple[Bucket, ...]
    error: str = ""
    """How the rule went wrong, in the words of RuleError; the last step is where. Empty: it did not."""


def explain_rule(key: str, rule: object, data: Mapping[str, object], *, generation: Generation) -> Trace:
    """The way through the rule of the flag `key` for the data of a context.

    Result and error are those of `compile_rule(...).ask(data)`. Raises RuleMistakesError, as `compile_rule` does.
    """
    compiled = compile_rule(key, rule, generation=generation)
    walk = _Walk(key, generation)
    begin()
    # What goes wrong on the way goes wrong in the compiled rule, too, which says how.
    with suppress(RuleError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError):
        walk.value(cast("JsonValue", rule), data, ())
    result, error = None, ""
    try:
        result = cast("JsonValue", compiled.ask(data))
    except RuleError as problem:
        error = str(problem)
    return Trace(result, tuple(walk.steps), tuple(walk.buckets), error)


_Part = tuple[JsonValue, RulePath]
"""An argument as it is written, and where it stands."""


class _Walk:
    """One way through one rule."""

    def __init__(self, key: str, generation: Generation) -> None:
        self._key = key
        self._generation = generation
        self._at_top = True
        self._failed = False
        self._walked = 0
        self.steps: list[Step] = []
        self.buckets: list[Bucket] = []

    def value(self, logic: JsonValue, data: Any, path: RulePath) -> JsonValue:
        """What a part of the rule says of `data`: the context, or an item of a list inside the operators over lists."""
        if isinstance(logic, list):
            return [self.value(item, data, (*path, number)) for number, item in enumerate(logic)]
        if not isinstance(logic, dict) or len(logic) != 1:
            return logic
        ((name, written),) = logic.items()
        path = (*path, name)
        self._walked += 1
        if self._walked > MAX_WALKED:
            raise RuleError("the rule takes more operations than are walked for a trace")
        parts = [(part, (*path, number)) for number, part in enumerate(written)] if isinstance(written, list) else [(written, path)]
        if not self._at_top:
            spend(1)
        given: list[JsonValue] = []
        try:
            result = self._carried_out(name, parts, data, given, path)
        except Exception:
            # The innermost operation is where it went wrong; those around it only did not get on.
            if not self._failed:
                self._note(path, name, given, "")
            self._failed = True
            raise
        if len(self.steps) < MAX_STEPS:
            self._note(path, name, given, json_start(result, MAX_SHOWN))
        return result

    def _carried_out(self, name: str, parts: Sequence[_Part], data: Any, given: list[JsonValue], path: RulePath) -> JsonValue:
        """What an operation says; `given` gets the arguments as they are asked."""

        def asked(number: int) -> JsonValue:
            given.append(self.value(parts[number][0], data, parts[number][1]))
            return given[-1]

        if name in {"if", "?:"}:
            return _chosen(len(parts), asked)
        if name in {"and", "or"}:
            return _first(len(parts), asked, wanted=name == "or")
        if name == "reduce" or name in LIST_OPERATORS:
            return self._over_list(name, parts, asked)
        for number in range(len(parts)):
            asked(number)
        return self._worked_out(name, given, data, path)

    def _worked_out(self, name: str, given: Sequence[JsonValue], data: Any, path: RulePath) -> JsonValue:
        """What an operation says that asks all of its arguments."""
        match name:
            case "var":
                return look_up(self._whole(data), *(given or [None]))
            case "missing":
                return missing(self._whole(data), *given)
            case "missing_some":
                return missing_some(self._whole(data), *given)
            case "fractional":
                return self._drawn(given, data, path)
            case _:
                return OPERATORS[name](*given)

    def _whole(self, data: Any) -> Any:
        """What `var` reads: the compiled rule knows the flag's key without looking into the data."""
        return whole_context(data, self._key) if self._at_top else data

    def _over_list(self, name: str, parts: Sequence[_Part], asked: Callable[[int], JsonValue]) -> JsonValue:
        operator, otherwise = LIST_OPERATORS.get(name, (None, None))
        if not parts or (len(parts) == 1 and name not in {"map", "reduce"}):
            return otherwise
        if operator is None:
            return reduce_list(lambda _: asked(0), self._each(parts), 1, parts[2][0] if len(parts) > 2 else None)(None)
        return operator(lambda _: asked(0), self._each(parts), 1)(None)

    def _each(self, parts: Sequence[_Part]) -> Callable[[Any], JsonValue]:
        """Asks the second argument of an item."""
        logic, path = parts[1] if len(parts) > 1 else (None, ())

        def ask(item: Any) -> JsonValue:
            before, self._at_top = self._at_top, False
            try:
                return self.value(logic, item, path)
            finally:
                self._at_top = before

        return ask

    def _drawn(self, given: Sequence[JsonValue], data: Any, path: RulePath) -> JsonValue:
        drawn = draw(given, data, flag_key=self._key if self._at_top else None, generation=self._generation)
        if drawn is None:
            return None
        if len(self.buckets) < MAX_STEPS:
            self.buckets.append(_bucket(drawn, pointer(path), self._hashed(given[0], data), self._generation))
        return drawn.variant

    def _hashed(self, first: JsonValue, data: Any) -> str:
        """What was hashed, as text."""
        newer = self._generation is Generation.V3
        if (newer and not isinstance(first, list)) or isinstance(first, str):
            return _shown(first)
        key = self._key if self._at_top else data.get(FLAGD, {}).get(FLAG_KEY, "")
        who = data.get(TARGETING_KEY)
        return _shown([key, who] if newer else key + who)

    def _note(self, path: RulePath, name: str, given: Sequence[JsonValue], result: str) -> None:
        if len(self.steps) < MAX_STEPS:
            self.steps.append(Step(pointer(path), name, json_start(list(given), MAX_SHOWN), result))


def pointer(path: RulePath) -> str:
    """A path as JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _chosen(count: int, asked: Callable[[int], JsonValue]) -> JsonValue:
    for condition in range(0, count - 1, 2):
        if truthy(asked(condition)):
            return asked(condition + 1)
    return asked(count - 1) if count % 2 else None


def _first(count: int, asked: Callable[[int], JsonValue], *, wanted: bool) -> JsonValue:
    found: JsonValue = None
    for number in range(count):
        found = asked(number)
        if truthy(found) is wanted:
            break
    return found


def _shown(value: JsonValue) -> str:
    return text_start(value, MAX_SHOWN) if isinstance(value, str) else json_start(value, MAX_SHOWN)


def _bucket(drawn: Drawn, path: str, bucketed_by: str, generation: Generation) -> Bucket:
    place = drawn.hash / 2**32
    distance = min(place - drawn.start / drawn.total, drawn.end / drawn.total - place)
    return Bucket(
        path=path,
        bucketed_by=bucketed_by,
        hash=drawn.hash,
        bucket=drawn.bucket,
        total_weight=drawn.total,
        variant=_shown(drawn.variant),
        lower=drawn.start,
        upper=drawn.end,
        distance=max(0.0, distance),
        generation=generation,
    )
