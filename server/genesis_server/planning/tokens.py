"""A goal as tokens and sentences, with their places.

Quotes are one token, text in brackets is passed over, list markers are found wherever they stand. Every pattern here is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from genesis_server.planning.lexicon import Lexicon, VerbForm


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    QUOTE = "quote"
    COMMA = "comma"
    DASH = "dash"
    ARROW = "arrow"
    COLON = "colon"
    STOP = "stop"
    LINE = "line"
    BULLET = "bullet"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its place in code points; words are in lower case."""

    kind: Kind
    text: str
    start: int
    end: int
    capital: bool = False
    """Whether it begins with a capital letter."""


@dataclass(slots=True)
class Sentence:
    """What stands between two ends: a sentence, a list item, a line."""

    tokens: list[Token] = field(default_factory=list[Token])
    bullet: bool = False
    numbered: bool = False
    question: bool = False
    header: bool = False
    """Whether it ended with a colon."""
    marker: tuple[int, int] | None = None
    """Where its list marker stands."""

    @property
    def texts(self) -> list[str]:
        """The tokens' texts."""
        return [token.text for token in self.tokens]


LEAD_IN_REACH = 8
_QUOTED = r"""
    "[^"\n]{1,400}"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|`[^`\n]{1,400}`|(?<!\w)['‘][^'’\n]{1,300}['’](?!\w)
"""
_QUOTE = re.compile(_QUOTED, re.VERBOSE)
_TOKEN = re.compile(
    rf"""
    (?P<quote>{_QUOTED})
    |(?P<url>https?://[^\s,;()<>"]*[^\s,;()<>".!?:])
    |(?P<number>\d+(?:[.,:/-]\d+)*%?(?![^\W\d_]))
    |(?P<word>[^\W_](?:\w|[-'’/@_&](?=\w)|\.(?=[a-z0-9]))*)
    |(?P<arrow>-+>|=+>|[→⇒➔➜])
    |(?P<comma>[,，、]+)
    |(?P<colon>[:：](?=\s|$))
    |(?P<stop>[.!?;…。！？；]+)
    |(?P<dash>[—–]|(?<=\s)-+(?=\s))
    |(?P<line>[\n\r\u2028\u2029][\s]*)
    |(?P<and>[&+](?=\s))
    |(?P<open>[(\[])
    |(?P<close>[)\]])
    """,
    re.VERBOSE,
)
_KINDS = {"quote": Kind.QUOTE, "url": Kind.QUOTE, "number": Kind.NUMBER, "word": Kind.WORD, "and": Kind.WORD}
_NUMBERED = re.compile(r"(?<!\S)(?:[Ss]tep\s{1,3}(\d{1,2})\s?[:.)-]?|\(?(\d{1,2})[.)])(?=\s)")
_LETTERED = re.compile(r"(?<!\S)\(?([a-h]|i{1,3}|i?v|vi{1,3})\)(?=\s)")
_LETTERS = ("a", "b", "c", "d", "e", "f", "g", "h")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii")
_BULLET = re.compile(r"^[ \t]{0,40}(?:[-*•–—▪◦‣·]|\(?[a-hA-H][.)])(?=[ \t])", re.MULTILINE)


def sentences(text: str, known: Lexicon) -> list[Sentence]:
    """The sentences of a text in order; none is empty."""
    found: list[Sentence] = []
    current = Sentence()
    tokens = _without_brackets(_tokens(text))
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if token.kind is Kind.BULLET:
            current = _close(found, current)
            current.bullet, current.numbered, current.marker = True, token.text == "#", (token.start, token.end)
        elif token.kind is Kind.STOP:
            if following is not None and _is_abbreviation(token, current, following, known):
                continue
            current.question = "?" in token.text
            current = _close(found, current)
        elif token.kind is Kind.LINE:
            if current.tokens and _line_ends(token, current, tokens[place + 1 : place + 1 + LEAD_IN_REACH], known):
                current = _close(found, current)
        elif token.kind is Kind.COLON:
            if _introduces_list(current, following, known):
                current.header = True
                current = _close(found, current)
            else:
                current.tokens.append(token)
        else:
            current.tokens.append(token)
    _close(found, current)
    return found


def without_quotes(text: str) -> str:
    """The text with blanks where it quotes: what is quoted names a thing and asks for nothing."""
    return _QUOTE.sub(lambda quote: " " * len(quote.group()), text)


