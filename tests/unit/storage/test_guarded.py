from __future__ import annotations

from typing import Any

import pytest
from engines import Clock

from genesis_server.resilience.breakers import Breaker, BreakerState
from genesis_server.resilience.errors import NetworkError, ResourceError
from genesis_server.resilience.retry import Retry
from genesis_server.storage.base import Key, Lease, Put, Store, VersionConflictError
from genesis_server.storage.guarded import GuardedStore, is_fault

KEY = Key("acme", "plan", "p1")
UNAVAILABLE = ResourceError("STORAGE_UNAVAILABLE", "down")
FULL = ResourceError("STORAGE_FULL", "full")
LEASE = Lease("acme", "task", "me", 1, 0.0)
CALLS: dict[str, tuple[tuple[object, ...], dict[str, object]]] = {
    "get": ((KEY,), {}),
    "put": ((KEY, b"x"), {"expected": 3, "expires": 5.0}),
    "put_all": (([Put(KEY, b"x", expected=3, expires=5.0)],), {}),
    "delete": ((KEY,), {"expected": 3}),
    "list": (("acme", "plan"), {"prefix": "a", "after": "b", "limit": 7, "descending": True}),
    "append": (("acme", "audit", [b"x"]), {}),
    "read": (("acme", "audit"), {"after": 3, "limit": 7}),
    "acquire": (("acme", "task", "me"), {"seconds": 5.0, "slots": 2}),
    "renew": ((LEASE,), {"seconds": 5.0}),
    "release": ((LEASE,), {}),
}


class Flaky:
    """Raises the errors it was given, one a call (None: answers), then answers; remembers what it was called with."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> str:
            self.calls.append((name, args, kwargs))
            error = self.errors.pop(0) if self.errors else None
            if error is not None:
                raise error
            return "answer"

        return call


def guarded(flaky: Flaky, clock: Clock, *, enabled: bool = True) -> tuple[GuardedStore, Breaker]:
    breaker = Breaker("storage", clock=clock, is_fault=is_fault, failures=3)

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    retry = Retry(attempts=2, sleep=sleep, clock=clock)
    return GuardedStore(flaky, breaker=breaker, retry=retry, enabled=lambda: enabled), breaker  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CALLS)
async def test_every_call_is_retried_and_passed_on_whole(name: str, clock: Clock) -> None:
    """Each call survives one failure and reaches the store with all that the caller said."""
    args, kwargs = CALLS[name]
    flaky = Flaky(UNAVAILABLE)
    store, _ = guarded(flaky, clock)
    assert await getattr(store, name)(*args, **kwargs) == "answer"
    assert flaky.calls == [(name, args, kwargs)] * 2


async def test_a_dead_store_is_left_alone(clock: Clock) -> None:
    """After some failures in a row callers are refused at once, and served again after a good trial."""
    flaky = Flaky(*[UNAVAILABLE] * 6)
    store, breaker = guarded(flaky, clock)
    for _ in range(3):
        with pytest.raises(ResourceError):
            await store.get(KEY)
    with pytest.raises(NetworkError) as caught:
        await store.get(KEY)
    assert caught.value.reason == "DEPENDENCY_CIRCUIT_OPEN"
    assert caught.value.facts == {"dependency": "storage"}
    assert len(flaky.calls) == 6
    assert breaker.reason == "STORAGE_UNAVAILABLE"
    clock.now += 60
    assert await store.get(KEY) == "answer"
    assert breaker.state is BreakerState.CLOSED


async def test_a_hiccup_is_repeated_and_not_held_against_the_store(clock: Clock) -> None:
    """Only a call whose attempts all failed counts."""
    flaky = Flaky(*[UNAVAILABLE, None] * 5)
    store, breaker = guarded(flaky, clock)
    for _ in range(5):
        assert await store.get(KEY) == "answer"
    assert len(flaky.calls) == 10
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("error", [FULL, VersionConflictError(KEY, 1, 2)])
async def test_a_full_disk_and_a_conflict_are_answers(error: Exception, clock: Clock) -> None:
    """What the store says on purpose is neither repeated nor held against it."""
    flaky = Flaky(*[error] * 10)
    store, breaker = guarded(flaky, clock)
    for _ in range(10):
        with pytest.raises(type(error)):
            await store.put(KEY, b"x")
    assert len(flaky.calls) == 10
    assert breaker.state is BreakerState.CLOSED


async def test_without_error_handling_each_call_is_one_attempt(clock: Clock) -> None:
    """With the flag off the caller sees the plain error every time and no breaker opens."""
    flaky = Flaky(*[UNAVAILABLE] * 9)
    store, breaker = guarded(flaky, clock, enabled=False)
    for _ in range(9):
        with pytest.raises(ResourceError):
            await store.get(KEY)
    assert len(flaky.calls) == 9
    assert breaker.state is BreakerState.CLOSED
    assert await store.get(KEY) == "answer"


async def test_checks_and_closing_pass_an_open_breaker(clock: Clock) -> None:
    """Health sees the store itself, however the breaker stands."""
    flaky = Flaky(*[UNAVAILABLE] * 6)
    store, breaker = guarded(flaky, clock)
    for _ in range(3):
        with pytest.raises(ResourceError):
            await store.get(KEY)
    assert breaker.state is BreakerState.OPEN
    await store.check()
    await store.close()
    assert [name for name, _, _ in flaky.calls[6:]] == ["check", "close"]


async def test_watching_passes_through(store: Store, clock: Clock) -> None:
    """A guarded store that works behaves like the store, watching included."""
    breaker = Breaker("storage", clock=clock, is_fault=is_fault)
    wrapped = GuardedStore(store, breaker=breaker, retry=Retry())
    changes = wrapped.watch("acme", "plan", after_revision=0)
    assert await wrapped.put(KEY, b"x") == 1
    assert (await anext(changes)).key == KEY


WRITES = ("put", "put_all", "delete", "append", "acquire", "renew", "release")


@pytest.mark.parametrize("name", CALLS)
async def test_while_writes_are_refused_reads_go_on(name: str, clock: Clock) -> None:
    """Nothing reaches the store that would change it, and what is refused is no fault of the store."""
    args, kwargs = CALLS[name]
    flaky, refused = Flaky(), ResourceError("READ_ONLY_MODE", "no")
    breaker = Breaker("storage", clock=clock, is_fault=is_fault, failures=1)
    store = GuardedStore(flaky, breaker=breaker, retry=Retry(), refusal=lambda _: refused)  # type: ignore[arg-type]
    if name in WRITES:
        with pytest.raises(ResourceError) as caught:
            await getattr(store, name)(*args, **kwargs)
        assert caught.value is refused
        assert flaky.calls == []
        assert breaker.state == "closed"
    else:
        assert await getattr(store, name)(*args, **kwargs) == "answer"


async def test_kinds_that_are_always_written_are_written_together_only(clock: Clock) -> None:
    flaky = Flaky()
    breaker = Breaker("storage", clock=clock, is_fault=is_fault)
    refused = ResourceError("MAINTENANCE_MODE", "no")
    store = GuardedStore(
        flaky,  # type: ignore[arg-type]
        breaker=breaker,
        retry=Retry(),
        refusal=lambda kind: None if kind == "emergency" else refused,
    )
    always, other = Put(Key("t", "emergency", "a"), b""), Put(Key("t", "plan", "a"), b"")
    await store.put_all([always])
    with pytest.raises(ResourceError):
        await store.put_all([always, other])
    assert len(flaky.calls) == 1
