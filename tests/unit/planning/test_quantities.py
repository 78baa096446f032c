"""Amounts are found with their units, and lengths of time in seconds."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.quantities import amount_at, number_of, parse_quantity_words, pieces

WORDS = (files("genesis_server") / "data" / "language" / "quantities.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "value", "unit", "seconds"),
    [
        ("200 $", 200, "$", None),
        ("$1,000", 1000, "$", None),
        ("USD 5", 5, "usd", None),
        ("two hundred euros", 200, "euros", None),
        ("5k", 5000, "", None),
        ("80%", 80, "%", None),
        ("three people", 3, "people", None),
        ("7 of them", 7, "", None),
        ("19,99 €", 19.99, "€", None),
        ("20-minute", 20, "minute", 1200),
        ("15min", 15, "min", 900),
        ("half an hour", 0.5, "hour", 1800),
        ("a quarter of an hour", 0.25, "hour", 900),
        ("an hour and a half", 1.5, "hour", 5400),
        ("two and a half hours", 2.5, "hours", 9000),
        ("1 hour 30 minutes", 1.5, "hour", 5400),
        ("2 hours and 15 min", 2.25, "hours", 8100),
        ("a couple of days", 2, "days", 172800),
        ("5-10 minutes", 10, "minutes", 600),
        ("5 to 10 min", 10, "min", 600),
        ("1/2 hour", 0.5, "hour", 1800),
    ],
)
def test_an_amount_is_read(text: str, value: float, unit: str, seconds: float | None) -> None:
    amount = amount_at(pieces(text), 0)
    assert amount is not None
    assert (amount.value, amount.unit, amount.seconds) == (value, unit, seconds)


@pytest.mark.parametrize("text", ["2024-05-01", "10:30", "a dog", "dog", "", "1234567890123456", "$", "3/2", "10-5 min"])
def test_dates_clock_times_and_words_are_no_amount(text: str) -> None:
    assert amount_at(pieces(text), 0) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("199.5 USD", 199.5),
        ("$200", 200),
        ("-3", -3),
        ("-3 $", -3),
        ("1e5", 1e5),
        ("", None),
        ("five", None),
        ("5 or 6", None),
        ("inf", None),
    ],
)
def test_a_text_that_is_a_number_is_one(text: str, number: float | None) -> None:
    assert number_of(text) == number


@given(st.text(max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    found = pieces(text)
    assert all(text[piece.start : piece.end] for piece in found)
    for place in range(len(found)):
        amount = amount_at(found, place)
        assert amount is None or place < amount.end <= len(found)
    number_of(text)


def test_every_mistake_in_the_words_is_told_with_its_line() -> None:
    with pytest.raises(DataFileError) as refused:
        parse_quantity_words(WORDS.replace("seconds = 60\n", "seconds = -60\n", 1).replace("signs =", "sign ="))
    told = "\n".join(refused.value.mistakes)
    line = next(number for number, text in enumerate(WORDS.splitlines(), start=1) if text == "seconds = 60")
    assert f"quantities.toml:{line}: units" in told
    assert "signs: is missing" in told
