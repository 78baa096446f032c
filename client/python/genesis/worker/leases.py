"""The tasks a worker holds, and the slots they take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from genesis.v1.agent_service_pb2 import LeaseProgress, WorkAssignment
from genesis.worker.context import TaskContext
from genesis.worker.skill import Skill

_MOST_NEWS = 1000


class End(Enum):
    """Why a task is let go before its function ended; the value is what the server is told when it is handed back."""

    LOST = ""
    """Its lease was taken back, or the plan does not need it any more: a report would be refused."""
    STOPPING = "the worker stops"
    SILENCE = "no sign of life was answered for as long as a lease lasts"


@dataclass(eq=False, slots=True)
class Held:
    """A task under a lease of this worker."""

    assignment: WorkAssignment
    skill: Skill
    context: TaskContext
    end: End | None = None
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with `end`."""

    @property
    def lease_id(self) -> str:
        """Id of the lease."""
        return self.assignment.lease.lease_id

    def finish(self, end: End) -> None:
        """Let it go; the first reason stands."""
        self.end = self.end or end
        self.let_go.set()


class Leases:
    """What a worker holds. A slot is taken while a function runs, even one whose lease is gone and that does not stop."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._held: dict[str, Held] = {}
        self._running: set[Held] = set()
        self.news = asyncio.Event()
        """Set when a task told how far it is."""
        self.idle = asyncio.Event()
        """Set while nothing is held."""
        self.idle.set()

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def get(self, lease_id: str) -> Held | None:
        """The task under a lease."""
        return self._held.get(lease_id)

    @property
    def ids(self) -> list[str]:
        """The leases."""
        return list(self._held)

    @property
    def free(self) -> bool:
        """Whether another function can run."""
        return len(self._running) < self._slots

    @property
    def slots(self) -> int:
        """How many tasks can be held at once, less the functions that run on without a lease."""
        return self._slots - sum(held.lease_id not in self._held for held in self._running)

    @property
    def load(self) -> float:
        """How busy the worker is, 0 to 1."""
        return min(1.0, len(self._running) / self._slots)

    def add(self, held: Held) -> None:
        """A task has come, and its function starts."""
        self._held[held.lease_id] = held
        self._running.add(held)
        self.idle.clear()

    def ended(self, held: Held) -> None:
        """Its function has ended."""
        self._running.discard(held)

    def release(self, held: Held) -> None:
        """Its lease is over."""
        self._held.pop(held.lease_id, None)
        if not self._held:
            self.idle.set()

    def finish_all(self, end: End) -> None:
        """Let everything go."""
        for held in self:
            held.finish(end)

    def take_news(self) -> list[tuple[Held, tuple[float, str]]]:
        """What tasks told since the last time; each is told once."""
        self.news.clear()
        found: list[tuple[Held, tuple[float, str]]] = []
        for held in self:
            if held.context.told is not None and len(found) < _MOST_NEWS:
                found.append((held, held.context.told))
                held.context.told = None
        return found


def lease_progress(held: Held, told: tuple[float, str]) -> LeaseProgress:
    """What a task told, for a heartbeat."""
    given = held.assignment
    return LeaseProgress(plan_id=given.plan_id, task_id=given.task.id, lease=given.lease, fraction=told[0], message=told[1])
