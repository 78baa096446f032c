"""A step said in other words, without a language model: words for like words, and the last phrase moved to the front.

The words are in paraphrases.toml. What is quoted, every number and every name stays as it is.
"""

from __future__ import annotations

import random
import re
import tomllib
from functools import lru_cache
from pathlib import Path

_CORE = re.compile(r"^([a-zA-Z]+)([,.;:!?]*)$")
_SHORTEST_REST = 3


@lru_cache(maxsize=1)
def _words() -> tuple[dict[str, list[str]], frozenset[str]]:
    data = tomllib.loads(Path(__file__).with_name("paraphrases.toml").read_text("utf-8"))
    alike: dict[str, list[str]] = {}
    for group in (*data["verbs"], *data["nouns"]):
        for word in group:
            alike.setdefault(word, []).extend(other for other in group if other != word)
    return alike, frozenset(data["movable"])


def paraphrase(step: str, draw: random.Random) -> str:
    """The step in other words; the same words in another order, or with "please", where none of them is known."""
    changed = _moved(_replaced(step.strip(), draw))
    return changed if changed.casefold() != step.strip().casefold() else f"please {step.strip()}"


def _replaced(step: str, draw: random.Random) -> str:
    alike, _ = _words()
    pieces = step.split(" ")
    said: list[str] = []
    place, quoted = 0, False
    while place < len(pieces):
        piece = pieces[place]
        core = _CORE.match(piece)
        pair = " ".join(pieces[place : place + 2]).lower()
        quoted = quoted or piece.startswith(("'", '"'))
        if quoted or core is None or (core[1][0].isupper() and place > 0):
            said.append(piece)
        elif pair in alike:
            said.append(draw.choice(alike[pair]))
            place += 1
        elif core[1].lower() in alike:
            said.append(draw.choice(alike[core[1].lower()]) + core[2])
        else:
            said.append(piece)
        quoted = quoted and not piece.rstrip(".,;").endswith(("'", '"'))
        place += 1
    return " ".join(said)


def _moved(step: str) -> str:
    """The last phrase at the front, where enough is left after it is taken away."""
    _, movable = _words()
    pieces = step.rstrip(".").split(" ")
    for place in range(len(pieces) - 2, _SHORTEST_REST - 1, -1):
        if pieces[place] in movable:
            return f"{' '.join(pieces[place:])}, {' '.join(pieces[:place])}"
    return step
