"""Figures of `make bench`: spreads, scales and aims."""

from __future__ import annotations

import os
import time

import pytest
from figures import cpu_seconds, figure, percentiles, single, spread
from table import number, told


def test_a_figure_has_the_median_and_what_it_was_at_least_and_at_most() -> None:
    found = figure("work", "ms", [3.0, 1.0, 2.0, 9.0])
    assert (found.median, found.low, found.high) == (2.5, 1.0, 9.0)
    assert spread([3.0, 1.0, 2.0, 9.0]) == {"median": 2.5, "min": 1.0, "max": 9.0}


def test_times_shrink_on_a_slow_machine_and_rates_grow() -> None:
    """A machine whose echo takes twice as long as the one of the aims is half as quick."""
    time_here = figure("work", "ms", [10.0, 20.0, 30.0], aim=15.0, scales=True)
    rate_here = single("flags", "/s", 300_000.0, aim=500_000.0, more_is_better=True, scales=True)
    assert time_here.met is False
    assert (time_here.scaled(248.0).median, time_here.scaled(248.0).high) == (10.0, 15.0)
    assert time_here.scaled(248.0).met is True
    assert rate_here.scaled(248.0).median == 600_000.0
    assert rate_here.scaled(248.0).met is True
    assert time_here.scaled(62.0).median == 40.0


def test_what_the_machine_does_not_change_is_told_as_it_was() -> None:
    ratio = single("Flag", "× echo", 1.7, aim=1.8)
    assert ratio.scaled(248.0) == ratio
    assert ratio.met is True
    assert single("Health", "× echo", 3.0).met is None


def test_percentiles_are_those_of_the_values() -> None:
    assert percentiles(list(range(101))) == {"p50": 50.0, "p99": 99.0, "max": 100}


def test_cpu_time_counts_work_and_no_waiting() -> None:
    begin, own = cpu_seconds(os.getpid()), time.process_time()
    assert begin == pytest.approx(own, abs=0.05)
    time.sleep(0.1)
    assert cpu_seconds(os.getpid()) - begin < 0.05
    while time.process_time() - own < 0.1:
        pass
    assert 0.09 < cpu_seconds(os.getpid()) - begin < 0.2


def test_the_table_tells_raw_and_scaled_and_what_was_missed() -> None:
    lines = told(
        [
            figure("quick", "ms", [4.0, 5.0, 6.0], aim=4.0, scales=True),
            single("large", "MB", 1_234.5, aim=120.0),
            single("rate", "/s", 0.25, more_is_better=True, aim=0.2),
        ],
        248.0,
    ).splitlines()
    assert lines[1].split() == ["quick", "5", "ms", "4", "to", "6", "2.5", "≤", "4", "met"]
    assert lines[2].split() == ["large", "1", "234", "MB", "≤", "120", "MISSED"]
    assert lines[3].split() == ["rate", "0.25", "/s", "≥", "0.2", "met"]
    assert lines[-1] == "bare echo: 248.0 µs of CPU a call; scaled: times × 0.500, rates ÷ 0.500"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (123.4, "123"), (1_234_567.0, "1 234 567")])
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
