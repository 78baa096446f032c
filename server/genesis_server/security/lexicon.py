"""Words that belong together: which concepts of the tripwire's data a word of a text stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from genesis_server.security.normalise import normalise

# How much longer than its beginning (`ignor*`) a word may be.
_LONGEST_ENDING = 6
# Joined words are cut into pieces of at least so many letters, single letters aside.
_SHORTEST_PIECE = 2


class Lexicon:
    """Word → numbers of its concepts. A word `ignor*` stands for every word that begins so."""

    def __init__(self, concepts: Iterable[Iterable[str]], fillers: Iterable[str] = ()) -> None:
        """`concepts[i]` are the words of concept i, in any spelling; `fillers` are words that only help to part joined words."""
        self._whole: dict[str, set[int]] = {}
        self._beginnings: dict[str, set[int]] = {}
        self._sizes: list[int] = []
        for number, words in enumerate(concepts):
            listed = list(words)
            self._sizes.append(len(listed))
            for word in listed:
                table = self._beginnings if word.endswith("*") else self._whole
                table.setdefault(normalise(word.rstrip("*")).text, set()).add(number)
        self._lengths = sorted({len(beginning) for beginning in self._beginnings})
        known = {word for word in (*self._whole, *self._beginnings, *fillers) if len(word) >= _SHORTEST_PIECE}
        self._any_word = re.compile(_longest_of(known))
        self.concepts_of = lru_cache(maxsize=32_768)(self._concepts_of)

    def _concepts_of(self, word: str) -> tuple[int, ...]:
        """Numbers of the concepts a normalised word stands for."""
        found: set[int] = set(self._whole.get(word, ()))
        for length in self._lengths:
            if length > len(word):
                break
            if length + _LONGEST_ENDING < len(word):
                continue
            found |= self._beginnings.get(word[:length], set())
        return tuple(sorted(found))

    def size_of(self, concept: int) -> int:
        """How many words a concept has."""
        return self._sizes[concept]

    def part(self, joined: str) -> list[tuple[int, int]]:
        """Part words written without spaces: places (start, end) of the pieces, longest word first, from the left.

        Letters that belong to no word are the ending of the piece before, where that makes a known word, or a piece of their own.
        """
        pieces: list[tuple[int, int]] = []
        loose = 0
        for start, end in [*(match.span() for match in self._any_word.finditer(joined)), (len(joined), len(joined))]:
            if loose < start:
                if pieces and self.concepts_of(joined[pieces[-1][0] : start]):
                    pieces[-1] = (pieces[-1][0], start)
                else:
                    pieces.append((loose, start))
            if start < end:
                pieces.append((start, end))
            loose = end
        return pieces


def _longest_of(words: set[str]) -> str:
    """A regular expression for the longest of `words` at a place: a trie, so that each letter is looked at once."""
    trie: dict[str, Any] = {}
    for word in words:
        node = trie
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}

    def expression(node: dict[str, Any]) -> str:
        ways = [re.escape(letter) + expression(rest) for letter, rest in sorted(node.items()) if letter]
        if not ways:
            return ""
        return f"(?:{'|'.join(ways)}){'?' if '' in node else ''}"

    return expression(trie) or r"(?!)"
