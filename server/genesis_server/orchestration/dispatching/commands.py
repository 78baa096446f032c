"""What is to be done with one plan; a desk takes all that came for a plan together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from genesis_server.model.work import AttemptOutcome, LeaseToken, Report
from genesis_server.orchestration.dispatching.answers import Reported
from genesis_server.orchestration.dispatching.stream import WorkStream


@dataclass(frozen=True, slots=True, eq=False)
class TakeReport:
    """Take a report, and answer it."""

    report: Report
    agent_id: str | None
    """Who reports, when an agent does; None: a client."""
    answer: asyncio.Future[Reported]

    def accept(self, reported: Reported) -> None:
        """Tell who waits; nobody may wait any more."""
        if not self.answer.done():
            self.answer.set_result(reported)

    def refuse(self, error: Exception) -> None:
        """Tell who waits why not; nobody may wait any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class TakeBack:
    """End an attempt whose worker cannot end it."""

    task_id: str
    lease: LeaseToken
    outcome: AttemptOutcome
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class HandOut:
    """Give a task to a worker."""

    task_id: str
    stream: WorkStream
    ready_since: float
    """By the monotonic clock."""
    instead: TakeReport | None = None
    """The report whose end of a lease makes room for it; None: there is room."""


@dataclass(frozen=True, slots=True)
class Reroute:
    """Find somebody else for a task."""

    task_id: str
    excluded: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoteProgress:
    """Write how far a plan's tasks are, as its leases say."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Somebody wrote the plan or its run: read them again, unless this is known."""

    version: int | None = None
    """Of the run's document; None: whatever it is."""


Command = TakeReport | TakeBack | HandOut | Reroute | NoteProgress | Reload
