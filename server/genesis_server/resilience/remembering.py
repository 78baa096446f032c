"""Whether what was worked out once may be used again: the flag `performance_optimizations_enabled`, as the call under way has it.

Without it every call works everything out anew: the same answers, slower. It is for telling whether a fault lies in what is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import TypeVar

_FoundT = TypeVar("_FoundT")
_REMEMBERING: ContextVar[bool] = ContextVar("genesis_remembering", default=True)


def remembering() -> bool:
    """Whether this call may use what others left."""
    return _REMEMBERING.get()


def remember(allowed: bool) -> None:  # noqa: FBT001
    """Say whether the rest of this call may use what others left."""
    _REMEMBERING.set(allowed)


def remembers_texts(*, most: int, longest: float = math.inf) -> Callable[[Callable[[str], _FoundT]], Callable[[str], _FoundT]]:
    """Let a function of a text remember what it found, for the calls that may use what others left.

    It remembers the last `most` texts of at most `longest` characters: longer ones are few, and remembered they would take much memory.
    """

    def remembers(find: Callable[[str], _FoundT]) -> Callable[[str], _FoundT]:
        found_before = lru_cache(maxsize=most)(find)

        @wraps(find)
        def found(text: str) -> _FoundT:
            return found_before(text) if len(text) <= longest and remembering() else find(text)

        return found

    return remembers
