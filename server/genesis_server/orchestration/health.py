"""How the server is: its parts, and the worst of those that matter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from genesis_server.model.health import ComponentHealth, HealthStatus
from genesis_server.model.provenance import DegradationLevel
from genesis_server.orchestration.snapshots import Snapshots

Probe = Callable[[], Awaitable[ComponentHealth]]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What `Health` answers."""

    status: HealthStatus
    components: tuple[ComponentHealth, ...]
    level: DegradationLevel
    snapshot_ids: dict[str, str]
    uptime_seconds: float


class HealthCheck:
    """Asks every probe."""

    def __init__(self, *, probes: Sequence[Probe], snapshots: Callable[[], Snapshots], clock: Callable[[], float]) -> None:
        """Take the probes; uptime counts from now on the monotonic `clock`."""
        self._probes = tuple(probes)
        self._snapshots = snapshots
        self._clock = clock
        self._start = clock()

    async def report(self) -> HealthReport:
        """Ask; the server is unhealthy when a component it cannot do without is, degraded when any component is not well."""
        components = tuple([await probe() for probe in self._probes])
        if any(component.status is HealthStatus.UNHEALTHY and component.needed for component in components):
            status = HealthStatus.UNHEALTHY
        elif all(component.status is HealthStatus.HEALTHY for component in components):
            status = HealthStatus.HEALTHY
        else:
            status = HealthStatus.DEGRADED
        snapshots = self._snapshots()
        return HealthReport(
            status=status,
            components=components,
            level=DegradationLevel.MINIMAL if snapshots.minimal_reason else DegradationLevel.HEURISTIC,
            snapshot_ids={
                "agents": snapshots.agents.catalogue.snapshot_id,
                "methods": snapshots.methods.snapshot_id,
                "flags": snapshots.flags.snapshot_id,
            },
            uptime_seconds=self._clock() - self._start,
        )
