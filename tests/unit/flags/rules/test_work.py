"""The work of one asking is bounded."""

from __future__ import annotations

import pytest

from genesis_server.flags.rules.compiling import compile_rule
from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.work import MAX_STEPS, begin, spend, spend_on_text
from genesis_server.model.flags import Generation


def test_steps_run_out_and_come_back_with_the_next_asking() -> None:
    begin()
    spend(MAX_STEPS)
    with pytest.raises(RuleError, match=f"more than {MAX_STEPS} steps"):
        spend(1)
    begin()
    spend(MAX_STEPS)


def test_a_rule_is_compiled_however_much_was_asked_before() -> None:
    begin()
    spend(MAX_STEPS)
    assert compile_rule("flag", {"var": [["a"]]}, generation=Generation.V3).reads == {"a"}


def test_short_texts_cost_nothing() -> None:
    begin()
    spend(MAX_STEPS)
    spend_on_text("x" * 255)
    with pytest.raises(RuleError):
        spend_on_text("x" * 256)
