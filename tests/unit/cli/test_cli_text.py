"""Texts of others made safe; amounts and times for people."""

from __future__ import annotations

import unicodedata

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from genesis.v1.common_pb2 import DegradationLevel, Money
from genesis_server.cli.failure import CommandError
from genesis_server.cli.options import parse_span
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import amount, counted, display_width, enum_word, plain, seconds, span, wrap


@given(st.text())
def test_plain_text_has_one_line_and_no_controls(text: str) -> None:
    """Nothing is left that could drive a terminal; what is plain stays as it is."""
    shown = plain(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in shown)
    assert "\n" not in shown
    assert plain(shown) == shown


@given(st.text(), st.integers(2, 30), st.integers(1, 5))
def test_wrapped_lines_keep_to_width_and_number(text: str, width: int, lines: int) -> None:
    """However long a word is."""
    wrapped = wrap(text, width, lines)
    assert 1 <= len(wrapped) <= lines
    assert all(display_width(line) <= width for line in wrapped)


@given(st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=200))
def test_nothing_is_lost_when_there_is_room(text: str) -> None:
    """Only blanks change."""
    assert "".join(wrap(text, 20, 1000)).replace(" ", "") == plain(text).replace(" ", "")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(units=1, nanos=500_000_000), "1.50 USD"),
        (Money(currency_code="EUR", nanos=12_500_000), "0.0125 EUR"),
        (Money(nanos=25), "0.000000025 USD"),
        (Money(), "0.00 USD"),
    ],
)
def test_amounts(money: Money, text: str) -> None:
    """Short, and never nothing where there is something."""
    assert amount(money) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0013, "1.3 ms"), (0, "0.0 ms"), (45, "45 s"), (1.25, "1.2 s"), (180, "3 min"),
     (185, "3 min 5 s"), (7500, "2 h 5 min"), (90_000, "1 d 1 h"),
     (59.99, "60 s")],
)  # fmt: skip
def test_time_spans(value: float, text: str) -> None:
    """In two units at most."""
    assert span(value) == text


def test_seconds_of_a_duration() -> None:
    """With its fraction."""
    assert seconds(Duration(seconds=1, nanos=500_000_000)) == 1.5


def test_words_of_enums() -> None:
    """A number where the name is not known."""
    assert enum_word(DegradationLevel, 2, "DEGRADATION_LEVEL_") == "heuristic"
    assert enum_word(DegradationLevel, 99, "DEGRADATION_LEVEL_") == "99"


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("1.5h", 5400), ("0", 0)])
def test_spans_that_people_write(text: str, value: float) -> None:
    """Seconds, minutes, hours, days."""
    assert parse_span(text) == value


@pytest.mark.parametrize("text", ["", "s", "-1s", "1w", "36601d", "nan", "inf", "1 hour"])
def test_spans_that_are_none(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(CommandError, match="15m, 2h or 1d"):
        parse_span(text)


def test_one_thing_is_counted_in_the_singular() -> None:
    """A plan of one task has 1 task."""
    assert [counted(number, "task") for number in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]


def test_a_row_with_a_cell_too_many_is_no_table() -> None:
    """Cells never slip under other names."""
    with pytest.raises(ValueError, match="2 cells for 1 names"):
        Rows("one").add(Text("a"), Text("b"))
