"""The words the completeness check reads goals with, from data/language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesis_server.text.toml_file import DataFileError, check_schema, parse_toml

FILE_NAME = "elements.toml"
VERBS_FILE_NAME = "verbs.txt"

_Word = Annotated[str, Field(pattern=r"^[a-z']+$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    supporting_verbs: list[_Word]
    openers: list[_Word]
    joiners: list[_Word]
    determiners: list[_Word]
    months: list[_Word]
    weekdays: list[_Word]
    measures: list[_Word]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words in lower case, by what they tell."""

    verbs: frozenset[str]
    """Words that are verbs wherever an action can begin."""
    verbs_before_objects: frozenset[str]
    """Words that are nouns as often: verbs only where a determiner follows."""
    supporting_verbs: frozenset[str]
    openers: frozenset[str]
    joiners: frozenset[str]
    determiners: frozenset[str]
    months: frozenset[str]
    weekdays: frozenset[str]
    measures: frozenset[str]


def load_vocabulary(words: str, verbs: str) -> Vocabulary:
    """The vocabulary of elements.toml and of a list of verbs, one a line with `~` where it is a noun too. Raises DataFileError."""
    entries, mistakes = check_schema(parse_toml(words, FILE_NAME), _File)
    if entries is None:
        raise DataFileError(mistakes)
    plain: set[str] = set()
    nouns_too: set[str] = set()
    for line in verbs.splitlines():
        parts = line.split()
        if parts and not line.startswith("#"):
            (nouns_too if parts[-1].startswith("~") else plain).add(parts[0])
    return Vocabulary(
        verbs=frozenset(plain),
        verbs_before_objects=frozenset(nouns_too),
        supporting_verbs=frozenset(entries.supporting_verbs),
        openers=frozenset(entries.openers),
        joiners=frozenset(entries.joiners),
        determiners=frozenset(entries.determiners),
        months=frozenset(entries.months),
        weekdays=frozenset(entries.weekdays),
        measures=frozenset(entries.measures),
    )


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """The vocabulary that ships."""
    folder = files("genesis_server") / "data" / "language"
    return load_vocabulary((folder / FILE_NAME).read_text("utf-8"), (folder / VERBS_FILE_NAME).read_text("utf-8"))
