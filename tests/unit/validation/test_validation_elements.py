"""What goals ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.validation.elements import DetailKind, GoalElements, goal_elements
from genesis_server.validation.vocabulary import default_vocabulary


def _elements(goal: str) -> GoalElements:
    return goal_elements(goal, default_vocabulary())


@pytest.mark.parametrize(
    ("goal", "actions"),
    [
        ("Book a flight and reserve a room", ["Book a flight", "reserve a room"]),
        ("Please help me translate the letter, then email it to Ann.", ["translate the letter", "email it to Ann"]),
        ("The kitchen is cold.", []),
        ("I would like to cancel my order. Afterwards, delete my account!", ["cancel my order", "delete my account"]),
        ("Deploy the service; monitor it", ["Deploy the service", "monitor it"]),
        ("", []),
        ("你好,世界", []),
    ],
)
def test_actions_begin_at_verbs_where_an_action_can_begin(goal: str, actions: list[str]) -> None:
    assert [action.span.text for action in _elements(goal).actions] == actions


@pytest.mark.parametrize(
    ("goal", "details"),
    [
        ("pay 5,000 yuan", [(DetailKind.NUMBER, "5,000")]),
        ("meet on March 15, 2023 at noon", [(DetailKind.DATE, "March 15, 2023")]),
        ("meet on 2023-03-15", [(DetailKind.DATE, "2023-03-15")]),
        ("meet on July 8th", [(DetailKind.DATE, "July 8th")]),
        ("call it 'Work Plan' please", [(DetailKind.QUOTATION, "'Work Plan'")]),
        ('write "Hello, World!" into a new file', [(DetailKind.QUOTATION, '"Hello, World!"')]),
        ("don't touch the plan's end", []),
        ("ask Zhang San about it", [(DetailKind.NAME, "Zhang San")]),
        ("cancel JH74839482", [(DetailKind.NUMBER, "JH74839482")]),
        ("Cancel it. Then I go", []),
        ("'book me a room and a car'", []),
        ("report to NASA", [(DetailKind.NAME, "NASA")]),
    ],
)
def test_details_are_numbers_dates_quotations_and_names(goal: str, details: list[tuple[DetailKind, str]]) -> None:
    assert [(detail.kind, detail.span.text) for detail in _elements(goal).details] == details


def test_words_of_one_action_only_are_its_own_and_details_are_no_words() -> None:
    first, second = _elements("Cancel the order 123 and track the order of Anna").actions
    assert first.own_terms == {"cancel"}
    assert first.terms == {"cancel", "order"}
    assert second.own_terms == {"track"}
    assert [detail.span.text for detail in first.details] == ["123"]


@given(st.text(max_size=200))
def test_spans_are_pieces_of_the_goal_in_order(goal: str) -> None:
    """Every span's text stands at its place, and actions come one after another."""
    found = _elements(goal)
    for element in (*found.actions, *found.details):
        assert goal[element.span.start : element.span.end] == element.span.text
    starts = [action.span.start for action in found.actions]
    assert starts == sorted(starts)
    assert all(action.own_terms <= action.terms for action in found.actions)
