"""Data files in TOML: read, checked against a schema, every mistake with file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as SchemaError
from pydantic_core import ErrorDetails

from genesis_server.text.toml_lines import Path, line_of, toml_lines

_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

S = TypeVar("S", bound=BaseModel)


class TableSchema(BaseModel):
    """A table in the schema of a data file: a key that is not in it is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in a data file."""

    file: str
    """Name of the file, without its folders."""
    line: int
    """From 1."""
    key: str
    """For example `agents[2].skills[0].id`; empty for the file as a whole."""
    message: str

    def __str__(self) -> str:
        """`agents.toml:12: agents[2].id: what is wrong`."""
        return f"{self.file}:{self.line}: {self.key}: {self.message}" if self.key else f"{self.file}:{self.line}: {self.message}"


class DataFileError(ValueError):
    """A data file is broken; `mistakes` tells all of it, in the order of the lines."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True)
class TomlFile:
    """A parsed TOML file that knows its lines."""

    name: str
    text: str
    values: Mapping[str, Any]

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """The line of each key; made when the first mistake asks for it."""
        return toml_lines(self.text)

    def mistake(self, path: Path, message: str) -> Mistake:
        """A mistake at the line of `path`."""
        return Mistake(self.name, line_of(self.lines, path), dotted(path), message)

    def tables(self, key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Number and content of each table of the list `key`, whatever else may be wrong with the list."""
        listed = self.values.get(key)
        for number, table in enumerate(cast("list[object]", listed) if isinstance(listed, list) else []):
            if isinstance(table, dict):
                yield number, cast("dict[str, Any]", table)


def decode_utf8(data: bytes, name: str) -> str:
    """The text of a data file. DataFileError with the line when it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataFileError([Mistake(name, line, "", "is not UTF-8; save it as UTF-8")]) from None


def parse_toml(text: str, name: str) -> TomlFile:
    """Parse `text`; the parser stops at the first mistake, so a DataFileError from here has one."""
    text = text.replace("\r\n", "\n")
    try:
        return TomlFile(name, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        line = int(place.group(1)) if place and place.group(1) else text.count("\n") + 1
        raise DataFileError([Mistake(name, line, "", f"no valid TOML: {_SYNTAX_PLACE.sub('', message)}")]) from None
    except RecursionError:
        raise DataFileError([Mistake(name, 1, "", "is nested too deeply")]) from None


def read_toml(text: str, name: str, schema: type[S]) -> tuple[S, TomlFile]:
    """A TOML text as `schema`, and the file, which knows its lines. Raises DataFileError with every mistake."""
    file = parse_toml(text, name)
    content, mistakes = check_schema(file, schema)
    if content is None:
        raise DataFileError(mistakes)
    return content, file


def check_schema(file: TomlFile, schema: type[S]) -> tuple[S | None, list[Mistake]]:
    """The file as `schema`, or None with every mistake."""
    try:
        return schema.model_validate(file.values, strict=True), []
    except SchemaError as error:
        found = error.errors(include_url=False)
        # The library marks a mistake in a key itself by one more part.
        return None, [
            file.mistake(detail["loc"][: -1 if detail["loc"][-1:] == ("[key]",) else None], explain(detail, schema)) for detail in found
        ]


def dotted(path: Path) -> str:
    """`agents[2].skills[0].id` for ("agents", 2, "skills", 0, "id")."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def explain(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    """A schema mistake in plain words, with the nearest known key for an unknown one."""
    kind = detail["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        near = get_close_matches(str(detail["loc"][-1]), _known_keys(schema, detail["loc"][:-1]), n=1)
        return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key; remove it"
    message = "must be a table" if kind in {"model_type", "dict_type"} else detail["msg"].removeprefix("Value error, ")
    value = detail["input"]
    return f"{message}, not {value!r}" if isinstance(value, str | int | float) and len(str(value)) <= 60 else message


def _known_keys(schema: type[BaseModel], path: Path) -> list[str]:
    """Keys of the table at `path`, found by walking the schema."""
    for part in path:
        if isinstance(part, str):
            inner = _table_schema(schema.model_fields[part].annotation)
            if inner is None:
                return []
            schema = inner
    return list(schema.model_fields)


def _table_schema(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _table_schema(argument)
        if found is not None:
            return found
    return None
