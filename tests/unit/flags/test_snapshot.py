"""What a flag is, and why, at one moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.definition import FlagDefinition, built_in_flags
from genesis_server.flags.overrides import Override, Overrides
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.flags import FlagReason
from genesis_server.resilience.errors import ResourceError

VARIANTS = {"on": True, "off": False}
KEYS = sorted(built_in_flags())


def defined(key: str, default: str | None = "off", *, active: bool = True) -> dict[str, FlagDefinition]:
    return {key: FlagDefinition(key, active=active, variants=VARIANTS, default_variant=default)}


def override(key: str, *, value: bool, variable: str = "GENESIS_FLAG_X") -> Overrides:
    return Overrides({key: Override(value=value, variable=variable)})


def test_without_file_and_environment_everything_is_on_by_the_built_in_default() -> None:
    snapshot = FlagSnapshot()
    for key in snapshot.keys:
        found = snapshot.evaluate(key)
        assert (found.value, found.variant, found.reason, found.source) == (True, "on", FlagReason.STATIC, "built-in default")
        assert found.description
    assert snapshot.keys == tuple(KEYS)
    assert not snapshot.planner_off_reason


def test_the_file_beats_the_built_in_default() -> None:
    found = FlagSnapshot(defined("otel_enabled"), file_name="own.json").evaluate("otel_enabled")
    assert (found.value, found.variant, found.reason, found.source) == (False, "off", FlagReason.STATIC, "own.json")


def test_the_environment_beats_the_file() -> None:
    snapshot = FlagSnapshot(defined("otel_enabled"), overrides=override("otel_enabled", value=True), file_name="own.json")
    found = snapshot.evaluate("otel_enabled")
    assert (found.value, found.variant, found.reason) == (True, "on", FlagReason.ENVIRONMENT)
    assert found.source == "environment variable GENESIS_FLAG_X"


def test_a_disabled_definition_leaves_the_built_in_default() -> None:
    found = FlagSnapshot(defined("otel_enabled", active=False), file_name="own.json").evaluate("otel_enabled")
    assert (found.value, found.reason) == (True, FlagReason.DISABLED)
    assert found.source == "built-in default: own.json disables the definition"


def test_a_definition_without_a_default_variant_leaves_the_built_in_default() -> None:
    found = FlagSnapshot(defined("otel_enabled", None), file_name="own.json").evaluate("otel_enabled")
    assert (found.value, found.reason) == (True, FlagReason.STATIC)
    assert found.source == "built-in default: own.json names no default variant"


def test_a_group_that_is_off_takes_its_members_down_whatever_they_say() -> None:
    snapshot = FlagSnapshot(
        defined("phase_3_hardening_enabled"), overrides=override("otel_enabled", value=True, variable="V"), file_name="own.json"
    )
    for key in ("error_handling_enabled", "otel_enabled", "security_hardening_enabled"):
        found = snapshot.evaluate(key)
        assert (found.value, found.variant, found.reason) == (False, "off", FlagReason.GROUP)
        assert found.source == "group phase_3_hardening_enabled is off by own.json"
    assert snapshot.enabled("orchestration_enabled")


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


def test_a_stale_snapshot_says_so_where_the_file_decided_and_keeps_its_id() -> None:
    fresh = FlagSnapshot(defined("otel_enabled"), overrides=override("orchestration_enabled", value=True), file_name="own.json")
    stale = fresh.as_stale()
    assert stale.snapshot_id == fresh.snapshot_id
    assert stale.evaluate("otel_enabled").reason is FlagReason.STALE
    assert stale.evaluate("otel_enabled").source == "own.json, last good version"
    assert stale.evaluate("orchestration_enabled").reason is FlagReason.ENVIRONMENT
    assert stale.evaluate("error_handling_enabled").reason is FlagReason.STATIC


def test_an_unknown_flag_is_an_error_with_its_reason() -> None:
    with pytest.raises(ResourceError, match="did you mean otel_enabled") as caught:
        FlagSnapshot().enabled("otel_enable")
    assert caught.value.reason == "FLAG_NOT_FOUND"
    assert caught.value.facts == {"flag": "otel_enable"}


def test_a_variant_is_named_even_when_the_file_has_none_of_that_value() -> None:
    only_on = {"otel_enabled": FlagDefinition("otel_enabled", active=True, variants={"yes": True}, default_variant="yes")}
    assert FlagSnapshot(only_on).evaluate("otel_enabled").variant == "yes"
    assert FlagSnapshot(only_on, overrides=override("otel_enabled", value=False)).evaluate("otel_enabled").variant == "off"


@given(
    file=st.dictionaries(st.sampled_from(KEYS), st.tuples(st.booleans(), st.sampled_from(["on", "off", None]))),
    environment=st.dictionaries(st.sampled_from(KEYS), st.booleans()),
)
def test_a_flag_is_on_exactly_when_it_says_so_itself_and_its_group_is_on(
    file: dict[str, tuple[bool, str | None]], environment: dict[str, bool]
) -> None:
    flags: dict[str, FlagDefinition] = {}
    for key, (active, default) in file.items():
        flags |= defined(key, default, active=active)
    overrides = Overrides({key: Override(value=value, variable="V") for key, value in environment.items()})
    snapshot = FlagSnapshot(flags, overrides=overrides)

    def says_on(key: str) -> bool:
        active, default = file.get(key, (True, "on"))
        return environment.get(key, not active or default != "off")

    for key, flag in built_in_flags().items():
        assert snapshot.enabled(key) == (says_on(key) and (not flag.group or says_on(flag.group)))
    assert FlagSnapshot(flags, overrides=overrides).snapshot_id == snapshot.snapshot_id


@given(st.dictionaries(st.sampled_from(KEYS), st.booleans()), st.dictionaries(st.sampled_from(KEYS), st.booleans()))
def test_other_flags_have_another_id(one: dict[str, bool], other: dict[str, bool]) -> None:
    ids = [FlagSnapshot(overrides=Overrides({k: Override(value=v, variable="V") for k, v in x.items()})).snapshot_id for x in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)
