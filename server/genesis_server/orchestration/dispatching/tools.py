"""What every desk of a process works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genesis_server.agents.agent_breakers import AgentBreakers
from genesis_server.agents.roster import Roster
from genesis_server.orchestration.dispatching.observer import DispatchObserver
from genesis_server.orchestration.runs import RunStore
from genesis_server.orchestration.updating import Updater
from genesis_server.routing.policy import RoutingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long is waited, and how much is taken."""

    acknowledge_seconds: float = 10.0
    """For a worker to acknowledge a task."""
    reroute_seconds: float = 10.0
    """For an agent that is not live, before another one gets a ready task."""
    task_timeout_seconds: float = 600.0
    """For an attempt at a task that says none itself."""
    max_artefact_bytes: int = 64 * 1024
    """Values of one task's outputs together, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The parts a desk works with; everything that varies is passed in."""

    updater: Updater
    runs: RunStore
    roster: Roster
    breakers: AgentBreakers
    policy: RoutingPolicy
    """For the tokens a task is expected to use."""
    observer: DispatchObserver
    limits: Limits
    clock: Callable[[], float]
    """Monotonic seconds."""
    now: Callable[[], float]
    """Seconds since the epoch."""
    draw: Callable[[], float]
    """Random numbers from 0 to 1, for the jitter of retries."""
    new_lease_id: Callable[[], str]
    """Unguessable ids."""
    tries_again: Callable[[], bool] = lambda: True
    """Whether a task that failed is tried again: the flag `error_handling_enabled`."""
    batches: Callable[[], bool] = lambda: True
    """Whether what came together is written together: the flag `performance_optimizations_enabled`."""
