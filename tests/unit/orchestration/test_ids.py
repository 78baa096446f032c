"""Ids of plans."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.orchestration.ids import decision_id, plan_id

times = st.integers(0, 2**47).map(lambda millis: millis / 1000)


@given(times, times, st.integers(0, 2**80 - 1), st.integers(0, 2**80 - 1))
def test_later_ids_sort_later(first: float, second: float, one: int, other: int) -> None:
    if int(first * 1000) < int(second * 1000):
        assert plan_id(first, lambda _: one) < plan_id(second, lambda _: other)


def test_an_id_is_a_ulid_with_a_prefix() -> None:
    assert plan_id(1469918176.385, lambda _: 0) == "plan_01ARYZ6S41" + "0" * 16
    assert decision_id(1469918176.385, lambda _: 0) == "dec_01ARYZ6S41" + "0" * 16


def test_two_ids_of_one_moment_differ() -> None:
    assert plan_id(1.0) != plan_id(1.0)
