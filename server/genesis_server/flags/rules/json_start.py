"""Shows values that may be far too long to show."""

from __future__ import annotations

import json
from itertools import islice

from genesis_server.model.flags import JsonValue

_CUT = "…"


def json_start(value: JsonValue, limit: int) -> str:
    """A value as JSON, at most `limit` characters: what is longer ends with "…". Costs no more than what is shown."""
    pieces: list[str] = []
    length = 0
    waiting: list[tuple[JsonValue, bool]] = [(value, False)]
    while waiting and length <= limit:
        part, punctuation = waiting.pop()
        if isinstance(part, (list, dict)):
            waiting.extend(reversed(_inside(part, limit)))
            continue
        piece = str(part) if punctuation else json.dumps(part[:limit] if isinstance(part, str) else part, ensure_ascii=False)
        pieces.append(piece)
        length += len(piece)
    return text_start("".join(pieces) + _CUT * bool(waiting), limit)


def text_start(text: str, limit: int) -> str:
    """A text of at most `limit` characters: what is longer ends with "…". Half of a surrogate pair, which UTF-8 has no form for, is "?"."""
    shown = text if len(text) <= limit else text[: limit - 1] + _CUT
    return shown.encode("utf-8", "replace").decode()


def _inside(value: list[JsonValue] | dict[str, JsonValue], limit: int) -> list[tuple[JsonValue, bool]]:
    """The parts of a list or an object in a row, no more of them than fit, and whether each is punctuation."""
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    parts: list[tuple[JsonValue, bool]] = [(opening, True)]
    for number, part in enumerate(islice(value, limit)):
        if number:
            parts.append((", ", True))
        parts.append((part, False))
        if isinstance(value, dict):
            parts += [(": ", True), (value[str(part)], False)]
    return [*parts, (closing, True)]
