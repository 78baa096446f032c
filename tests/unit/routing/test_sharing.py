"""What is found out once for objects that are shared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.routing.sharing import once_each


@given(st.lists(st.integers(0, 5)))
def test_every_object_gets_what_is_found_for_it_and_is_asked_for_once(drawn: list[int]) -> None:
    objects = [[number % 3] for number in range(6)]
    asked = list[list[int]]()

    def find(one: list[int]) -> int:
        asked.append(one)
        return one[0]

    assert once_each([objects[number] for number in drawn], find) == [number % 3 for number in drawn]
    assert len(asked) == len({id(one) for one in asked}) == len(set(drawn))
