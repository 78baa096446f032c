"""A clock that can stand still."""

from __future__ import annotations

from collections.abc import Callable


class StandingClock:
    """Seconds of another clock, without the time during which it was stopped."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Go with `clock`, monotonic seconds."""
        self._clock = clock
        self._lost = 0.0
        self._stopped_at: float | None = None

    def __call__(self) -> float:
        """The seconds; the same again and again while it is stopped."""
        return (self._clock() if self._stopped_at is None else self._stopped_at) - self._lost

    def stop(self) -> None:
        """Stand still; a stopped clock stays as it is."""
        if self._stopped_at is None:
            self._stopped_at = self._clock()

    def go(self) -> None:
        """Go on from where it stands."""
        if self._stopped_at is not None:
            self._lost += self._clock() - self._stopped_at
            self._stopped_at = None
