"""Texts as words: tokens with their places, stems, content words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import cast

import Stemmer  # pyright: ignore[reportMissingTypeStubs]

from genesis_server.resilience.remembering import remembering, remembers_texts

# A word is a run of letters and digits; camelCase and snake_case names fall apart into their words.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+(?:[.,:]\d+)*", re.UNICODE)
# Without its own cache, which threads must not share.
_stem_word = cast("Callable[[str], str]", Stemmer.Stemmer("english", 0).stemWord)  # pyright: ignore[reportUnknownMemberType]

LONGEST_REMEMBERED = 400
"""Characters."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, in lower case, with its place in code points."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """English words that carry no content of their own (data/language/stop_words.txt)."""
    text = (files("genesis_server") / "data" / "language" / "stop_words.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def words(text: str) -> list[Word]:
    """The words of a text in order."""
    return [Word(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(text)]


def word_texts(text: str) -> list[str]:
    """The same without their places, which takes a fraction of the time."""
    return [found.lower() for found in _WORD.findall(text)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a lower-case word (Snowball English, Porter 2)."""
    folded = unicodedata.normalize("NFKC", word)
    return _stem_word(folded)


def content_stems(text: str) -> list[str]:
    """Stems of the words that are no stop words, in order, with repeats; those of short texts are remembered for a while."""
    return list(_content_stems(text))


@remembers_texts(most=4_096, longest=LONGEST_REMEMBERED)
def stem_set(text: str) -> frozenset[str]:
    """The same, each once."""
    return frozenset(_content_stems(text))


# Planning, routing, rules and validation all ask for the goals of the same tasks.
@remembers_texts(most=4_096, longest=LONGEST_REMEMBERED)
def _content_stems(text: str) -> tuple[str, ...]:
    stops, stem_of = stop_words(), stem if remembering() else stem.__wrapped__
    return tuple([stem_of(word) for word in word_texts(text) if word not in stops])
