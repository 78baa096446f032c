"""Values of different types are compared as flagd's evaluator in Python does."""

from __future__ import annotations

from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.rules.coercion import contains, loosely_equal, strictly_equal, to_number, to_text, truthy
from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.work import MAX_DEPTH, begin

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
A_LIST: list[object] = [1]


@pytest.mark.parametrize("value", [None, False, 0, 0.0, -0.0, nan, "", []])
def test_what_counts_as_false(value: object) -> None:
    assert not truthy(value)


@pytest.mark.parametrize("value", [True, 1, -1, 0.1, inf, "0", " ", "false", [0], [[]], {}, {"a": 0}])
def test_what_counts_as_true(value: object) -> None:
    assert truthy(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (2.5, 2.5),
        (True, 1),
        (None, 0),
        ([], 0),
        (["7"], 7.0),
        ([[[4]]], 4),
        (" 1.5 ", 1.5),
        ("1_0", 10.0),
        ("Infinity", inf),
        ([None], 0),
    ],
)
def test_values_as_numbers(value: object, number: float) -> None:
    assert to_number(value) == number
    assert type(to_number(value)) is type(number) or isinstance(value, bool)


@pytest.mark.parametrize("value", ["", "abc", "inf", " -INF ", "+inf", [1, 2], {}, ["x"], {"a": 1}])
def test_what_is_no_number(value: object) -> None:
    assert isnan(to_number(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (1, "1"),
        (1.0, "1"),
        (0.1 + 0.2, "0.3"),
        (1e22, "1e+22"),
        (nan, "nan"),
        (None, "null"),
        (True, "True"),
        (False, "False"),
        ({"a": 1}, "[object Object]"),
        ([1, [2, None], "x", {}], "1,2,null,x,[object Object]"),
        ([], ""),
    ],
)
def test_values_as_texts(value: object, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (1, True),
        ("1", 1),
        ("1.0", 1),
        (0, None),
        (None, False),
        ([], 0),
        ([2], 2),
        ([1, 2], "1,2"),
        ({}, "[object Object]"),
        (True, "1"),
    ],
)
def test_what_is_loosely_equal(a: object, b: object) -> None:
    assert loosely_equal(a, b)
    assert loosely_equal(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [("", None), ("true", True), ("a", "b"), ([1], [1]), ({}, {}), ([1], {}), (None, []), (nan, nan), ("abc", 0), ("", "0"), ({}, 1)],
)
def test_what_is_not_loosely_equal(a: object, b: object) -> None:
    assert not loosely_equal(a, b)
    assert not loosely_equal(b, a)


def test_a_list_is_loosely_equal_to_itself_only() -> None:
    assert loosely_equal(A_LIST, A_LIST)
    assert not loosely_equal(A_LIST, [1])


@pytest.mark.parametrize(("a", "b"), [(1, 1.0), (1, True), ([1, {"a": [2]}], [True, {"a": [2.0]}]), ({}, {}), (None, None)])
def test_what_is_strictly_equal(a: object, b: object) -> None:
    assert strictly_equal(a, b)


@pytest.mark.parametrize(
    ("a", "b"), [("1", 1), (None, 0), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ([[1]], [[2]]), ([1], {}), ([[]], [1]), ([1], ["1"])]
)
def test_what_is_not_strictly_equal(a: object, b: object) -> None:
    assert not strictly_equal(a, b)


@given(VALUES, VALUES)
def test_equality_is_that_of_python_and_looks_no_further_than_it_must(a: object, b: object) -> None:
    assert strictly_equal(a, b) is (a == b)
    assert strictly_equal([a], [a])
    assert contains([b, a], a)
    haystack = [b]
    assert contains(haystack, a) is (a in haystack)


def test_lists_that_hold_themselves_over_and_over_end_with_an_error_in_no_time() -> None:
    first: object = 1
    second: object = 1
    for _ in range(200):
        first, second = [first, first], [second, second]
    with pytest.raises(RuleError, match="more than 100000 steps"):
        strictly_equal(first, second)
    begin()
    with pytest.raises(RuleError, match=f"nested more than {MAX_DEPTH} deep"):
        to_text(first)
    wide: object = []
    for _ in range(50):
        wide = [wide, wide]
    begin()
    with pytest.raises(RuleError, match="more than 100000 steps"):
        to_text(wide)
