"""The tree of parents."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.validation.tree import NO_PARENT, grow_tree


def test_a_plan_without_parents_is_flat() -> None:
    tree = grow_tree([NO_PARENT, NO_PARENT])
    assert tree.flat
    assert tree.depths.tolist() == [1, 1]


def test_ten_thousand_levels_are_no_problem() -> None:
    size = 10_000
    tree = grow_tree([NO_PARENT, *range(size - 1)])
    assert tree.depths.tolist() == list(range(1, size + 1))
    assert tree.related(np.array([0, 5]), np.array([size - 1, 3])).tolist() == [True, True]


def test_a_circle_of_parents_is_told_once_from_its_smallest_row() -> None:
    tree = grow_tree([2, 0, 1, 2, NO_PARENT])
    assert tree.cycles == ((0, 2, 1),)
    assert tree.depths.tolist() == [1, 1, 1, 2, 1]


def test_a_task_that_is_its_own_parent_is_a_circle() -> None:
    assert grow_tree([0]).cycles == ((0,),)


@given(st.lists(st.integers(-1, 7), min_size=1, max_size=8))
def test_related_and_depth_agree_with_walking_up(wild: list[int]) -> None:
    """`related` and `depths` say what walking from parent to parent says, for any parents."""
    parents = [parent if parent < len(wild) else NO_PARENT for parent in wild]
    tree = grow_tree(parents)

    def above(row: int) -> list[int]:
        found = [row]
        while tree.parents[found[-1]] != NO_PARENT:
            found.append(tree.parents[found[-1]])
        return found

    rows = range(len(parents))
    assert tree.depths.tolist() == [len(above(row)) for row in rows]
    for first in rows:
        for second in rows:
            expected = first in above(second) or second in above(first)
            assert tree.related(np.array([first]), np.array([second])).tolist() == [expected]
    in_cycles = {row for cycle in tree.cycles for row in cycle}
    assert {row for row in rows if parents[row] != tree.parents[row]} == in_cycles
    for cycle in tree.cycles:
        assert [parents[row] for row in cycle] == [*cycle[1:], cycle[0]]
