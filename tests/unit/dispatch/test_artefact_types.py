"""Types of artefacts and their JSON values."""

from __future__ import annotations

from typing import Any

import pytest

from genesis_server.dispatch.artefact_types import JsonKind, json_kinds, parse_types
from genesis_server.text.toml_file import DataFileError


@pytest.mark.parametrize(
    ("artefact_type", "good", "bad"),
    [
        ("Text", ["", "a"], [1, None, ["a"], {}, True]),
        ("number", [1, 1.5, -2.0], ["1", True, None]),
        ("integer", [1, 3.0], [1.5, "1", False]),
        ("boolean", [True, False], [0, "true"]),
        ("list", [[], [1]], [{}, "a"]),
        ("table", [[], {}], ["a", 1]),
        ("object", [{}, {"a": 1}], [[], "a"]),
    ],
)
def test_a_type_takes_values_of_its_kind_only(artefact_type: str, good: list[Any], bad: list[Any]) -> None:
    kinds = json_kinds(artefact_type)
    assert all(any(kind.takes(value) for kind in kinds) for value in good)
    assert not any(any(kind.takes(value) for kind in kinds) for value in bad)


@pytest.mark.parametrize("artefact_type", ["", "report", "customer list"])
def test_an_unknown_type_takes_anything(artefact_type: str) -> None:
    assert json_kinds(artefact_type) == frozenset()


def test_every_mistake_of_a_file_is_told_with_its_line() -> None:
    with pytest.raises(DataFileError) as raised:
        parse_types('[kinds]\nstring = [\n  "Text",\n  "csv",\n  "csv",\n]\nnumber = [""]\n', "types.toml")
    assert [str(mistake) for mistake in raised.value.mistakes] == [
        "types.toml:3: kinds.string[0]: must be a type in lower case without spaces around it, not 'Text'",
        "types.toml:5: kinds.string[2]: 'csv' stands here twice; remove one",
        "types.toml:7: kinds.number[0]: must be a type in lower case without spaces around it, not ''",
    ]


def test_an_unknown_kind_is_a_mistake() -> None:
    with pytest.raises(DataFileError, match=r"types.toml:2: kinds.words"):
        parse_types('[kinds]\nwords = ["text"]\n', "types.toml")


def test_a_type_under_two_kinds_takes_both() -> None:
    assert parse_types('[kinds]\narray = ["table"]\nobject = ["table"]\n') == {"table": {JsonKind.ARRAY, JsonKind.OBJECT}}
