"""What a flag is for whom, and why, at one moment."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.definition import FlagDefinition, built_in_flags
from genesis_server.flags.emergency import EMERGENCY_FLAGS, EmergencyState, Modes
from genesis_server.flags.layers import Layer
from genesis_server.flags.overrides import Override, Overrides
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.flags import FlagContext, FlagLayer, FlagReason
from genesis_server.resilience.errors import ResourceError

VARIANTS = {"on": True, "off": False}
KEYS = sorted(built_in_flags())
SWITCHES = [key for key in KEYS if key not in EMERGENCY_FLAGS]
ANYBODY = FlagContext("somebody", {"country": "ch"}, 1_000.0)


def defined(key: str, default: str | None = "off", *, active: bool = True, **more: object) -> FlagDefinition:
    flag = {"state": "ENABLED" if active else "DISABLED", "variants": VARIANTS, "defaultVariant": default, **more}
    return read_flag(json.dumps(flag), key=key)


def layer(*flags: FlagDefinition, kind: FlagLayer = FlagLayer.FILE, name: str = "own.json", stale: bool = False) -> Layer:
    return Layer(kind, name, {flag.key: flag for flag in flags}, stale=stale)


def override(key: str, *, value: bool, variable: str = "GENESIS_FLAG_X") -> Overrides:
    return Overrides({key: Override(value=value, variable=variable)})


def emergency(*keys: str) -> dict[str, EmergencyState]:
    return {key: EmergencyState(key, True, "data may be lost", "default/ann", 1.0) for key in keys}


def test_without_any_source_every_switch_is_on_by_the_built_in_default_and_no_emergency_is() -> None:
    snapshot = FlagSnapshot()
    for key in snapshot.keys:
        found, on = snapshot.evaluate(key), key not in EMERGENCY_FLAGS
        assert (found.value, found.variant, found.reason) == (on, "on" if on else "off", FlagReason.STATIC)
        assert (found.layer, found.source) == (FlagLayer.BUILT_IN, "built-in default")
        assert found.description
    assert snapshot.keys == tuple(KEYS)
    assert not snapshot.planner_off_reason
    assert snapshot.modes == Modes()


def test_a_higher_layer_beats_those_below_it() -> None:
    file, written = layer(defined("otel_enabled")), layer(defined("otel_enabled", "on"), kind=FlagLayer.WRITTEN, name="written")
    assert FlagSnapshot([file]).evaluate("otel_enabled").layer is FlagLayer.FILE
    both = FlagSnapshot([file, written])
    assert (both.evaluate("otel_enabled").value, both.evaluate("otel_enabled").source) == (True, "written")
    assert both.where["otel_enabled"] is written
    assert FlagSnapshot([file, written], overrides=override("otel_enabled", value=False)).evaluate("otel_enabled").reason is (
        FlagReason.ENVIRONMENT
    )


def test_the_environment_beats_every_definition() -> None:
    found = FlagSnapshot([layer(defined("otel_enabled"))], overrides=override("otel_enabled", value=True)).evaluate("otel_enabled")
    assert (found.value, found.variant, found.reason, found.layer) == (True, "on", FlagReason.ENVIRONMENT, FlagLayer.ENVIRONMENT)
    assert found.source == "environment variable GENESIS_FLAG_X"


def test_a_disabled_definition_leaves_the_built_in_default_and_other_flags_without_a_value() -> None:
    snapshot = FlagSnapshot([layer(defined("otel_enabled", active=False), defined("theirs", active=False))])
    found = snapshot.evaluate("otel_enabled")
    assert (found.value, found.reason) == (True, FlagReason.DISABLED)
    assert found.source == "built-in default: own.json disables the definition"
    theirs = snapshot.evaluate("theirs")
    assert (theirs.value, theirs.variant, theirs.reason) == (None, "", FlagReason.DISABLED)
    assert not snapshot.enabled("theirs")


def test_a_definition_without_a_default_variant_leaves_the_built_in_default() -> None:
    snapshot = FlagSnapshot([layer(defined("otel_enabled", None), defined("theirs", None))])
    found = snapshot.evaluate("otel_enabled")
    assert (found.value, found.reason) == (True, FlagReason.DEFAULT)
    assert found.source == "built-in default: own.json names no default variant"
    assert snapshot.evaluate("theirs").value is None


def test_a_rule_chooses_the_variant_and_falls_back_to_the_default() -> None:
    rule = {"if": [{"==": [{"var": "country"}, "ch"]}, "on", None]}
    snapshot = FlagSnapshot([layer(defined("theirs", targeting=rule))])
    match, rest = snapshot.evaluate("theirs", ANYBODY), snapshot.evaluate("theirs")
    assert (match.value, match.variant, match.reason) == (True, "on", FlagReason.TARGETING_MATCH)
    assert (rest.value, rest.variant, rest.reason) == (False, "off", FlagReason.DEFAULT)


def test_a_rule_that_says_true_or_false_names_the_variants_of_these_names() -> None:
    flag = read_flag(
        json.dumps({"state": "ENABLED", "variants": {"true": 1, "false": 2}, "targeting": {"==": [{"var": "country"}, "ch"]}}), key="n"
    )
    snapshot = FlagSnapshot([layer(flag)])
    assert (snapshot.evaluate("n", ANYBODY).value, snapshot.evaluate("n").value) == (1, 2)


@pytest.mark.parametrize("rule", [{"cat": ["no", "where"]}, {"+": [1, 2]}])
def test_a_rule_that_names_no_variant_is_an_error_and_the_built_in_default_holds(rule: object) -> None:
    snapshot = FlagSnapshot([layer(defined("otel_enabled", targeting=rule), defined("theirs", targeting=rule))])
    found, theirs = snapshot.evaluate("otel_enabled"), snapshot.evaluate("theirs")
    assert (found.value, found.reason, bool(found.error)) == (True, FlagReason.ERROR, True)
    assert (theirs.value, theirs.variant, theirs.reason) == (None, "", FlagReason.ERROR)


def test_a_group_that_is_off_takes_its_members_down_whatever_they_say() -> None:
    snapshot = FlagSnapshot([layer(defined("phase_3_hardening_enabled"))], overrides=override("otel_enabled", value=True, variable="V"))
    for key in ("error_handling_enabled", "otel_enabled", "security_hardening_enabled"):
        found = snapshot.evaluate(key)
        assert (found.value, found.variant, found.reason, found.layer) == (False, "off", FlagReason.GROUP, FlagLayer.GROUP)
        assert found.source == "group phase_3_hardening_enabled is off by own.json"
    assert snapshot.enabled("orchestration_enabled")


def test_a_definition_cannot_leave_its_group() -> None:
    alone = defined("otel_enabled", "on", metadata={"group": ""})
    assert not FlagSnapshot([layer(alone, defined("phase_3_hardening_enabled"))]).enabled("otel_enabled")


def test_a_group_that_is_drawn_takes_its_members_down_for_those_it_is_off_for() -> None:
    group = defined("phase_3_hardening_enabled", targeting={"fractional": [["on", 50], ["off", 50]]})
    snapshot = FlagSnapshot([layer(group)])
    seen = set()
    for number in range(50):
        context = FlagContext(f"user-{number}")
        seen.add(snapshot.enabled("otel_enabled", context))
        assert snapshot.enabled("otel_enabled", context) == snapshot.enabled("phase_3_hardening_enabled", context)
    assert seen == {True, False}


def test_the_core_group_takes_orchestration_down() -> None:
    snapshot = FlagSnapshot(overrides=override("phase_1_core_enabled", value=False))
    assert not snapshot.enabled("orchestration_enabled")
    assert snapshot.planner_off_reason == "the flag orchestration_enabled is off"
    assert snapshot.enabled("otel_enabled")


def test_the_planner_alone_can_be_taken_down() -> None:
    snapshot = FlagSnapshot(overrides=Overrides(planner_off=True))
    assert snapshot.enabled("orchestration_enabled")
    assert snapshot.planner_off_reason == "ENABLE_HTDAG_PLANNER is off"
    assert snapshot.evaluate("phase_1_core_enabled").source == "built-in default; planner off by ENABLE_HTDAG_PLANNER"


def test_a_stale_layer_says_so_where_it_decided_and_keeps_the_id() -> None:
    file, by_variable = layer(defined("otel_enabled")), override("orchestration_enabled", value=True)
    fresh, stale = FlagSnapshot([file], overrides=by_variable), FlagSnapshot([replace(file, stale=True)], overrides=by_variable)
    assert stale.snapshot_id == fresh.snapshot_id
    assert stale.evaluate("otel_enabled").reason is FlagReason.STALE
    assert stale.evaluate("otel_enabled").source == "own.json, last good version"
    assert stale.evaluate("orchestration_enabled").reason is FlagReason.ENVIRONMENT
    assert stale.evaluate("error_handling_enabled").reason is FlagReason.STATIC


def test_emergency_flags_are_above_everything() -> None:
    snapshot = FlagSnapshot(
        [layer(defined("read_only_mode"))], overrides=override("read_only_mode", value=False), emergency=emergency("read_only_mode")
    )
    found = snapshot.evaluate("read_only_mode")
    assert (found.value, found.reason, found.layer) == (True, FlagReason.EMERGENCY, FlagLayer.EMERGENCY)
    assert "emergency flag" in found.source
    assert "ann" not in found.source, "who set it and why is for administrators"
    assert snapshot.modes == Modes(read_only=True)


@pytest.mark.parametrize(
    ("key", "modes"),
    [
        ("emergency_shutdown", Modes(shutdown=True)),
        ("maintenance_mode", Modes(maintenance=True)),
        ("read_only_mode", Modes(read_only=True)),
    ],
)
def test_each_emergency_flag_is_its_mode_also_by_a_variable_or_a_definition(key: str, modes: Modes) -> None:
    assert FlagSnapshot(emergency=emergency(key)).modes == modes
    assert FlagSnapshot(overrides=override(key, value=True)).modes == modes
    assert FlagSnapshot([layer(defined(key, "on"))]).modes == modes


def test_the_version_and_the_metadata_come_with_the_evaluation() -> None:
    flag = defined("theirs", metadata={"owner": "ann"})
    written = Layer(FlagLayer.WRITTEN, "written", {"theirs": flag}, {"theirs": WrittenFlag("theirs", 7, flag.text, "default/ann", 1.0)})
    found = FlagSnapshot([written]).evaluate("theirs")
    assert (found.version, found.metadata) == (7, {"owner": "ann"})
    assert FlagSnapshot().evaluate("otel_enabled").version == 0


def test_an_explanation_has_the_way_through_the_rule_only_where_the_rule_was_asked() -> None:
    flag = defined("otel_enabled", targeting={"fractional": [["on", 25], ["off", 75]]})
    snapshot = FlagSnapshot([layer(flag)])
    explained = snapshot.explain("otel_enabled", ANYBODY)
    assert explained.evaluation == snapshot.evaluate("otel_enabled", ANYBODY)
    assert explained.trace is not None
    assert explained.trace.buckets[0].variant == explained.evaluation.variant
    assert FlagSnapshot().explain("otel_enabled").trace is None
    assert FlagSnapshot([layer(flag)], overrides=override("otel_enabled", value=True)).explain("otel_enabled", ANYBODY).trace is None


def test_what_is_off_for_all_is_told_apart_from_what_is_off_for_some() -> None:
    drawn = defined("otel_enabled", targeting={"fractional": [["on", 1], ["off", 99]]})
    assert not FlagSnapshot([layer(drawn)]).is_off_for_all("otel_enabled")
    assert FlagSnapshot([layer(defined("otel_enabled"))]).is_off_for_all("otel_enabled")
    assert FlagSnapshot([layer(drawn, defined("phase_3_hardening_enabled"))]).is_off_for_all("otel_enabled")
    assert not FlagSnapshot().is_off_for_all("otel_enabled")


def test_an_unknown_flag_is_an_error_with_its_reason() -> None:
    with pytest.raises(ResourceError, match="did you mean otel_enabled") as caught:
        FlagSnapshot().enabled("otel_enable")
    assert caught.value.reason == "FLAG_NOT_FOUND"
    assert caught.value.facts == {"flag": "otel_enable"}


def test_a_variant_is_named_even_when_the_definition_has_none_of_that_value() -> None:
    only_on = layer(read_flag('{"state": "ENABLED", "variants": {"yes": true}, "defaultVariant": "yes"}', key="otel_enabled"))
    assert FlagSnapshot([only_on]).evaluate("otel_enabled").variant == "yes"
    assert FlagSnapshot([only_on], overrides=override("otel_enabled", value=False)).evaluate("otel_enabled").variant == "off"


@given(
    file=st.dictionaries(st.sampled_from(SWITCHES), st.tuples(st.booleans(), st.sampled_from(["on", "off", None]))),
    environment=st.dictionaries(st.sampled_from(SWITCHES), st.booleans()),
)
def test_a_flag_is_on_exactly_when_it_says_so_itself_and_its_group_is_on(
    file: dict[str, tuple[bool, str | None]], environment: dict[str, bool]
) -> None:
    flags = [defined(key, default, active=active) for key, (active, default) in file.items()]
    overrides = Overrides({key: Override(value=value, variable="V") for key, value in environment.items()})
    snapshot = FlagSnapshot([layer(*flags)], overrides=overrides)

    def says_on(key: str) -> bool:
        active, default = file.get(key, (True, "on"))
        return environment.get(key, not active or default != "off")

    for key in SWITCHES:
        group = built_in_flags()[key].group
        assert snapshot.enabled(key) == (says_on(key) and (not group or says_on(group)))
    assert FlagSnapshot([layer(*flags)], overrides=overrides).snapshot_id == snapshot.snapshot_id


@given(st.dictionaries(st.sampled_from(KEYS), st.booleans()), st.dictionaries(st.sampled_from(KEYS), st.booleans()))
def test_other_flags_have_another_id(one: dict[str, bool], other: dict[str, bool]) -> None:
    ids = [FlagSnapshot(overrides=Overrides({k: Override(value=v, variable="V") for k, v in x.items()})).snapshot_id for x in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


@given(st.lists(st.sampled_from(EMERGENCY_FLAGS), unique=True), st.text(max_size=8))
def test_asking_twice_gives_the_same_and_changes_nothing(keys: list[str], who: str) -> None:
    drawn = defined("otel_enabled", targeting={"fractional": [["on", 50], ["off", 50]]})
    snapshot = FlagSnapshot([layer(drawn)], emergency=emergency(*keys))
    context, before = FlagContext(who), snapshot.snapshot_id
    assert [snapshot.evaluate(key, context) for key in snapshot.keys] == [snapshot.evaluate(key, context) for key in snapshot.keys]
    assert snapshot.snapshot_id == before
