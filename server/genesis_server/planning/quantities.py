"""Amounts in a text: numbers with their units, in figures and in words; lengths of time in seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from genesis_server.planning.data_file import parse
from genesis_server.planning.lexicon import WordSet, lexicon

QUANTITIES_FILE = "quantities.toml"
LONGEST_NUMBER = 15
_PIECE = re.compile(
    r"(?P<number>\d+(?:[.,:/-]\d+)*)|(?P<word>[^\W\d_](?:[^\W\d]|\d|[-'’.](?=[^\W\d_]))*)|(?P<sign>[$€£¥₹₩%°<>=≤≥~])|(?P<mark>[^\s\w])"
)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL = re.compile(r"\d+(?:[.,]\d+)?")
_RANGE = re.compile(r"(\d+(?:[.,]\d+)?)-(\d+(?:[.,]\d+)?)")
_FRACTION = re.compile(r"(\d{1,3})/(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, a number or a mark of a text with its place in code points; words are in lower case."""

    text: str
    start: int
    end: int
    kind: str
    """"word", "number", "sign" or "mark"."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit at a place among pieces."""

    value: float
    unit: str
    """As the text writes it; empty when there is none."""
    seconds: float | None
    """The length of time it is, when the unit is one of time."""
    end: int
    """Place of the first piece behind it."""


class _Unit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    names: WordSet
    seconds: Annotated[float, Field(gt=0)]


