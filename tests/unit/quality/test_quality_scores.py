"""The arithmetic behind the figures of `make quality`."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scores import auroc, balanced_accuracy, best_threshold, f1, rounding_of, threshold_at

DAY = 86_400.0
MONTH = (28 * DAY, 31 * DAY)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    """Two of three found are right, two of four gold ones are found: precision 2/3, recall 1/2."""
    assert f1(["a", "b", "x"], ["a", "b", "c", "d"]) == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2))


def test_f1_counts_what_stands_twice_twice() -> None:
    """A tool named once where gold has it twice is half found."""
    assert f1(["a"], ["a", "a"]) == pytest.approx(2 / 3)


def test_two_empty_answers_agree() -> None:
    assert f1([], []) == 1.0
    assert f1(["a"], []) == 0.0


def test_auroc_is_how_often_a_true_one_is_above_a_false_one() -> None:
    """Counted by hand: of six pairs four are in order and one is even."""
    scores, gold = [0.9, 0.5, 0.1, 0.5, 0.3], [True, True, True, False, False]
    pairs = [(one, other) for one, yes in zip(scores, gold, strict=True) if yes for other, no in zip(scores, gold, strict=True) if not no]
    wins = sum(1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs)
    assert auroc(scores, gold) == pytest.approx(wins / len(pairs))


def test_auroc_of_one_kind_alone_tells_nothing() -> None:
    assert auroc([0.1, 0.9], [True, True]) == 0.5


def test_balanced_accuracy_weighs_both_kinds_alike() -> None:
    """Saying yes to everything is right for 9 of 10, and half right when both kinds count alike."""
    assert balanced_accuracy([True] * 10, [True] * 9 + [False]) == 0.5
    assert balanced_accuracy([True, False], [True, False]) == 1.0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12))
def test_no_other_threshold_is_better(pairs: list[tuple[int, bool]]) -> None:
    """Against trying every score there is, of both kinds."""
    assume(len({yes for _, yes in pairs}) == 2)
    scores, gold = [float(score) for score, _ in pairs], [yes for _, yes in pairs]

    def at(threshold: float) -> float:
        return balanced_accuracy([score >= threshold for score in scores], gold)

    assert at(best_threshold(scores, gold)) == pytest.approx(max(at(score) for score in scores))


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.1, 1.0])
def test_a_threshold_lets_no_more_alarm_than_it_may(rate: float) -> None:
    draw = random.Random(1)
    scores = [float(draw.randrange(50)) for _ in range(1000)]
    limit = threshold_at(scores, rate)
    assert sum(score >= limit for score in scores) <= rate * len(scores)


def test_a_finish_time_of_units_of_fixed_length_must_be_exact() -> None:
    assert rounding_of({"1": ("2 week", (14 * DAY, 14 * DAY)), "2": ("5 min", (300.0, 300.0))}, 0) == 0.0


def test_a_finish_time_in_months_may_be_off_by_a_tenth_of_one() -> None:
    """At both ends by a tenth of what a month means there."""
    durations = {"1": ("2 month", (2 * MONTH[0], 2 * MONTH[1])), "2": ("2 day", (2 * DAY, 2 * DAY))}
    assert rounding_of(durations, 0) == pytest.approx(2.8 * DAY)
    assert rounding_of(durations, 1) == pytest.approx(3.1 * DAY)


def test_the_longest_unit_decides() -> None:
    """A plan with years and months is told in years."""
    durations = {"1": ("3 month", (3 * MONTH[0], 3 * MONTH[1])), "2": ("2 year", (730 * DAY, 732 * DAY))}
    assert math.isclose(rounding_of(durations, 0), 36.5 * DAY)
