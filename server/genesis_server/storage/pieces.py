"""Documents that are written again and again although little of them changes: parts that are the same objects are not encoded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")

Pieces = Mapping[str, tuple[object, bytes]]
"""Parts of a document by name, each with its JSON; the parts are immutable."""
NO_PIECES: Pieces = MappingProxyType({})


def encoded(parts: Iterable[tuple[str, T]], encode: Callable[[str, T], bytes], before: Pieces) -> tuple[list[bytes], Pieces]:
    """The JSON of named parts, in their order, and what to pass as `before` the next time; only what is new is given to `encode`."""
    found: list[bytes] = []
    after: dict[str, tuple[object, bytes]] = {}
    for name, part in parts:
        kept = before.get(name)
        if kept is None or kept[0] is not part:
            kept = (part, encode(name, part))
        after[name] = kept
        found.append(kept[1])
    return found, after
