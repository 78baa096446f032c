"""The Observer of orchestration/observer.py: what it is told is counted, and phases become spans."""

from __future__ import annotations

import sys

from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.tracing import Tracing


class Observing:
    """Hands on what the orchestrator tells."""

    def __init__(self, metrics: Metrics, tracing: Tracing) -> None:
        """Count in `metrics`, record with `tracing`."""
        self._metrics = metrics
        self._tracing = tracing
        self.planned = metrics.planned
        self.routed = metrics.routed
        self.judged = metrics.judged
        self.suspected = metrics.suspected

    def phase(self, name: str, seconds: float) -> None:
        """A phase has just ended, well or not."""
        self._metrics.phase(name, seconds)
        self._tracing.phase(name, seconds, error=sys.exception())
