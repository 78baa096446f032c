"""Rules say which of two values is less."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.rules.comparing import greater, greater_or_equal, less, less_or_equal

Say = Callable[..., object]
MIXED = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-5, 5)
    | st.sampled_from(["", "1", "abc", "2.5"])
    | st.lists(st.integers(0, 2), max_size=2)
)


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, 2), ("1", 2), (1, "2"), ("a", "b"), ("10", "9"), (None, 1), ("a", None), ([1], 2), (False, True), ([], [1]), ("1,2", [1, 3])],
)
def test_what_is_less(a: object, b: object) -> None:
    assert less(a, b)
    assert greater(b, a)
    assert less_or_equal(a, b)
    assert greater_or_equal(b, a)


@pytest.mark.parametrize(("a", "b"), [("abc", 5), (5, "abc"), (nan, 1), ({}, 1), ({}, []), ([1, 2], [3])])
def test_what_has_no_order_is_neither_less_nor_more(a: object, b: object) -> None:
    assert not any(compare(a, b) for compare in (less, greater, less_or_equal, greater_or_equal))


def test_a_third_value_makes_it_a_range(say: Say) -> None:
    inside = {"<=": [18, {"var": "age"}, 65]}
    assert [say(inside, age=age) for age in (17, 18, 65, 66)] == [False, True, True, False]
    assert say({"<": [1, {"var": "age"}, None]}, age=2) is True


@given(MIXED, MIXED)
def test_the_usual_forms_say_what_the_general_ones_do(say: Say, a: object, b: object) -> None:
    """A number that stands in the rule, or a closure without a call in between, changes no answer."""
    for name, compare in {"<": less, "<=": less_or_equal, ">": greater, ">=": greater_or_equal}.items():
        expected = compare(a, b)
        assert say({name: [{"var": "a"}, {"var": "b"}]}, a=a, b=b) is expected
        assert say({name: [{"var": "a"}, b]}, a=a) is expected
        assert say({name: [a, b]}) is expected


@given(MIXED, MIXED)
def test_equality_with_a_value_in_the_rule_is_that_of_two_values_of_the_context(say: Say, a: object, b: object) -> None:
    for name in ("==", "!=", "===", "!=="):
        expected = say({name: [{"var": "a"}, {"var": "b"}]}, a=a, b=b)
        assert say({name: [{"var": "a"}, b]}, a=a) is expected
        assert say({name: [a, {"var": "b"}]}, b=b) is expected
