"""What matches a pattern, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from judging import judged
from matching import mismatches
from scenarios import expanded, for_driver, load

RESULTS = [{"answer": {"plan": {"id": "plan_1", "tasks": [{"id": "a"}]}}}]


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 0, "b": False, "c": "", "d": []}, {}),
        ([1, {"b": 2}], [1, {"b": 2, "c": 3}]),
        ({"$matches": "pl.n_"}, "plan_1"),
        ({"$size": 2}, [1, 2]),
        ({"$at_least": 2}, "abc"),
        ({"$at_most": 0.5}, 0.25),
        ({"$contains": {"a": 1}}, [{"a": 2}, {"a": 1}]),
        ({"$contains": "an"}, "plan"),
        ({"$any": True}, {"x": 1}),
        ({"$absent": True}, None),
        ({"$same_as": "0.answer.plan.tasks.0.id"}, "a"),
    ],
)
def test_what_matches(pattern: Any, value: Any) -> None:
    assert mismatches(pattern, value, RESULTS) == []


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": {"b": 1}}, {}),
        ({"a": "x"}, None),
        ([1], [1, 2]),
        ([1], None),
        (True, None),
        ({"$matches": "pl.n_"}, "a plan_1"),
        ({"$matches": "a"}, None),
        ({"$size": 2}, [1]),
        ({"$at_least": 1}, None),
        ({"$at_most": 0.5}, 0.75),
        ({"$contains": {"a": 1}}, []),
        ({"$contains": {"a": 1}}, None),
        ({"$any": True}, ""),
        ({"$absent": True}, 1),
        ({"$same_as": "0.answer.plan.id"}, "plan_2"),
        ({"$same_as": "0.answer.nothing"}, None),
    ],
)
def test_what_does_not_match_says_where(pattern: Any, value: Any) -> None:
    [sentence] = mismatches(pattern, value, RESULTS, "place")
    assert sentence.startswith("place")


def test_a_pattern_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"\$sort"):
        mismatches({"$sort": 1}, [])


def test_what_is_repeated_is_written_out() -> None:
    value = {"a": {"$repeat": "xy", "times": 3}, "b": {"$list": {"id": "t{n}-{run}"}, "times": 2}}
    assert expanded(value, "r") == {"a": "xyxyxy", "b": [{"id": "t1-r"}, {"id": "t2-r"}]}


def test_a_driver_never_sees_what_is_expected() -> None:
    for scenario in load():
        assert all("expect" not in step for step in for_driver(scenario, {}, "r")["steps"])


SCENARIO = {"name": "s", "tries": 2, "steps": [{"call": "C/M", "expect": {"answer": {"id": "{run}"}}}]}


@pytest.mark.parametrize(
    ("told", "tries", "wrong"),
    [
        ({"steps": [{"status": "OK", "answer": {"id": "r"}}]}, 2, ""),
        ({"steps": [{"status": "OK", "answer": {"id": "r"}}]}, 1, "tries is 1"),
        ({"steps": [{"status": "NOT_FOUND", "message": "gone"}]}, 2, "it said: gone"),
        ({"steps": []}, 2, "0 of 1 steps"),
        ({"steps": [], "fault": "no such field"}, 2, "no such field"),
        (None, 2, "told nothing"),
    ],
)
def test_a_judgement_says_what_is_wrong(told: Any, tries: int, wrong: str) -> None:
    found = judged(SCENARIO, told, "r", (tries, 0))
    assert wrong in " ".join(found)
    assert bool(found) == bool(wrong)
