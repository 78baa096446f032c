"""Stems of texts that several checks look at, made once."""

from __future__ import annotations

from functools import lru_cache

from genesis_server.text.words import content_stems


@lru_cache(maxsize=16_384)
def stems_of(text: str) -> frozenset[str]:
    """The stems of a text's content words."""
    return frozenset(content_stems(text))
