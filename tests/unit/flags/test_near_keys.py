"""A key that is nearly one of Genesis's own is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.near_keys import flag_not_found, near_key

KNOWN = ("otel_enabled", "orchestration_enabled")


@pytest.mark.parametrize(
    "key", ["otel_enable", "otel_enabledd", "otel-enabled", "OTEL_ENABLED", "otel.enabled", "oetl_enabled", "otel_enab1ed", "otelenabled"]
)
def test_one_slip_is_near(key: str) -> None:
    assert near_key(key, KNOWN) == "otel_enabled"


@pytest.mark.parametrize("key", ["", "otel", "new_checkout", "enabled", "otel_disabled"])
def test_another_name_is_not(key: str) -> None:
    assert near_key(key, KNOWN) == ""


def test_a_key_that_no_flag_can_have_is_near_none_and_costs_nothing() -> None:
    assert near_key("k" * 1_000_000, KNOWN) == ""


def test_whoever_asks_for_a_flag_there_is_not_is_told_in_a_line_however_many_there_are() -> None:
    assert flag_not_found("otel_enable", KNOWN).message == "there is no flag 'otel_enable'; did you mean otel_enabled?"
    error = flag_not_found("flag_1", tuple(f"flag_{number:05d}" for number in range(10_000)))
    assert error.message == "there is no flag 'flag_1'; Flag without keys tells which there are"
    assert (error.reason, error.facts) == ("FLAG_NOT_FOUND", {"flag": "flag_1"})


@given(st.sampled_from(KNOWN), st.integers(0, 11), st.characters(codec="ascii"))
def test_any_single_edit_is_near(known: str, at: int, character: str) -> None:
    for edited in (known[:at] + known[at + 1 :], known[:at] + character + known[at + 1 :], known[:at] + character + known[at:]):
        assert near_key(edited, KNOWN) == known
