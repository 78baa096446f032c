"""Compares versions by Semantic Versioning 2.0.0."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from genesis_server.flags.rules.node import Ask
from genesis_server.flags.rules.work import spend
from genesis_server.model.flags import JsonValue

_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
_MAX_REMEMBERED = 100
"""Characters; longer texts come from nobody's release and would fill the memory."""

Version = tuple[int, int, int, tuple[Any, ...]]
"""Sorts as versions do; the last part is the pre-release, and what has none comes after all that have one."""


def parse_version(value: JsonValue) -> Version | None:
    """A version, None when it is none: `v` in front is dropped, `1` and `1.2` are filled up with zeros, numbers are taken as texts."""
    if isinstance(value, str):
        if len(value) <= _MAX_REMEMBERED:
            return _remembered(value)
        spend(len(value))
        return _parsed(value)
    return None if isinstance(value, (list, dict)) else _parsed(_written(value))


def _written(value: float | bool | None) -> str:  # noqa: FBT001
    try:
        return str(value)
    except ValueError:
        return ""


def _parsed(text: str) -> Version | None:
    text = text[1:] if text.startswith(("v", "V")) else text
    numbers = text.split("-")[0].split("+")[0]
    text = numbers + ".0" * (2 - numbers.count(".")) + text[len(numbers) :]
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, before = found.groups()
    try:
        return int(major), int(minor), int(patch), (1,) if before is None else (0, tuple(map(_identifier, before.split("."))))
    except ValueError:
        return None


def _identifier(text: str) -> tuple[int, int, str]:
    """Numbers come before words and sort by their size, words by their characters."""
    return (0, len(text), text) if text.isdigit() else (1, 0, text)


_remembered = lru_cache(maxsize=4096)(_parsed)


def _same_major(a: Version, b: Version) -> bool:
    return a[0] == b[0]


def _same_minor(a: Version, b: Version) -> bool:
    return a[:2] == b[:2]


VERSION_COMPARISONS: dict[str, Callable[[Version, Version], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "^": _same_major,
    "~": _same_minor,
}


def sem_ver(*values: JsonValue) -> bool | None:
    """`[version, comparison, version]`; null when one is not what it must be."""
    if len(values) != 3:
        return None
    first, second = parse_version(values[0]), parse_version(values[2])
    if first is None or second is None or not isinstance(values[1], str) or values[1] not in VERSION_COMPARISONS:
        return None
    return VERSION_COMPARISONS[values[1]](first, second)


def version_test(asked: Ask, comparison: str, second: Version) -> Ask:
    """`sem_ver` with a comparison and a version that stand in the rule."""
    compare = VERSION_COMPARISONS[comparison]

    def ask(data: Any) -> bool | None:
        found = parse_version(asked(data))
        return None if found is None else compare(found, second)

    return ask
