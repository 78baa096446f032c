"""Guards are decided by outputs and facts, and never both ways at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import Guard, GuardOperator
from genesis_server.planning.conditions import opposite
from genesis_server.planning.guards import holds, name_among

IS_TRUE, IS_FALSE, LESS = GuardOperator.IS_TRUE, GuardOperator.IS_FALSE, GuardOperator.LESS
EQUAL, NOT_EQUAL, CONTAINS = GuardOperator.EQUAL, GuardOperator.NOT_EQUAL, GuardOperator.CONTAINS


@pytest.mark.parametrize(
    ("artefact", "operator", "value", "outputs", "verdict"),
    [
        ("tests", IS_TRUE, "", {"tests": "passed"}, True),
        ("tests", IS_TRUE, "", {"Tests": "FAILED."}, False),
        ("tests", IS_TRUE, "", {"tests": "see the log"}, None),
        ("tests", IS_TRUE, "", {"unit_test": True}, True),
        ("tests", IS_TRUE, "", {"coverage": True}, None),
        ("tests", IS_FALSE, "", {"tests": "failed"}, True),
        ("errors", IS_TRUE, "", {"errors": 0}, False),
        ("errors", IS_TRUE, "", {"errors": ["a"]}, True),
        ("errors", IS_FALSE, "", {"errors": []}, True),
        ("errors", IS_TRUE, "", {"errors": None}, None),
        ("price", LESS, "200", {"price": 199.5}, True),
        ("price", LESS, "200", {"ticket_price": "199.5 USD"}, True),
        ("price", LESS, "200", {"price": "$ 1,200"}, False),
        ("price", LESS, "200", {"price": "cheap"}, None),
        ("price", LESS, "200", {"price": True}, None),
        ("price", GuardOperator.AT_LEAST, "200", {"price": 200}, True),
        ("price", GuardOperator.AT_MOST, "200", {"price": 200}, True),
        ("price", GuardOperator.GREATER, "200", {"price": 200}, False),
        ("price", LESS, "200", {"price": float("nan")}, None),
        ("status", EQUAL, "open", {"status": "  Open "}, True),
        ("status", NOT_EQUAL, "open", {"status": "closed"}, True),
        ("status", EQUAL, "404", {"status": 404}, True),
        ("status", EQUAL, "yes", {"status": True}, True),
        ("status", EQUAL, "blue", {"status": True}, None),
        ("status", EQUAL, "blue", {"status": ["blue"]}, None),
        ("reply", CONTAINS, "refund", {"reply": "I want a Refund now"}, True),
        ("tags", CONTAINS, "urgent", {"tags": ["Urgent", "mail"]}, True),
        ("tags", CONTAINS, "urgent", {"tags": 5}, None),
        ("", IS_TRUE, "", {"anything": "ok"}, True),
        ("", IS_TRUE, "", {"a": "ok", "note": "see the log"}, True),
        ("", IS_TRUE, "", {"a": "ok", "b": "failed"}, None),
        ("", IS_TRUE, "", {}, None),
        ("x", GuardOperator.UNSPECIFIED, "", {"x": 1}, None),
    ],
)
def test_an_output_decides(artefact: str, operator: GuardOperator, value: str, outputs: dict[str, Any], verdict: bool | None) -> None:
    assert holds(Guard("t", artefact, operator, value), {"t": outputs, "other": {"tests": "failed"}}, {}) is verdict


def test_a_fact_decides_what_no_output_does() -> None:
    guard = Guard("t", "tests", IS_TRUE)
    assert holds(guard, {}, {"tests": True}) is True
    assert holds(guard, {"t": {"tests": "failed"}}, {"tests": True}) is False
    assert holds(Guard("", "rains", IS_TRUE), {}, {"rains": "no"}) is False
    assert holds(Guard("", "", IS_TRUE), {}, {"rains": "no"}) is None


def test_a_name_is_found_when_one_alone_is_meant() -> None:
    assert name_among("tests", ["report", "test_results", "unit_tests"]) == "unit_tests"
    assert name_among("tests", ["load_tests", "unit_tests"]) is None
    assert name_among("ticket_price", ["price"]) == "price"
    assert name_among("", ["price"]) is None


json = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["passed", "no", "200 $", "199", "open", ""]),
    st.lists(st.integers(), max_size=2),
    st.none(),
)
names = st.sampled_from(["", "tests", "unit_tests", "price", "Price"])


@given(
    st.sampled_from(sorted(GuardOperator)),
    names,
    st.one_of(st.sampled_from(["200", "open", "", "yes"]), st.text(max_size=6)),
    st.dictionaries(names, json, max_size=3),
    st.dictionaries(names, json, max_size=3),
)
def test_a_guard_and_its_opposite_never_agree(
    operator: GuardOperator, artefact: str, value: str, outputs: dict[str, Any], facts: dict[str, Any]
) -> None:
    guard = Guard("t", artefact, operator, value)
    other = opposite(operator)
    if other is None:
        return
    mine, theirs = (holds(one, {"t": outputs}, facts) for one in (guard, replace(guard, operator=other)))
    assert (mine is None) == (theirs is None)
    assert mine is None or mine is not theirs


def test_an_output_named_after_success_tells_whether_the_task_succeeded() -> None:
    guard = Guard("tests", "test_report", GuardOperator.IS_TRUE)
    assert holds(guard, {"tests": {"passed": False}}, {}) is False
    assert holds(guard, {"tests": {"ok": "yes", "coverage": 0.8}}, {}) is True
    assert holds(guard, {"tests": {"coverage": 0.8}}, {}) is None
    assert holds(guard, {"tests": {"passed": True, "ok": False}}, {}) is None
