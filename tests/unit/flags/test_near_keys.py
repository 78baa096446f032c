"""A key that is nearly one of Genesis's own is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.near_keys import near_key

KNOWN = ("otel_enabled", "orchestration_enabled")


@pytest.mark.parametrize(
    "key", ["otel_enable", "otel_enabledd", "otel-enabled", "OTEL_ENABLED", "otel.enabled", "oetl_enabled", "otel_enab1ed", "otelenabled"]
)
def test_one_slip_is_near(key: str) -> None:
    assert near_key(key, KNOWN) == "otel_enabled"


@pytest.mark.parametrize("key", ["", "otel", "new_checkout", "enabled", "otel_disabled"])
def test_another_name_is_not(key: str) -> None:
    assert near_key(key, KNOWN) == ""


@given(st.sampled_from(KNOWN), st.integers(0, 11), st.characters(codec="ascii"))
def test_any_single_edit_is_near(known: str, at: int, character: str) -> None:
    for edited in (known[:at] + known[at + 1 :], known[:at] + character + known[at + 1 :], known[:at] + character + known[at:]):
        assert near_key(edited, KNOWN) == known
