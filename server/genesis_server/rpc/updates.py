"""The answers of `UpdatePlan` and `WatchPlan`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from genesis.v1 import update_pb2
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import PlanStore
from genesis_server.orchestration.updating import Updater
from genesis_server.orchestration.watching import watch_plan
from genesis_server.rpc.convert import provenance_to_proto, route_to_proto
from genesis_server.rpc.convert.plans import counters_to_proto
from genesis_server.rpc.convert.updates import diff_to_proto, event_from_proto, undecided_to_proto
from genesis_server.rpc.convert.values import number, time_to_proto


class UpdateAnswers:
    """Takes events of plans, and tells their versions."""

    def __init__(self, *, updater: Updater, store: PlanStore) -> None:
        """Answer from these parts."""
        self._updater = updater
        self._store = store

    async def update(self, request: update_pb2.UpdatePlanRequest, call: Call) -> update_pb2.UpdatePlanResponse:
        """What an event changed. Raises what `Updater.update` raises."""
        answer = await self._updater.update(call, request.plan_id, request.version, event_from_proto(request))
        return update_pb2.UpdatePlanResponse(
            plan_id=answer.plan_id,
            version=answer.version,
            diff=diff_to_proto(answer.diff),
            ready_task_ids=[task.id for task in answer.ready],
            undecided_guards=[undecided_to_proto(guard) for guard in answer.undecided],
            state=number(answer.state),
            counters=counters_to_proto(answer.counters),
            replanned=answer.replanned,
            routes=[route_to_proto(route) for route in answer.routes],
            provenance=provenance_to_proto(answer.provenance),
        )

    async def watch(self, request: update_pb2.WatchPlanRequest, tenant: str) -> AsyncIterator[update_pb2.WatchPlanResponse]:
        """Every version behind the one the caller has seen, then each new one. Raises ResourceError PLAN_NOT_FOUND."""
        async for change in watch_plan(self._store, tenant, request.plan_id, after_version=request.after_version):
            yield update_pb2.WatchPlanResponse(
                version=change.version,
                event=change.event,
                diff=diff_to_proto(change.diff),
                ready_task_ids=change.ready_task_ids,
                state=number(change.state),
                time=time_to_proto(change.time),
                actor=change.actor,
            )
