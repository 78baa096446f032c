"""How values of facts are read and written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.routing.rules.facts import (
    END_OF_TIME,
    FIRST_MOMENT,
    format_date,
    format_instant,
    format_number,
    parse_date,
    parse_instant,
)


@given(st.floats(FIRST_MOMENT, END_OF_TIME - 1))
def test_an_instant_that_is_written_and_read_twice_is_the_same(seconds: float) -> None:
    once = parse_instant(format_instant(seconds))
    assert parse_instant(format_instant(once)) == once
    assert parse_date(format_date(once)) <= once < parse_date(format_date(once)) + 86_400


@given(st.floats())
def test_a_number_that_is_written_is_read_as_the_same(value: float) -> None:
    assert float(format_number(value)) == value or math.isnan(value)


@pytest.mark.parametrize("text", ["", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_moment_of_the_calendar_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match="is no instant"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["", "2026-1-32", "20260101", "2026-01-01T00:00:00Z"])
def test_what_is_no_day_of_the_calendar_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        parse_date(text)
