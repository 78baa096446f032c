"""Rules look through lists."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.lists import is_in

Say = Callable[..., object]
ITEM, TAGS = {"var": ""}, {"var": "tags"}
SUM = {"+": [{"var": "accumulator"}, {"var": "current"}]}
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5, nan]) | st.sampled_from(["", "a", "ab", "1"])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"map": [TAGS, {"+": [ITEM, 1]}]}, [2, 3, 4]),
        ({"map": [TAGS]}, [None, None, None]),
        ({"map": []}, []),
        ({"map": ["x", ITEM]}, []),
        ({"filter": [TAGS, {">": [ITEM, 1]}]}, [2, 3]),
        ({"filter": [TAGS]}, []),
        ({"filter": [None, ITEM]}, []),
        ({"reduce": [TAGS, SUM, 10]}, 16),
        ({"reduce": [TAGS, SUM]}, 6),
        ({"reduce": [TAGS]}, None),
        ({"reduce": []}, None),
        ({"reduce": [None, SUM, 4]}, 4),
        ({"reduce": [[], SUM, {"var": "tags"}]}, {"var": "tags"}),
        ({"all": [TAGS, {">": [ITEM, 0]}]}, True),
        ({"all": [TAGS, {">": [ITEM, 1]}]}, False),
        ({"all": [[], True]}, False),
        ({"all": [TAGS]}, False),
        ({"some": [TAGS, {">": [ITEM, 2]}]}, True),
        ({"some": [TAGS, {">": [ITEM, 3]}]}, False),
        ({"some": ["x", True]}, False),
        ({"none": [TAGS, {">": [ITEM, 3]}]}, True),
        ({"none": [TAGS, {">": [ITEM, 2]}]}, False),
        ({"none": [TAGS]}, True),
        ({"none": [None, True]}, True),
        ({"merge": [1, TAGS, [[4]]]}, [1, 1, 2, 3, [4]]),
        ({"merge": []}, []),
        ({"in": [2, TAGS]}, True),
        ({"in": ["2", TAGS]}, False),
        ({"in": ["ell", "hello"]}, True),
        ({"in": [1, "a1"]}, True),
        ({"in": [None, "null"]}, True),
        ({"in": ["a", None]}, False),
        ({"in": [[2], [[2]]]}, True),
        ({"in": [TAGS, [1, 2]]}, False),
        ({"in": ["a"]}, False),
    ],
)
def test_what_lists_give(say: Say, rule: object, said: object) -> None:
    assert say(rule, tags=[1, 2, 3]) == said


def test_inside_a_list_only_the_item_is_seen(say: Say) -> None:
    assert say({"map": [[{"a": 1, "b": 2}, 5], {"var": "a"}]}, a="outside") == [1, None]
    assert say({"map": [[1], {"var": "$flagd.flagKey"}]}) == [None]
    assert say({"map": [[{"var": ""}], {"var": "$flagd.flagKey"}]}) == ["flag"]


@given(SCALARS, st.lists(SCALARS, max_size=4))
def test_a_list_in_the_rule_holds_what_the_same_list_in_the_context_does(say: Say, value: object, items: list[object]) -> None:
    assert say({"in": [{"var": "value"}, items]}, value=value) is is_in(value, items)


def test_a_reduction_sees_what_was_said_before_and_nothing_of_its_own_making(say: Say) -> None:
    """The reference hands out one object that ends up holding itself."""
    assert say({"reduce": [[1, 2], {"var": ""}, 0]}) == {"accumulator": {"accumulator": 0, "current": 1}, "current": 2}


def test_lists_within_lists_have_a_bound_on_their_work(say: Say) -> None:
    rule: object = {"==": [ITEM, 1]}
    for _ in range(5):
        rule = {"some": [list(range(2, 60)), rule]}
    with pytest.raises(RuleError, match="steps"):
        say(rule)


@pytest.mark.parametrize("grow", [{"merge": [{"var": "accumulator"}] * 2}, {"cat": [{"var": "accumulator"}] * 2}])
def test_what_doubles_each_time_ends_with_an_error(say: Say, grow: object) -> None:
    with pytest.raises(RuleError, match="more than"):
        say({"reduce": [[0] * 100, grow, ["x"]]})


def test_a_literal_list_is_a_new_one_each_time(say: Say) -> None:
    """As in the reference, where `==` tells two lists apart."""
    assert say({"==": [[1], [1]]}) is False
    rule = {"map": [[{"map": [[1, 2], [1]]}], {"==": [{"var": "0"}, {"var": "1"}]}]}
    assert say(rule) == [False]
    nested = {"map": [[{"map": [[1, 2], [[1]]]}], {"===": [{"var": "0"}, {"var": "1"}]}]}
    assert say(nested) == [True]
