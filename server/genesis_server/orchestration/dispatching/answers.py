"""What the dispatcher tells workers and callers."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.plan import PlanState, Task, TaskState
from genesis_server.model.routing import Target
from genesis_server.model.work import Attempt, Balance, LeaseNoticeKind, TaskRun, Values, WaitingFor


@dataclass(frozen=True, slots=True)
class Assigned:
    """A task for a worker."""

    plan_id: str
    plan_goal: str
    task: Task
    inputs: Values
    attempt: Attempt
    target: Target
    traceparent: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened to a lease a worker holds."""

    lease_id: str
    kind: LeaseNoticeKind
    message: str


@dataclass(frozen=True, slots=True)
class Move:
    """The server is about to stop, or another stream of the session took over: this stream ends."""


StreamMessage = Assigned | Notice | Move


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a report."""

    duplicate: bool
    plan_version: int
    task_state: TaskState
    plan_state: PlanState
    next: str
    """One sentence."""
    balance: Balance


@dataclass(frozen=True, slots=True)
class TaskRunView:
    """The work on a task as callers see it."""

    run: TaskRun
    waiting_for: WaitingFor = WaitingFor.UNSPECIFIED
    waiting_message: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """The work on a plan as callers see it."""

    balance: Balance
    runs: tuple[TaskRunView, ...]
    """Of tasks that were handed out, given up or are ready, in the plan's order."""
    dispatched: bool
    priority: int
