"""Conditions become a thing, a comparison and a value."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.model.plan import GuardOperator
from genesis_server.planning.condition_words import build_conditionals
from genesis_server.planning.conditions import negated, opposite, read
from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.quantities import pieces

WORDS = (files("genesis_server") / "data" / "language" / "conditions.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("marker", "said", "expected"),
    [
        ("if", "the tests pass", ["tests IS_TRUE"]),
        ("if", "the unit tests fail", ["unit_tests IS_FALSE"]),
        ("if", "the tests don't pass", ["tests IS_FALSE"]),
        ("unless", "the build is broken", ["build IS_TRUE"]),
        ("if", "the price of the flight drops below 200 $", ["price LESS 200"]),
        ("if", "the total does not exceed 1,500 euros", ["total AT_MOST 1500"]),
        ("if", "the total is not below 5.5", ["total AT_LEAST 5.5"]),
        ("if", "it costs more than $20", ["GREATER 20"]),
        ("if", "the count equals 3", ["count EQUAL 3"]),
        ("if", "the response code is 404", ["response_code EQUAL 404"]),
        ("if", "the status is not open", ["status NOT_EQUAL open"]),
        ("if", "there are no seats", ["seats IS_FALSE"]),
        ("if", "you find duplicates", ["duplicates IS_TRUE"]),
        ("if", "you find a room under 90 €", ["room LESS 90"]),
        ("in case of", "an error", ["error IS_TRUE"]),
        ("in case of", "failure", ["IS_FALSE"]),
        ("if", "the lint and the tests pass", ["lint IS_TRUE", "tests IS_TRUE"]),
        ("if", "the tests pass and the coverage is above 80 %", ["tests IS_TRUE", "coverage GREATER 80"]),
        ("if", "the door is open and is green", ["door EQUAL open", "door IS_TRUE"]),
        ("if", "Ann or Bob agrees", ["ann_or_bob_agrees IS_TRUE"]),
        ("unless", "the tests pass and the disk is full", ["tests_pass_and_disk_full IS_FALSE"]),
        ("if", "at least 3 people sign up", ["people AT_LEAST 3"]),
        ("if", "the mail contains a refund", ["mail CONTAINS refund"]),
        ("if", "the mail doesn't mention money", ["mail_mention_money IS_FALSE"]),
        ("if", "the customer wants a refund", ["customer_wants_refund IS_TRUE"]),
        ("if", "it's not approved", ["IS_FALSE"]),
        ("if", "everything goes smoothly", ["IS_TRUE"]),
        ("if", "the order can be changed", ["order_changed IS_TRUE"]),
        ("if", "work on the wall fails", ["work IS_FALSE"]),
        ("if", "successful", ["IS_TRUE"]),
        ("if", "any", []),
        ("if", "", []),
    ],
)
def test_a_condition_is_read(marker: str, said: str, expected: list[str]) -> None:
    readings = read(marker, pieces(said))
    assert [" ".join(part for part in (one.artefact, one.operator.name, one.value) if part) for one in readings] == expected


def test_the_opposite_of_the_opposite_is_the_same() -> None:
    for operator in GuardOperator:
        other = opposite(operator)
        assert other is None or opposite(other) is operator
    assert negated([], []) == []


def test_every_mistake_in_the_words_is_told_with_its_line() -> None:
    broken = WORDS.replace("\nfailures =", "\nfailure =").replace('markers = ["if",', 'markers = ["", "if",', 1)
    with pytest.raises(DataFileError) as refused:
        build_conditionals(broken)
    told = "\n".join(refused.value.mistakes)
    line = next(number for number, text in enumerate(broken.splitlines(), start=1) if text.startswith("markers"))
    assert f"conditions.toml:{line}: markers" in told
    assert "failures: is missing" in told
