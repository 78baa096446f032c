"""Lines of keys in TOML texts."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from genesis_server.text.toml_lines import line_of, toml_lines

TEXT = '''# comment = 1
title = "a # no comment"  # but this is
"quoted key" = 1
a.b.c = true
long = """
[not.a.table]
key = "no key" \\""" still inside
"""
raw = \'\'\'
[neither]
\'\'\'
list = [
    1, 2.5,  # numbers
    [ "x]", 'y' ],
    { name = "n", type = { deep = 3 } },
]
when = 1979-05-27 07:32:00

[table.inner]
x = { y = 1, z = [2, 3] }

[[items]]
id = "first"
[[items.parts]]
n = 1
[[items.parts]]
n = 2
[[items]]
id = "second"
[[items.parts]]
n = 3
[items.more]
k = -1_000
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("a", "b", "c"), 4),
        (("long",), 5),
        (("raw",), 9),
        (("list",), 12),
        (("list", 1), 13),
        (("list", 2, 1), 14),
        (("list", 3, "type", "deep"), 15),
        (("when",), 17),
        (("table", "inner"), 19),
        (("table", "inner", "x", "z", 1), 20),
        (("items", 0, "id"), 23),
        (("items", 0, "parts", 1, "n"), 27),
        (("items", 1), 28),
        (("items", 1, "parts", 0), 30),
        (("items", 1, "more", "k"), 33),
    ],
)
def test_every_key_has_the_line_it_stands_in(path: tuple[str | int, ...], line: int) -> None:
    """A mistake names the line a person has to go to."""
    tomllib.loads(TEXT)
    assert toml_lines(TEXT)[path] == line


def test_what_has_no_line_gets_the_line_around_it() -> None:
    """A missing key is reported where its table begins, and a missing table in line 1."""
    lines = toml_lines(TEXT)
    assert line_of(lines, ("items", 1, "missing")) == 28
    assert line_of(lines, ("nothing",)) == 1


def test_every_leaf_of_the_shipped_file_is_found_in_its_line() -> None:
    """All keys of a long file, not only those somebody thought of."""
    text = (files("genesis_server") / "data" / "agents.toml").read_text("utf-8")
    lines, rows = toml_lines(text), text.splitlines()

    def check(value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                check(inner, (*path, key))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                check(inner, (*path, number))
        elif isinstance(value, str):
            assert f'"{value}"' in rows[lines[path] - 1]

    check(tomllib.loads(text), ())
