"""The words of a normalised text, with the disguises undone that only a dictionary can undo.

    1gn0r3, !gnore, @ll       digits and signs for letters
    i g n o r e, i.g.n.o.r.e  letters pulled apart, with or without lost word boundaries
    ig-nore, ig.nore          words broken by a sign
    ignoreallprevious, 忽略所有  words joined, and scripts that write none of the spaces

A spelling is changed only where the result is a word the dictionary knows, so that ordinary text passes unchanged.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from genesis_server.security.lexicon import Lexicon
from genesis_server.security.lookalikes import lookalikes
from genesis_server.security.normalise import Normalised

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Between two words of one clause.
_JOINERS = " ,'’/&_"
_SHORTEST_RUN = 3
_WIDEST_GAP = 3
_SHORTEST_JOINED = 12
# Thai, Khmer, Japanese and Chinese are written without spaces.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


class Token(NamedTuple):
    """A word with its place in the normalised text."""

    text: str
    start: int
    end: int
    first: bool
    """It begins a sentence, a line, a quotation or a clause after a colon or dash."""
    disguised: bool = False
    """It was pulled apart or broken."""


def plain_words(normalised: Normalised) -> list[Token]:
    """The words in order, as they are written."""
    text = normalised.text
    found: list[Token] = []
    end = 0
    for match in _WORD.finditer(text):
        start = match.start()
        first = not found or text[end:start].strip(_JOINERS) != ""
        end = match.end()
        word = match.group()
        found.append(Token(word if word.isalnum() else re.sub(r"['’]", "", word), start, end, first))
    return found


def undisguised(words: list[Token], normalised: Normalised, lexicon: Lexicon) -> list[Token]:
    """The words of a text as a reader takes them."""
    text = normalised.text
    return _parted(_mended(_spelled(_translated(words, text, lexicon), lexicon), text, lexicon), lexicon)


def _translated(plain: list[Token], text: str, lexicon: Lexicon) -> list[Token]:
    """Read digits and signs as letters where that makes a known word."""
    readings = _sign_readings()
    if not readings.hint.search(text):
        return plain
    known: list[Token] = []
    for match in readings.mixed.finditer(text):
        word = match.group().rstrip("!|+(^'")
        if word.isalpha() or word.isdigit():
            continue
        for table in (readings.first, readings.second):
            reading = word.translate(table)
            if reading.isalpha() and lexicon.concepts_of(reading):
                known.append(Token(reading, match.start(), match.start() + len(word), first=True))
                break
    return _replaced(plain, known) if known else plain


def _replaced(plain: list[Token], better: list[Token]) -> list[Token]:
    """`better` in place of the tokens it overlaps."""
    result: list[Token] = []
    place = 0
    for token in better:
        while place < len(plain) and plain[place].end <= token.start:
            result.append(plain[place])
            place += 1
        result.append(token._replace(first=place < len(plain) and plain[place].first))
        while place < len(plain) and plain[place].start < token.end:
            place += 1
    return [*result, *plain[place:]]


def _spelled(found: list[Token], lexicon: Lexicon) -> list[Token]:
    """Join letters that stand alone."""
    result: list[Token] = []
    run: list[Token] = []
    for token in found:
        if run and not (len(token.text) == 1 and token.start - run[-1].end <= _WIDEST_GAP):
            result.extend(_joined(run, lexicon))
            run = []
        if len(token.text) == 1:
            run.append(token)
        else:
            result.append(token)
    result.extend(_joined(run, lexicon))
    return result


def _joined(run: list[Token], lexicon: Lexicon) -> list[Token]:
    if len(run) < _SHORTEST_RUN:
        return run
    letters = "".join(token.text for token in run).translate(_sign_readings().first)
    pieces = lexicon.part(letters)
    if not any(end - start >= _SHORTEST_RUN and lexicon.concepts_of(letters[start:end]) for start, end in pieces):
        return run
    return [Token(letters[s:e], run[s].start, run[e - 1].end, run[s].first, disguised=True) for s, e in pieces]


def _mended(found: list[Token], text: str, lexicon: Lexicon) -> list[Token]:
    """Join the pieces of a word that is broken by single signs."""
    result: list[Token] = []
    chain: list[Token] = []
    for token in found:
        if chain and not (token.start - chain[-1].end == 1 and not text[chain[-1].end].isspace()):
            result.extend(_whole(chain, lexicon))
            chain = []
        chain.append(token)
    result.extend(_whole(chain, lexicon))
    return result


def _whole(chain: list[Token], lexicon: Lexicon) -> list[Token]:
    if len(chain) < 2 or any(lexicon.concepts_of(token.text) for token in chain):
        return chain
    word = "".join(token.text for token in chain)
    if not lexicon.concepts_of(word):
        return chain
    return [Token(word, chain[0].start, chain[-1].end, chain[0].first, disguised=True)]


def _parted(found: list[Token], lexicon: Lexicon) -> list[Token]:
    """Part words written as one."""
    result: list[Token] = []
    for token in found:
        word = token.text
        joined = len(word) >= _SHORTEST_JOINED or _UNSPACED.match(word) is not None
        if not joined or token.end - token.start != len(word) or lexicon.concepts_of(word):
            result.append(token)
            continue
        for start, end in lexicon.part(word):
            result.append(Token(word[start:end], token.start + start, token.start + end, token.first and start == 0, token.disguised))
    return result


class _Readings(NamedTuple):
    first: dict[int, str]
    second: dict[int, str]
    mixed: re.Pattern[str]
    """Runs of letters, digits and signs."""
    hint: re.Pattern[str]
    """A digit or sign beside a letter."""


@lru_cache(maxsize=1)
def _sign_readings() -> _Readings:
    tables = lookalikes()
    signs = "".join(re.escape(sign) for sign in tables.signs if not sign.isalnum())
    mixed = re.compile(rf"[{signs}]*[^\W_](?:[^\W_]|[{signs}'])*")
    hint = re.compile(rf"[a-z][{signs}\d][^\W_]|[{signs}\d][a-z]|[a-z][$@€]")
    return _Readings(str.maketrans(dict(tables.signs)), str.maketrans({**tables.signs, **tables.other_readings}), mixed, hint)
