"""Bounded, and nobody can keep others out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.rpc.known_requests import KnownRequests


@given(st.lists(st.binary(max_size=2)), st.integers(1, 5))
def test_the_last_is_known_however_many_came_before(requests: list[bytes], most: int) -> None:
    known = KnownRequests[int](most)
    for number, data in enumerate(requests):
        known.add(data, number)
        assert known.get(data) == number
        assert len(known) <= most


def test_what_was_not_found_out_is_not_known() -> None:
    known = KnownRequests[str]()
    known.add(b"a", "found")
    assert (known.get(b"a"), known.get(b"b")) == ("found", None)
