"""Python values into messages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis import _values as values
from genesis.v1.catalogue_pb2 import Catalogue
from genesis.v1.common_pb2 import DataClass, Money


@pytest.mark.parametrize(
    ("value", "units", "nanos", "currency"),
    [
        ("0.50 USD", 0, 500_000_000, "USD"),
        ("12", 12, 0, "USD"),
        ("3 EUR", 3, 0, "EUR"),
        (0.1, 0, 100_000_000, "USD"),
        (Decimal("2.000000001"), 2, 1, "USD"),
        (Money(units=4), 4, 0, ""),
    ],
)
def test_amounts(value: object, units: int, nanos: int, currency: str) -> None:
    """Amounts are exact, whatever they are written as."""
    amount = values.money(value)  # type: ignore[arg-type]
    assert (amount.units, amount.nanos, amount.currency_code) == (units, nanos, currency)


@pytest.mark.parametrize("wrong", ["", "USD", "x USD", "1 usd", "1 EURO", -1, "-0.1 USD", float("nan"), float("inf"), "1e30"])
def test_what_is_no_amount_is_refused(wrong: object) -> None:
    """The message shows how to write one."""
    with pytest.raises(ValueError, match=r"0\.50 USD"):
        values.money(wrong)  # type: ignore[arg-type]


@given(st.integers(0, 10**15), st.integers(0, 999_999_999))
def test_amounts_are_exact_to_a_billionth(units: int, nanos: int) -> None:
    """What is written is what is sent."""
    amount = values.money(f"{units}.{nanos:09d} USD")
    assert (amount.units, amount.nanos) == (units, nanos)


def test_an_unknown_word_names_those_there_are() -> None:
    """A wrong data class is answered with the right ones."""
    assert values.enum_number(DataClass, "DATA_CLASS_", "Public") == 1
    assert values.enum_number(DataClass, "DATA_CLASS_", 3) == 3
    with pytest.raises(ValueError, match="'public', 'internal', 'confidential', 'restricted'"):
        values.enum_number(DataClass, "DATA_CLASS_", "secret")


def test_catalogues_in_all_their_forms() -> None:
    """Message, dict and list mean the same."""
    message = Catalogue()
    message.tools.add(name="search")
    assert values.catalogue(message) is message
    assert values.catalogue({"tools": [{"name": "search"}]}) == message
    assert values.catalogue([{"name": "search"}]) == message
    with pytest.raises(ValueError, match=r"catalogue is not of the contract's form.*prize"):
        values.catalogue([{"name": "search", "prize": 1}])


@pytest.mark.parametrize("wrong", [float("inf"), float("nan"), 1e30])
def test_what_is_no_time_span_is_refused(wrong: float) -> None:
    """As a ValueError, which is what the client promises."""
    with pytest.raises(ValueError, match="no time span"):
        values.duration(wrong)
