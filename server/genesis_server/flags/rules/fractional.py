"""Draws by percentage: `fractional`, in flagd's generations 2 and 3 of bucketing.

A subject's hash h, of 32 bits, falls into bucket h * total >> 32 of as many buckets as the weights sum up to; the first arm whose weight,
together with those before it, is above the bucket is drawn. So whoever is in the first arm stays in it when its weight grows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.hashing import cbor, cbor_text, hash_bytes, pair_start, utf8
from genesis_server.flags.rules.node import Ask, Node, Scope, fixed_node
from genesis_server.flags.rules.reading import FLAG_KEY, FLAGD, TARGETING_KEY
from genesis_server.model.flags import Generation, JsonValue

MAX_TOTAL = 2**31 - 1
"""Of all weights together."""
_NO_TEXT = "the targeting key is no text"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Who was drawn, and how near it was."""

    variant: JsonValue
    hash: int
    """From 0 to 2**32 - 1."""
    bucket: int
    total: int
    """How many buckets there are."""
    start: int
    """The first bucket of the arm."""
    end: int
    """The first bucket after it."""


@dataclass(frozen=True, slots=True)
class Arms:
    """The variants, and where each one's buckets end."""

    variants: tuple[JsonValue, ...]
    ends: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many buckets there are."""
        return self.ends[-1]


def arms_of(values: Sequence[JsonValue]) -> Arms | None:
    """The arms `[variant, weight = 1]`, a negative weight counting as 0; None when one is wrong or the sum is 0 or too large."""
    variants: list[JsonValue] = []
    weights: list[int] = []
    for value in values:
        if not isinstance(value, list) or not 1 <= len(value) <= 2:
            return None
        weight = value[1] if len(value) == 2 else 1
        if not isinstance(weight, int) or isinstance(weight, bool):
            return None
        variants.append(value[0])
        weights.append(max(0, weight))
    ends = tuple(accumulate(weights))
    return Arms(tuple(variants), ends) if ends and 0 < ends[-1] <= MAX_TOTAL else None


def draw(values: Sequence[JsonValue], data: Any, *, flag_key: str | None, generation: Generation) -> Drawn | None:
    """Draw from `[what to draw by?, arm, ...]`; without the first, by the targeting key of `data`.

    `flag_key` None: the one that stands in `data`. None: nobody is drawn. Raises RuleError when what to draw by is none at all.
    """
    if not values:
        return None
    hashed = (_hash_v3 if generation is Generation.V3 else _hash_v2)(values[0], data, flag_key)
    if hashed is None:
        return None
    number, by_first = hashed
    arms = arms_of(values[1:] if by_first else values)
    if arms is None:
        return None
    bucket = number * arms.total >> 32
    arm = bisect_right(arms.ends, bucket)
    return Drawn(arms.variants[arm], number, bucket, arms.total, arms.ends[arm - 1] if arm else 0, arms.ends[arm])


def _hash_v3(first: JsonValue, data: Any, flag_key: str | None) -> tuple[int, bool] | None:
    """The hash, and whether it is that of the first value."""
    subject: JsonValue = first
    if isinstance(first, list):
        targeting_key = _member(data, TARGETING_KEY)
        if not isinstance(targeting_key, str) or not targeting_key:
            return None
        subject = [_key_of(data) if flag_key is None else flag_key, targeting_key]
    if subject is None:
        return None
    try:
        return hash_bytes(cbor(subject)), not isinstance(first, list)
    except ValueError:
        return None


def _hash_v2(first: JsonValue, data: Any, flag_key: str | None) -> tuple[int, bool] | None:
    if isinstance(first, str):
        return (hash_bytes(utf8(first)), True) if first else None
    seed = _key_of(data) if flag_key is None else flag_key
    targeting_key = _member(data, TARGETING_KEY)
    if not targeting_key:
        return None
    if not isinstance(seed, str) or not isinstance(targeting_key, str):
        raise RuleError(_NO_TEXT)
    return hash_bytes(utf8(seed + targeting_key)), False


def _key_of(data: Any) -> JsonValue:
    inside = _member(data, FLAGD, {})
    return _member(inside, FLAG_KEY, "")


def _member(data: Any, name: str, default: JsonValue = None) -> JsonValue:
    if not isinstance(data, Mapping):
        raise RuleError("a list is drawn from, and an item in it is no object with a targeting key")
    return cast("Mapping[str, JsonValue]", data).get(name, default)


def fractional_node(scope: Scope, nodes: Sequence[Node]) -> Node:
    """`fractional`, with as much worked out before as possible."""
    scope.findings.draws = True
    asks = [node.ask for node in nodes]
    key, generation = scope.flag_key if scope.at_top else None, scope.generation

    def general(data: Any) -> JsonValue:
        drawn = draw([ask(data) for ask in asks], data, flag_key=key, generation=generation)
        return None if drawn is None else drawn.variant

    first = nodes[0] if nodes else None
    if scope.at_top and (first is None or not isinstance(first.value, str)):
        scope.findings.reads.add(TARGETING_KEY)
    if not scope.at_top or first is None:
        return Node(general)
    shorthand = first.items is not None or isinstance(first.value, list)
    pick = _picker(nodes if shorthand else nodes[1:])
    if pick is None or (first.fixed and not shorthand):
        return Node(general)
    if shorthand:
        return Node(_by_targeting_key(scope, pick))
    return Node(_by_value(first.ask, cbor_text if generation is Generation.V3 else utf8, pick, general))


Pick = Callable[[int | None, Any], JsonValue]
"""Chooses the variant for a hash; without one there is none, but weights that go wrong do so all the same."""


def _by_targeting_key(scope: Scope, pick: Pick) -> Ask:
    newer = scope.generation is Generation.V3
    start = pair_start(scope.flag_key) if newer else utf8(scope.flag_key)

    def ask_v3(data: Any) -> JsonValue:
        who = data.get(TARGETING_KEY)
        try:
            number = hash_bytes(start + cbor_text(who)) if type(who) is str and who else None
        except UnicodeEncodeError:
            number = None
        return pick(number, data)

    def ask_v2(data: Any) -> JsonValue:
        who = data.get(TARGETING_KEY)
        if who and not isinstance(who, str):
            raise RuleError(_NO_TEXT)
        return pick(hash_bytes(start + utf8(who)) if who else None, data)

    return ask_v3 if newer else ask_v2


def _by_value(value: Ask, encode: Callable[[str], bytes], pick: Pick, general: Ask) -> Ask:
    def ask(data: Any) -> JsonValue:
        by = value(data)
        if type(by) is not str or not by:
            return general(data)
        try:
            number = hash_bytes(encode(by))
        except UnicodeEncodeError:
            return general(data)
        return pick(number, data)

    return ask


def _picker(nodes: Sequence[Node]) -> Pick | None:
    """What chooses the arm for a hash; None when more than the weights depends on the data."""
    if all(node.fixed for node in nodes):
        return _fixed_picker(arms_of([node.value for node in nodes]))
    variants: list[JsonValue] = []
    weights: list[Ask] = []
    for node in nodes:
        items = (fixed_node(node.value[0]), *map(fixed_node, node.value[1:])) if isinstance(node.value, list) and node.value else node.items
        if items is None or not 1 <= len(items) <= 2 or not items[0].fixed:
            return None
        variants.append(items[0].value)
        weights.append(items[1].ask if len(items) == 2 else lambda _: 1)
    return _weighing_picker(tuple(variants), tuple(weights))


def _fixed_picker(arms: Arms | None) -> Pick:
    if arms is None:
        return lambda _hash, _data: None
    variants, ends, total = arms.variants, arms.ends, arms.total
    if len(variants) == 2:
        (first, second), end = variants, ends[0]
        return lambda number, _data: None if number is None else first if number * total >> 32 < end else second
    return lambda number, _data: None if number is None else variants[bisect_right(ends, number * total >> 32)]


def _weighing_picker(variants: tuple[JsonValue, ...], weights: tuple[Ask, ...]) -> Pick:
    def pick(number: int | None, data: Any) -> JsonValue:
        end, ends = 0, list[int]()
        for weight in [ask(data) for ask in weights]:
            if not isinstance(weight, int) or weight is True or weight is False:
                return None
            end += max(weight, 0)
            ends.append(end)
        return None if number is None or not 0 < end <= MAX_TOTAL else variants[bisect_right(ends, number * end >> 32)]

    return pick
