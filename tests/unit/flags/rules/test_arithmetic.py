"""Rules calculate."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

import pytest

from genesis_server.flags.rules.errors import RuleError

Say = Callable[..., object]


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ({"+": []}, 0),
        ({"+": [1, 2, 3]}, 6),
        ({"+": "3.5"}, 3.5),
        ({"+": [-0.0, -0.0]}, 0.0),
        ({"-": [7, 2]}, 5),
        ({"-": 3}, -3),
        ({"-": [5, None]}, -5),
        ({"*": []}, 1),
        ({"*": [2, "3"]}, 6.0),
        ({"/": [100, 2]}, 50.0),
        ({"%": [-7, 3]}, 2),
        ({"min": [3, "1", 2]}, 1.0),
        ({"max": [3, 1, None]}, 3),
        ({"min": [True, 5]}, True),
    ],
)
def test_operators_give_numbers_of_the_type_the_reference_gives(say: Say, rule: object, number: float) -> None:
    said = say(rule)
    assert (said, type(said), str(said)) == (number, type(number), str(number))


@pytest.mark.parametrize("rule", [{"min": []}, {"max": []}, {"+": ["a"]}, {"*": [{"a": 1, "b": 2}]}, {"-": [[1, 2], 1]}])
def test_what_is_no_number_gives_none(say: Say, rule: object) -> None:
    said = say(rule)
    assert isinstance(said, float)
    assert isnan(said)


@pytest.mark.parametrize("rule", [{"/": [1, {"var": "n"}]}, {"%": [1, {"var": "n"}]}, {"/": [1, 0]}])
def test_division_by_zero_is_an_error_of_the_rule_when_it_is_reached(say: Say, rule: object) -> None:
    with pytest.raises(RuleError, match=r"division|modulo"):
        say(rule, n=0)
    assert say({"if": [False, rule, "off"]}, n=0) == "off"


def test_whole_numbers_do_not_grow_without_end(say: Say) -> None:
    squares = {"reduce": [[0] * 20, {"*": [{"var": "accumulator"}, {"var": "accumulator"}]}, 3]}
    with pytest.raises(RuleError, match="too large"):
        say(squares)


def test_sums_of_attributes_are_sums(say: Say) -> None:
    assert say({"+": [{"var": "a"}, {"var": "b"}]}, a=2, b=0.5) == 2.5
    assert say({"-": [{"var": "a"}, {"var": "b"}]}, a=2, b="0.5") == 1.5
    assert say({"-": [{"var": "a"}, 7]}, a=10) == 3
    assert str(say({"+": [{"var": "a"}, {"var": "a"}]}, a=-0.0)) == "0.0"
