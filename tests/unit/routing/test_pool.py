"""Columns of a pool, short and long."""

from __future__ import annotations

import numpy as np
import pytest

from genesis_server.routing.pool import LONG, changeable, column

SIZES = (0, 3, LONG)


@pytest.mark.parametrize("size", SIZES)
def test_a_column_has_the_values_of_its_array_which_cannot_be_changed_through_it(size: int) -> None:
    values = np.arange(size, dtype=np.float64)
    found = column(values)
    assert list(found) == values.tolist()
    if size == LONG:
        with pytest.raises(TypeError):
            found[0] = 1.0  # type: ignore[index]
    assert values.tolist() == list(range(size))


@pytest.mark.parametrize("size", SIZES[1:])
def test_what_is_written_into_a_changeable_column_is_read_from_it(size: int) -> None:
    found = changeable(np.zeros(size))
    found[1] = 2.0
    assert list(found[:3]) == [0.0, 2.0, 0.0]


def test_amounts_too_large_for_64_bits_are_a_list_however_many() -> None:
    values = np.array([10**30] * LONG, dtype=object)
    assert isinstance(column(values), list)
    assert isinstance(changeable(values), list)
