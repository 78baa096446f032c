"""What tokens cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.llm.prices import Prices
from genesis_server.model.money import Money


def test_the_operators_prices_come_first() -> None:
    prices = Prices("https://api.openai.com/v1", "gpt-4o", 3.0, 6.0)
    assert prices.cost(1_000_000, 500_000) == Money.of(6.0)


def test_published_prices_are_known_by_the_address() -> None:
    found = Prices("https://api.openai.com/v1", "gpt-4o").cost(1_000_000, 1_000_000)
    assert found is not None
    assert found.units > 0
    assert found.currency == "USD"


@pytest.mark.parametrize(
    ("url", "model"), [("http://127.0.0.1:8080/v1", "gpt-4o"), ("https://api.openai.com/v1", "a-model-of-nobody"), ("", "")]
)
def test_what_is_not_published_has_no_price(url: str, model: str) -> None:
    assert Prices(url, model).cost(1_000, 1_000) is None


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_tokens_never_cost_less(some: int, more: int, output: int) -> None:
    prices = Prices("u", "m", 0.15, 0.6)
    less, greater = prices.cost(some, output), prices.cost(some + more, output)
    assert less is not None
    assert greater is not None
    assert less.nanos <= greater.nanos
