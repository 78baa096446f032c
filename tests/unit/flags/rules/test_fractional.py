"""Subjects are drawn by percentage as every client of flagd draws them.

The tables are those of flagd's own test bed (open-feature/flagd-testbed, gherkin/targeting.feature), for generations 2 and 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.rules.compiling import compile_rule
from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.fractional import MAX_TOTAL, Arms, arms_of, draw
from genesis_server.model.flags import Generation

Say = Callable[..., object]
V2, V3 = Generation.V2, Generation.V3
SUITS = [["clubs", 25], ["diamonds", 25], ["hearts", 25], ["spades", 25]]
BUCKETS = [[number, 1] for number in range(1, 26)]
NAME, INPUT = {"var": "user.name"}, {"var": "input"}
HALVES = [["lower", 50], ["upper", 50]]
WRONG = {"/": [1, {"var": "zero"}]}
"""Goes wrong when it is reached."""
SHARES = [0, 5, 10, 25, 50, 75, 100]


def rollout(share: int) -> object:
    """A share is in, the first arm."""
    return {"fractional": [["on", share], ["off", 100 - share]]}


@pytest.mark.parametrize(
    ("name", "older", "newer"),
    [
        ("jack", "hearts", "diamonds"),
        ("queen", "spades", "diamonds"),
        ("ten", "clubs", "clubs"),
        ("nine", "diamonds", "clubs"),
        (3, "clubs", "spades"),
    ],
)
def test_draws_by_an_attribute_salted_with_the_key(say: Say, name: object, older: str, newer: str) -> None:
    rule = {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, NAME]}, *SUITS]}
    assert say(rule, key="fractional-flag", user={"name": name}, generation=V2) == older
    assert say(rule, key="fractional-flag", user={"name": name}, generation=V3) == newer


@pytest.mark.parametrize(
    ("name", "older", "newer"),
    [("seven", "hearts", "hearts"), ("eight", "diamonds", "hearts"), ("nine", "clubs", "diamonds"), ("two", "spades", "diamonds")],
)
def test_flags_with_one_salt_draw_alike(say: Say, name: str, older: str, newer: str) -> None:
    rule = {"fractional": [{"cat": ["shared-seed", NAME]}, *SUITS]}
    for key in ("one", "other"):
        assert say(rule, key=key, user={"name": name}, generation=V2) == older
        assert say(rule, key=key, user={"name": name}, generation=V3) == newer


@pytest.mark.parametrize(("who", "older", "newer"), [("jon@company.com", "heads", "tails"), ("jane@company.com", "tails", "tails")])
def test_draws_by_the_targeting_key(say: Say, who: str, older: str, newer: str) -> None:
    rule = {"fractional": [["heads"], ["tails"]]}
    assert say(rule, key="fractional-flag-shorthand", who=who, generation=V2) == older
    assert say(rule, key="fractional-flag-shorthand", who=who, generation=V3) == newer


@pytest.mark.parametrize(
    ("who", "hashed", "half"),
    [
        ("ejOoVL", 0, "lower"),
        ("bY9fO-", 1, "lower"),
        ("SI7p-", 2**31 - 1, "lower"),
        ("6LvT0", 2**31, "upper"),
        ("ceQdGm", 2**32 - 1, "upper"),
    ],
)
def test_the_ends_of_the_range_of_hashes(say: Say, who: str, hashed: int, half: str) -> None:
    assert say({"fractional": [{"var": "targetingKey"}, *HALVES]}, who=who, generation=V2) == half
    assert say({"fractional": [who, *HALVES]}, generation=V2) == half
    drawn = draw([who, *HALVES], {}, flag_key="flag", generation=V2)
    assert drawn is not None
    assert (drawn.hash, drawn.bucket, drawn.total) == (hashed, hashed * 100 >> 32, 100)
    assert drawn.start <= drawn.bucket < drawn.end


@pytest.mark.parametrize(
    ("value", "bucket"),
    [
        (True, 5),
        (False, 1),
        ("user1", 22),
        (123, 20),
        (1.23, 14),
        ("123", 22),
        ("null", 8),
        (1.0, 23),
        (1, 23),
        (-2.0, 12),
        (2.0**53, 10),
        (-0.0, 8),
        (0, 8),
        (2147483648, 25),
        (-2147483649, 18),
        (65536, 11),
        (-25, 16),
        (1e20, 19),
        (65504.0, 16),
        (0.000000059604644775390625, 23),
        (3.5e38, 1),
        (5e-324, 2),
        ({"b": 2, "a": 1}, 23),
        ({"aa": 2, "z": 1}, 21),
        ({"ÿ": 2, "aaa": 1}, 12),
        ({"key": -0.0}, 10),
        ({"café": "façade", "b": {"résumé": {"ÿ": True}}}, 22),
        ({}, 3),
        ({"a": [1, "two", True, [], None]}, 23),
        ({"a": {"b": {"c": {"d": None}}}}, 19),
        ("", 4),
        ("a", 6),
        ("12345678901234567890123", 4),
    ],
)
def test_generation_3_draws_by_values_of_any_type(say: Say, value: object, bucket: int) -> None:
    assert say({"fractional": [INPUT, *BUCKETS]}, input=value) == bucket


def test_the_two_generations_hash_what_their_specification_says() -> None:
    older = draw(HALVES, {"targetingKey": "user-1"}, flag_key="flag", generation=V2)
    newer = draw(HALVES, {"targetingKey": "user-1"}, flag_key="flag", generation=V3)
    assert older is not None
    assert newer is not None
    assert (older.hash, newer.hash) == (3034658845, 1204790219)


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize(
    "arms",
    [
        [],
        [["on", 0], ["off", 0]],
        [["on", -5]],
        [["on", MAX_TOTAL], ["off", 1]],
        [["on", 50.0]],
        [["on", True]],
        [["on", None]],
        [["on", "50"]],
        [["on", 1, 2]],
        [[], ["on", 1]],
        [["on", 1], "off"],
        [["on", {"/": [100, 2]}], ["off", 1]],
        [["on", {"var": "nothing"}], ["off", 1]],
        [{"var": "targetingKey"}],
    ],
)
def test_with_wrong_arms_nobody_is_drawn(say: Say, arms: list[object], generation: Generation) -> None:
    assert say({"fractional": arms}, generation=generation) is None
    assert say({"fractional": [{"var": "targetingKey"}, *arms]}, generation=generation) is None


@pytest.mark.parametrize("generation", Generation)
def test_what_is_drawn_falls_to_nobody_without_a_subject(say: Say, generation: Generation) -> None:
    assert say(rollout(50), who="", generation=generation) is None
    assert say({"fractional": [{"var": "nobody"}, *HALVES]}, generation=generation) is None
    assert say({"fractional": [None, *HALVES]}, generation=generation) is None


def test_an_empty_attribute_is_a_subject_in_generation_3_only(say: Say) -> None:
    assert say({"fractional": [INPUT, *HALVES]}, input="", generation=V2) is None
    assert say({"fractional": [INPUT, *HALVES]}, input="") == "lower"


def test_half_a_character_is_nobody_in_generation_3_and_an_error_in_generation_2(say: Say) -> None:
    assert say(rollout(50), who="\ud800") is None
    assert say({"fractional": [["\ud800"], *HALVES]}, who="\ud800") is None
    assert say({"fractional": [INPUT, *HALVES]}, input="\ud800") is None
    for rule in (rollout(50), {"fractional": [INPUT, *HALVES]}):
        with pytest.raises(RuleError, match="surrogates"):
            say(rule, who="\ud800", input="\ud800", generation=V2)


def test_weights_and_variants_may_be_worked_out(say: Say) -> None:
    premium = {"==": [{"var": "tier"}, "premium"]}
    by_weight = {"fractional": [{"var": "targetingKey"}, ["red", {"if": [premium, 100, 0]}], ["blue", 10]]}
    by_variant = {"fractional": [{"var": "targetingKey"}, [{"if": [premium, "premium", "standard"]}, 50], ["standard", 50]]}
    for who, tier, red, variant in [
        ("jon@company.com", "premium", "red", "premium"),
        ("jon@company.com", "basic", "blue", "standard"),
        ("user1", "premium", "red", "standard"),
        ("user1", "basic", "blue", "standard"),
    ]:
        assert say(by_weight, who=who, tier=tier, generation=V2) == red
        assert say(by_variant, who=who, tier=tier, generation=V2) == variant


@pytest.mark.parametrize("generation", Generation)
def test_a_weight_that_goes_wrong_does_so_for_nobody_too(say: Say, generation: Generation) -> None:
    rule = {"fractional": [["on", WRONG], ["off", 1]]}
    for who in ("user-1", ""):
        with pytest.raises(RuleError, match="division"):
            say(rule, who=who, zero=0, generation=generation)


def test_inside_a_list_the_item_is_the_subject(say: Say) -> None:
    people = [{"targetingKey": "ada", "$flagd": {"flagKey": "own"}}, {"targetingKey": "ada"}, {"name": "ada"}]
    rule = {"map": [{"var": "people"}, {"fractional": [["a", 1], ["b", 1], ["c", 1], ["d", 1]]}]}
    alone = {"fractional": [["a", 1], ["b", 1], ["c", 1], ["d", 1]]}
    for generation in Generation:
        expected = [say(alone, key=key, who="ada", generation=generation) for key in ("own", "")]
        assert say(rule, people=people, generation=generation) == [*expected, None]


@pytest.mark.parametrize("generation", Generation)
def test_what_is_no_subject_at_all_is_an_error(say: Say, generation: Generation) -> None:
    with pytest.raises(RuleError, match="an item in it is no object"):
        say({"map": [[1], rollout(50)]}, generation=generation)
    with pytest.raises(RuleError, match="an item in it is no object"):
        say({"map": [[{"$flagd": 1, "targetingKey": "ada"}], rollout(50)]}, generation=generation)


@pytest.mark.parametrize("subject", [5, True, ["x"]])
def test_generation_2_draws_by_texts_only(say: Say, subject: object) -> None:
    with pytest.raises(RuleError, match="is no text"):
        compile_rule("flag", {"fractional": [["a", 1]]}, generation=V2).ask({"targetingKey": subject})
    with pytest.raises(RuleError, match="is no text"):
        draw([["a", 1]], {"targetingKey": subject}, flag_key="flag", generation=V2)
    assert say({"fractional": [INPUT, ["a", 1]]}, input={"name": subject}, generation=V2) is None


@given(who=st.text(min_size=1, max_size=300), key=st.text(max_size=300), generation=st.sampled_from(Generation))
def test_whoever_is_in_at_a_share_is_in_at_every_larger_one(who: str, key: str, generation: Generation) -> None:
    inside = [compile_rule(key, rollout(share), generation=generation).ask({"targetingKey": who}) for share in SHARES]
    assert inside[0] == "off"
    assert inside[-1] == "on"
    assert all(not (smaller == "on" and larger == "off") for smaller, larger in pairwise(inside))


@given(who=st.text(min_size=1), first=st.integers(0, 1000), more=st.integers(0, 1000), rest=st.integers(1, 1000))
def test_the_sets_are_nested_whatever_the_weights_sum_up_to(say: Say, who: str, first: int, more: int, rest: int) -> None:
    """The share of the first arm grows, so nobody leaves it."""
    small, large = ({"fractional": [["on", weight], ["off", rest]]} for weight in (first, first + more))
    if say(small, who=who) == "on":
        assert say(large, who=who) == "on"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 50)), max_size=5), st.text(max_size=30), st.sampled_from(Generation))
def test_worked_out_arms_draw_as_the_same_arms_written_down(
    say: Say, arms: list[tuple[str, int]], who: str, generation: Generation
) -> None:
    written = [[name, weight] for name, weight in arms]
    weighed = [[name, {"+": [{"var": "nil"}, weight]}] for name, weight in arms]
    worked_out = [[{"cat": [name]}, {"+": [{"var": "nil"}, weight]}] for name, weight in arms]
    drawn = draw(written, {"targetingKey": who}, flag_key="flag", generation=generation)
    expected = None if drawn is None else drawn.variant
    for each in (written, weighed, worked_out):
        assert say({"fractional": each}, who=who, generation=generation) == expected
    if drawn is not None:
        assert drawn.start <= drawn.bucket < drawn.end <= drawn.total


def test_the_shares_are_kept_to() -> None:
    ask = compile_rule("flag", {"fractional": [["a", 1], ["b", 2], ["c", 7]]}, generation=V3).ask
    drawn = Counter(ask({"targetingKey": f"user-{number}"}) for number in range(10_000))
    assert abs(drawn["a"] - 1000) < 150
    assert abs(drawn["b"] - 2000) < 200
    assert abs(drawn["c"] - 7000) < 250


def test_arms_know_where_their_buckets_end() -> None:
    assert arms_of([["a", 2], ["b", -1], ["c"]]) == Arms(("a", "b", "c"), (2, 2, 3))
    assert arms_of([]) is None
