"""Small values from messages."""

from __future__ import annotations

import pytest

from genesis_server.model.plan import TaskKind
from genesis_server.rpc.convert.values import member_of


def test_a_number_finds_its_member() -> None:
    find = member_of(TaskKind)
    assert all(find(int(kind)) is kind for kind in TaskKind)


@pytest.mark.parametrize("number", [-1, 99])
def test_a_number_without_a_member_raises_what_the_enum_raises(number: int) -> None:
    with pytest.raises(ValueError, match=f"{number} is not a valid TaskKind"):
        member_of(TaskKind)(number)
