"""Rules that are no rules, or too large, are refused at once."""

from __future__ import annotations

import pytest

from genesis_server.flags.rules.shape import MAX_VALUES, key_mistake, shape_mistake
from genesis_server.flags.rules.work import MAX_DEPTH


def nested(levels: int) -> object:
    """That many levels of objects within the rule."""
    rule: object = 1
    for _ in range(levels):
        rule = {"!": rule}
    return rule


@pytest.mark.parametrize("rule", [None, True, 1, "on", [], [{"var": "a"}], {}, {"var": "a", "if": []}])
def test_a_rule_is_an_object_with_one_operator(rule: object) -> None:
    assert shape_mistake(rule) == ((), "a rule is an object with one operator")


def test_a_rule_may_be_so_deep_and_no_deeper() -> None:
    assert shape_mistake(nested(MAX_DEPTH)) is None
    assert shape_mistake(nested(MAX_DEPTH + 1)) == (("!",) * MAX_DEPTH, f"a rule may be nested {MAX_DEPTH} deep")


def test_a_rule_may_be_so_large_and_no_larger() -> None:
    assert shape_mistake({"in": ["x", list(range(MAX_VALUES - 4))]}) is None
    found = shape_mistake({"in": ["x", list(range(MAX_VALUES - 2))]})
    assert found == (("in", 1), f"a rule may have {MAX_VALUES} values")


def test_a_rule_has_values_of_json_only() -> None:
    assert shape_mistake({"==": [1, (2,)]}) == (("==", 1), "not a JSON value: tuple")
    assert shape_mistake({"==": [{1: 2, "a": 3}]}) == (("==", 0), "not a JSON value: dict")
    assert shape_mistake({1: 2}) == ((), "not a JSON value: dict")
    assert shape_mistake({"+": [2**1024]}) == (("+", 0), "a whole number may have 1024 bits")
    assert shape_mistake({"+": [2**1024 - 1, 1e300]}) is None


def test_a_key_is_whole_characters() -> None:
    assert key_mistake("ключ") is None
    assert key_mistake("a\ud800") == ((), "the key of the flag holds half a character (\\ud8..)")
