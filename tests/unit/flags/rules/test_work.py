"""The work of one asking is bounded."""

from __future__ import annotations

import pytest

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.work import MAX_STEPS, begin, spend, spend_on_text


def test_steps_run_out_and_come_back_with_the_next_asking() -> None:
    begin()
    spend(MAX_STEPS)
    with pytest.raises(RuleError, match=f"more than {MAX_STEPS} steps"):
        spend(1)
    begin()
    spend(MAX_STEPS)


def test_short_texts_cost_nothing() -> None:
    begin()
    spend(MAX_STEPS)
    spend_on_text("x" * 255)
    with pytest.raises(RuleError):
        spend_on_text("x" * 256)
