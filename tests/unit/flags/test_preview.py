"""Before a change it is told what it would do, and to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genesis_server.flags.layers import Layer
from genesis_server.flags.preview import SUBJECTS, diff_of, preview
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.flags.strategies import all_at_once, canary, percentage, progressive
from genesis_server.model.flags import FlagContext, FlagLayer

NOW = 1_700_000_500.0


def snapshot(**flags: Any) -> FlagSnapshot:
    definitions = {key: read_flag(json.dumps(flag), key=key) for key, flag in flags.items()}
    return FlagSnapshot([Layer(FlagLayer.FILE, "own.json", definitions)])


def moved(before: FlagSnapshot, after: FlagSnapshot, key: str = "dark") -> float | None:
    return preview(key, before, after, [], now=NOW).moved_share


def test_the_contexts_that_get_something_else_are_told_with_both_answers() -> None:
    contexts = [FlagContext("ann", {"team": "red"}), FlagContext("bob", {"team": "blue"}), FlagContext("cy", {"team": "red"})]
    found = preview("dark", snapshot(dark=all_at_once("off")), snapshot(dark=canary("team", ["red"], 0)), contexts, now=NOW)
    assert [difference.index for difference in found.differences] == [0, 2]
    before, after = found.differences[0].before, found.differences[0].after
    assert before is not None
    assert after is not None
    assert (before.variant, before.value, after.variant, after.value) == ("off", False, "on", True)


def test_what_nobody_waits_for_any_more_is_not_worked_out() -> None:
    """A rule may cost so much that a thousand contexts take longer than whoever asked has time."""
    left = iter([False, False, True])
    contexts = [FlagContext(str(number)) for number in range(1_000)]
    found = preview("dark", snapshot(dark=all_at_once("off")), snapshot(dark=all_at_once()), contexts, now=NOW, over=lambda: next(left))
    assert [difference.index for difference in found.differences] == [0, 1]


def test_a_new_flag_and_one_that_goes_have_only_one_side() -> None:
    nothing, flag = snapshot(), snapshot(dark=all_at_once())
    new, gone = (preview("dark", *sides, [FlagContext()], now=NOW) for sides in ((nothing, flag), (flag, nothing)))
    assert (new.before, bool(new.after), new.differences[0].before) == ("", True, None)
    assert (bool(gone.before), gone.after, gone.differences[0].after) == (True, "", None)
    assert new.diff.startswith("--- before\n+++ after\n")


def test_another_value_under_the_same_name_is_a_difference() -> None:
    flags = [snapshot(dark={"state": "ENABLED", "variants": {"x": value}, "defaultVariant": "x"}) for value in (1, True)]
    assert len(preview("dark", *flags, [FlagContext()], now=NOW).differences) == 1
    assert not preview("dark", flags[0], flags[0], [FlagContext()], now=NOW).differences


def test_the_moved_share_is_that_of_the_subjects_who_get_another_variant() -> None:
    assert moved(snapshot(dark=percentage(10)), snapshot(dark=percentage(25))) == pytest.approx(0.15, abs=0.015)
    assert moved(snapshot(dark=percentage(10)), snapshot(dark=percentage(10))) == 0
    assert moved(snapshot(dark=all_at_once("off")), snapshot(dark=percentage(100))) == 1
    assert moved(snapshot(), snapshot(dark=percentage(50))) == 1
    assert SUBJECTS == 10_000


def test_the_clock_of_rules_is_that_of_the_preview() -> None:
    assert moved(snapshot(dark=all_at_once("off")), snapshot(dark=progressive(1_700_000_000, 1_700_001_000))) == pytest.approx(
        0.5, abs=0.03
    )


def test_another_generation_of_the_draw_moves_subjects_and_says_how_many() -> None:
    pinned = percentage(50, metadata={"genesis.bucketing": "v2"})
    assert moved(snapshot(dark=pinned), snapshot(dark=percentage(50))) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("flag", [all_at_once(), canary("team", ["red"], 10), {**percentage(10), "state": "DISABLED"}])
def test_no_share_is_told_when_nothing_is_drawn_or_other_attributes_are_asked_for(flag: Any) -> None:
    assert moved(snapshot(dark=all_at_once("off")), snapshot(dark=flag)) is None


def test_the_group_of_a_flag_counts_among_what_is_asked() -> None:
    before = snapshot(phase_3_hardening_enabled=percentage(50))
    after = snapshot(phase_3_hardening_enabled=percentage(50), otel_enabled=all_at_once("off"))
    assert moved(before, after, "otel_enabled") == pytest.approx(0.5, abs=0.03)
    by_team = snapshot(phase_3_hardening_enabled=canary("team", ["red"], 50), otel_enabled=percentage(50))
    assert moved(before, by_team, "otel_enabled") is None


def test_the_difference_of_definitions_is_shown_line_by_line() -> None:
    assert diff_of('{"a":1,"b":[2]}', '{"a":1,"b":[3]}') == (
        '--- before\n+++ after\n@@ -1,6 +1,6 @@\n {\n   "a": 1,\n   "b": [\n-    2\n+    3\n   ]\n }\n'
    )
    assert diff_of('{"a": 1}', '{"a":1}') == ""


def test_very_long_definitions_are_shown_whole_one_after_the_other() -> None:
    old, new = json.dumps(list(range(4000))), json.dumps(list(range(4001)))
    lines = diff_of(old, new).splitlines()
    assert lines[:4] == ["--- before", "+++ after", "@@ -1,4002 +1,4003 @@", "-["]
    assert len(lines) == 3 + 4002 + 4003
