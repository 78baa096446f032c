"""The probes that `Health` asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from genesis_server.agents.registry import AgentRegistry
from genesis_server.flags.definition import flags_not_built
from genesis_server.flags.source import FlagSource
from genesis_server.model.health import ComponentHealth, HealthStatus
from genesis_server.orchestration.health import HealthReport, Probe
from genesis_server.orchestration.policy.active import ActiveRulebook
from genesis_server.planning.method_source import MethodSource
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import GenesisError
from genesis_server.storage.base import Store


def storage_probe(store: Store, breaker: Breaker, *, clock: Callable[[], float], now: Callable[[], float]) -> Probe:
    """Whether the store answers; the server cannot keep plans without it."""

    async def probe() -> ComponentHealth:
        retry_at = breaker.retry_at
        retry_time = None if retry_at is None else now() + retry_at - clock()
        try:
            await store.check()
        except GenesisError as error:
            return ComponentHealth(
                "storage", HealthStatus.UNHEALTHY, error.message, needed=True, breaker_state=breaker.state, retry_time=retry_time
            )
        return ComponentHealth("storage", HealthStatus.HEALTHY, needed=True, breaker_state=breaker.state, retry_time=retry_time)

    return probe


def agents_probe(registry: AgentRegistry) -> Probe:
    """Whether the agents are those of the file as it is now."""

    async def probe() -> ComponentHealth:
        status = registry.status
        return _file_health("agents", () if status.healthy else (status.message,), status.since)

    return probe


def methods_probe(source: MethodSource) -> Probe:
    """Whether the methods are those of the files as they are now."""

    async def probe() -> ComponentHealth:
        return _file_health("methods", source.mistakes, source.since)

    return probe


def flags_probe(source: FlagSource) -> Probe:
    """Whether the flags are those of the file as it is now."""

    async def probe() -> ComponentHealth:
        return _file_health("flags", source.status.mistakes, source.status.since)

    return probe


def rulebook_probe(active: ActiveRulebook) -> Probe:
    """Whether the rulebook in use is the one that should be."""

    async def probe() -> ComponentHealth:
        return _file_health("rulebook", active.problems, active.since)

    return probe


def _file_health(name: str, mistakes: tuple[str, ...], since: float) -> ComponentHealth:
    if len(mistakes) == 0:
        return ComponentHealth(name, HealthStatus.HEALTHY)
    more = f" (and {len(mistakes) - 1} more mistakes)" if len(mistakes) > 1 else ""
    return ComponentHealth(name, HealthStatus.DEGRADED, f"since {_moment(since)}: {mistakes[0]}{more}")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def health_json(report: HealthReport, *, version: str) -> dict[str, object]:
    """The body of `GET /health`."""
    return {
        "status": report.status.name.lower(),
        "degradation_level": report.level.name,
        "version": version,
        "uptime_seconds": round(report.uptime_seconds, 3),
        "components": [
            {
                "name": component.name,
                "status": component.status.name.lower(),
                **({"message": component.message} if component.message else {}),
                **({"breaker": component.breaker_state} if component.breaker_state else {}),
                **({"retry_at": _moment(component.retry_time)} if component.retry_time is not None else {}),
            }
            for component in report.components
        ],
        "snapshots": report.snapshot_ids,
        "flags_not_built": list(flags_not_built()),
    }
