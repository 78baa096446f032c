"""Texts as a language model reads them: disguises taken off, with a map back to the code points as sent.

What is taken off: compatibility forms (NFKC: full-width, mathematical, circled letters), case, combining marks, characters
nobody sees (zero-width, bidirectional controls, soft hyphens, variation selectors), and letters that look like Latin ones
(data/lookalikes.toml, after the skeletons of Unicode Technical Standard 39). Digits and signs that stand for letters
("1gn0r3") and letters pulled apart ("i g n o r e") are undone word by word in `wording.py`, because they are ambiguous.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from genesis_server.model.span import Span
from genesis_server.security.lookalikes import lookalikes

# Unassigned, private and surrogate code points are invisible to a reader as well.
_UNSEEN = frozenset({"Cf", "Cc", "Cn", "Co", "Cs"})
_ASCII_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_ASCII_BLANKS = str.maketrans("\t\r\v\f\x1c\x1d\x1e\x1f", " \n\n\n    ")
_MARKS = frozenset({"Mn", "Me"})


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text without disguises."""

    text: str
    source: str
    """The text as sent."""
    origins: Sequence[int]
    """For each code point of `text`, the place in `source` it came from; never falls."""

    def span(self, start: int, end: int) -> Span:
        """The piece of the text as sent that became `text[start:end]`; `start < end`."""
        first, last = self.origins[start], self.origins[end - 1] + 1
        return Span(first, last, self.source[first:last])


def normalise(text: str) -> Normalised:
    """Take the disguises off, in linear time. Applied twice, the second time changes nothing."""
    if text.isascii() and not _ASCII_UNSEEN.search(text):
        return Normalised(text.lower().translate(_ASCII_BLANKS), text, range(len(text)))
    pieces = [_fold(character) for character in text]
    origins = [place for place, piece in enumerate(pieces) for _ in piece]
    return Normalised("".join(pieces), text, origins)


@lru_cache(maxsize=16_384)
def _fold(character: str) -> str:
    """What one code point becomes: nothing, one or more code points."""
    if character in "\n\r\v\f\x85\u2028\u2029":
        return "\n"
    if character.isspace():
        return " "
    table = lookalikes().letters
    if character in table:
        return table[character]
    folded = unicodedata.normalize("NFKC", character).casefold()
    bare = (c for c in unicodedata.normalize("NFKD", folded) if unicodedata.category(c) not in _MARKS)
    shown = (c for c in unicodedata.normalize("NFC", "".join(bare)) if unicodedata.category(c) not in _UNSEEN)
    return "".join(" " if c.isspace() else table.get(c, c) for c in shown)
