"""The server is as well as the parts it cannot do without."""

from __future__ import annotations

import pytest

from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.health import ComponentHealth, HealthStatus
from genesis_server.model.provenance import DegradationLevel
from genesis_server.orchestration.health import HealthCheck, Probe
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.method_files import shipped_methods

SNAPSHOTS = Snapshots(CatalogueIndex(Catalogue(snapshot_id="a1")), shipped_methods(), FlagSnapshot())


def probe(status: HealthStatus, *, needed: bool) -> Probe:
    async def ask() -> ComponentHealth:
        return ComponentHealth("part", status, needed=needed)

    return ask


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([(HealthStatus.HEALTHY, True), (HealthStatus.HEALTHY, False)], HealthStatus.HEALTHY),
        ([(HealthStatus.HEALTHY, True), (HealthStatus.UNHEALTHY, False)], HealthStatus.DEGRADED),
        ([(HealthStatus.DEGRADED, True), (HealthStatus.HEALTHY, False)], HealthStatus.DEGRADED),
        ([(HealthStatus.UNHEALTHY, True), (HealthStatus.DEGRADED, False)], HealthStatus.UNHEALTHY),
    ],
)
async def test_the_status_follows_from_the_parts(parts: list[tuple[HealthStatus, bool]], status: HealthStatus) -> None:
    times = iter([10.0, 12.5])
    check = HealthCheck(
        probes=[probe(part, needed=needed) for part, needed in parts], snapshots=lambda: SNAPSHOTS, clock=lambda: next(times)
    )
    report = await check.report()
    assert report.status is status
    assert report.uptime_seconds == 2.5
    assert report.level is DegradationLevel.HEURISTIC
    assert report.snapshot_ids["agents"] == "a1"


@pytest.mark.parametrize(("available", "level"), [(True, DegradationLevel.LLM), (False, DegradationLevel.HEURISTIC)])
async def test_the_level_is_the_best_that_plans_are_made_at_now(level: DegradationLevel, *, available: bool) -> None:
    check = HealthCheck(probes=[], snapshots=lambda: SNAPSHOTS, clock=lambda: 0.0, model_available=lambda: available)
    assert (await check.report()).level is level
