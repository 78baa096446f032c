"""When and how often a call is repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Repeats calls that found no server (`UNAVAILABLE`), with growing, jittered waits; gRPC does the work (gRFC A6).

    The defaults wait about 3 s in all, so that a server that is started again is not noticed.
    """

    attempts: int = 5
    """Tries in all, 2 to 5."""
    initial_backoff: float = 0.1
    """Seconds to wait before the second try, give or take a fifth; from 0.01."""
    max_backoff: float = 2.0
    """The longest wait in seconds."""
    multiplier: float = 3.0
    """How much longer each wait is than the one before; from 1."""

    def __post_init__(self) -> None:
        if not 2 <= self.attempts <= 5:
            raise ValueError(f"attempts is {self.attempts}: give 2 to 5, which is what gRPC takes, or retry=None for none")
        # With waits of a millisecond gRPC 1.85 loses every second retry: the call hangs until its deadline.
        if not 0.01 <= self.initial_backoff <= self.max_backoff or self.multiplier < 1:
            raise ValueError("give an initial_backoff from 0.01 s, a max_backoff not below it and a multiplier from 1")

    def policy(self) -> dict[str, Any]:
        """The `retryPolicy` of a service config."""
        return {
            "retryPolicy": {
                "maxAttempts": self.attempts,
                "initialBackoff": f"{self.initial_backoff:.9f}s",
                "maxBackoff": f"{self.max_backoff:.9f}s",
                "backoffMultiplier": self.multiplier,
                "retryableStatusCodes": ["UNAVAILABLE"],
            }
        }
