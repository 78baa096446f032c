"""The times of a call's phases."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from genesis_server.model.provenance import PhaseDuration


class PhaseTimer:
    """Measures phases in the order they run; a phase that runs again adds to its first entry."""

    def __init__(self, clock: Callable[[], float], observe: Callable[[str, float], None]) -> None:
        """Take a monotonic `clock` in seconds, and `observe(phase, seconds)`, told of every run."""
        self._clock = clock
        self._observe = observe
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Measure what runs inside, also when it fails."""
        start = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - start
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds
            self._observe(name, seconds)

    @property
    def phases(self) -> tuple[PhaseDuration, ...]:
        """What was measured so far."""
        return tuple(PhaseDuration(name, seconds) for name, seconds in self._seconds.items())
