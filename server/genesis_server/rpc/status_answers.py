"""The answer of `Health`."""

from __future__ import annotations

from genesis.v1 import orchestrator_service_pb2
from genesis_server import __version__
from genesis_server.flags.definition import flags_not_built
from genesis_server.model.health import ComponentHealth
from genesis_server.orchestration.health import HealthCheck
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert.values import duration_to_proto, number, time_to_proto

CONTRACT_VERSION = "genesis.v1"


class StatusAnswers:
    """Tells how the server is."""

    def __init__(self, *, health: HealthCheck) -> None:
        """Answer from this check."""
        self._health = health

    async def health(self) -> orchestrator_service_pb2.HealthResponse:
        """How the server is, with what is not well of the caller's tenant."""
        report = await self._health.report(current_caller().tenant)
        return orchestrator_service_pb2.HealthResponse(
            status=number(report.status),
            components=[_component(component) for component in report.components],
            degradation_level=number(report.level),
            server_version=__version__,
            contract_version=CONTRACT_VERSION,
            snapshot_ids=report.snapshot_ids,
            flags_not_built=flags_not_built(),
            uptime=duration_to_proto(report.uptime_seconds),
        )


def _component(component: ComponentHealth) -> orchestrator_service_pb2.ComponentHealth:
    return orchestrator_service_pb2.ComponentHealth(
        name=component.name,
        status=number(component.status),
        message=component.message,
        breaker_state=component.breaker_state,
        retry_time=None if component.retry_time is None else time_to_proto(component.retry_time),
        opened_time=None if component.opened_time is None else time_to_proto(component.opened_time),
        breaker_reason=component.breaker_reason,
    )
