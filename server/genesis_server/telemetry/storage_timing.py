"""Times a store's operations from outside, so that no storage engine knows of metrics."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from genesis_server.telemetry.metrics import STORAGE_OPERATIONS

StoreT = TypeVar("StoreT")


class _Timed:
    def __init__(self, store: object, observe: Callable[[str, float], None], clock: Callable[[], float]) -> None:
        self._store = store
        for name in STORAGE_OPERATIONS:
            if hasattr(store, name):
                setattr(self, name, _timed(getattr(store, name), name, observe, clock))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def timed_store(store: StoreT, observe: Callable[[str, float], None], clock: Callable[[], float] = time.perf_counter) -> StoreT:
    """`store` with every operation told to `observe(operation, seconds)`, waiting in its queue included, also when it fails."""
    return cast("StoreT", _Timed(store, observe, clock))


def _timed(operation: Any, name: str, observe: Callable[[str, float], None], clock: Callable[[], float]) -> Any:
    async def run(*args: Any, **kwargs: Any) -> Any:
        start = clock()
        try:
            return await operation(*args, **kwargs)
        finally:
            observe(name, clock() - start)

    return run
