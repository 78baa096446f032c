"""How the parts of the server are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol


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


class BreakerView(Protocol):
    """A circuit breaker, as far as health tells of it; its times are of the monotonic clock."""

    @property
    def state(self) -> str:
        """What it does now."""
        ...

    @property
    def opened_at(self) -> float | None:
        """When it opened; None while closed."""
        ...

    @property
    def retry_at(self) -> float | None:
        """When the next trial is; None while closed."""
        ...

    @property
    def reason(self) -> str:
        """What opened it; empty while closed."""
        ...


def with_breaker(
    component: ComponentHealth, breaker: BreakerView, *, clock: Callable[[], float], now: Callable[[], float]
) -> ComponentHealth:
    """The component with what the breaker in front of it does; `clock` is the breaker's, `now` gives seconds since the epoch."""
    return replace(
        component,
        breaker_state=breaker.state,
        retry_time=wall_time(breaker.retry_at, clock=clock, now=now),
        opened_time=wall_time(breaker.opened_at, clock=clock, now=now),
        breaker_reason=breaker.reason,
    )
