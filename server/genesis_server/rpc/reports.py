"""The answers of `Report`, on its own and on a worker's stream."""

from __future__ import annotations

from genesis.v1 import work_pb2
from genesis_server.model.caller import Caller, Role
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher
from genesis_server.orchestration.orchestrator import Call
from genesis_server.resilience.errors import SecurityError
from genesis_server.rpc.convert.work import report_from_proto, reported_to_proto
from genesis_server.security.agent_identity import AgentIdentity


class ReportAnswers:
    """Takes how tasks went."""

    def __init__(self, *, dispatcher: Dispatcher, identity: AgentIdentity) -> None:
        """Hand reports to `dispatcher`; `identity` tells agents from clients."""
        self._dispatcher = dispatcher
        self._identity = identity

    async def report(self, request: work_pb2.ReportRequest, call: Call) -> work_pb2.ReportResponse:
        """Take a report of a client, or of an agent about its own lease. Raises as `of_agent`."""
        return await self._take(request, call, self._bound_to(call.caller))

    async def of_agent(self, request: work_pb2.ReportRequest, call: Call, agent_id: str) -> work_pb2.ReportResponse:
        """Take a report of an agent about its own lease.

        Raises SecurityError PERMISSION_DENIED without a lease, ValidationError INVALID_FIELD, and what `Dispatcher.report` raises.
        """
        return await self._take(request, call, agent_id)

    async def _take(self, request: work_pb2.ReportRequest, call: Call, agent_id: str | None) -> work_pb2.ReportResponse:
        if agent_id is not None and not request.HasField("lease"):
            raise SecurityError(
                "PERMISSION_DENIED",
                "agents report what they hold a lease of, and this report names none; work done elsewhere is reported by a client",
                facts={"required_role": str(Role.CLIENT), "roles": str(Role.AGENT)},
            )
        return reported_to_proto(await self._dispatcher.report(call, report_from_proto(request), agent_id=agent_id))

    def _bound_to(self, caller: Caller) -> str | None:
        """The agent whose leases alone a caller may report; None for whoever is a client too."""
        return self._identity.acting(caller) if caller.roles <= {Role.AGENT} else None
