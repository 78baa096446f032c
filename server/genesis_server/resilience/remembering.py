"""Whether what was worked out once may be used again: the flag `performance_optimizations_enabled`, as the call under way has it.

Without it every call works everything out anew: the same answers, slower. It is for telling whether a fault lies in what is kept.
"""

from __future__ import annotations

from contextvars import ContextVar

_REMEMBERING: ContextVar[bool] = ContextVar("genesis_remembering", default=True)


def remembering() -> bool:
    """Whether this call may use what others left."""
    return _REMEMBERING.get()


def remember(allowed: bool) -> None:  # noqa: FBT001
    """Say whether the rest of this call may use what others left."""
    _REMEMBERING.set(allowed)
