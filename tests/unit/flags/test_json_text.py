"""JSON is read piece by piece exactly as the decoder of Python reads it whole."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.json_text import LARGEST_INTEGER, JsonText, depth_of, odd_numbers, short

BLANK = st.text(" \t\n\r", max_size=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def members(text: str) -> dict[str, object]:
    walk = JsonText(text)
    found: dict[str, object] = {name: walk.value() for name in walk.members()}
    walk.end()
    return found


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), BLANK, BLANK)
def test_the_members_of_any_object_are_those_of_json(value: dict[str, object], before: str, between: str) -> None:
    text = before + json.dumps(value, separators=(f"{between},{before}", f"{between}:{between}")) + between
    assert members(text) == json.loads(text)


@given(st.text('{}[]":, \n1a\\', max_size=12))
def test_what_json_refuses_is_refused_at_the_same_place(text: str) -> None:
    try:
        expected = json.loads(text)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            members(text)
    else:
        if isinstance(expected, dict):
            assert members(text) == expected


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ("", "Expecting an object", 1),
        ('{"a" 1}', "Expecting ':' delimiter", 6),
        ('{"a": 1 "b"', "Expecting ',' delimiter", 9),
        ('{"a": 1,}', "Expecting property name enclosed in double quotes", 9),
        ('{"a": }', "Expecting value", 7),
        ('{"a": 1} x', "Extra data", 10),
    ],
)
def test_an_error_says_what_was_expected_and_where(text: str, says: str, column: int) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        members(text)
    assert (caught.value.msg, caught.value.colno) == (says, column)


def test_what_was_known_before_is_passed_over_and_can_be_read_later() -> None:
    walk = JsonText('{"a": {"x": 1}, "b": {"x": 2}}')
    starts = {}
    for name in walk.members():
        starts[name] = walk.at
        if not walk.passes_over('{"x": 1}'):
            assert walk.value() == {"x": 2}
    assert walk.value_at(starts["a"]) == {"x": 1}
    assert not walk.passes_over("")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '{"a": {"b": 1, "b": 1}}', '{"a": [{"b": 1, "b": 1}]}'])
def test_a_key_that_stands_twice_is_noticed_wherever_it_is(text: str) -> None:
    walk = JsonText(text)
    assert [walk.value() for _ in walk.members()]
    assert walk.repeats


@pytest.mark.parametrize(
    ("digits", "odd"),
    [
        (str(LARGEST_INTEGER), False),
        (str(-LARGEST_INTEGER), False),
        (str(LARGEST_INTEGER + 1), True),
        (str(-LARGEST_INTEGER - 1), True),
        ("9" * 5000, True),
        ("1e999", True),
        ("NaN", True),
        ("-Infinity", True),
        ("1e22", False),
        ("0.5", False),
    ],
)
def test_numbers_that_languages_read_otherwise_are_told_with_their_place(digits: str, odd: bool) -> None:
    walk = JsonText('{"a": [{"b": ' + digits + "}]}")
    value = walk.value()
    found = list(odd_numbers(value))
    assert [path for path, _ in found] == ([("a", 0, "b")] if odd else [])
    assert walk.odd_numbers or not odd


def test_depth_counts_objects_and_lists() -> None:
    assert [depth_of(value) for value in (1, "x", [], [[1], {}], {"a": [{}]})] == [0, 0, 1, 2, 3]


def test_long_values_are_cut_in_messages() -> None:
    assert short("x" * 100) == '"' + "x" * 56 + "..."
