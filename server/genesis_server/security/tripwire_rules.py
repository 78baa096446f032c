"""The tripwire's rules as data (data/tripwire.toml), read and compiled.

A file has `[concepts]` (name → words, any language; `ignor*` is every word that begins so) and `[[families]]` with `name`,
`meaning`, `phrases` (see `phrases.py`) and `patterns`: tables of a regular expression over the normalised text (small letters, no
accents, no look-alikes), and the pieces of text of which it `needs` one, so that most texts skip it. Every repeat in a pattern is
bounded, so that no text makes it slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, cast

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from genesis_server.security.lexicon import Lexicon
from genesis_server.security.patterns import BoundedPattern
from genesis_server.security.phrases import Phrase, PhraseCompiler
from genesis_server.text.toml_file import DataFileError, TableSchema, TomlFile, check_schema, parse_toml
from genesis_server.text.words import stop_words

FILE_NAME = "tripwire.toml"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, tried on texts that hold one of `needs`."""

    needs: tuple[str, ...]
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of attack."""

    name: str
    meaning: str
    phrases: tuple[Phrase, ...]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class TripwireRules:
    """All families, and the dictionary their phrases speak of."""

    families: tuple[Family, ...]
    lexicon: Lexicon


def _word(text: str) -> str:
    if not re.fullmatch(r"[^\W_]+\*?", text):
        raise ValueError("must be one word")
    return text


def _family_name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z_]*", text):
        raise ValueError("must be of small letters and underscores")
    return text


_Text = Annotated[str, StringConstraints(min_length=1)]


class _Pattern(TableSchema):
    needs: Annotated[list[_Text], Field(min_length=1)]
    pattern: BoundedPattern


class _Family(TableSchema):
    name: Annotated[str, AfterValidator(_family_name)]
    meaning: _Text
    phrases: Annotated[list[_Text], Field(default_factory=list[_Text])]
    patterns: Annotated[list[_Pattern], Field(default_factory=list[_Pattern])]

    @model_validator(mode="after")
    def _finds_something(self) -> _Family:
        if not self.phrases and not self.patterns:
            raise ValueError("has neither phrases nor patterns")
        return self


class _File(TableSchema):
    concepts: Annotated[dict[str, list[Annotated[str, AfterValidator(_word)]]], Field(default_factory=dict[str, list[str]])]
    families: Annotated[list[_Family], Field(min_length=1)]


@lru_cache(maxsize=1)
def shipped_rules() -> TripwireRules:
    """The rules that ship with the server."""
    return parse_rules((files("genesis_server") / "data" / FILE_NAME).read_text("utf-8"))


def parse_rules(source: str, name: str = FILE_NAME) -> TripwireRules:
    """Read rules. Raises DataFileError with every mistake."""
    file = parse_toml(source, name)
    content, mistakes = check_schema(file, _File)
    compiler = PhraseCompiler(content.concepts if content else _concepts(file))
    phrases: dict[int, list[Phrase]] = {}
    names: set[str] = set()
    for number, table in file.tables("families"):
        if (title := str(table.get("name", number))) in names:
            mistakes.append(file.mistake(("families", number, "name"), f"{title!r} stands twice; choose another"))
        names.add(title)
        phrases[number] = []
        for place, text in enumerate(_texts(table.get("phrases"))):
            try:
                phrases[number].append(compiler.compile(text))
            except ValueError as error:
                mistakes.append(file.mistake(("families", number, "phrases", place), f"{text!r}: {error}"))
    if content is None or mistakes:
        raise DataFileError(mistakes)
    families = tuple(
        Family(found.name, found.meaning, tuple(phrases[number]), tuple(Pattern(tuple(p.needs), p.pattern) for p in found.patterns))
        for number, found in enumerate(content.families)
    )
    return TripwireRules(families, Lexicon(compiler.words, (word for word in stop_words() if len(word) > 1)))


def _concepts(file: TomlFile) -> dict[str, list[str]]:
    """The concepts of a file that is broken somewhere, to look for further mistakes with."""
    table = file.values.get("concepts")
    return {name: _texts(listed) for name, listed in cast("dict[str, object]", table).items()} if isinstance(table, dict) else {}


def _texts(listed: object) -> list[str]:
    return [item for item in cast("list[object]", listed) if isinstance(item, str)] if isinstance(listed, list) else []
