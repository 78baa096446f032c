"""What the orchestrator tells of its work; telemetry implements it."""

from __future__ import annotations

from typing import Protocol

from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel, TripwireHit
from genesis_server.model.routing import Routing
from genesis_server.model.validation import Verdict


class Observer(Protocol):
    """Told of every phase and decision; must not fail and must not wait."""

    def phase(self, name: str, seconds: float) -> None:
        """A phase that took so long has just ended; when it failed, this is told while its error is on the way."""
        ...

    def planned(self, plan: Plan, level: DegradationLevel) -> None:
        """A plan was made."""
        ...

    def routed(self, routing: Routing) -> None:
        """A plan was routed."""
        ...

    def judged(self, verdict: Verdict) -> None:
        """A plan was judged."""
        ...

    def suspected(self, hits: tuple[TripwireHit, ...], *, blocked: bool) -> None:
        """The tripwire saw something."""
        ...
