"""Mistakes name the line they are on."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.json_lines import JsonLines, Path, path_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def lines_of(value: object, line: int = 1, path: Path = ()) -> tuple[dict[Path, int], int]:
    """The line of every path of a document as `json.dumps` with an indent lays it out, and the line behind it."""
    found = {path: line}
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    end = line
    for key, item in below:
        inner, end = lines_of(item, end + 1, (*path, key))
        found |= inner
    return found, end + (1 if isinstance(value, dict | list) and value else 0)


@given(JSON)
def test_every_part_of_any_document_has_the_line_it_stands_on(document: object) -> None:
    lines = JsonLines(json.dumps(document, indent=1))
    for path, line in lines_of(document)[0].items():
        assert lines.line_of(path) == line


@given(JSON)
def test_a_document_without_repeated_keys_has_no_duplicates(document: object) -> None:
    assert not list(JsonLines(json.dumps(document)).duplicates())


def test_a_repeated_key_is_told_with_its_second_line() -> None:
    assert list(JsonLines('{"a": {"x": 1,\n"x": 2},\n "b": 2,\n "a": 3}').duplicates()) == [(("a",), 4), (("a", "x"), 2)]


def test_a_part_that_is_not_there_gets_the_line_of_the_one_above() -> None:
    assert JsonLines('{\n"a": {\n}}').line_of(("a", "b", 3)) == 2


def test_punctuation_inside_texts_is_no_structure() -> None:
    assert JsonLines('{"a": "}],{\\" :",\n"b": [1,\n2]}').line_of(("b", 1)) == 3


def test_lines_may_be_asked_in_any_order() -> None:
    lines = JsonLines('{"a":\n1,\n"b": 2}')
    assert [lines.line_of(path) for path in (("b",), ("a",), ("b",))] == [3, 1, 3]


def test_nesting_deeper_than_anyone_writes_gets_the_line_of_the_thirty_second_level() -> None:
    deep = "\n[" * 200 + "]" * 200
    assert JsonLines(deep).line_of((0,) * 200) == 34


def test_an_integer_longer_than_python_reads_is_passed_over() -> None:
    assert JsonLines('{"a": ' + "9" * 5000 + ',\n"b": 1}').line_of(("b",)) == 2


def test_paths_read_as_json_path_and_long_keys_are_cut() -> None:
    assert path_text(("flags", "a-b", 2, "x")) == '$.flags["a-b"][2].x'
    assert len(path_text(("k" * 5000,))) < 140
