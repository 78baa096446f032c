"""Flags that are written for the four ways of turning something on do what their names say, and shares only grow into one another."""

from __future__ import annotations

import json
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.definition import FlagDefinition
from genesis_server.flags.lint import lint_flags
from genesis_server.flags.reading import read_flag
from genesis_server.flags.strategies import FlagObject, all_at_once, canary, legible, percentage, progressive, steps_of
from genesis_server.model.flags import FlagContext, Generation
from genesis_server.resilience.errors import ValidationError

PERCENT = st.integers(0, 100_000).map(lambda steps: steps / 1000)
SUBJECTS = [f"user-{number}" for number in range(2000)]
GENERATIONS = ("v2", "v3")


def defined(flag: FlagObject, generation: str = "v3") -> FlagDefinition:
    metadata: Any = flag.get("metadata", {})
    return read_flag(json.dumps({**flag, "metadata": {**metadata, "genesis.bucketing": generation}}), key="dark_mode")


def chosen(definition: FlagDefinition, subject: str, time: float = 0.0, **attributes: Any) -> object:
    assert definition.compiled is not None
    return definition.compiled.ask(FlagContext(subject, attributes, time).data())


def drawn(definition: FlagDefinition, time: float = 0.0, subjects: list[str] = SUBJECTS) -> set[str]:
    return {subject for subject in subjects if chosen(definition, subject, time) == "on"}


@given(PERCENT, PERCENT, st.sampled_from(GENERATIONS))
def test_who_is_in_at_a_smaller_percentage_is_in_at_a_larger_one(one: float, other: float, generation: str) -> None:
    fewer, more = (drawn(defined(percentage(percent, metadata={"n": 1}), generation)) for percent in sorted((one, other)))
    assert fewer <= more


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=20), PERCENT, PERCENT)
def test_shares_are_nested_for_subjects_of_any_name(subjects: list[str], one: float, other: float) -> None:
    fewer, more = (drawn(defined(percentage(percent)), subjects=subjects) for percent in sorted((one, other)))
    assert fewer <= more


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("percent", [0, 0.1, 1, 5, 10, 25, 50, 75, 99.9, 100])
def test_a_percentage_gives_that_share_of_many(percent: float, generation: str) -> None:
    subjects = [f"u{number}" for number in range(40_000)]
    share, expected = len(drawn(defined(percentage(percent), generation), subjects=subjects)) / len(subjects), percent / 100
    assert abs(share - expected) <= 5 * sqrt(expected * (1 - expected) / len(subjects))


def test_nobody_and_everybody_are_exact_and_who_has_no_name_is_not_drawn() -> None:
    assert not drawn(defined(percentage(0)))
    assert drawn(defined(percentage(100))) == set(SUBJECTS)
    assert chosen(defined(percentage(100)), "") is None


@given(PERCENT)
def test_weights_are_whole_numbers_that_keep_the_share_exactly(percent: float) -> None:
    arms: Any = percentage(percent)["targeting"]
    (_, first), (_, second) = arms["fractional"]
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert first * 100_000 == steps_of(percent) * (first + second)
    assert first + second in {100, 1_000, 10_000, 100_000}


@pytest.mark.parametrize(
    ("weights", "shown"), [([1, 3], [25, 75]), ([0, 9], [0, 100]), ([1, 999], [1, 999]), ([1, 2], [1, 2]), ([6, 9], [40, 60])]
)
def test_shares_are_written_as_per_cent_where_they_can_be(weights: list[int], shown: list[int]) -> None:
    assert legible(weights) == shown


@pytest.mark.parametrize("percent", [-0.001, 100.001, 0.0001, float("nan"), float("inf")])
def test_other_percentages_are_refused(percent: float) -> None:
    with pytest.raises(ValidationError, match=r"0 to 100 in steps of 0\.001"):
        percentage(percent)


def test_all_at_once_has_no_rule() -> None:
    found = defined(all_at_once("b", variants={"a": 1, "b": 2}, metadata={"owner": "x"}))
    assert (found.rule, found.default_variant, found.metadata["owner"]) == (None, "b", "x")


@given(PERCENT, st.sampled_from(["red", "green"]))
def test_a_canary_is_on_for_its_cohorts_and_by_percentage_for_the_others(percent: float, team: str) -> None:
    found = defined(canary("team", ["red", "blue"], percent))
    others = defined(percentage(percent))
    for subject in SUBJECTS[:50]:
        expected = "on" if team == "red" else chosen(others, subject)
        assert chosen(found, subject, team=team) == expected
        assert chosen(found, subject) == chosen(others, subject)


BEGIN, END = 1_700_000_000, 1_700_086_400


@pytest.mark.parametrize("generation", GENERATIONS)
def test_over_time_everybody_comes_in_and_nobody_leaves(generation: str) -> None:
    found = defined(progressive(BEGIN, END), generation)
    before: set[str] = set()
    for time in [0, BEGIN - 10**9, BEGIN, *range(BEGIN, END, 7200), END, END + 10**8]:
        now = drawn(found, float(time))
        share = min(1.0, max(0.0, (time - BEGIN) / (END - BEGIN)))
        assert before <= now
        assert abs(len(now) / len(SUBJECTS) - share) <= 5 * sqrt(share * (1 - share) / len(SUBJECTS))
        before = now
    assert before == set(SUBJECTS)


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_a_share_over_time_is_that_of_the_percentage_at_that_time(one: int, other: int, time: int) -> None:
    begin, end = sorted((one, other))
    if begin == end:
        with pytest.raises(ValidationError):
            progressive(begin, end)
        return
    found = defined(progressive(begin, end))
    share = min(end - begin, max(0, time - begin))
    fixed = read_flag(
        json.dumps({**percentage(0), "targeting": {"fractional": [["on", share], ["off", end - begin - share]]}}), key="dark_mode"
    )
    for subject in SUBJECTS[:20]:
        assert chosen(found, subject, float(time)) == chosen(fixed, subject)


@pytest.mark.parametrize("flag", [all_at_once(), percentage(12.5), canary("team", ["red"], 3), progressive(BEGIN, END)])
def test_what_is_written_holds_nothing_that_languages_understand_otherwise(flag: FlagObject) -> None:
    assert lint_flags(json.dumps({"flags": {"dark_mode": flag}}).encode(), "own.json") == ()
    assert defined(flag).generation is Generation.V3
