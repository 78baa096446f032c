"""What an entry or an action does, and to what: the words of data/language/operations.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from genesis_server.planning.data_file import parse
from genesis_server.text.words import stem, stop_words, word_texts

OPERATIONS_FILE = "operations.toml"
KIN_MARK = "~"
LATER_VERB = 0.3
"""How much a verb counts behind the first one, and a noun that names an operation."""


class OperationWords(BaseModel):
    """One operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    verbs: list[str]
    nouns: list[str]
    reads: bool = False
    closes: bool = False
    begins: bool = False


class OperationsFile(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generic: list[str]
    supporting: list[str]
    introducing: list[str]
    finding: list[str]
    kin: list[list[str]]
    operations: list[OperationWords]


@dataclass(frozen=True, slots=True)
class Operations:
    """The words as stems."""

    generic: frozenset[str]
    kin: Mapping[str, tuple[str, ...]]
    """Stem → marks of the groups it stands in."""
    verbs: Mapping[str, frozenset[str]]
    """Stem → operations it asks for."""
    nouns: Mapping[str, frozenset[str]]
    """Stem → operations it names."""
    reads: frozenset[str]
    """Operations that change nothing."""
    closes: frozenset[str]
    """Operations that follow on what was done before: paying, telling."""
    begins: frozenset[str]
    """Operations that make something new."""
    finding: frozenset[str]
    """Stems in names of readings that tell what there is to choose from."""
    supporting: frozenset[tuple[str, ...]]
    """Words of verbs that say how another action is done."""
    introducing: frozenset[str]
    """Words that bring in something new."""

    def with_kin(self, stems: Iterable[str]) -> dict[str, None]:
        """The stems and the marks of their kin, each once."""
        found = dict.fromkeys(stems)
        for one in list(found):
            found.update(dict.fromkeys(self.kin.get(one, ())))
        return found

    def content(self, text: str) -> list[str]:
        """Stems of the words of a text that are neither stop words nor generic, in order."""
        stops = stop_words()
        stems = [stem(word) for word in word_texts(text) if word not in stops]
        return [one for one in stems if one not in self.generic]

    def asked_for(self, text: str) -> dict[str, float]:
        """Operations that an action asks for: 1 for its first verb, LATER_VERB for what is said behind it.

        Participles behind the first word ("the flight booked last week") ask for nothing.
        """
        found: dict[str, float] = {}
        weight = 1.0
        for place, word in enumerate(word_texts(text)):
            one = stem(word)
            if one in self.verbs and place and word.endswith("ed"):
                continue
            if one in self.verbs:
                for operation in sorted(self.verbs[one]):
                    found.setdefault(operation, weight)
                weight = LATER_VERB
            else:
                for operation in sorted(self.nouns.get(one, ())):
                    found.setdefault(operation, LATER_VERB)
        return found

    def supports(self, text: str) -> bool:
        """Whether an action only says how another one is done: "make sure it is quiet"."""
        words = tuple(word_texts(text)[:2])
        return words[:1] in self.supporting or words in self.supporting

    def introduces(self, text: str) -> bool:
        """Whether an action's verb takes a thing that was not spoken of: "create a file"."""
        return any(word in self.introducing for word in word_texts(text)[1:3])

    def named(self, name: Sequence[str], description: Sequence[str]) -> tuple[frozenset[str], list[str]]:
        """Operations that an entry's name tells, else its description, and the stems of the name that name things.

        Both are stems without generic words.
        """
        if not name:
            return self._first(description), []
        first, last = name[0], name[-1]
        if first in self.verbs and first not in self.nouns:
            return self.verbs[first], list(name[1:])
        if last in self.nouns or last in self.verbs:
            return self.nouns.get(last) or self.verbs[last], list(name[:-1])
        if first in self.verbs:
            return self.verbs[first], list(name[1:])
        return self._first(description), list(name)

    def _first(self, stems: Iterable[str]) -> frozenset[str]:
        for one in stems:
            found = self.verbs.get(one) or self.nouns.get(one)
            if found:
                return found
        return frozenset()


@lru_cache(maxsize=1)
def operations() -> Operations:
    """The shipped words."""
    text = (files("genesis_server") / "data" / "language" / OPERATIONS_FILE).read_text("utf-8")
    return read_operations(text)


def read_operations(text: str, name: str = OPERATIONS_FILE) -> Operations:
    """Words of a file of this form. Raises DataFileError with every mistake."""
    content, _ = parse(OperationsFile, text, name)
    kin: dict[str, dict[str, None]] = {}
    for number, group in enumerate(content.kin):
        for word in group:
            kin.setdefault(stem(word), {})[f"{KIN_MARK}{number}"] = None
    return Operations(
        generic=frozenset(stem(word) for word in content.generic),
        kin={one: tuple(marks) for one, marks in kin.items()},
        verbs=_by_stem((one.id, one.verbs) for one in content.operations),
        nouns=_by_stem((one.id, one.nouns) for one in content.operations),
        supporting=frozenset(tuple(words.split()) for words in content.supporting),
        introducing=frozenset(content.introducing),
        reads=frozenset(one.id for one in content.operations if one.reads),
        closes=frozenset(one.id for one in content.operations if one.closes),
        begins=frozenset(one.id for one in content.operations if one.begins),
        finding=frozenset(stem(word) for word in content.finding),
    )


def _by_stem(words: Iterable[tuple[str, list[str]]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for operation, some in words:
        for word in some:
            found.setdefault(stem(word), set()).add(operation)
    return {one: frozenset(some) for one, some in found.items()}
