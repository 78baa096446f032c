"""Work that gets done: sessions of workers, leases, attempts, reports, budgets, values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from genesis_server.model.caller import Caller
from genesis_server.model.catalogue import AgentCard
from genesis_server.model.money import Money

DEFAULT_PRIORITY = 5


@dataclass(frozen=True, slots=True)
class RunBudget:
    """What a whole run of a plan may use; None: no limit."""

    cost: Money | None = None
    tokens: int | None = None
    tasks: int | None = None
    """Attempts at tasks."""
    seconds: float | None = None
    """From the moment the run was opened."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, is set aside, or is expected to be used."""

    cost: Money = Money()
    tokens: int = 0
    tasks: int = 0
    """Attempts at tasks."""


@dataclass(frozen=True, slots=True)
class ArtefactReference:
    """A value that lies elsewhere."""

    uri: str
    sha256: str
    """Of its bytes, lower-case hexadecimal."""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """What a task needs or put out, by artefact name."""

    plain: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """JSON values."""
    references: Mapping[str, ArtefactReference] = field(default_factory=dict[str, ArtefactReference])


class AttemptOutcome(IntEnum):
    """How far an attempt at a task came."""

    UNSPECIFIED = 0
    RUNNING = 1
    DONE = 2
    FAILED = 3
    DECLINED = 4
    """Counts for nothing; the agent does not get the task again."""
    LOST = 5
    """The worker fell silent."""
    TIMED_OUT = 6
    RETURNED = 7
    """Handed back or never arrived; counts for nothing."""
    CANCELLED = 8

    @property
    def counts(self) -> bool:
        """Whether it is one of the attempts a task may have."""
        return self not in {AttemptOutcome.DECLINED, AttemptOutcome.RETURNED, AttemptOutcome.CANCELLED}


class WaitingFor(IntEnum):
    """Why a ready task is not worked on."""

    UNSPECIFIED = 0
    AGENT = 1
    SLOT = 2
    RETRY = 3
    BUDGET = 4
    APPROVAL = 5
    BREAKER = 6


class LeaseNoticeKind(IntEnum):
    """What happened to a lease a worker holds."""

    UNSPECIFIED = 0
    LOST = 1
    CANCELLED = 2
    PAUSED = 3
    RESUMED = 4


@dataclass(frozen=True, slots=True)
class LeaseToken:
    """What proves that a worker holds a task."""

    lease_id: str
    """Unguessable."""
    token: int
    """Fencing token: every later lease of the plan has a larger one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task; it holds the task while its outcome is RUNNING."""

    number: int
    """From 1 over all agents."""
    agent_id: str
    session_id: str
    lease: LeaseToken
    begin: float
    """When it was handed out, in seconds since the epoch."""
    seconds: float
    """How long it may take."""
    expected: Usage = Usage()
    """Set aside for it."""
    outcome: AttemptOutcome = AttemptOutcome.RUNNING
    error: str = ""
    end: float | None = None
    usage: Usage | None = None
    """As reported; None: nothing was."""
    permanent: bool = False
    """Whether the agent said that it need not try again."""
    fraction: float = 0.0
    """How far a running one says it is, 0 to 1."""
    message: str = ""
    """What a running one says it does."""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """How far the work on a task came."""

    task_id: str
    attempts: tuple[Attempt, ...] = ()
    not_before: float = 0.0
    """The next attempt has to wait until then, in seconds since the epoch."""
    dead_letter: str = ""
    """Why it was given up for good; empty: it was not."""

    @property
    def running(self) -> Attempt | None:
        """The attempt that holds the task."""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and last.outcome is AttemptOutcome.RUNNING else None

    @property
    def counted(self) -> int:
        """How many attempts count against the task's retry policy."""
        return sum(attempt.outcome.counts for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class PlanRun:
    """The work on a plan: one stored document beside the plan's, so that leases, budget and plan move in one transaction."""

    plan_id: str
    plan_version: int
    """Version of the plan this goes with."""
    begin: float
    """When the run was opened, in seconds since the epoch."""
    budget: RunBudget = RunBudget()
    spent: Usage = Usage()
    dispatched: bool = False
    """Whether agents are to get its tasks."""
    priority: int = DEFAULT_PRIORITY
    """0 to 9, higher goes first."""
    last_token: int = 0
    """The fencing token given last."""
    tasks: Mapping[str, TaskRun] = field(default_factory=dict[str, TaskRun])
    """By id, those that were handed out or given up."""
    traceparent: str = ""
    """Trace context of whoever asked for the dispatch."""
    correlation_id: str = ""
    caller: Caller | None = None
    """Who asked for the run; its tasks are routed anew on their behalf."""


@dataclass(frozen=True, slots=True)
class Done:
    """A task succeeded."""

    outputs: Values = Values()


@dataclass(frozen=True, slots=True)
class Failed:
    """A task failed."""

    error: str
    permanent: bool = False
    """Whether the same agent need not try again."""


@dataclass(frozen=True, slots=True)
class Declined:
    """A worker does not want a task."""

    reason: str
    hand_back: bool = False
    """Whether its agent would take it another time."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a task went, as told by whoever did it."""

    plan_id: str
    task_id: str
    outcome: Done | Failed | Declined
    lease: LeaseToken | None = None
    """None: the work was done elsewhere."""
    usage: Usage | None = None
    agent_id: str = ""
    """Who did it, when it was done elsewhere; empty: whom the routing names."""
    request_id: str = field(default="", compare=False)
    """Tells a report without a lease from others of its task when it is told again; empty: each is another one."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a run stands with its budget."""

    limit: RunBudget
    spent: Usage
    reserved: Usage
    """Set aside for tasks under way."""
    begin: float
    """When the run was opened, in seconds since the epoch."""
    exhausted: tuple[str, ...] = ()
    """What keeps further tasks from being handed out: "cost", "tokens", "tasks", "time"."""


@dataclass(frozen=True, slots=True)
class LeaseProgress:
    """How far a task under way is, as its worker says."""

    plan_id: str
    task_id: str
    lease: LeaseToken
    fraction: float
    """0 to 1."""
    message: str = ""


class SessionState(IntEnum):
    """Whether a worker is there."""

    UNSPECIFIED = 0
    LIVE = 1
    LOST = 2
    """It was silent for too long."""
    LEFT = 3


@dataclass(frozen=True, slots=True)
class Session:
    """A worker: a process that works for an agent."""

    id: str
    agent_id: str
    card: AgentCard
    joined: float
    """Seconds since the epoch."""
    beats: int = 0
    """Signs of life so far: a reader that sees no new one for the lease's time, by its own clock, takes the worker for lost."""
    load: float = 0.0
    """By the worker's own measure, 0 to 1."""
    state: SessionState = SessionState.LIVE
    streams: int = 0
    """Streams of work it has opened so far, at any process: only the last one counts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt at a task ended: history that is stored once and never changed."""

    plan_id: str
    task_id: str
    agent_id: str
    model_id: str
    capability: str
    number: int
    """The fencing token of its lease; 0 for work done elsewhere."""
    outcome: AttemptOutcome
    time: float
    """Seconds since the epoch."""
    seconds: float | None
    """How long it took; None: not known."""
    error: str = ""
    usage: Usage | None = None
    expected: Usage | None = None
