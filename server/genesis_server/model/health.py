"""How the parts of the server are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class HealthStatus(IntEnum):
    """How well something is."""

    UNSPECIFIED = 0
    HEALTHY = 1
    DEGRADED = 2
    UNHEALTHY = 3


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """How a part is."""

    name: str
    status: HealthStatus
    message: str = ""
    """Why, and what to do; empty when it is well."""
    needed: bool = False
    """Whether the server cannot serve without it."""
    breaker_state: str = ""
    retry_time: float | None = None
    """Seconds since the epoch when an open breaker tries again."""
    opened_time: float | None = None
    """Seconds since the epoch when the breaker opened; None while it is closed."""
    breaker_reason: str = ""
    """What opened it; empty while it is closed."""


def wall_time(moment: float | None, *, clock: Callable[[], float], now: Callable[[], float]) -> float | None:
    """A moment of the monotonic `clock` in seconds since the epoch, as `now` counts them; None stays None."""
    return None if moment is None else now() + moment - clock()
