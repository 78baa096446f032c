"""What a flag file is likely to get wrong is found before it is used."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.lint import Finding, FindingKind, lint_flags

DRAW = (
    b'{"$evaluators": {"e": {"var": "x"}}, "metadata": {"genesis.bucketing": "v2"}, "flags": {"dark": {"state": "ENABLED", "variants": '
    b'{"a": 1, "b": 2.0}, "targeting": {"if": [{"$ref": "e"}, "a", {"fractional": [{"var": "y"}, ["a", 10], ["b", 90]]}]}}}}'
)
SWITCH: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


def lint(document: object) -> tuple[Finding, ...]:
    return lint_flags(json.dumps(document, indent=1).encode(), "own.json")


def messages(document: object) -> list[str]:
    found = lint(document)
    assert all(finding.kind is FindingKind.WARNING for finding in found)
    return [finding.message for finding in found]


def of_rule(rule: object, **changes: object) -> list[str]:
    return messages({"flags": {"dark": {**SWITCH, "targeting": rule, **changes}}})


def test_a_sound_file_has_no_findings() -> None:
    rule = {"if": [{"in": [{"var": "team"}, ["red"]]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}
    assert lint({"metadata": {"flagSetId": "x", "genesis.bucketing": "v2"}, "flags": {"dark": {**SWITCH, "targeting": rule}}}) == ()


def test_mistakes_of_flags_and_of_the_file_are_told_with_line_and_key() -> None:
    assert lint({"flags": {"dark": {**SWITCH, "state": "x"}}}) == (
        Finding(FindingKind.MISTAKE, 4, "dark", '$.flags.dark.state: must be ENABLED or DISABLED, not "x"'),
    )
    assert lint({}) == (Finding(FindingKind.MISTAKE, 1, "", '$: has no "flags"'),)
    assert lint_flags(b"", "own.json") == (Finding(FindingKind.MISTAKE, 1, "", "not JSON at column 1: Expecting value"),)
    assert lint_flags(b"[" * 200_000, "own.json") == (Finding(FindingKind.MISTAKE, 1, "", "nested too deep"),)


def test_numbers_of_any_length_are_told_and_stop_nothing() -> None:
    found = lint_flags(b'{"flags": {"dark": {"state": "ENABLED", "variants": {"a": ' + b"9" * 5000 + b"}}}}", "own.json")
    assert [finding.kind for finding in found] == [FindingKind.MISTAKE]


@given(
    st.binary(max_size=40)
    | st.integers(0, 8 * len(DRAW) - 1).map(lambda bit: DRAW[: bit // 8] + bytes([DRAW[bit // 8] ^ 1 << bit % 8]) + DRAW[bit // 8 + 1 :])
)
def test_whatever_the_bytes_are_there_is_an_answer_in_words(data: bytes) -> None:
    for finding in lint_flags(data, "own.json"):
        assert finding.line >= 1
        assert finding.message.encode()


def test_findings_stand_in_the_order_of_their_lines() -> None:
    flags = {"otel-enabled": SWITCH, "dark": {**SWITCH, "state": "x"}, "otel_enabled": {**SWITCH, "defaultVariant": "on"}}
    assert [(finding.line, finding.kind.value) for finding in lint({"flags": flags})] == [(3, "warning"), (12, "mistake"), (19, "warning")]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"flags": {"otel_enabled": {**SWITCH, "defaultVariant": "on"}}}, "$.flags.otel_enabled: says what is built in; leave it out"),
        ({"flags": {"otel_enabled": {**SWITCH, "defaultVariant": None}}}, "$.flags.otel_enabled: says what is built in; leave it out"),
        ({"flags": {"dark": {**SWITCH, "defaultVariant": None}}}, "$.flags.dark: has no defaultVariant"),
        ({"flags": {"otel-enabled": SWITCH}}, "is no flag of Genesis; did you mean otel_enabled?"),
        (
            {"flags": {"dark": {**SWITCH, "metadata": {"genesis.bucket": "v2"}}}},
            "is nothing that Genesis reads; did you mean genesis.bucketing?",
        ),
        ({"metadata": {"genesis.owner": "x"}, "flags": {"dark": SWITCH}}, '$.metadata["genesis.owner"]: is nothing that Genesis reads'),
        ({"flags": {"n": {**SWITCH, "variants": {"off": 10.0}}}}, "$.flags.n.variants.off: is 10.0, which some clients take"),
        ({"flags": {"n": {**SWITCH, "variants": {"off": [1]}}}}, "$.flags.n.variants.off: is a list, which flagd's schema does not allow"),
        ({"flags": [{"key": "dark", **SWITCH}]}, "$.flags: is a list, which the daemon of flagd takes and its clients do not"),
    ],
)
def test_what_is_odd_about_a_flag_is_warned_of(document: object, says: str) -> None:
    found = messages(document)
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"if": [{"var": "x"}, None]}, "$.flags.dark.targeting: can never choose a variant; leave it out"),
        ({"if": [True, None, {"if": [{"var": "x"}, None, None]}]}, "targeting: can never choose a variant"),
        ({"and": [None, "on"]}, "targeting: can never choose a variant"),
        ({"+": [1, 2]}, "targeting: gives 3, which is none of the variants"),
        ({"%": [1, 0]}, "targeting: always goes wrong: "),
        ({"cat": ["o", "n"]}, 'targeting: always gives "on"; use defaultVariant instead'),
        ({"if": [{"var": "x"}, "onn", "off"]}, 'targeting.if[1]: gives "onn", which is none of the variants: "on", "off"'),
        ({"if": [{"var": "x"}, True, "off"]}, "targeting.if[1]: gives true, which is none of the variants"),
        ({"if": [{"var": "x"}, "on", 3]}, "targeting.if[2]: gives 3, which is none of the variants"),
        ({"fractional": [["on", 10], ["offf", 90]]}, 'targeting.fractional[1][0]: gives "offf"'),
        ({"fractional": [["on", 10], ["off", 60]]}, "targeting: has weights that sum to 70, not 100"),
        ({"fractional": [["on", 0], ["off", 0]]}, "targeting: draws nobody, as its weights sum to 0"),
        ({"fractional": [["on", 10.0], ["off", 90]]}, "targeting.fractional[0][1]: is a weight with decimals or a division"),
        ({"fractional": [["on", {"/": [100, 2]}], ["off", 50]]}, "targeting.fractional[0][1]: is a weight with decimals or a division"),
        ({"fractional": [["on", {"*": [{"var": "x"}, 0.5]}], ["off", 50]]}, "[0][1]: is a weight with decimals or a division"),
        ({"fractional": [None, ["on", 10], ["off", 90]]}, "targeting.fractional[0]: draws by null"),
        ({"fractional": [7, ["on", 10], ["off", 90]]}, "targeting.fractional[0]: draws by what is no text or the same for everybody"),
        ({"fractional": [{"+": [{"var": "n"}, 1]}, ["on", 10], ["off", 90]]}, "targeting.fractional[0]: draws by what is no text"),
        ({"fractional": [{"var": "targetingKey"}, ["on", 10], ["off", 90]]}, "targeting.fractional[0]: draws by the targeting key alone"),
        (
            {"fractional": [["on", 10], [{"fractional": [["on", 50], ["off", 50]]}, 90]]},
            "targeting.fractional[1][0]: draws from those whom the same hash",
        ),
        ({"fractional": []}, "targeting: draws between no variants"),
        ({"if": [{"<": [{"cat": ["a", {"var": "x"}]}, 5]}, "on", "off"]}, "targeting.if[0]: compares a number with a text"),
        ({"if": [{"==": [{"in": ["a", {"var": "x"}]}, "yes"]}, "on", "off"]}, "targeting.if[0]: compares a boolean with a text"),
        ({"if": [{"var": "x"}, "on", {"var": "y"}, "off", "on"]}, "targeting: has more than three arguments"),
    ],
)
def test_what_is_odd_about_a_rule_is_warned_of_where_it_stands(rule: object, says: str) -> None:
    found = of_rule(rule)
    assert any(says in message for message in found), found


@pytest.mark.parametrize(
    "rule",
    [
        {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "email"}]}, ["on", 10], ["off", 90]]},
        {"fractional": [{"var": "email"}, ["on", 1], ["off", 999]]},
        {"fractional": [["on"], ["off"]]},
        {"fractional": [["on", 1], ["off", 2]]},
        {"fractional": [["on", {"-": [{"var": "$flagd.timestamp"}, 5]}], ["off", 1]]},
        {"fractional": [["on", 10], [{"fractional": [{"cat": ["salt", {"var": "targetingKey"}]}, ["on", 50], ["off", 50]]}, 90]]},
        {"if": [{"<": [{"var": "age"}, 5]}, "on", None]},
        {"if": [{"==": [{"var": "name"}, "ann"]}, {"var": "choice"}, "off"]},
        {"var": "choice"},
    ],
)
def test_sound_rules_are_not_warned_of(rule: object) -> None:
    assert of_rule(rule) == []


def test_true_and_false_may_be_names_of_variants() -> None:
    changes = {"variants": {"true": True, "false": False}, "defaultVariant": "true"}
    assert of_rule({"if": [{"var": "x"}, True, False]}, **changes) == []


def test_a_finding_inside_of_a_shared_rule_gets_the_line_of_the_reference() -> None:
    flags = {"dark": {**SWITCH, "targeting": {"if": [{"var": "x"}, {"$ref": "draw"}, "off"]}}}
    found = lint({"$evaluators": {"draw": {"fractional": [["on", 50], ["off", 51]]}}, "flags": flags})
    assert len(found) == 1
    assert "has weights that sum to 101, not 100" in found[0].message
    assert found[0].line == 29


def test_the_flags_that_ship_have_no_warnings_but_that_they_are_built_in() -> None:
    found = lint_flags((files("genesis_server") / "data" / "flags.json").read_bytes(), "flags.json")
    assert {finding.message.split(": ")[1] for finding in found} == {
        "says what is built in; leave it out",
        "is an emergency flag, which no file switches; use SetEmergencyFlag and ClearEmergencyFlag",
    }
