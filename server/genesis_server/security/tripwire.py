"""The injection tripwire: texts that talk to a language model instead of being data for it.

It annotates by default and never repairs: a hit says which family of attack a piece of the text looks like. It works on the
normalised text, on what encoded pieces decode to, and on the words read backwards and through rot13. Figures on public sets
are printed by tests/unit/security/test_tripwire_figures.py.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase
from typing import NamedTuple

from genesis_server.model.provenance import TripwireHit
from genesis_server.model.span import Span
from genesis_server.security.normalise import Normalised, normalise
from genesis_server.security.payloads import payloads
from genesis_server.security.phrases import Phrase, places_of
from genesis_server.security.tripwire_rules import TripwireRules, shipped_rules
from genesis_server.security.wording import Token, plain_words, undisguised

# The family of everything that had to be decoded first.
ENCODED = "encoded_payload"
_DEEPEST = 2
# Fewer known words than this in rot13 or backwards are chance.
_FEWEST_KNOWN = 3
_SHORTEST_KNOWN = 4
_ROT13 = str.maketrans(ascii_lowercase, codecs.encode(ascii_lowercase, "rot13"))


class _Find(NamedTuple):
    family: str
    start: int
    """Place in the text as sent."""
    end: int


class Tripwire:
    """A scanner over one set of rules; immutable, safe to share."""

    def __init__(self, rules: TripwireRules) -> None:
        """Take compiled rules."""
        self._lexicon = rules.lexicon
        self._patterns = [(family.name, pattern) for family in rules.families for pattern in family.patterns]
        # A phrase is looked for only where its rarest step is: the one with the fewest words.
        self._phrases: dict[int, list[tuple[str, Phrase]]] = {}
        for family in rules.families:
            for phrase in family.phrases:
                rarest = min(phrase.steps, key=lambda step: sum(rules.lexicon.size_of(concept) for concept in step.concepts))
                for concept in rarest.concepts:
                    self._phrases.setdefault(concept, []).append((family.name, phrase))

    def scan(self, text: str, field: str) -> tuple[TripwireHit, ...]:
        """The suspicious pieces of a text in their order, each family's overlapping pieces as one.

        `field` is the path of the request's field that holds the text. Linear in the text's length.
        """
        finds = sorted(self._finds(text, 0))
        merged: list[_Find] = []
        for find in finds:
            if merged and merged[-1].family == find.family and find.start < merged[-1].end:
                merged[-1] = merged[-1]._replace(end=max(merged[-1].end, find.end))
            else:
                merged.append(find)
        merged.sort(key=lambda find: (find.start, find.end, find.family))
        return tuple(TripwireHit(find.family, field, Span(find.start, find.end, text[find.start : find.end])) for find in merged)

    def _finds(self, text: str, depth: int) -> Iterator[_Find]:
        normalised = normalise(text)
        for family, pattern in self._patterns:
            if any(need in normalised.text for need in pattern.needs) and (match := pattern.expression.search(normalised.text)):
                span = normalised.span(match.start(), match.end())
                yield _Find(family, span.start, span.end)
        written = plain_words(normalised)
        words = undisguised(written, normalised, self._lexicon)
        yield from self._found_phrases([word.text for word in words], words, normalised)
        for reading, order in self._other_readings([word.text for word in written]):
            for find in self._found_phrases(reading, written[::order], normalised):
                yield find
                yield find._replace(family=ENCODED)
        if depth < _DEEPEST:
            for payload in payloads(text):
                for find in self._finds(payload.text, depth + 1):
                    yield _Find(find.family, payload.start, payload.end)
                    yield _Find(ENCODED, payload.start, payload.end)

    def _found_phrases(self, texts: Sequence[str], words: Sequence[Token], normalised: Normalised) -> Iterator[_Find]:
        """Phrases in `texts`, which are `words` read in some way."""
        places = places_of(list(map(self._lexicon.concepts_of, texts)), [word.first for word in words])
        for concept in places.of:
            for family, phrase in self._phrases.get(concept, ()):
                found = places.find(phrase)
                if found is None:
                    continue
                piece = words[found[0] : found[1] + 1]
                span = normalised.span(min(word.start for word in piece), max(word.end for word in piece))
                yield _Find(family, span.start, span.end)
                if any(word.disguised for word in piece):
                    yield _Find(ENCODED, span.start, span.end)

    def _other_readings(self, texts: Sequence[str]) -> Iterator[tuple[Sequence[str], int]]:
        """The words through rot13, and backwards, where they make sense that way; with the order (1 or -1) to read them in."""
        joined = " ".join(texts)
        turned = joined.translate(_ROT13).split(" ")
        if self._makes_sense(turned):
            yield turned, 1
        backwards = joined[::-1].split(" ")
        if self._makes_sense(backwards):
            yield backwards, -1
            yield backwards[::-1], 1

    def _makes_sense(self, texts: Sequence[str]) -> bool:
        known = self._lexicon.concepts_of
        return sum(1 for text in texts if len(text) >= _SHORTEST_KNOWN and text.isascii() and known(text)) >= _FEWEST_KNOWN


@lru_cache(maxsize=1)
def _shipped() -> Tripwire:
    return Tripwire(shipped_rules())


def scan(text: str, field: str) -> tuple[TripwireHit, ...]:
    """Scan with the rules that ship with the server."""
    return _shipped().scan(text, field)
