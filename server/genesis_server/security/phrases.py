"""Phrases: concepts and words in order with bounded gaps, found in the words of a text.

    <override> ..4 <prior> ..2 <instruction>    a word of each concept, with up to 4 and 2 words between
    <all>|both                                  a word of the concept, or the word itself
    ^act as a|an                                "act" begins a sentence; "as", then "a" or "an", follow at once

All places of a step are one integer used as a bit set, so that a phrase costs a few operations on integers however often its
words occur (the bit-parallel method of Baeza-Yates & Gonnet 1992, over words instead of letters): linear, never backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDEST_GAP = 12
_GAP = re.compile(r"\.\.(\d{1,2})\Z")
_CONCEPT = re.compile(r"<[a-z_]+>\Z")
_LITERAL = re.compile(r"[^\W_]+\*?\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One word of a phrase."""

    concepts: tuple[int, ...]
    """Numbers of the concepts, any of which will do."""
    gap: int
    """How many other words may stand before it, after the step before."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A compiled phrase."""

    source: str
    first: bool
    """The first word must begin a sentence."""
    steps: tuple[Step, ...]


class PhraseCompiler:
    """Reads phrases and collects the words they name."""

    def __init__(self, concepts: Mapping[str, Sequence[str]]) -> None:
        """`concepts`: name → words."""
        self.words: list[list[str]] = [list(words) for words in concepts.values()]
        """Concept number → words; grows by the words that phrases name themselves."""
        self._numbers = {f"<{name}>": number for number, name in enumerate(concepts)}

    def compile(self, source: str) -> Phrase:
        """Read one phrase. Raises ValueError with what is wrong."""
        parts = source.removeprefix("^").split()
        steps: list[Step] = []
        gap = 0
        for part in parts:
            if match := _GAP.match(part):
                gap = int(match.group(1))
                if not steps or gap > WIDEST_GAP:
                    raise ValueError(f"a gap stands between two words and is at most {WIDEST_GAP}: {part}")
                continue
            steps.append(Step(tuple(self._number_of(word) for word in part.split("|")), gap))
            gap = 0
        if not steps or gap:
            raise ValueError("a phrase has words and does not end with a gap")
        return Phrase(source, source.startswith("^"), tuple(steps))

    def _number_of(self, word: str) -> int:
        if word not in self._numbers:
            if _CONCEPT.match(word):
                raise ValueError(f"no concept of this name: {word}")
            if not _LITERAL.match(word):
                raise ValueError(f"neither a gap (..3), nor a concept (<name>), nor a word (one, thr*): {word}")
            self._numbers[word] = len(self.words)
            self.words.append([word])
        return self._numbers[word]


@dataclass(frozen=True, slots=True)
class Places:
    """Where each concept stands in a list of words."""

    of: Mapping[int, int]
    """Concept number → bit set of places."""
    first: int
    """Bit set of the places that begin a sentence."""

    def find(self, phrase: Phrase) -> tuple[int, int] | None:
        """Places of the first and the last word of the phrase's first occurrence."""
        reached: list[int] = []
        for step in phrase.steps:
            here = 0
            for concept in step.concepts:
                here |= self.of.get(concept, 0)
            if reached:
                here &= _smear(reached[-1], step.gap + 1)
            elif phrase.first:
                here &= self.first
            if not here:
                return None
            reached.append(here)
        last = place = (reached[-1] & -reached[-1]).bit_length() - 1
        for number in range(len(reached) - 1, 0, -1):
            lowest = max(0, place - phrase.steps[number].gap - 1)
            window = reached[number - 1] & ((1 << place) - (1 << lowest))
            place = window.bit_length() - 1
        return place, last


def _smear(places: int, width: int) -> int:
    """Every place that lies 1 to `width` after one of `places`."""
    smeared, reach = places << 1, 1
    while reach < width:
        more = min(reach, width - reach)
        smeared |= smeared << more
        reach += more
    return smeared


def places_of(concepts: Sequence[Sequence[int]], firsts: Sequence[bool]) -> Places:
    """Note where the concepts stand; for each word its concepts, and whether it begins a sentence."""
    of: dict[int, int] = {}
    bit = 1
    for numbers in concepts:
        for concept in numbers:
            of[concept] = of.get(concept, 0) | bit
        bit <<= 1
    return Places(of, sum(1 << place for place, begins in enumerate(firsts) if begins))
