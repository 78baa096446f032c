"""How the parts of the server are."""

from __future__ import annotations

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
