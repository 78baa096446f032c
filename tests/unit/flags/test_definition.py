"""The flags that ship, and what a definition tells about itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genesis_server.flags.definition import FlagDefinition, FlagMistakesError, built_in_flags, did_you_mean, flags_document, flags_not_built
from genesis_server.flags.emergency import EMERGENCY_FLAGS
from genesis_server.flags.reading import read_flag, read_flags
from genesis_server.model.flags import Generation


def flag(**changes: Any) -> FlagDefinition:
    whole = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", **changes}
    return read_flag(json.dumps(whole), key="dark_mode")


def test_exactly_the_flags_that_switch_something_ship() -> None:
    assert sorted(built_in_flags()) == [
        "emergency_shutdown",
        "error_handling_enabled",
        "llm_integration_enabled",
        "maintenance_mode",
        "orchestration_enabled",
        "otel_enabled",
        "performance_optimizations_enabled",
        "phase_1_core_enabled",
        "phase_2_advanced_enabled",
        "phase_3_hardening_enabled",
        "read_only_mode",
        "security_hardening_enabled",
    ]


def test_shipped_flags_are_described_and_in_groups_that_ship_and_only_emergency_flags_are_off() -> None:
    for key, shipped in built_in_flags().items():
        assert shipped.active
        assert shipped.default_variant is not None
        assert shipped.variants[shipped.default_variant] is (not shipped.emergency)
        assert shipped.emergency == (key in EMERGENCY_FLAGS)
        assert (shipped.metadata.get("critical") is True) != shipped.emergency
        assert shipped.description.endswith(".")
        assert not shipped.group or (shipped.group in built_in_flags() and not built_in_flags()[shipped.group].group)


def test_built_and_unbuilt_flags_are_the_nineteen_of_the_specification() -> None:
    assert len(flags_not_built()) == 7
    assert not set(flags_not_built()) & set(built_in_flags())
    assert len(flags_not_built()) + len(built_in_flags()) == 19


@pytest.mark.parametrize(
    ("value", "word"), [(True, "boolean"), ("x", "string"), (1, "number"), (0.5, "number"), ({}, "object"), ([1], "object")]
)
def test_a_flag_has_the_type_of_its_values(value: object, word: str) -> None:
    assert flag(variants={"on": value}).type == word


def test_bucketing_is_the_newest_unless_the_metadata_pins_it() -> None:
    assert flag().generation is Generation.V3
    assert flag(metadata={"genesis.bucketing": "v2"}).generation is Generation.V2


def test_metadata_says_what_a_flag_switches_and_under_which_group() -> None:
    told = flag(metadata={"description": "Dark.", "group": "looks"})
    assert (told.description, told.group, told.emergency) == ("Dark.", "looks", False)
    assert (flag().description, flag().group) == ("", "")


def test_a_variant_is_found_by_its_value_and_named_plainly_when_there_is_none() -> None:
    assert flag(variants={"yes": True}, defaultVariant="yes").variant_of(True) == "yes"
    assert flag(variants={"yes": True}, defaultVariant="yes").variant_of(False) == "off"


def test_a_document_of_definitions_defines_the_same_flags_without_what_they_shared() -> None:
    document = {
        "metadata": {"flagSetId": "ours", "genesis.bucketing": "v2"},
        "$evaluators": {"staff": {"in": [{"var": "team"}, ["red"]]}},
        "flags": {
            "a": {
                "state": "DISABLED",
                "variants": {"x": 1, "y": 2},
                "targeting": {"if": [{"$ref": "staff"}, "x", "y"]},
                "metadata": {"n": 1},
            },
            "b": {"state": "ENABLED", "variants": {"x": "p"}, "defaultVariant": "x"},
        },
    }
    first = read_flags(json.dumps(document).encode(), name="own.json")
    again = read_flags(flags_document(first.definitions.values()), name="again.json")
    assert not first.mistakes
    assert not again.mistakes
    for key, one in first.definitions.items():
        other = again.definitions[key]
        assert other.whole() == one.whole()
        assert (other.active, other.default_variant, other.rule, other.metadata) == (
            one.active,
            one.default_variant,
            one.rule,
            one.metadata,
        )
    assert first.definitions["a"].rule == {"if": [{"in": [{"var": "team"}, ["red"]]}, "x", "y"]}
    assert first.definitions["b"].metadata == {"flagSetId": "ours", "genesis.bucketing": "v2"}


def test_all_mistakes_of_an_error_are_in_its_text() -> None:
    assert str(FlagMistakesError(["a", "b"])) == "a\nb"


def test_the_nearest_choice_is_named_or_else_all() -> None:
    assert did_you_mean("otel_enable", ("otel_enabled", "x")) == "; did you mean otel_enabled?"
    assert did_you_mean("zzz", ("a", "b")) == "; there are a, b"
