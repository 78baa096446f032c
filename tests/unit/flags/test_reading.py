"""A flag file is read flag by flag: one that is wrong is told and left aside, and takes no other along."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_server.flags import reading
from genesis_server.flags.definition import FlagDefinition, FlagMistakesError
from genesis_server.flags.reading import MAX_DOCUMENT_BYTES, FlagDocument, read_built_in, read_flags
from genesis_server.model.flags import Generation

SHIPPED = (files("genesis_server") / "data" / "flags.json").read_bytes()
SWITCH: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
RULE = {"if": [{"in": [{"var": "team"}, ["red"]]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}
THEME: dict[str, Any] = {"state": "ENABLED", "variants": {"a": "x", "b": "y"}, "defaultVariant": "a", "targeting": {"if": [True, "b", "a"]}}
SMALL = json.dumps({"metadata": {"v": 1}, "flags": {"dark": {**SWITCH, "targeting": RULE}, "theme": THEME}}, indent=1).encode()


def read(document: object, previous: FlagDocument | None = None) -> FlagDocument:
    data = document if isinstance(document, bytes) else json.dumps(document, indent=1).encode()
    return read_flags(data, name="own.json", previous={} if previous is None else previous.definitions)


def refused(document: object) -> tuple[str, ...]:
    with pytest.raises(FlagMistakesError) as caught:
        read(document)
    return caught.value.mistakes


def one(key: str, **changes: object) -> dict[str, Any]:
    return {"flags": {key: {**SWITCH, **changes}}}


def test_a_file_of_ones_own_holds_what_it_changes_and_flags_of_ones_own() -> None:
    found = read({"flags": {"otel_enabled": SWITCH, "theme": THEME}})
    assert list(found.definitions) == ["otel_enabled", "theme"]
    assert found.definitions["otel_enabled"].default_variant == "off"
    assert found.definitions["theme"].variants == {"a": "x", "b": "y"}
    assert not found.mistakes
    assert not found.warnings


def test_one_bad_flag_is_left_aside_with_its_mistakes_and_the_others_are_read() -> None:
    found = read({"flags": {"a": {**SWITCH, "state": "on"}, "b": SWITCH}})
    assert list(found.definitions) == ["b"]
    assert found.mistakes == {"a": ('own.json:4: $.flags.a.state: must be ENABLED or DISABLED, not "on"',)}


def test_the_definition_of_before_stands_in_for_a_bad_flag() -> None:
    before = read(one("a"))
    found = read(one("a", state="on"), before)
    assert found.definitions["a"] is before.definitions["a"]
    assert list(found.mistakes) == ["a"]


def test_a_flag_that_was_taken_out_is_gone() -> None:
    assert "a" not in read({"flags": {}}, read(one("a"))).definitions


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("spice_enabled", "the feature of this flag is not built, so nothing would read it; leave it out"),
        ("maintenance_mode", "is an emergency flag, which no file switches"),
        ("", "a key has 1 to 128 characters that can be printed"),
        ("x" * 129, "a key has 1 to 128 characters that can be printed"),
        ("a\nb", "a key has 1 to 128 characters that can be printed"),
    ],
)
def test_a_key_that_cannot_be_is_a_mistake_of_that_flag(key: str, says: str) -> None:
    found = read({"flags": {key: SWITCH, "b": SWITCH}})
    assert list(found.definitions) == ["b"]
    assert says in found.mistakes[key][0]


def test_a_key_near_one_of_genesis_is_read_and_warned_of() -> None:
    found = read(one("otel-enabled"))
    assert list(found.definitions) == ["otel-enabled"]
    assert found.warnings == ('own.json:3: $.flags["otel-enabled"]: is no flag of Genesis; did you mean otel_enabled?',)


def test_a_list_of_flags_with_keys_is_read_as_flagd_does() -> None:
    found = read({"flags": [{"key": "dark", **SWITCH}, {"key": "theme", **THEME, "state": "x"}]})
    assert found.definitions["dark"].text == read(one("dark")).definitions["dark"].text
    assert found.mistakes["theme"][0].startswith("own.json:14: $.flags[1].state:")


def test_what_is_wrong_with_a_list_is_told_of_each_item() -> None:
    found = read({"flags": [3, {"key": 4}, {"key": "a", **SWITCH}, {"key": "a", **SWITCH}]})
    assert list(found.mistakes) == ["[0]", "[1]", "a"]
    assert "stands twice" in found.mistakes["a"][0]
    assert not found.definitions


def test_shared_metadata_is_under_that_of_each_flag_and_can_pin_how_draws_are_made() -> None:
    found = read({**one("a", metadata={"x": 2}), "metadata": {"x": 1, "y": 1, "genesis.bucketing": "v2"}})
    assert found.definitions["a"].metadata == {"x": 2, "y": 1, "genesis.bucketing": "v2"}
    assert found.definitions["a"].generation is Generation.V2
    assert found.metadata == {"x": 1, "y": 1, "genesis.bucketing": "v2"}


def test_shared_rules_are_put_where_they_are_named() -> None:
    document = {**one("a", targeting={"if": [{"$ref": "red"}, "on", "off"]}), "$evaluators": {"red": RULE["if"][0]}}
    assert read(document).definitions["a"].rule == {"if": [RULE["if"][0], "on", "off"]}


def test_a_shared_rule_that_is_not_there_is_a_mistake_of_the_flag_that_names_it() -> None:
    found = read({"flags": {"a": {**SWITCH, "targeting": {"if": [{"$ref": "red"}, "on", "off"]}}, "b": SWITCH}})
    assert list(found.definitions) == ["b"]
    assert "own.json:13: $.flags.a.targeting" in found.mistakes["a"][0]


def test_a_flag_that_its_shared_rules_make_too_long_is_a_mistake() -> None:
    team = {"in": [{"var": "team"}, ["x" * 60_000]]}
    flags = {
        "a": {**SWITCH, "targeting": {"or": [{"$ref": "team"}]}},
        "b": {**SWITCH, "targeting": {"or": [{"$ref": "team"}, {"$ref": "team"}]}},
    }
    found = read({"flags": flags, "$evaluators": {"team": team}})
    assert list(found.definitions) == ["a"]
    assert found.mistakes["b"][0].endswith("is longer than 100000 characters with its $refs and the metadata of its set")


@pytest.mark.parametrize(
    ("document", "line", "says"),
    [
        ({"flags": 3}, 2, "$.flags: must be an object, not 3"),
        ({}, 1, '$: has no "flags"'),
        ({"flags": None}, 2, "$.flags: must be an object, not null"),
        ([1], 1, "$: must be an object"),
        ({**one("a"), "metadata": {"x": None}}, 13, "$.metadata.x: must be a text"),
        ({**one("a"), "metadata": {"genesis.bucketing": 2}}, 13, '$.metadata["genesis.bucketing"]: must be "v2" or "v3", not 2'),
        ({**one("a"), "metadata": {"n": 2**60}}, 13, "$.metadata.n: is an integer beyond"),
        ({**one("a"), "$evaluators": []}, 12, '$["$evaluators"]: must be an object, not []'),
        ({**one("a"), "evaluators": {}}, 12, "$.evaluators: is unknown here; did you mean $evaluators?"),
    ],
)
def test_what_concerns_every_flag_refuses_the_whole(document: object, line: int, says: str) -> None:
    found = refused(document)
    assert any(mistake.startswith(f"own.json:{line}: {says}") for mistake in found), found


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "own.json:1: not JSON at column 1"),
        (b'{"flags": {}\n', "own.json:2: not JSON"),
        (b'{\n"flags": "\xff"}', "own.json:2: not UTF-8 at byte 12"),
        (b"[" * 200_000, "own.json: nested too deep"),
        (b'{"x": ' + b"[" * 200_000, "own.json: nested too deep"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "own.json: larger than 16777216 bytes"),
        (b'{"metadata": {"x": "\\ud800"}, "flags": {}}', "own.json:1: $.metadata: holds half a character"),
        (b'{"$evaluators": {"x": {"==": ["\\udc00", 1]}}, "flags": {}}', 'own.json:1: $["$evaluators"]: holds half a character'),
        (b'{"flags": {},\n"flags": {}}', "own.json:2: $.flags: stands twice; keep one"),
        (b'{"$evaluators": {"a": true,\n"a": true},"flags": {}}', 'own.json:2: $["$evaluators"].a: stands twice; keep one'),
    ],
)
def test_what_is_no_flag_file_is_refused_in_words(data: bytes, says: str) -> None:
    found = refused(data)
    assert found[0].startswith(says)
    assert "\n".join(found).encode()


@pytest.mark.parametrize(
    "flag",
    [
        b'{"state": "ENABLED", "state": "DISABLED", "variants": {"a": 1}}',
        b'{"state": "ENABLED", "variants": {"a": 1, "a": 2}}',
        b'{"state": "ENABLED", "variants": {"a": NaN}}',
        b'{"state": "ENABLED", "variants": {"a": 1e999}}',
        b'{"state": "ENABLED", "variants": {"a": 9007199254740992}}',
        b'{"state": "ENABLED", "variants": {"a": ' + b"9" * 5000 + b"}}",
        b'{"state": "ENABLED", "variants": {"a": 1}}, "bad": {"state": "ENABLED", "variants": {"a": 1}}',
        b'{"state": "ENABLED", "variants": {"\\ud800": 1}}',
        b'{"state": "ENABLED", "variants": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"state": "ENABLED", "variants": {"a": 1}, "targeting": ' + b'{"!": ' * 400 + b"1" + b"}" * 401,
    ],
)
def test_what_readers_of_json_understand_otherwise_is_a_mistake_of_that_flag_alone(flag: bytes) -> None:
    found = read(b'{"flags": {"good": {"state": "ENABLED", "variants": {"a": 1}}, "bad": ' + flag + b"}}")
    assert list(found.definitions) == ["good"]
    assert list(found.mistakes) == ["bad"]
    assert found.mistakes["bad"][0].startswith("own.json:1: $.flags.bad")


def test_more_flags_than_a_server_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FLAGS", 2)
    assert refused({"flags": {str(n): SWITCH for n in range(3)}}) == ("own.json:2: $.flags: holds more than 2 flags",)


def test_the_flags_that_ship_are_refused_as_a_whole_when_one_is_wrong() -> None:
    with pytest.raises(FlagMistakesError, match=r"flags.json:1: \$.flags.a.state"):
        read_built_in(b'{"flags": {"a": {"variants": {"on": true}}}}')


def test_nesting_of_any_depth_is_told_in_words() -> None:
    for depth in range(100, 2000, 7):
        data = b'{"flags": {"bad": {"state": "ENABLED", "variants": {"a": ' + b"[" * depth + b"]" * depth + b"}}, \n"
        data += b'"good": {"state": "ENABLED", "variants": {"a": 1}}}}'
        with suppress(FlagMistakesError):
            found = read(data)
            assert list(found.definitions) == ["good"]
            assert "nested" in found.mistakes["bad"][0]


# What does not change


def test_flags_that_did_not_change_are_taken_as_they_are() -> None:
    before = read(SMALL)
    after = json.loads(SMALL)
    after["flags"]["theme"]["defaultVariant"] = "b"
    found = read(after, before)
    assert found.definitions["dark"] is before.definitions["dark"]
    assert found.definitions["theme"].default_variant == "b"


def test_a_flag_is_another_when_what_it_shares_changed() -> None:
    def document(team: str, note: int) -> dict[str, Any]:
        flags = {"a": {**SWITCH, "targeting": {"if": [{"$ref": "team"}, "on", "off"]}}, "b": SWITCH}
        return {"flags": flags, "$evaluators": {"team": {"==": [{"var": "team"}, team]}}, "metadata": {"n": note}}

    before = read(document("red", 1))
    found = read(document("blue", 1), before)
    assert found.definitions["a"].rule == {"if": [{"==": [{"var": "team"}, "blue"]}, "on", "off"]}
    assert found.definitions["b"] is before.definitions["b"]
    assert read(document("red", 2), before).definitions["b"].metadata == {"n": 2}


def test_true_and_one_are_not_the_same() -> None:
    before = read({"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}}}})
    assert read({"flags": {"a": {"state": "ENABLED", "variants": {"x": True}}}}, before).definitions["a"].variants["x"] is True


DOCUMENT = st.builds(
    lambda flags, evaluators, metadata: {"flags": flags, "$evaluators": evaluators, "metadata": metadata},
    st.dictionaries(
        st.sampled_from("abc"),
        st.fixed_dictionaries(
            {"state": st.sampled_from(["ENABLED", "DISABLED", "bad"]), "variants": st.sampled_from([{"x": 1, "y": 2}, {"x": True}, {}])},
            optional={
                "targeting": st.sampled_from([{}, {"if": [{"$ref": "e"}, "x", "y"]}, {"fractional": [["x", 1], ["y", 1]]}, {"bad": 1}]),
                "metadata": st.sampled_from([{}, {"n": 1}, {"n": True}]),
            },
        ),
    ),
    st.sampled_from([{}, {"e": {"var": "p"}}, {"e": {"var": "q"}}]),
    st.sampled_from([{}, {"n": 1}, {"genesis.bucketing": "v2"}]),
)


@given(DOCUMENT, DOCUMENT, st.sampled_from([None, 1]))
def test_what_is_read_over_another_document_is_what_is_read_alone_but_for_bad_flags(first: Any, second: Any, indent: int | None) -> None:
    before, alone = read(first), read(second)
    found = read(json.dumps(second, indent=indent).encode(), before)
    expected = {key: alone.definitions.get(key, before.definitions.get(key)) for key in second["flags"]}
    assert found.definitions == {key: definition for key, definition in expected.items() if definition is not None}
    assert {key: definition.digest for key, definition in found.definitions.items()} == {
        key: definition.digest for key, definition in expected.items() if definition is not None
    }
    assert set(found.mistakes) == set(alone.mistakes)


@given(DOCUMENT, DOCUMENT)
def test_equal_digests_mean_equal_definitions(first: Any, second: Any) -> None:
    def says(definition: FlagDefinition) -> str:
        return json.dumps([definition.key, definition.whole()], sort_keys=True)

    by_digest = {definition.digest: says(definition) for definition in read(first).definitions.values()}
    for definition in read(second).definitions.values():
        assert by_digest.get(definition.digest, says(definition)) == says(definition)


# Damage


def test_a_file_cut_at_any_byte_is_refused() -> None:
    whole = SHIPPED.rstrip()
    for length in range(len(whole)):
        with pytest.raises(FlagMistakesError):
            read_flags(whole[:length], name="own.json")


def test_a_file_cut_at_any_byte_is_refused_when_all_of_it_was_read_before() -> None:
    before = read(SMALL)
    for length in range(len(SMALL)):
        with pytest.raises(FlagMistakesError):
            read(SMALL[:length], before)


def test_any_one_bit_of_a_file_flipped_gives_each_flag_as_it_was_or_as_a_sound_definition() -> None:
    before = read(SMALL)
    for bit in range(len(SMALL) * 8):
        flipped = bytearray(SMALL)
        flipped[bit // 8] ^= 1 << bit % 8
        with suppress(FlagMistakesError):
            found = read(bytes(flipped), before)
            for key, definition in found.definitions.items():
                sound = read({"flags": {key: definition.whole()}})
                assert not sound.mistakes
                assert key not in found.mistakes or definition is before.definitions[key]


@settings(max_examples=300)
@given(st.integers(min_value=0, max_value=len(SHIPPED) * 8 - 1))
def test_a_large_file_with_one_bit_flipped_is_read_or_refused(bit: int) -> None:
    flipped = bytearray(SHIPPED)
    flipped[bit // 8] ^= 1 << bit % 8
    with suppress(FlagMistakesError):
        found = read_flags(bytes(flipped), name="own.json")
        assert all(flag.default_variant in {*flag.variants, None} for flag in found.definitions.values())


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(FlagMistakesError):
        read(data)
