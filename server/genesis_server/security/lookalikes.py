"""Letters that look like others (data/lookalikes.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from genesis_server.security.data_file import Complaints


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """Two tables from one code point to what a reader takes it for."""

    letters: Mapping[str, str]
    """Letters of other scripts and styles that NFKC leaves alone → small Latin letter."""
    signs: Mapping[str, str]
    """Digits and signs written for letters ("leetspeak") → small Latin letter, its most usual reading."""
    other_readings: Mapping[str, str]
    """The same for signs with a second reading."""


@lru_cache(maxsize=1)
def lookalikes() -> Lookalikes:
    """The tables that ship with the server."""
    name = "lookalikes.toml"
    return parse_lookalikes((files("genesis_server") / "data" / name).read_text("utf-8"), name)


def parse_lookalikes(source: str, name: str) -> Lookalikes:
    """Read the tables. Raises ValueError naming every mistake with file and line."""
    complaints = Complaints(source, name)
    try:
        tables = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {error}") from error
    found = {title: _table(title, tables.pop(title, None), complaints) for title in ("letters", "signs", "other_readings")}
    for title in tables:
        complaints.add(f"[{title}] is no table of this file; known are letters, signs, other_readings", title)
    complaints.raise_if_any()
    return Lookalikes(found["letters"], found["signs"], found["other_readings"])


def _table(title: str, table: Any, complaints: Complaints) -> dict[str, str]:
    """One table, turned round: sign → letter."""
    if not isinstance(table, dict):
        complaints.add(f"the table [{title}] is missing")
        return {}
    result: dict[str, str] = {}
    for letter, signs in cast("dict[str, object]", table).items():
        if not (len(letter) == 1 and letter.isascii() and letter.islower()):
            complaints.add(f"[{title}] {letter!r} is not one small Latin letter", letter)
        elif not isinstance(signs, str) or not signs:
            complaints.add(f"[{title}] {letter} must be a text of the characters that look like it", letter)
        else:
            for sign in signs:
                if sign in result:
                    complaints.add(f"[{title}] {sign!r} stands for both {result[sign]} and {letter}", sign)
                result[sign] = letter
    return result
