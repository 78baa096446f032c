"""Mistakes name the line they are on."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.json_lines import Path, locate, path_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def parts(value: object, path: Path = ()) -> set[Path]:
    """Every path of a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(parts(item, (*path, key)) for key, item in below))


@given(JSON)
def test_every_part_of_any_document_has_a_line(document: object) -> None:
    assert set(locate(json.dumps(document)).lines) == parts(document)


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=6))
def test_one_key_a_line_gets_the_number_of_its_line(document: dict[str, int]) -> None:
    found = locate(json.dumps(document, indent=1))
    assert [found.line_of((key,)) for key in document] == list(range(2, 2 + len(document)))


def test_a_repeated_key_is_told_with_its_second_line() -> None:
    assert locate('{"a": {"x": 1},\n "b": 2,\n "a": 3}').duplicates == ((("a",), 3),)


def test_a_part_that_is_not_there_gets_the_line_of_the_one_above() -> None:
    assert locate('{\n"a": {\n}}').line_of(("a", "b", 3)) == 2


def test_punctuation_inside_texts_is_no_structure() -> None:
    found = locate('{"a": "}],{\\" :",\n"b": [1,\n2]}')
    assert found.lines[("b", 1)] == 3


def test_nesting_deeper_than_anyone_writes_costs_nothing() -> None:
    deep = "[" * 900 + "]" * 900
    assert max(map(len, locate(deep).lines)) == 32


def test_paths_read_as_json_path() -> None:
    assert path_text(("flags", "a-b", 2, "x")) == '$.flags["a-b"][2].x'
