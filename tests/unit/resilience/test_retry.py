from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.resilience.errors import ResourceError
from genesis_server.resilience.retry import Retry

ANYTHING = lambda _: True  # noqa: E731


class World:
    """A clock that sleeping moves, and a dependency that fails as told."""

    def __init__(self, *errors: Exception, share: float = 1.0, call_seconds: float = 0.0) -> None:
        self.now, self.slept, self.calls = 0.0, [], 0
        self.errors, self.share, self.call_seconds = list(errors), share, call_seconds
        self.bounds: list[tuple[float, float]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def uniform(self, low: float, high: float) -> float:
        self.bounds.append((low, high))
        return low + (high - low) * self.share

    async def call(self) -> str:
        self.calls += 1
        self.now += self.call_seconds
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    def retry(self, **how: float) -> Retry:
        return Retry(sleep=self.sleep, clock=lambda: self.now, uniform=self.uniform, **how)  # type: ignore[arg-type]


async def test_success_is_not_repeated() -> None:
    """A call that works is made once and without a wait."""
    world = World()
    assert await world.retry().run(world.call, retryable=ANYTHING) == "answer"
    assert (world.calls, world.slept) == (1, [])


async def test_three_attempts_with_growing_jitter() -> None:
    """By default the third attempt is the last, and the waits are drawn from 0 to 0.1 s and 0 to 0.2 s."""
    errors = [OSError(str(number)) for number in range(5)]
    world = World(*errors)
    with pytest.raises(OSError, match="2"):
        await world.retry().run(world.call, retryable=ANYTHING)
    assert world.calls == 3
    assert world.bounds == [(0.0, 0.1), (0.0, 0.2)]


async def test_only_what_is_retryable() -> None:
    """An error that repeating cannot mend is raised at once."""
    world = World(OSError("again"), ValueError("never"))
    with pytest.raises(ValueError, match="never"):
        await world.retry(attempts=9).run(world.call, retryable=lambda error: isinstance(error, OSError))
    assert world.calls == 2


async def test_retry_after_is_honoured() -> None:
    """A dependency that names a time is not asked before it, and not by everybody at the same moment."""
    world = World(ResourceError("OVERLOADED", "", retry_after_seconds=7.0), share=0.5)
    await world.retry().run(world.call, retryable=ANYTHING)
    assert world.slept == [7.05]


async def test_retry_after_beyond_the_cap_is_not_waited_for() -> None:
    """Who is told to come back in an hour is told so at once."""
    world = World(ResourceError("RATE_LIMITED", "", retry_after_seconds=3600.0))
    with pytest.raises(ResourceError):
        await world.retry().run(world.call, retryable=ANYTHING)
    assert world.slept == []


async def test_the_deadline_counts_calls_and_waits() -> None:
    """No attempt begins after the deadline, and no wait is begun in vain."""
    world = World(*[TimeoutError()] * 99, call_seconds=1.0)
    with pytest.raises(TimeoutError):
        await world.retry(attempts=99, base_seconds=1.0, deadline_seconds=6.0).run(world.call, retryable=ANYTHING)
    assert world.slept == [1.0, 2.0]
    assert world.now == 6.0


async def test_cancellation_is_not_retried() -> None:
    """A caller that gives up ends the whole thing, in a call or in a wait."""
    world = World()

    async def cancelled() -> None:
        world.calls += 1
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.retry().run(cancelled, retryable=ANYTHING)
    assert world.calls == 1


@given(
    attempts=st.integers(1, 12),
    base=st.floats(0.001, 10),
    cap=st.floats(0.001, 60),
    share=st.floats(0, 1),
    asked=st.none() | st.floats(0, 100),
    deadline=st.none() | st.floats(0, 100),
)
def test_bounds_hold_for_any_policy(  # noqa: PLR0917
    attempts: int, base: float, cap: float, share: float, asked: float | None, deadline: float | None
) -> None:
    """Never more attempts than allowed, no wait above the cap or below what was asked, no start after the deadline."""
    world = World(*[ResourceError("OVERLOADED", "", retry_after_seconds=asked)] * 20, share=share)
    retry = world.retry(attempts=attempts, base_seconds=base, cap_seconds=cap, deadline_seconds=deadline)  # type: ignore[arg-type]
    with pytest.raises(ResourceError):
        asyncio.run(retry.run(world.call, retryable=ANYTHING))
    assert 1 <= world.calls <= attempts
    assert len(world.slept) == world.calls - 1
    assert all((asked or 0.0) <= wait <= cap for wait in world.slept)
    assert deadline is None or world.now <= deadline
