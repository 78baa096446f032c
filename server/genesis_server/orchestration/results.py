"""What the orchestrator answers, and how a plan is to be carried out."""

from __future__ import annotations

from dataclasses import dataclass, field

from genesis_server.model.plan import Plan
from genesis_server.model.provenance import PhaseDuration, Provenance
from genesis_server.model.routing import Routing
from genesis_server.model.validation import Repair, Verdict
from genesis_server.model.work import DEFAULT_PRIORITY, RunBudget
from genesis_server.validation.fixpoint import Mended


@dataclass(frozen=True, slots=True)
class Progress:
    """A phase of planning ended."""

    phase: PhaseDuration
    task_count: int
    message: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan."""

    plan: Plan
    provenance: Provenance
    stored: bool = True


@dataclass(frozen=True, slots=True)
class Routed:
    """A routing."""

    routing: Routing
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict."""

    verdict: Verdict
    provenance: Provenance
    mended: Mended | None = None
    """What the fixes made of the plan, when they were to be applied."""


@dataclass(frozen=True, slots=True)
class Orchestrated:
    """A routed, judged plan."""

    plan: Plan
    routing: Routing
    verdict: Verdict
    repairs: tuple[Repair, ...]
    provenance: Provenance
    stored: bool = True


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a plan is carried out."""

    budget: RunBudget = field(default_factory=RunBudget)
    dispatched: bool = False
    """Whether agents are to get its tasks."""
    priority: int = DEFAULT_PRIORITY
    """0 to 9, higher goes first."""
    traceparent: str = ""
    """W3C trace context of the call; empty: it is not recorded."""
