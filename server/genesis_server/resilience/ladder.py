"""The degradation ladder: try the best level, come down one at a time, and say why the answer is not from higher up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from genesis_server.resilience.errors import GenesisError

LevelT = TypeVar("LevelT")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fall(Generic[LevelT]):
    """A level that failed."""

    level: LevelT
    error: Exception

    @property
    def reason(self) -> str:
        """The error's reason or the name of its type; its message may hold what a caller must not see."""
        return self.error.reason if isinstance(self.error, GenesisError) else type(self.error).__name__


@dataclass(frozen=True, slots=True)
class Landing(Generic[LevelT, T]):
    """The answer, the level it comes from, and the levels above that failed, best first."""

    result: T
    level: LevelT
    falls: tuple[Fall[LevelT], ...] = ()


def walk(levels: Sequence[tuple[LevelT, Callable[[], T]]], *, catch: type[Exception] | tuple[type[Exception], ...]) -> Landing[LevelT, T]:
    """The answer of the first of `levels` (best first) that does not raise one of `catch`; the last level's error is raised as it is."""
    if not levels:
        raise ValueError("a ladder needs a level")
    falls: list[Fall[LevelT]] = []
    for level, run in levels[:-1]:
        try:
            return Landing(run(), level, tuple(falls))
        except catch as error:
            falls.append(Fall(level, error))
    level, run = levels[-1]
    return Landing(run(), level, tuple(falls))
