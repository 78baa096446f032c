"""Texts of others, made safe to print and to draw; amounts and times for people."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

    from genesis.v1.common_pb2 import Money

# Embedding and overriding directions could make a text look like another one; the last two are no characters, and XML refuses them.
_UNWANTED = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff")

_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def plain(text: str) -> str:
    """The text on one line, without control characters, which could drive a terminal or break a document."""
    return " ".join("".join(" " if char.isspace() else char for char in text if _is_wanted(char)).split())


def _is_wanted(char: str) -> bool:
    return char.isspace() or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in _UNWANTED)


def display_width(text: str) -> int:
    """How many columns of a fixed-width font a text takes; wide East Asian characters and emoji take two."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def wrap(text: str, width: int, max_lines: int) -> list[str]:
    """The text in lines of at most `width` columns; words that are too long are split, what is left over ends in an ellipsis."""
    lines, line = [""], 0
    for word in plain(text).split():
        for piece in _pieces(word, width):
            gap = 1 if lines[line] else 0
            if display_width(lines[line]) + gap + display_width(piece) > width:
                lines.append("")
                line, gap = line + 1, 0
            lines[line] += " " * gap + piece
    if len(lines) <= max_lines:
        return lines
    last = lines[max_lines - 1]
    while display_width(last) > width - 1:
        last = last[:-1]
    return [*lines[: max_lines - 1], last + "…"]


def _pieces(word: str, width: int) -> list[str]:
    pieces = [""]
    for char in word:
        if display_width(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def amount(money: Money) -> str:
    """`0.0125 USD`: two to four decimals, more where the amount is below 0.1 and three digits take more."""
    value = money.units + money.nanos / 1e9
    text = f"{value:.4f}" if value >= 0.1 or not value else f"{value:.{min(9, 2 - math.floor(math.log10(value)))}f}"
    whole, _, decimals = text.rstrip("0").partition(".")
    return f"{whole}.{decimals:0<2} {money.currency_code or 'USD'}"


def seconds(duration: Duration) -> float:
    """The duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def span(value: float) -> str:
    """A time span in seconds as `1.3 ms`, `45 s`, `3 min`, `2 h 5 min` or `4 d 1 h`."""
    if value < 1:
        return f"{value * 1000:.1f} ms"
    if value < 60:
        return f"{value:.1f}".removesuffix(".0") + " s"
    size, unit, small, small_unit = next(step for step in _STEPS if value >= step[0])
    whole, rest = divmod(round(value), size)
    return f"{whole} {unit}" + (f" {rest // small} {small_unit}" if rest >= small else "")


def counted(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def enum_word(enum: EnumTypeWrapper, number: int, prefix: str) -> str:
    """The name of an enum's value without its prefix, `heuristic`; the number when a newer server sent it."""
    name = next((name for name, value in enum.items() if value == number), str(number))
    return name.removeprefix(prefix).lower().replace("_", " ")
