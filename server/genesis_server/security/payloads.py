"""Texts hidden in texts: what common encodings decode to, with the place of the encoded piece.

Base64, hexadecimal, percent and escape sequences, HTML entities, and the invisible "tag" letters of Unicode. (Rot13 and
reversed writing are undone word by word in `tripwire.py`.) Only pieces that decode to readable text are told.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

_READABLE_SHARE = 0.9
_FEWEST_LETTERS = 8
_FEWEST_ESCAPES = 3


class Payload(NamedTuple):
    """A decoded piece, or a whole text whose escapes are undone."""

    text: str
    start: int
    """Place of the encoded piece in the text as sent."""
    end: int


def payloads(text: str) -> Iterator[Payload]:
    """The readable pieces, encoding by encoding, in linear time."""
    for pattern, decode in _PIECES:
        for match in pattern.finditer(text):
            decoded = decode(match.group())
            if _readable(decoded):
                yield Payload(decoded, match.start(), match.end())
    for needle, pattern, decode in _ESCAPES:
        if text.count(needle) < _FEWEST_ESCAPES:
            continue
        places = [match.span() for match in pattern.finditer(text)]
        if len(places) >= _FEWEST_ESCAPES:
            yield Payload(decode(text), places[0][0], places[-1][1])


def _readable(decoded: str) -> bool:
    letters = sum(character.isalpha() or character.isspace() for character in decoded)
    shown = sum(character.isprintable() or character.isspace() for character in decoded)
    return letters >= _FEWEST_LETTERS and shown >= _READABLE_SHARE * len(decoded) and letters >= 0.6 * len(decoded)


def _from_base64(piece: str) -> str:
    packed = re.sub(r"\s", "", piece).rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _from_hexadecimal(piece: str) -> str:
    digits = re.sub(r"0x|\\x|[^0-9a-fA-F]", "", piece)
    try:
        return bytes.fromhex(digits).decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        return ""


def _from_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(min(int(match.group(1), 16), 0x10FFFF)), text)


def _from_tags(piece: str) -> str:
    return "".join(chr(ord(character) - 0xE0000) for character in piece)


_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{2,6})\}?")
_PIECES: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}"), _from_base64),
    (re.compile(r"(?<![0-9a-fA-F])(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,;]?){8,}"), _from_hexadecimal),
    (re.compile(r"[\U000e0020-\U000e007e]{4,}"), _from_tags),
)
_ESCAPES: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("%", re.compile(r"%[0-9a-fA-F]{2}"), unquote),
    ("&#", re.compile(r"&#x?[0-9a-fA-F]{1,6};"), html.unescape),
    ("\\u", _ESCAPE, _from_escapes),
)
