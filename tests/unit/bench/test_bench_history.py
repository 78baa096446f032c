"""Recorded runs of `make bench`: a slow-down shows, noise does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from figures import Figure, figure, single
from history import append, entry, read, worse
from picture import draw_history, draw_run


def run_of(*figures: Figure, echo: float = 124.0) -> dict[str, object]:
    """A recorded run of some figures."""
    return entry(figures, echo_microseconds=echo, date="2026-01-01")


def slower(now: Figure, *before: Figure, echo: float = 124.0) -> list[str]:
    """Names of what got worse."""
    return [one.name for one in worse([now], echo_microseconds=echo, recorded=[run_of(one) for one in before])]


def ratio(*values: float) -> Figure:
    """A figure of which less is better."""
    return figure("Flag", "× echo", values)


def rate(*values: float) -> Figure:
    """A figure of which more is better."""
    return figure("flags", "/s", values, more_is_better=True, scales=True)


def test_a_figure_beyond_every_recorded_spread_got_worse() -> None:
    assert slower(ratio(2.4, 2.5, 2.6), ratio(1.6, 1.7, 1.9), ratio(1.5, 1.6, 2.0)) == ["Flag"]
    assert slower(rate(300.0, 310.0), rate(500.0, 600.0)) == ["flags"]


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (ratio(1.8, 1.85, 2.5), ratio(1.6, 1.7, 1.9)),  # within what was seen before
        (ratio(1.6, 2.5, 2.6), ratio(1.6, 1.7, 1.9)),  # this run saw what was usual, too
        (ratio(1.76, 1.77, 1.78), ratio(1.68, 1.70, 1.71)),  # a few percent
        (ratio(1.0, 1.1, 1.2), ratio(1.6, 1.7, 1.9)),  # better
        (rate(900.0, 910.0), rate(500.0, 600.0)),  # better
    ],
)
def test_what_may_be_noise_is_not_told(now: Figure, before: Figure) -> None:
    assert slower(now, before) == []


def test_times_are_compared_as_they_would_be_on_the_same_machine() -> None:
    before = figure("Route", "ms", [9.0, 10.0, 11.0], scales=True)
    twice = figure("Route", "ms", [18.0, 20.0, 22.0], scales=True)
    assert slower(twice, before, echo=248.0) == []
    assert slower(twice, before, echo=124.0) == ["Route"]


def test_only_the_last_runs_count_and_a_new_figure_has_none() -> None:
    slow, quick = ratio(2.4, 2.5, 2.6), ratio(1.6, 1.7, 1.8)
    assert slower(slow, slow, *[quick] * 5) == ["Flag"]
    assert slower(slow, *[quick] * 5, slow) == []
    assert slower(single("new", "ms", 9.0), quick) == []
    assert slower(slow) == []


def test_a_run_is_kept_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert read(path) == []
    first, second = run_of(ratio(1.0, 2.0, 3.0)), run_of(rate(1.0, 2.0), echo=248.0)
    append(path, first)
    append(path, second)
    assert read(path) == [first, second]
    assert json.loads(path.read_text("utf-8").splitlines()[1]) == {
        "date": "2026-01-01",
        "echo_us": 248.0,
        "figures": {"flags": {"unit": "/s", "median": 3.0, "low": 2.0, "high": 4.0}},
    }


def test_the_plots_show_what_something_was_wanted_of(tmp_path: Path) -> None:
    figures = [single("Flag", "× echo", 1.7, aim=1.8), single("rate", "/s", 2.0, aim=1.0, more_is_better=True), single("Health", "×", 3.0)]
    draw_run(figures, 124.0, tmp_path / "plots" / "run.svg")
    draw_history([run_of(*figures), run_of(*figures[:1])], figures, tmp_path / "history.svg")
    for path in (tmp_path / "plots" / "run.svg", tmp_path / "history.svg"):
        text = path.read_text("utf-8")
        assert ">Flag</text>" in text
        assert ">rate</text>" in text
        assert ">Health</text>" not in text