def _close(found: list[Sentence], current: Sentence) -> Sentence:
    if any(token.kind in {Kind.WORD, Kind.NUMBER, Kind.QUOTE} for token in current.tokens):
        found.append(current)
    return Sentence()


def _tokens(text: str) -> list[Token]:
    markers = _markers(text)
    tokens: list[Token] = []
    place = 0
    for start, end, numbered in [*markers, (len(text), len(text), False)]:
        tokens.extend(_plain_tokens(text, place, start))
        if start < end:
            tokens.append(Token(Kind.BULLET, "#" if numbered else "-", start, end))
        place = end
    return tokens


def _plain_tokens(text: str, start: int, end: int) -> list[Token]:
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text, start, end):
        name = match.lastgroup or "word"
        kind = _KINDS.get(name) or Kind(name)
        spelled = "and" if name == "and" else match.group().lower().replace("’", "'")
        tokens.append(Token(kind, spelled, match.start(), match.end(), match.group()[:1].isupper()))
    return tokens


def _markers(text: str) -> list[tuple[int, int, bool]]:
    """List markers: bullets at the start of a line, and numbers that count up from 1, a) or i) wherever they stand."""
    found = [(match.start(), match.end(), False) for match in _BULLET.finditer(text)]
    counted: list[tuple[int, int, bool]] = []
    for match in _NUMBERED.finditer(text):
        if int(match.group(1) or match.group(2)) == len(counted) + 1:
            counted.append((match.start(), match.end(), True))
    lettered = list(_LETTERED.finditer(text)) if len(counted) < 2 else []
    for names in (_LETTERS, _ROMAN):
        if len(counted) < 2:
            counted = []
            for match in lettered:
                if len(counted) < len(names) and match.group(1) == names[len(counted)]:
                    counted.append((match.start(), match.end(), True))
    if len(counted) > 1:
        taken = {start for start, _, _ in counted}
        found = [marker for marker in found if not taken & set(range(marker[0], marker[1]))] + counted
    return sorted(found)


def _without_brackets(tokens: list[Token]) -> list[Token]:
    """The tokens with each closed bracket as one quote; opened brackets alone are dropped."""
    closed_at: dict[int, int] = {}
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.kind is Kind.OPEN:
            opened.append(place)
        elif token.kind is Kind.CLOSE and opened:
            closed_at[opened.pop()] = place
    if 0 in closed_at and closed_at[0] >= len(tokens) - 2:
        del closed_at[0]
    kept: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if place in closed_at:
            place = closed_at[place]
            kept.append(Token(Kind.QUOTE, "(…)", token.start, tokens[place].end))
        elif token.kind not in {Kind.OPEN, Kind.CLOSE}:
            kept.append(token)
        place += 1
    return kept


def _is_abbreviation(stop: Token, current: Sentence, following: Token, known: Lexicon) -> bool:
    """Whether a period belongs to the word before it, or stands within a word."""
    if stop.text != "." or not current.tokens:
        return False
    before = current.tokens[-1]
    if before.end != stop.start or before.kind is not Kind.WORD:
        return False
    return before.text in known.english.abbreviations and not (following.capital and "." in before.text and before.text.endswith("m"))


def _line_ends(line: Token, current: Sentence, ahead: list[Token], known: Lexicon) -> bool:
    """Whether a line break ends the sentence, or only wraps it."""
    if not ahead or ahead[0].kind is Kind.BULLET or line.text.count("\n") > 1:
        return True
    if current.tokens[-1].kind in {Kind.COMMA, Kind.ARROW} or current.tokens[-1].text in {"and", "then"}:
        return False
    begins = VerbForm.BASE in known.form(ahead[0].text) or known.lead_ins.length_at([token.text for token in ahead], 0) > 0
    return ahead[0].capital or begins


def _introduces_list(current: Sentence, following: Token | None, known: Lexicon) -> bool:
    """Whether a colon comes after a heading: the line ends, or a word of lists is in it, or no verb is."""
    if following is None or following.kind in {Kind.LINE, Kind.BULLET}:
        return True
    texts = current.texts
    if any(text in known.english.list_headers for text in texts[-6:]):
        return True
    return not any(VerbForm.BASE in known.form(text) for text in texts)
