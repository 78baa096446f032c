"""The engines that the behaviour suite runs on: a second one adds its class to ENGINES."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from genesis_server.storage.base import Store
from genesis_server.storage.sqlite.store import SqliteStore


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Engine(Protocol):
    """Opens stores over the same data, each as another process would."""

    def __init__(self, place: Path, clock: Clock) -> None: ...

    def open(self) -> Store: ...


class SqliteEngine:
    def __init__(self, place: Path, clock: Clock) -> None:
        self._path, self._clock = place / "store.db", clock

    def open(self) -> Store:
        return SqliteStore(self._path, clock=self._clock)


ENGINES: dict[str, type[Engine]] = {"sqlite": SqliteEngine}
