"""What a plan was not made of, and why."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.plan import TaskSource
from genesis_server.model.span import Span

MAX_REJECTED_PER_ACTION = 10


@dataclass(frozen=True, slots=True)
class Rejected:
    """A method or a catalogue entry that was considered for an action and not taken."""

    source: TaskSource
    """METHOD or CATALOGUE."""
    id: str
    """The method's id, or the entry's skill id or tool name."""
    score: float
    """How well it fits; comparable within one action and one source."""
    reason: str
    """One clause: "ticket_query fits better"."""
    span: Span | None = None
    """The words it was considered for."""


@dataclass(frozen=True, slots=True)
class PlanExplanation:
    """What was considered for a plan and not taken, in the order of the goal."""

    rejected: tuple[Rejected, ...] = ()
    """At most MAX_REJECTED_PER_ACTION of an action, the best first."""
