"""How the server is: its parts, and the worst of those that matter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from genesis_server.model.health import ComponentHealth, HealthStatus
from genesis_server.model.provenance import DegradationLevel
from genesis_server.orchestration.drafting import MODEL_FLAG
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

    def __init__(
        self,
        *,
        probes: Sequence[Probe],
        snapshots: Callable[[], Snapshots],
        clock: Callable[[], float],
        model_available: Callable[[], bool] = lambda: False,
        of_tenant: Callable[[str], Sequence[ComponentHealth]] = lambda _: (),
    ) -> None:
        """Take the probes; uptime counts from now on.

        Args:
            probes: of the parts of the server.
            snapshots: what is in use now.
            clock: monotonic seconds.
            model_available: whether a language model drafts plans.
            of_tenant: the components that are one tenant's and not well, asked for each report.
        """
        self._probes = tuple(probes)
        self._snapshots = snapshots
        self._clock = clock
        self._model_available = model_available
        self._of_tenant = of_tenant
        self._start = clock()

    async def report(self, tenant: str | None = None) -> HealthReport:
        """Ask; the server is unhealthy when a component it cannot do without is, degraded when any component is not well.

        With a tenant, its own components are told too; they count as the others do.
        """
        components = tuple([await probe() for probe in self._probes])
        if tenant is not None:
            components += tuple(self._of_tenant(tenant))
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
            level=self._level(snapshots),
            snapshot_ids={
                "agents": snapshots.agents.catalogue.snapshot_id,
                "methods": snapshots.methods.snapshot_id,
                "flags": snapshots.flags.snapshot_id,
                "rulebook": snapshots.rulebook.version,
            },
            uptime_seconds=self._clock() - self._start,
        )

    def _level(self, snapshots: Snapshots) -> DegradationLevel:
        """The best level a plan is made at now."""
        if snapshots.minimal_reason:
            return DegradationLevel.MINIMAL
        if self._model_available() and snapshots.flags.enabled(MODEL_FLAG):
            return DegradationLevel.LLM
        return DegradationLevel.HEURISTIC
