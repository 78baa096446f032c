"""The answers of `Flag` and `Health`."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.struct_pb2 import Value

from genesis.v1 import orchestrator_service_pb2
from genesis_server import __version__
from genesis_server.flags.definition import flags_not_built
from genesis_server.flags.snapshot import Evaluation, FlagSnapshot
from genesis_server.model.health import ComponentHealth
from genesis_server.orchestration.health import HealthCheck
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert.values import duration_to_proto, number, time_to_proto

CONTRACT_VERSION = "genesis.v1"


class StatusAnswers:
    """Tells what the flags are and how the server is."""

    def __init__(self, *, flags: Callable[[], FlagSnapshot], health: HealthCheck) -> None:
        """Answer from these parts."""
        self._flags = flags
        self._health = health

    def flags(self, request: orchestrator_service_pb2.FlagRequest) -> orchestrator_service_pb2.FlagResponse:
        """The flags asked for, or all. Raises ResourceError FLAG_NOT_FOUND."""
        snapshot = self._flags()
        return orchestrator_service_pb2.FlagResponse(
            flags=[_evaluation(snapshot.evaluate(key)) for key in request.keys or snapshot.keys],
            snapshot_id=snapshot.snapshot_id,
        )

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


def _evaluation(evaluation: Evaluation) -> orchestrator_service_pb2.FlagEvaluation:
    return orchestrator_service_pb2.FlagEvaluation(
        key=evaluation.key,
        value=Value(bool_value=evaluation.value),
        variant=evaluation.variant,
        reason=number(evaluation.reason),
        source=evaluation.source,
        description=evaluation.description,
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
