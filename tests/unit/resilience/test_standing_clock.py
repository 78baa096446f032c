"""A clock that can stand still loses the time in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.resilience.standing_clock import StandingClock


class Hand:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_on_from_where_it_stood() -> None:
    hand = Hand()
    clock = StandingClock(hand)
    hand.now += 5
    clock.stop()
    stood = clock()
    hand.now += 60
    clock.stop()
    assert clock() == stood
    clock.go()
    clock.go()
    assert clock() == stood
    hand.now += 2
    assert clock() == stood + 2


@given(st.lists(st.tuples(st.sampled_from(["stop", "go"]), st.integers(0, 1_000))))
def test_it_never_goes_back_and_counts_exactly_the_time_it_was_going(moves: list[tuple[str, int]]) -> None:
    hand = Hand()
    clock = StandingClock(hand)
    expected, going = clock(), True
    for move, seconds in moves:
        getattr(clock, move)()
        going = move == "go"
        hand.now += seconds
        expected += seconds if going else 0
        assert clock() == expected