class _Number(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    names: WordSet
    value: Annotated[float, Field(gt=0)]
    article: bool = False
    """Whether it counts only before a unit of time: "an hour"."""


class _Money(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    signs: WordSet
    words: WordSet


def _tuple_of(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


class QuantityWords(BaseModel):
    """Words of amounts, as quantities.toml lists them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: Annotated[tuple[_Unit, ...], BeforeValidator(_tuple_of)]
    numbers: Annotated[tuple[_Number, ...], BeforeValidator(_tuple_of)]
    multipliers: Annotated[tuple[_Number, ...], BeforeValidator(_tuple_of)]
    money: _Money


@dataclass(frozen=True, slots=True)
class _Known:
    seconds: dict[str, float]
    numbers: dict[str, float]
    articles: frozenset[str]
    multipliers: dict[str, float]
    money: _Money


def parse_quantity_words(text: str) -> QuantityWords:
    """The content of the file. Raises DataFileError with every mistake."""
    return parse(QuantityWords, text, QUANTITIES_FILE)[0]


@lru_cache(maxsize=1)
def _known() -> _Known:
    words = parse_quantity_words((files("genesis_server") / "data" / "language" / QUANTITIES_FILE).read_text("utf-8"))
    return _Known(
        {name: unit.seconds for unit in words.units for name in unit.names},
        {name: number.value for number in words.numbers for name in number.names},
        frozenset(name for number in words.numbers if number.article for name in number.names),
        {name: multiplier.value for multiplier in words.multipliers for name in multiplier.names},
        words.money,
    )


def pieces(text: str) -> list[Piece]:
    """The words, numbers and marks of a text in order. Linear."""
    found = _PIECE.finditer(text)
    return [Piece(match.group().lower().replace("’", "'"), match.start(), match.end(), match.lastgroup or "mark") for match in found]


def amount_at(found: list[Piece], place: int) -> Amount | None:
    """The amount that begins at `place`, with its unit and a second part of time ("1 hour 30 minutes"); None when there is none."""
    first = _simple(found, place)
    if first is None or first.seconds is None:
        return first
    behind = first.end + 1 if _text(found, first.end) == "and" else first.end
    if _texts(found, behind, 2) == ["a", "half"]:
        return Amount(first.value * 1.5, first.unit, first.seconds * 1.5, behind + 2)
    second = _simple(found, behind) if behind < len(found) and found[behind].kind == "number" else None
    if second is None or second.seconds is None or second.seconds >= first.seconds:
        return first
    seconds = first.seconds + second.seconds
    return Amount(seconds / (first.seconds / first.value), first.unit, seconds, second.end)


def number_of(text: str) -> float | None:
    """The number a text is, with or without a unit: "199.5 USD", "$ 200", "12 %"; None when it says anything else."""
    try:
        plain = float(text)
    except ValueError:
        plain = None
    if plain is not None:
        return plain if isfinite(plain) else None
    found = pieces(text[:100])
    negative = len(found) > 1 and found[0].text == "-" and found[1].kind == "number" and found[0].end == found[1].start
    start = 1 if negative else 0
    if len(text) > 100 or not any(piece.kind == "number" for piece in found[start : start + 2]):
        return None
    amount = amount_at(found, start)
    if amount is None or amount.end < len(found):
        return None
    return -amount.value if negative else amount.value


def _simple(found: list[Piece], place: int) -> Amount | None:
    """One number with one unit."""
    if place >= len(found):
        return None
    if found[place].text in _known().money.signs | _known().money.words:
        number = _number(found, place + 1) if place + 1 < len(found) and found[place + 1].kind == "number" else None
        return None if number is None else Amount(number[0], found[place].text, None, number[1])
    return _halved(found, place) or _with_unit(found, place)


def _with_unit(found: list[Piece], place: int) -> Amount | None:
    """A number with the unit behind it, whatever word that is."""
    known = _known()
    number = _number(found, place)
    if number is None:
        return None
    value, at = number
    if _text(found, at) == "-" and _text(found, at + 1) in known.seconds and found[at].start == found[at - 1].end:
        at += 1
    unit = _text(found, at)
    if unit in known.seconds:
        return Amount(value, unit, value * known.seconds[unit], at + 1)
    if found[place].text in known.articles:
        return None
    if unit in known.money.signs or unit in known.money.words or (at < len(found) and found[at].kind == "sign" and unit in {"%", "°"}):
        return Amount(value, unit, None, at + 1)
    english = lexicon().english
    named = at < len(found) and found[at].kind == "word" and unit not in english.function_words and unit not in english.auxiliaries
    return Amount(value, unit, None, at + 1) if named else Amount(value, "", None, at)


def _halved(found: list[Piece], place: int) -> Amount | None:
    """A length of time in halves: "half an hour", "a quarter of an hour", "two and a half hours"."""
    seconds = _known().seconds
    for words, share in ((["half", "a"], 0.5), (["half", "an"], 0.5), (["a", "half"], 0.5), (["a", "quarter", "of", "an"], 0.25)):
        unit = _text(found, place + len(words))
        if _texts(found, place, len(words)) == words and unit in seconds:
            return Amount(share, unit, share * seconds[unit], place + len(words) + 1)
    if _texts(found, place + 1, 3) == ["and", "a", "half"] and _text(found, place + 4) in seconds:
        number = _number(found, place)
        if number is not None and number[1] == place + 1:
            unit = found[place + 4].text
            return Amount(number[0] + 0.5, unit, (number[0] + 0.5) * seconds[unit], place + 5)
    return None


def _number(found: list[Piece], place: int) -> tuple[float, int] | None:
    """The number at `place` and the place behind it; of a range the upper end."""
    if place >= len(found):
        return None
    known = _known()
    at = place + 1
    if found[place].kind == "number":
        value = _figure(found[place].text)
        upper = _figure(_text(found, place + 2)) if _text(found, at) in {"to", "–"} and place + 2 < len(found) else None
        if value is not None and upper is not None and upper > value:
            value, at = upper, place + 3
    else:
        value = known.numbers.get(found[place].text)
        if found[place].text in known.articles and _text(found, at) in known.numbers and _text(found, at) not in known.articles:
            value, at = known.numbers[found[at].text], at + 1
            at += _text(found, at) == "of"
    if value is None:
        return None
    multiplier = _text(found, at)
    if multiplier in known.multipliers and (multiplier != "k" or found[at].start == found[at - 1].end):
        return value * known.multipliers[multiplier], at + 1
    return value, at


def _figure(text: str) -> float | None:
    """A number in figures; None for dates, clock times and numbers too long to mean an amount."""
    if len(text) > LONGEST_NUMBER or not text[:1].isdecimal():
        return None
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", ""))
    if _DECIMAL.fullmatch(text):
        return float(text.replace(",", "."))
    span = _RANGE.fullmatch(text)
    if span is not None:
        low, high = (float(part.replace(",", ".")) for part in span.groups())
        return high if low < high else None
    fraction = _FRACTION.fullmatch(text)
    if fraction is not None and int(fraction.group(2)) > int(fraction.group(1)):
        return int(fraction.group(1)) / int(fraction.group(2))
    return None


def _text(found: list[Piece], place: int) -> str:
    return found[place].text if 0 <= place < len(found) else ""


def _texts(found: list[Piece], place: int, count: int) -> list[str]:
    return [piece.text for piece in found[place : place + count]]
