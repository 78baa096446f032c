"""The room's data files: TOML with a schema; every mistake is told with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel

from genesis_server.text import toml_file
from genesis_server.text.toml_file import TomlFile

Parsed = TypeVar("Parsed", bound=BaseModel)


class DataFileError(ValueError):
    """Data files with mistakes in them."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        """Keep all mistakes, each as `file:line: what is wrong`."""
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def parse(schema: type[Parsed], text: str, name: str) -> tuple[Parsed, TomlFile]:
    """The content of a TOML file as `schema`, and the file, which knows its lines. Raises DataFileError with every mistake."""
    try:
        return toml_file.read_toml(text, name, schema)
    except toml_file.DataFileError as error:
        raise DataFileError(str(mistake) for mistake in error.mistakes) from None
