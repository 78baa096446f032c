"""What columns mean when they are told."""

from __future__ import annotations

import math

import pytest

from genesis_server.routing.describing import Describer
from genesis_server.routing.selection import Field
from genesis_server.routing.standing import Standing


@pytest.mark.parametrize(("found", "told"), [(0.3, 0.3), (1.0, 1.0), (0.0, 0.0), (-0.0, 0.0), (-0.2, 0.0), (1.5, 1.0), (math.nan, 1.0)])
def test_a_score_that_is_told_is_between_0_and_1(found: float, told: float) -> None:
    standing = Standing(failed=[0, 0], cheapness=[0.0, 0.0], score=[0.5, found], order=[0, 0], feasible=[1, 1], contested=[False, False])
    field = Field(standing, 1, 1, 1, 0, "", None, 0, 0, 0.0, math.inf)
    # A score needs nothing but the field.
    score = Describer.score(object.__new__(Describer), field, 0)
    assert (score, math.copysign(1.0, score)) == (told, 1.0)
