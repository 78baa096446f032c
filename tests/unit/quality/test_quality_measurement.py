"""Folds, spreads, the seal on gold answers, and the bars of `make quality`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from bars import Bar, broken, load_bars
from measurement import FOLDS, Figure, Sealed, fold_of, spread_over, spread_over_folds


def figure(name: str, value: float, *, records: int = 10, by: str = "Genesis") -> Figure:
    """A figure without spread."""
    return Figure(name, value, value, value, records, by=by)


def test_folds_are_about_even_and_the_same_everywhere() -> None:
    counts = Counter(fold_of(f"record {number}") for number in range(5000))
    assert set(counts) == set(range(FOLDS))
    assert max(counts.values()) - min(counts.values()) < 250
    assert [fold_of(name) for name in ("async_829", "multiple_0", "m1")] == [4, 1, 0]


def test_a_spread_is_the_least_and_the_most_of_the_folds_means() -> None:
    """Two folds, of means 1/2 and 1; three of four records are right."""
    made = spread_over_folds("right", ["a", "b", "c", "d"], [1.0, 0.0, 1.0, 1.0], fold=lambda record: record in "cd")
    assert (made.value, made.low, made.high, made.records) == (75.0, 50.0, 100.0, 4)


def test_figures_that_are_no_shares_keep_their_unit() -> None:
    made = spread_over_folds("time", ["a", "b"], [2.0, 4.0], unit="ms", fold=lambda _: 0)
    assert (made.value, made.unit) == (3.0, "ms")
    assert spread_over("time", [1.0, 2.0, 6.0], 7, unit="ms", over="rounds") == Figure("time", 3.0, 1.0, 6.0, 7, "ms", over="rounds")


def test_no_record_at_all_is_no_mistake() -> None:
    assert spread_over_folds("nothing", [], []) == Figure("nothing", 0.0, 0.0, 0.0, 0)


def test_gold_stays_sealed_until_every_question_is_answered() -> None:
    """Nothing reads it before; a single missing answer is enough."""
    read: list[str] = []

    def gold() -> str:
        read.append("gold")
        return "gold"

    sealed = Sealed(["one", "two"], gold)
    with pytest.raises(RuntimeError, match="1 questions have no answer yet"):
        sealed.opened({"one": "said"})
    assert read == []
    assert sealed.opened({"one": "said", "two": "", "more": "said"}) == "gold"


def test_a_bar_that_does_not_hold_is_told() -> None:
    bars = [Bar("gold", "sound", at_least=100), Bar("gold", "rejected", at_most=0), Bar("other", "sound", at_least=100)]
    measured = {"gold": [figure("sound", 99.9), figure("rejected", 0.0)]}
    assert broken(bars, measured) == ["gold, sound: 99.900 %, not at least 100"]


def test_the_baseline_keeps_no_bar() -> None:
    """The figure must be the service's own."""
    assert broken([Bar("gold", "sound", at_least=100)], {"gold": [figure("sound", 100.0, by="TF-IDF")]}) == ["gold, sound: not measured"]


def test_a_figure_of_no_records_keeps_no_bar() -> None:
    assert broken([Bar("gold", "rejected", at_most=0)], {"gold": [figure("rejected", 0.0, records=0)]})


def test_every_bar_is_about_a_measurement_there_is() -> None:
    """A name that is written wrong would never be looked at."""
    folder = Path(__file__).resolve().parents[2] / "quality"
    bars = load_bars()
    assert bars
    for bar in bars:
        assert (folder / f"{bar.measurement}.py").is_file(), bar
        assert (bar.at_least > float("-inf")) != (bar.at_most < float("inf")), bar
