"""Letters that look like others (data/lookalikes.toml)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, TypeAlias, cast

from pydantic import AfterValidator, StringConstraints

from genesis_server.text.toml_file import DataFileError, Mistake, TableSchema, TomlFile, check_schema, parse_toml

FILE_NAME = "lookalikes.toml"


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """Two tables from one code point to what a reader takes it for."""

    letters: Mapping[str, str]
    """Letters of other scripts and styles that NFKC leaves alone → small Latin letter."""
    signs: Mapping[str, str]
    """Digits and signs written for letters ("leetspeak") → small Latin letter, its most usual reading."""
    other_readings: Mapping[str, str]
    """The same for signs with a second reading."""


def _letter(key: str) -> str:
    if not (len(key) == 1 and key.isascii() and key.islower()):
        raise ValueError("is not one small Latin letter")
    return key


_Signs: TypeAlias = dict[Annotated[str, AfterValidator(_letter)], Annotated[str, StringConstraints(min_length=1)]]


class _File(TableSchema):
    letters: _Signs
    signs: _Signs
    other_readings: _Signs


@lru_cache(maxsize=1)
def lookalikes() -> Lookalikes:
    """The tables that ship with the server."""
    return parse_lookalikes((files("genesis_server") / "data" / FILE_NAME).read_text("utf-8"))


def parse_lookalikes(source: str, name: str = FILE_NAME) -> Lookalikes:
    """Read the tables. Raises DataFileError with every mistake."""
    file = parse_toml(source, name)
    content, mistakes = check_schema(file, _File)
    mistakes += _repeated(file)
    if content is None or mistakes:
        raise DataFileError(mistakes)
    return Lookalikes(_turned_round(content.letters), _turned_round(content.signs), _turned_round(content.other_readings))


def _repeated(file: TomlFile) -> Iterator[Mistake]:
    """Signs that stand for two letters."""
    for title in _File.model_fields:
        known: dict[str, str] = {}
        table = file.values.get(title)
        for letter, signs in cast("dict[str, object]", table).items() if isinstance(table, dict) else ():
            for sign in signs if isinstance(signs, str) else "":
                if known.setdefault(sign, letter) != letter:
                    yield file.mistake((title, letter), f"{sign!r} stands for {known[sign]} already")


def _turned_round(table: Mapping[str, str]) -> dict[str, str]:
    """Sign → letter."""
    return {sign: letter for letter, signs in table.items() for sign in signs}
