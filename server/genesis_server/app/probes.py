"""The probes that `Health` asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from genesis_server.agents.agent_breakers import AgentBreakers
from genesis_server.agents.registry import AgentRegistry
from genesis_server.flags.definition import flags_not_built
from genesis_server.flags.emergency import Modes
from genesis_server.model.health import ComponentHealth, HealthStatus, with_breaker
from genesis_server.orchestration.health import HealthReport, Probe
from genesis_server.orchestration.policy.active import ActiveRulebook
from genesis_server.planning.method_source import MethodSource
from genesis_server.resilience.breakers import Breaker, BreakerState
from genesis_server.resilience.errors import GenesisError
from genesis_server.security.agent_key_source import AgentKeySource
from genesis_server.storage.base import Store


def storage_probe(store: Store, breaker: Breaker, *, clock: Callable[[], float], now: Callable[[], float]) -> Probe:
    """Whether the store answers; the server cannot keep plans without it."""

    async def probe() -> ComponentHealth:
        status, message = HealthStatus.HEALTHY, ""
        try:
            await store.check()
        except GenesisError as error:
            status, message = HealthStatus.UNHEALTHY, error.message
        return with_breaker(ComponentHealth("storage", status, message, needed=True), breaker, clock=clock, now=now)

    return probe


def agent_breakers_health(breakers: AgentBreakers) -> Callable[[str], Sequence[ComponentHealth]]:
    """Tells a tenant's agents whose breakers are not closed; the server does without them."""

    def of_tenant(tenant: str) -> Sequence[ComponentHealth]:
        return [
            ComponentHealth(
                f"agent:{view.agent_id}",
                HealthStatus.DEGRADED,
                "it failed several times in a row, so other agents get its work; repair it, or close the breaker with ResetBreaker",
                breaker_state=view.state,
                retry_time=view.retry_at,
                opened_time=view.opened_at,
                breaker_reason=view.reason,
            )
            for view in breakers.listed(tenant)
            if view.state is not BreakerState.CLOSED
        ]

    return of_tenant


def agents_probe(registry: AgentRegistry) -> Probe:
    """Whether the agents are those of the file as it is now."""

    async def probe() -> ComponentHealth:
        status = registry.status
        return _file_health("agents", () if status.healthy else (status.message,), status.since)

    return probe


def agent_keys_probe(source: AgentKeySource) -> Probe:
    """Whether the keys of agents are those of the file as it is now."""

    async def probe() -> ComponentHealth:
        return _file_health("agent_keys", source.mistakes, source.since)

    return probe


def methods_probe(source: MethodSource) -> Probe:
    """Whether the methods are those of the files as they are now."""

    async def probe() -> ComponentHealth:
        return _file_health("methods", source.mistakes, source.since)

    return probe


def flags_probe(
    problems: Callable[[], tuple[Sequence[str], float]],
    breaker: Breaker | None,
    *,
    clock: Callable[[], float],
    now: Callable[[], float],
) -> Probe:
    """Whether the flags are those of their sources as they are now."""

    async def probe() -> ComponentHealth:
        mistakes, since = problems()
        found = _file_health("flags", tuple(mistakes), since)
        return found if breaker is None else with_breaker(found, breaker, clock=clock, now=now)

    return probe


def modes_probe(modes: Callable[[], Modes]) -> Probe:
    """Whether an emergency flag keeps the server from its work; an emergency shutdown is no health at all."""

    async def probe() -> ComponentHealth:
        held = modes()
        if held == Modes():
            return ComponentHealth("mode", HealthStatus.HEALTHY)
        error = held.work_refusal or held.write_refusal
        told = "" if error is None else error.message
        status = HealthStatus.UNHEALTHY if held.shutdown else HealthStatus.DEGRADED
        return ComponentHealth("mode", status, f"{told}; an administrator sees who set it and why with ListFlags", needed=True)

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
                **({"breaker_reason": component.breaker_reason} if component.breaker_reason else {}),
                **({"opened_at": _moment(component.opened_time)} if component.opened_time is not None else {}),
                **({"retry_at": _moment(component.retry_time)} if component.retry_time is not None else {}),
            }
            for component in report.components
        ],
        "snapshots": report.snapshot_ids,
        "flags_not_built": list(flags_not_built()),
    }
