"""The words the completeness check reads goals with, from data/language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesis_server.text.toml_file import read_toml
from genesis_server.text.words import stem

FILE_NAME = "elements.toml"
VERBS_FILE_NAME = "verbs.txt"

_Word = Annotated[str, Field(pattern=r"^[a-z']+$")]
_Phrase = Annotated[str, Field(pattern=r"^[a-z']+( [a-z']+)*$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    supporting_verbs: list[_Word]
    verb_groups: list[Annotated[list[_Word], Field(min_length=1)]]
    openers: list[_Word]
    joiners: list[_Word]
    askers: list[_Word]
    noun_followers: list[_Word]
    determiners: list[_Word]
    pronouns: list[_Word]
    months: list[_Word]
    weekdays: list[_Word]
    measures: list[_Word]
    constraint_cues: list[_Phrase]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words in lower case, by what they tell."""

    verbs: frozenset[str]
    """Words that are verbs wherever an action can begin."""
    verbs_before_objects: frozenset[str]
    """Words that are nouns as often: verbs only where the words around them say so."""
    verb_stems: frozenset[str]
    """Stems of both, and of the verbs in groups."""
    groups: Mapping[str, frozenset[int]]
    """For a verb's stem the numbers of the groups of like verbs it stands in."""
    group_names: Mapping[str, str]
    """For a verb's stem the first of its groups as a word, `#3`, that like verbs are taken for."""
    supporting_verbs: frozenset[str]
    openers: frozenset[str]
    joiners: frozenset[str]
    askers: frozenset[str]
    noun_followers: frozenset[str]
    determiners: frozenset[str]
    pronouns: frozenset[str]
    months: frozenset[str]
    weekdays: frozenset[str]
    measures: frozenset[str]
    constraint_cues: tuple[tuple[str, ...], ...]
    """Phrases as words, longest first."""

    def likeness(self, first: str, second: str) -> float:
        """How far two verbs, given by their stems, may stand for each other: 1 the same, `LIKE` alike, else 0."""
        if first == second:
            return 1.0
        return LIKE if not self.groups.get(first, _NONE).isdisjoint(self.groups.get(second, _NONE)) else 0.0

    def contrary(self, first: frozenset[str], second: frozenset[str]) -> bool:
        """Whether two sets of verbs, by their stems, say different things for certain: all are known and none is like another."""
        known = bool(first) and bool(second) and all(verb in self.groups for verb in (*first, *second))
        return known and not any(self.likeness(one, other) for one in first for other in second)


LIKE = 0.75
"""What a verb of the same group counts for."""
_NONE = frozenset[int]()


def load_vocabulary(words: str, verbs: str) -> Vocabulary:
    """The vocabulary of elements.toml and of a list of verbs, one a line with `~` where it is a noun too. Raises DataFileError."""
    entries, _ = read_toml(words, FILE_NAME, _File)
    plain: set[str] = set()
    nouns_too: set[str] = set()
    for line in verbs.splitlines():
        parts = line.split()
        if parts and not line.startswith("#"):
            (nouns_too if parts[-1].startswith("~") else plain).add(parts[0])
    groups: dict[str, set[int]] = {}
    for number, group in enumerate(entries.verb_groups):
        for verb in group:
            groups.setdefault(stem(verb), set()).add(number)
    return Vocabulary(
        verbs=frozenset(plain),
        verbs_before_objects=frozenset(nouns_too),
        verb_stems=frozenset(map(stem, plain | nouns_too)) | frozenset(groups),
        groups={verb: frozenset(numbers) for verb, numbers in groups.items()},
        group_names={verb: f"#{min(numbers)}" for verb, numbers in groups.items()},
        supporting_verbs=frozenset(entries.supporting_verbs),
        openers=frozenset(entries.openers),
        joiners=frozenset(entries.joiners),
        askers=frozenset(entries.askers),
        noun_followers=frozenset(entries.noun_followers),
        determiners=frozenset(entries.determiners),
        pronouns=frozenset(entries.pronouns),
        months=frozenset(entries.months),
        weekdays=frozenset(entries.weekdays),
        measures=frozenset(entries.measures),
        constraint_cues=tuple(sorted((tuple(cue.split()) for cue in entries.constraint_cues), key=len, reverse=True)),
    )


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """The vocabulary that ships."""
    folder = files("genesis_server") / "data" / "language"
    return load_vocabulary((folder / FILE_NAME).read_text("utf-8"), (folder / VERBS_FILE_NAME).read_text("utf-8"))
