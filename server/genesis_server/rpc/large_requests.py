"""Validate for requests that are too large for the event loop: judged in a child process, told like any other."""

from __future__ import annotations

from dataclasses import replace

from genesis.v1 import orchestrator_service_pb2, plan_pb2
from genesis_server.orchestration.orchestrator import Call, Orchestrator
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.rpc.convert import plan_to_proto, provenance_to_proto
from genesis_server.rpc.large_plan import LargeAnswer, LargePlanProcess
from genesis_server.validation.structure import Limits


class LargeRequests:
    """Judges serialised ValidateRequests."""

    def __init__(self, orchestrator: Orchestrator, process: LargePlanProcess) -> None:
        """Judge in `process` by the orchestrator's snapshots and policy."""
        self._orchestrator = orchestrator
        self._process = process

    async def validate(self, request: bytes, call: Call, *, deadline_seconds: float | None) -> bytes:
        """The serialised ValidateResponse. Raises ValidationError, RoutingError and ResourceError as `Validate` does."""

        async def fetch_plan(plan_id: str) -> plan_pb2.Plan:
            return plan_to_proto((await self._orchestrator.store.get(call.caller.tenant, plan_id)).plan)

        async def judge(snapshots: Snapshots) -> LargeAnswer:
            return await self._process.validate(
                request,
                catalogue=snapshots.agents.catalogue,
                limits=Limits(max_tasks=self._orchestrator.policy.max_validate_tasks),
                fetch_plan=fetch_plan,
                structural_only=snapshots.structural_only,
                deadline_seconds=deadline_seconds,
            )

        answer, provenance = await self._orchestrator.validate_elsewhere(call, judge)
        # The child told which catalogue it judged with: the registered agents or the request's own.
        provenance = replace(provenance, agents_snapshot_id="")
        # Bytes of messages of one type put together are the messages merged.
        told = orchestrator_service_pb2.ValidateResponse(provenance=provenance_to_proto(provenance))
        return answer.response + told.SerializeToString()
