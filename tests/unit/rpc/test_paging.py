"""Page tokens go on where the page before ended, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.resilience.errors import ValidationError
from genesis_server.rpc.paging import PageTokens, page_size

TOKENS = PageTokens(b"key")


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_token_leads_back_to_its_place(after: str, tenant: str) -> None:
    assert TOKENS.read(TOKENS.make(after, tenant, "plans"), tenant, "plans") == after


def test_no_token_begins_at_the_start() -> None:
    assert TOKENS.read("", "acme", "plans") == ""


@pytest.mark.parametrize("scope", [("other", "plans"), ("acme", "agents"), ("acme", "plans", "more")])
def test_a_token_of_another_listing_is_refused(scope: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        TOKENS.read(TOKENS.make("x", "acme", "plans"), *scope)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


@given(st.text(min_size=1, max_size=40))
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(ValidationError):
        TOKENS.read(token, "acme", "plans")


def test_another_key_reads_nothing() -> None:
    with pytest.raises(ValidationError):
        PageTokens(b"other").read(TOKENS.make("x", "acme"), "acme")


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)])
def test_page_sizes_have_a_default_and_a_bound(asked: int, given_: int) -> None:
    assert page_size(asked) == given_
