"""What is wrong with a flag is told with its line, its place and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genesis_server.flags.definition import FlagMistakesError
from genesis_server.flags.one_flag import MAX_CHARACTERS, MAX_VALUE_DEPTH, MAX_VARIANTS
from genesis_server.flags.reading import read_flag

FLAG: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else {}


def mistakes(flag_key: str = "otel_enabled", /, **changes: object) -> tuple[str, ...]:
    with pytest.raises(FlagMistakesError) as caught:
        read_flag(json.dumps({**FLAG, **changes}, indent=1), key=flag_key)
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("changes", "line", "says"),
    [
        ({"state": "ON"}, 2, '$.state: must be ENABLED or DISABLED, not "ON"'),
        ({"state": None}, 2, "$.state: must be ENABLED or DISABLED, not null"),
        ({"variants": {}}, 3, "$.variants: must name 1 to 100 variants, for example"),
        ({"variants": [1]}, 3, "$.variants: must name 1 to 100 variants, for example"),
        ({"variants": None}, 3, "$.variants: must name 1 to 100 variants, for example"),
        ({"variants": {str(n): True for n in range(MAX_VARIANTS + 1)}}, 3, "$.variants: must name 1 to 100 variants"),
        ({"variants": {"off": 1}}, 4, "$.variants.off: must be true or false, not 1: Genesis asks whether this flag is on"),
        ({"variants": {"": True, "off": False}}, 4, '$.variants[""]: needs a name'),
        ({"variants": {"off": None}}, 4, "$.variants.off: must not be null"),
        ({"defaultVariant": "offf"}, 7, '$.defaultVariant: "offf" is none of the variants: "on", "off"'),
        ({"defaultVariant": True}, 7, "$.defaultVariant: true is none of the variants"),
        ({"targeting": True}, 8, "$.targeting: must be an object"),
        ({"targeting": [1]}, 8, "$.targeting: must be an object"),
        ({"targeting": {"nope": [1]}}, 9, "$.targeting.nope: there is no operator 'nope'"),
        ({"targeting": {"if": [{"$ref": "x"}, "on", "off"]}}, 11, '$.targeting.if[0]["$ref"]: $evaluators has no'),
        ({"metadata": {"a": {}}}, 9, "$.metadata.a: must be a text, a number or a boolean"),
        ({"metadata": {"a": None}}, 9, "$.metadata.a: must be a text, a number or a boolean"),
        ({"metadata": 3}, 8, "$.metadata: must be an object, not 3"),
        ({"metadata": {"genesis.bucketing": "v1"}}, 9, '$.metadata["genesis.bucketing"]: must be "v2" or "v3", not "v1"'),
        ({"metadata": {"n": 2**53}}, 9, "$.metadata.n: is an integer beyond 9007199254740991"),
        ({"metadata": {"n": float("inf")}}, 9, "$.metadata.n: is no number of JSON"),
        ({"default": "on"}, 8, "$.default: is unknown here; did you mean defaultVariant?"),
        ({"key": "x"}, 8, "$.key: is unknown here"),
    ],
)
def test_a_mistake_names_its_line_and_path_and_says_what_to_do(changes: dict[str, object], line: int, says: str) -> None:
    found = mistakes(**changes)
    assert any(mistake.startswith(f"definition:{line}: {says}") for mistake in found), found


@pytest.mark.parametrize(
    ("variants", "says"),
    [
        ({"off": "x", "b": 1}, "$.variants.b: is of type number, and the first variant of type string; all must be of one"),
        ({"off": 1, "b": True}, "$.variants.b: is of type boolean, and the first variant of type number"),
        ({"off": nested(MAX_VALUE_DEPTH)}, f"$.variants.off: is nested deeper than {MAX_VALUE_DEPTH}"),
        ({"off": 2**53}, "$.variants.off: is an integer beyond"),
    ],
)
def test_ones_own_flags_may_be_of_any_one_type(variants: dict[str, object], says: str) -> None:
    found = mistakes("theme", variants=variants)
    assert any(says in mistake for mistake in found), found


@pytest.mark.parametrize(
    "variants", [{"off": "x", "b": "y"}, {"off": 1, "b": 0.5}, {"off": {}, "b": [1, {"c": None}]}, {"off": nested(MAX_VALUE_DEPTH - 1)}]
)
def test_flags_of_one_type_are_read(variants: dict[str, object]) -> None:
    assert read_flag(json.dumps({**FLAG, "variants": variants}), key="theme").variants == variants


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes(state="ON", defaultVariant="x", targeting={"a": 1}, metadata={"b": {}}, c=1)) == 5


@pytest.mark.parametrize("targeting", [{}, None])
def test_an_empty_rule_is_none(targeting: object) -> None:
    found = read_flag(json.dumps({**FLAG, "targeting": targeting}), key="otel_enabled")
    assert found.rule is None
    assert found.compiled is None


def test_a_flag_may_leave_the_choice_to_the_default_of_whoever_asks() -> None:
    assert read_flag(json.dumps({**FLAG, "defaultVariant": None}), key="otel_enabled").default_variant is None
    assert read_flag('{"state": "DISABLED", "variants": {"a": 1}}', key="theme").default_variant is None


def test_a_rule_is_compiled_with_the_pinned_generation_of_draws() -> None:
    rule = {"targeting": {"fractional": [["on", 50], ["off", 50]]}}
    subjects = [{"targetingKey": f"user-{n}"} for n in range(64)]

    def drawn(**metadata: str) -> list[object]:
        found = read_flag(json.dumps({**FLAG, **rule, "metadata": metadata}), key="theme")
        assert found.compiled is not None
        return [found.compiled.ask({**subject, "$flagd": {"timestamp": 1}}) for subject in subjects]

    assert drawn() == drawn(**{"genesis.bucketing": "v3"})
    assert drawn() != drawn(**{"genesis.bucketing": "v2"})


def test_a_flag_as_long_as_it_may_be_is_read_and_one_character_more_is_not() -> None:
    room = MAX_CHARACTERS - len(json.dumps({**FLAG, "metadata": {"x": ""}}, separators=(",", ":")))
    assert read_flag(json.dumps({**FLAG, "metadata": {"x": "y" * room}}), key="otel_enabled").active
    assert mistakes(metadata={"x": "y" * (room + 1)}) == ("definition:1: $: is longer than 100000 characters",)


@pytest.mark.parametrize("text", ["3", "null", "[]", '"x"'])
def test_a_definition_is_an_object(text: str) -> None:
    with pytest.raises(FlagMistakesError, match=r"definition:1: \$: must be an object"):
        read_flag(text, key="theme")


@pytest.mark.parametrize(
    "text", ["", "{", '{"state": "ENABLED"} x', "[" * 100_000, '{"state": "ENABLED", "state": "ENABLED"}', "\ud800", '"\\ud800"']
)
def test_what_is_no_json_is_refused_in_words(text: str) -> None:
    with pytest.raises(FlagMistakesError) as caught:
        read_flag(text, key="theme")
    assert caught.value.mistakes[0].startswith("definition:")
    assert str(caught.value).encode()


def test_half_a_character_is_refused_since_no_other_client_could_read_it() -> None:
    assert "holds half a character" in mistakes(metadata={"x": "\ud800"})[0]


def test_the_text_is_the_object_as_it_was_written_without_blanks() -> None:
    assert read_flag(json.dumps(FLAG, indent=3), key="theme").text == json.dumps(FLAG, separators=(",", ":"))
