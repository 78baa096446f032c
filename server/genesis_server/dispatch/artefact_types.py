"""Which kinds of JSON values the types of artefacts stand for (data/artefact_types.toml)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from genesis_server.text.toml_file import DataFileError, Mistake, TableSchema, TomlFile, read_toml

TYPES_FILE = "artefact_types.toml"


class JsonKind(StrEnum):
    """A kind of JSON value."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"

    def takes(self, value: Any) -> bool:
        """Whether a JSON value is of this kind; 3.0 is an integer, as JSON knows no other numbers."""
        if isinstance(value, bool):
            return self is JsonKind.BOOLEAN
        if isinstance(value, int | float):
            return self is JsonKind.NUMBER or (self is JsonKind.INTEGER and float(value).is_integer())
        return isinstance(value, _CLASSES.get(self, ()))


_CLASSES: Mapping[JsonKind, tuple[type, ...]] = {
    JsonKind.STRING: (str,),
    JsonKind.ARRAY: (list, tuple),
    JsonKind.OBJECT: (Mapping,),
}


class _File(TableSchema):
    kinds: dict[Literal["string", "number", "integer", "boolean", "array", "object"], list[str]]


def json_kinds(artefact_type: str) -> frozenset[JsonKind]:
    """The kinds a value of this type may have; empty: any."""
    return _shipped().get(artefact_type.casefold(), frozenset())


def parse_types(text: str, name: str = TYPES_FILE) -> Mapping[str, frozenset[JsonKind]]:
    """The kinds by type of a file of types. Raises DataFileError with every mistake."""
    content, file = read_toml(text, name, _File)
    mistakes = list(_mistakes(content, file))
    if mistakes:
        raise DataFileError(mistakes)
    found: dict[str, frozenset[JsonKind]] = {}
    for kind in JsonKind:
        for artefact_type in content.kinds.get(kind.value, ()):
            found[artefact_type] = found.get(artefact_type, frozenset()) | {kind}
    return found


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, frozenset[JsonKind]]:
    return parse_types((files("genesis_server") / "data" / TYPES_FILE).read_text("utf-8"))


def _mistakes(content: _File, file: TomlFile) -> Iterator[Mistake]:
    for kind, types in content.kinds.items():
        seen = set[str]()
        for number, artefact_type in enumerate(types):
            path = ("kinds", kind, number)
            if not artefact_type or artefact_type != artefact_type.casefold().strip():
                yield file.mistake(path, f"must be a type in lower case without spaces around it, not {artefact_type!r}")
            elif artefact_type in seen:
                yield file.mistake(path, f"{artefact_type!r} stands here twice; remove one")
            seen.add(artefact_type)
