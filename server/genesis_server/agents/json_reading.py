"""Small readers for JSON of unknown quality: a value of the wanted type, or a mistake with its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportMistake:
    """One thing that is wrong in a document."""

    path: str
    """For example `$.tools[2].name`."""
    message: str

    def __str__(self) -> str:
        """`$.tools[2].name: what is wrong`."""
        return f"{self.path}: {self.message}"


@dataclass(slots=True)
class Notes:
    """What was changed, in words."""

    texts: list[str] = field(default_factory=list[str])

    def add(self, path: str, message: str) -> None:
        """Note a change."""
        self.texts.append(f"{path}: {message}")

    def shortened(self, text: str, longest: int, path: str) -> str:
        """The text, cut and noted when it is longer than `longest` characters."""
        if len(text) <= longest:
            return text
        self.add(path, f"cut from {len(text)} to {longest} characters")
        return text[:longest]

    def first(self, items: list[Any], most: int, path: str) -> list[Any]:
        """The first items, noted when there are more than `most`."""
        if len(items) > most:
            self.add(path, f"only the first {most} of {len(items)} are kept")
        return items[:most]


def as_object(value: Any) -> Object | None:
    """The value when it is an object."""
    return cast("Object", value) if isinstance(value, dict) else None


def text_of(item: Object, key: str, path: str, mistakes: list[ImportMistake]) -> str:
    """A text; empty when it is absent or null."""
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        mistakes.append(ImportMistake(f"{path}.{key}", "must be a text"))
        return ""
    return value


def texts_of(item: Object, key: str, path: str, mistakes: list[ImportMistake]) -> list[str]:
    """A list of texts; empty when it is absent or null."""
    texts: list[str] = []
    for place, value in values_of(item, key, path, mistakes):
        if isinstance(value, str):
            texts.append(value)
        else:
            mistakes.append(ImportMistake(place, "must be a text"))
    return texts


def objects_of(item: Object, key: str, path: str, mistakes: list[ImportMistake]) -> Iterator[tuple[str, Object]]:
    """The objects of a list with their paths."""
    for place, value in values_of(item, key, path, mistakes):
        entry = as_object(value)
        if entry is None:
            mistakes.append(ImportMistake(place, "must be an object"))
        else:
            yield place, entry


def values_of(item: Object, key: str, path: str, mistakes: list[ImportMistake]) -> list[tuple[str, Any]]:
    """The values of a list with their paths."""
    value = item.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        mistakes.append(ImportMistake(f"{path}.{key}", "must be a list"))
        return []
    return [(f"{path}.{key}[{number}]", entry) for number, entry in enumerate(cast("list[Any]", value))]
