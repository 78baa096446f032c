"""Circuit breakers: after some failures in a row a dependency is left alone for a while, then tried by one call.

M. Nygard, "Release It!", 2nd ed., 5.2. pybreaker counts and holds the state; this adapter decides who may call. Around pybreaker 1.4.1
it keeps to four rules, each against a defect: outcomes go in through `calling()` only, after the fact (its decorator ignores coroutines
and its lock would be held over the call); only successes and faults go in (it takes any excluded error or cancellation for a success);
while half-open one caller is let through (it lets in everybody); the time of the next trial comes from the clock passed in, and while
open pybreaker is not asked (its own timer reads the wall clock).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Awaitable, Callable, Generator
from enum import StrEnum
from typing import TypeVar

import pybreaker

from genesis_server.resilience.errors import GenesisError, NetworkError

TRIAL_RETRY_SECONDS = 1.0
"""What callers are told to wait while another caller's trial is under way."""

T = TypeVar("T")


class BreakerState(StrEnum):
    """What a breaker does with calls."""

    CLOSED = pybreaker.STATE_CLOSED
    OPEN = pybreaker.STATE_OPEN
    HALF_OPEN = pybreaker.STATE_HALF_OPEN


class _FaultError(Exception):
    """Stands for a fault inside pybreaker, which needs to know no more."""


class _Listener(pybreaker.CircuitBreakerListener):
    def __init__(self, changed: Callable[[BreakerState, BreakerState], None]) -> None:
        self._changed = changed

    def state_change(
        self, cb: pybreaker.CircuitBreaker, old_state: pybreaker.CircuitBreakerState | None, new_state: pybreaker.CircuitBreakerState
    ) -> None:
        del cb
        if old_state is not None:
            self._changed(BreakerState(old_state.name), BreakerState(new_state.name))


class Breaker:
    """A circuit breaker in front of one dependency; safe for tasks and threads.

    It counts faults in a row, not their rate. An error that is no fault, and a cancellation, count neither way; so does a call that began
    before the last transition. A trial that ends so leaves the breaker half-open for the next caller.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float],
        is_fault: Callable[[Exception], bool],
        failures: int = 5,
        reset_seconds: float = 60.0,
        on_transition: Callable[[Breaker, BreakerState, BreakerState], None] | None = None,
    ) -> None:
        """`clock` is monotonic, in seconds; `is_fault` tells which errors speak against the dependency.

        After `failures` faults in a row the breaker is open for `reset_seconds`. `on_transition(breaker, old, new)` is called under the
        caller that causes a transition: it must be quick and must not raise.
        """
        self.name = name
        self._clock = clock
        self._is_fault = is_fault
        self._reset_seconds = reset_seconds
        self._on_transition = on_transition
        self._lock = threading.RLock()
        self._opened_at: float | None = None
        self._reason = ""
        self._generation = 0
        self._trial_under_way = False
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            throw_new_error_on_trip=False,
            name=name,
            listeners=[_Listener(self._changed)],
        )

    @property
    def state(self) -> BreakerState:
        """What it does now; it becomes half-open with the first call after `retry_at`."""
        return BreakerState(self._breaker.current_state)

    @property
    def opened_at(self) -> float | None:
        """When it opened last, by its clock; None while closed."""
        return self._opened_at

    @property
    def retry_at(self) -> float | None:
        """When the next trial is let through, by its clock; None while closed."""
        return None if self._opened_at is None else self._opened_at + self._reset_seconds

    @property
    def reason(self) -> str:
        """The fault that opened it: an error's reason or the name of its type; empty while closed."""
        return self._reason

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await `call()`. Raises what it raises, or NetworkError DEPENDENCY_CIRCUIT_OPEN without calling."""
        with self._guarding():
            return await call()

    def run_sync(self, call: Callable[[], T]) -> T:
        """Like `run`, for a plain function."""
        with self._guarding():
            return call()

    @contextlib.contextmanager
    def _guarding(self) -> Generator[None]:
        generation, is_trial = self._admit()
        try:
            yield
        except Exception as error:
            if self._is_fault(error):
                self._record(generation, error)
            raise
        else:
            self._record(generation, None)
        finally:
            if is_trial:
                self._trial_under_way = False

    def _admit(self) -> tuple[int, bool]:
        """Let a call through, or raise; the generation it belongs to, and whether it is the trial."""
        with self._lock:
            if self.state is BreakerState.OPEN:
                wait = (self.retry_at or 0.0) - self._clock()
                if wait > 0:
                    raise self._refusal(wait)
                self._breaker.half_open()
            is_trial = self.state is BreakerState.HALF_OPEN
            if is_trial:
                if self._trial_under_way:
                    raise self._refusal(TRIAL_RETRY_SECONDS)
                self._trial_under_way = True
            return self._generation, is_trial

    def _record(self, generation: int, fault: Exception | None) -> None:
        with self._lock:
            if generation != self._generation:
                return
            if fault is not None:
                self._reason = fault.reason if isinstance(fault, GenesisError) else type(fault).__name__
            with contextlib.suppress(_FaultError), self._breaker.calling():
                if fault is not None:
                    raise _FaultError

    def _changed(self, old: BreakerState, new: BreakerState) -> None:
        self._generation += 1
        if new is BreakerState.OPEN:
            self._opened_at = self._clock()
        elif new is BreakerState.CLOSED:
            self._opened_at = None
            self._reason = ""
        if self._on_transition is not None:
            self._on_transition(self, old, new)

    def _refusal(self, wait: float) -> NetworkError:
        return NetworkError(
            "DEPENDENCY_CIRCUIT_OPEN",
            f"{self.name} failed several times in a row and is left alone for a while: try again in {wait:.0f} s.",
            facts={"dependency": self.name},
            retry_after_seconds=wait,
        )
