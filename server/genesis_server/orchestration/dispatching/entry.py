"""A plan that agents carry out, as this process keeps it in memory between two writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from genesis_server.model.work import Attempt, LeaseProgress
from genesis_server.orchestration.dispatching.commands import Command
from genesis_server.orchestration.dispatching.plan_clock import PlanClock
from genesis_server.orchestration.dispatching.state import State


@dataclass(slots=True)
class Lease:
    """A lease that is out."""

    task_id: str
    attempt: Attempt
    seen: float
    """When this process saw it first, by the monotonic clock: its time runs from here, whatever the wall clocks say."""
    unchecked: bool = False
    """Whether the storage could not tell if its worker is there."""
    leaving: bool = False
    """Whether it is being taken back."""
    unheard: float | None = None
    """Since when its worker's stream is gone without having acknowledged it, by the monotonic clock."""
    progress: LeaseProgress | None = None
    """How far its worker says it is, while that is not written."""
    progress_at: float = -inf
    """When that was written last, or tried, by the monotonic clock."""


@dataclass(slots=True)
class Entry:
    """One plan; everything but `state` can be made again from it."""

    plan_id: str
    state: State | None = None
    """None: not read yet."""
    inbox: list[Command] = field(default_factory=list["Command"])
    working: bool = False
    """Whether somebody takes care of the inbox."""
    leases: dict[str, Lease] = field(default_factory=dict[str, Lease])
    """By lease id."""
    ready_since: dict[str, float] = field(default_factory=dict[str, float])
    """Tasks that could be worked on, since when by the monotonic clock."""
    queued: dict[str, str] = field(default_factory=dict[str, str])
    """Tasks in an agent's queue, with the agent."""
    offered: set[str] = field(default_factory=set[str])
    """Tasks that are being handed out."""
    blocked: dict[str, str] = field(default_factory=dict[str, str])
    """Tasks the budget has no room for, with the part of it."""
    asked: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    """Tasks somebody else was looked for, with the circumstances that were looked at and whom they were routed to."""
    timers: dict[str, float] = field(default_factory=dict[str, float])
    """Tasks that are looked at again at a time, by the monotonic clock."""
    clock: PlanClock = field(default_factory=PlanClock)
    ranks: Mapping[str, float] = field(default_factory=dict[str, float])
    """Expected seconds from each task to the plan's end."""
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    """Each task's place in the plan."""
