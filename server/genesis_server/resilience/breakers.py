"""Circuit breakers: after some failures in a row a dependency is left alone for a while, then tried by one call.

M. Nygard, "Release It!", 2nd ed., 5.2. pybreaker counts and holds the state; this adapter decides who may call. Around pybreaker 1.4.1
it keeps to four rules, each against a defect: outcomes go in through `calling()` only, after the fact (its decorator ignores coroutines
and its lock would be held over the call); only successes and faults go in (it takes any excluded error or cancellation for a success);
while half-open one caller is let through (it lets in everybody); the time of the next trial comes from the clock passed in, and while
open pybreaker is not asked (its own timer reads the wall clock).

Calls go through `run` and `run_sync`; work that begins here and ends later takes a `Permit`; the outcome of work that was let through
elsewhere is told. `open`, `half_open` and `reset` take over what somebody else decided.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Awaitable, Callable, Generator
from enum import StrEnum
from typing import TypeVar

from genesis_server.resilience.errors import GenesisError, NetworkError
from genesis_server.resilience.pybreaker_alone import pybreaker

TRIAL_RETRY_SECONDS = 1.0
"""What callers are told to wait while another caller's trial is under way."""

T = TypeVar("T")


class BreakerState(StrEnum):
    """What a breaker does with calls."""

    CLOSED = pybreaker.STATE_CLOSED
    OPEN = pybreaker.STATE_OPEN
    HALF_OPEN = pybreaker.STATE_HALF_OPEN


class ToldFaultError(Exception):
    """A fault that somebody tells in words: the breaker's `reason` when it opens."""

    def __init__(self, reason: str) -> None:
        """Keep the words."""
        super().__init__(reason)
        self.reason = reason


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


class Permit:
    """Leave to do one thing behind a breaker. It ends once, by `end` or `release`; what comes after that says nothing."""

    __slots__ = ("_breaker", "_generation")

    def __init__(self, breaker: Breaker, generation: int) -> None:
        """Given by `Breaker.admit`; `generation` counts the breaker's transitions."""
        self._breaker: Breaker | None = breaker
        self._generation = generation

    def end(self, fault: Exception | None) -> None:
        """It succeeded (None), or failed by a fault of the dependency; counts unless the breaker changed its state meanwhile."""
        if self._breaker is not None:
            self._breaker.count(fault, generation=self._generation)
            self.release()

    def release(self) -> None:
        """It ended, and says nothing of the dependency: a trial leaves the breaker half-open for the next."""
        if self._breaker is not None:
            self._breaker.leave(self)
            self._breaker = None


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
        self._adopted_opening: float | None = None
        self._reason = ""
        self._generation = 0
        self._trial: Permit | None = None
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

    @property
    def failures(self) -> int:
        """Faults in a row, as they were counted here."""
        return self._breaker.fail_counter

    def passes(self) -> bool:
        """Whether `admit` would let something through now; changes nothing."""
        with self._lock:
            if self.state is BreakerState.OPEN:
                return self._wait() <= 0
            return self.state is BreakerState.CLOSED or self._trial is None

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await `call()`. Raises what it raises, or NetworkError DEPENDENCY_CIRCUIT_OPEN without calling."""
        with self._guarding():
            return await call()

    def run_sync(self, call: Callable[[], T]) -> T:
        """Like `run`, for a plain function."""
        with self._guarding():
            return call()

    def admit(self) -> Permit:
        """Let something through that ends later. Raises NetworkError DEPENDENCY_CIRCUIT_OPEN."""
        with self._lock:
            if self.state is BreakerState.OPEN:
                wait = self._wait()
                if wait > 0:
                    raise self._refusal(wait)
                self._breaker.half_open()
            if self.state is not BreakerState.HALF_OPEN:
                return Permit(self, self._generation)
            if self._trial is not None:
                raise self._refusal(TRIAL_RETRY_SECONDS)
            self._trial = Permit(self, self._generation)
            return self._trial

    def tell(self, fault: Exception | None) -> None:
        """Count an outcome of something that was not let through here: None for a success.

        Closed, it counts in the row; half-open without a trial from here, it decides like a trial; else it says nothing.
        """
        with self._lock:
            if self._trial is None:
                self.count(fault, generation=self._generation)

    def count(self, fault: Exception | None, *, generation: int) -> None:
        """Count an outcome of what began in `generation`; one of an earlier generation, or while open, says nothing."""
        with self._lock:
            if generation != self._generation or self.state is BreakerState.OPEN:
                return
            if fault is not None:
                self._reason = fault.reason if isinstance(fault, GenesisError | ToldFaultError) else type(fault).__name__
            with contextlib.suppress(_FaultError), self._breaker.calling():
                if fault is not None:
                    raise _FaultError

    def leave(self, permit: Permit) -> None:
        """End the trial under way, if it is this one."""
        with self._lock:
            if self._trial is permit:
                self._trial = None

    def reset(self) -> None:
        """Close now, and forget all faults."""
        with self._lock:
            self._breaker.close()

    def open(self, opened_at: float, reason: str) -> None:
        """Take over an opening that was decided elsewhere; `opened_at` is by this breaker's clock. The trial under way counts no more."""
        with self._lock:
            self._reason, self._adopted_opening = reason, opened_at
            self._breaker.open()
            self._adopted_opening = None

    def half_open(self) -> None:
        """Take over a half-opening that was decided elsewhere. The trial under way counts no more."""
        with self._lock:
            self._breaker.half_open()

    @contextlib.contextmanager
    def _guarding(self) -> Generator[None]:
        permit = self.admit()
        try:
            yield
        except Exception as error:
            if self._is_fault(error):
                permit.end(error)
            raise
        else:
            permit.end(None)
        finally:
            permit.release()

    def _wait(self) -> float:
        """Seconds until the trial of an open breaker."""
        return (self.retry_at or 0.0) - self._clock()

    def _changed(self, old: BreakerState, new: BreakerState) -> None:
        self._generation += 1
        self._trial = None
        if new is BreakerState.OPEN:
            self._opened_at = self._clock() if self._adopted_opening is None else self._adopted_opening
        elif new is BreakerState.CLOSED:
            self._opened_at = None
            self._reason = ""
        if self._on_transition is not None and old is not new:
            self._on_transition(self, old, new)

    def _refusal(self, wait: float) -> NetworkError:
        return NetworkError(
            "DEPENDENCY_CIRCUIT_OPEN",
            f"{self.name} failed several times in a row and is left alone for a while: try again in {wait:.0f} s.",
            facts={"dependency": self.name},
            retry_after_seconds=wait,
        )
