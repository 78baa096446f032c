"""A flag file is used as a whole or refused as a whole, with every mistake."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_server.flags.definition import (
    MAX_FILE_BYTES,
    FlagDefinition,
    FlagMistakesError,
    built_in_flags,
    flags_not_built,
    parse_flags,
)

SHIPPED = (files("genesis_server") / "data" / "flags.json").read_bytes()
OTEL: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


def parse(document: object) -> dict[str, FlagDefinition]:
    return parse_flags(json.dumps(document, indent=1).encode(), name="own.json", known=built_in_flags())


def mistakes(document: object) -> tuple[str, ...]:
    with pytest.raises(FlagMistakesError) as caught:
        parse(document)
    return caught.value.mistakes


def otel(**changes: object) -> dict[str, object]:
    return {"flags": {"otel_enabled": {**deepcopy(OTEL), **changes}}}


def test_exactly_the_flags_that_switch_something_ship() -> None:
    assert sorted(built_in_flags()) == [
        "error_handling_enabled",
        "llm_integration_enabled",
        "orchestration_enabled",
        "otel_enabled",
        "phase_1_core_enabled",
        "phase_2_advanced_enabled",
        "phase_3_hardening_enabled",
        "security_hardening_enabled",
    ]


def test_shipped_flags_are_on_described_and_in_groups_that_ship() -> None:
    for flag in built_in_flags().values():
        assert flag.active
        assert flag.default_variant is not None
        assert flag.variants[flag.default_variant] is True
        assert flag.description.endswith(".")
        assert not flag.group or (flag.group in built_in_flags() and not built_in_flags()[flag.group].group)


def test_built_and_unbuilt_flags_are_the_nineteen_of_the_specification() -> None:
    assert len(flags_not_built()) == 11
    assert not set(flags_not_built()) & set(built_in_flags())


def test_a_file_of_ones_own_holds_only_what_it_changes() -> None:
    found = parse(otel())
    assert list(found) == ["otel_enabled"]
    assert found["otel_enabled"].variants["off"] is False
    assert found["otel_enabled"].default_variant == "off"


def test_a_flag_may_leave_the_choice_to_the_built_in_default() -> None:
    assert parse(otel(defaultVariant=None))["otel_enabled"].default_variant is None


def test_empty_targeting_and_evaluators_are_taken() -> None:
    assert parse({**otel(targeting={}), "$evaluators": {}, "$schema": "https://flagd.dev/schema/v0/flags.json"})


@pytest.mark.parametrize(
    ("document", "line", "says"),
    [
        (otel(state="ON"), 4, '$.flags.otel_enabled.state: must be ENABLED or DISABLED, not "ON"'),
        (otel(variants={}), 5, "$.flags.otel_enabled.variants: must name at least one variant"),
        (otel(variants=[1]), 5, "$.flags.otel_enabled.variants: must name at least one variant"),
        (otel(variants={"on": 1, "off": False}), 6, "$.flags.otel_enabled.variants.on: must be true or false, not 1"),
        (otel(defaultVariant="offf"), 9, '$.flags.otel_enabled.defaultVariant: "offf" is none of the variants: "on", "off"'),
        (otel(defaultVariant=True), 9, "$.flags.otel_enabled.defaultVariant: true is none of the variants"),
        (otel(targeting={"if": [True, "on"]}), 10, "$.flags.otel_enabled.targeting: targeting rules are not evaluated"),
        (otel(metadata={"a": {}}), 11, "$.flags.otel_enabled.metadata.a: must be a text, a number or a boolean"),
        (otel(default="on"), 10, "$.flags.otel_enabled.default: is unknown here; did you mean defaultVariant?"),
        ({"flags": {"otel_enable": OTEL}}, 3, "$.flags.otel_enable: no such flag; did you mean otel_enabled?"),
        ({"flags": {"spice_enabled": OTEL}}, 3, "$.flags.spice_enabled: the feature of this flag is not built"),
        ({"flags": []}, 2, "$.flags: must be an object, not []"),
        ({"flags": {"otel_enabled": 3}}, 3, "$.flags.otel_enabled: must be an object, not 3"),
        ({}, 1, '$: has no "flags"'),
        ([1], 1, "$: must be an object"),
        ({**otel(), "$evaluators": {"x": {}}}, 12, '$["$evaluators"]: targeting rules are not evaluated'),
        ({**otel(), "metadata": {"x": None}}, 13, "$.metadata.x: must be a text"),
    ],
)
def test_a_mistake_names_its_line_and_path_and_says_what_to_do(document: object, line: int, says: str) -> None:
    found = mistakes(document)
    assert any(mistake.startswith(f"own.json:{line}: {says}") for mistake in found), found


def test_all_mistakes_are_told_at_once() -> None:
    document = otel(state="ON", defaultVariant="x", targeting={"a": 1})
    document["flag"] = {}
    assert len(mistakes(document)) == 4


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "own.json:1: not JSON at column 1"),
        (b'{"flags": {}\n', "own.json:2: not JSON"),
        (b'{\n"flags": "\xff"}', "own.json:2: not UTF-8 at byte 12"),
        (b'{"flags": NaN}', "own.json: not JSON: NaN is no JSON value"),
        (b"[" * 200_000, "own.json: nested too deep"),
        (b" " * (MAX_FILE_BYTES + 1), "own.json: larger than 1048576 bytes"),
        (b'{"flags": {},\n"flags": {}}', "own.json:2: $.flags: stands twice; keep one"),
        (b'{"flags": {"\\ud800": {}}}', 'own.json:1: $.flags["\\ud800"]: no such flag'),
    ],
)
def test_what_is_no_flag_file_is_refused_in_words(data: bytes, says: str) -> None:
    with pytest.raises(FlagMistakesError) as caught:
        parse_flags(data, name="own.json", known=built_in_flags())
    assert caught.value.mistakes[0].startswith(says)
    assert str(caught.value).encode("utf-8")


def test_a_file_cut_at_any_byte_is_refused() -> None:
    whole = SHIPPED.rstrip()
    for length in range(len(whole)):
        with pytest.raises(FlagMistakesError):
            parse_flags(whole[:length], name="own.json", known=built_in_flags())


@settings(max_examples=300)
@given(st.integers(min_value=0, max_value=len(SHIPPED) * 8 - 1))
def test_a_file_with_one_bit_flipped_is_read_whole_or_refused(bit: int) -> None:
    flipped = bytearray(SHIPPED)
    flipped[bit // 8] ^= 1 << bit % 8
    with suppress(FlagMistakesError):
        found = parse_flags(bytes(flipped), name="own.json", known=built_in_flags())
        assert set(found) == set(built_in_flags())
        assert all(flag.default_variant in {*flag.variants, None} for flag in found.values())


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(FlagMistakesError):
        parse_flags(data, name="own.json", known=built_in_flags())
