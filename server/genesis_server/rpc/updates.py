"""The answers of `UpdatePlan` and `WatchPlan`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from genesis.v1 import update_pb2
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import PlanChange, PlanStore
from genesis_server.orchestration.updating import Updater
from genesis_server.orchestration.watching import watch_plan
from genesis_server.rpc.admission import Admission, shutting_down
from genesis_server.rpc.convert import provenance_to_proto, route_to_proto
from genesis_server.rpc.convert.plans import counters_to_proto
from genesis_server.rpc.convert.updates import diff_to_proto, event_from_proto, undecided_to_proto
from genesis_server.rpc.convert.values import number, time_to_proto


class UpdateAnswers:
    """Takes events of plans, and tells their versions."""

    def __init__(self, *, updater: Updater, store: PlanStore, admission: Admission) -> None:
        """Answer from these parts; streams end when `admission` closes."""
        self._updater = updater
        self._store = store
        self._admission = admission

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
        """Every version behind the one the caller has seen, then each new one.

        Raises ResourceError PLAN_NOT_FOUND, OVERLOADED, and NetworkError SHUTTING_DOWN when the server stops meanwhile.
        """
        versions = watch_plan(self._store, tenant, request.plan_id, after_version=request.after_version)
        with self._admission.watch():
            async with aclosing(_until(self._admission.closed, versions)) as changes:
                async for change in changes:
                    yield _change_to_proto(change)


async def _until(closed: Callable[[], Awaitable[None]], versions: AsyncGenerator[PlanChange]) -> AsyncGenerator[PlanChange]:
    """The versions as they come, until the server stops: who watches must not hold its stop up, and goes on elsewhere."""
    stop = asyncio.ensure_future(closed())
    step: asyncio.Future[PlanChange | None] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(versions, None))
            await asyncio.wait((step, stop), return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                raise shutting_down()
            change = step.result()
            if change is None:
                return
            yield change
    finally:
        for waiting in (stop, step):
            if waiting is not None:
                waiting.cancel()
        await asyncio.gather(*(one for one in (stop, step) if one is not None), return_exceptions=True)
        await versions.aclose()


def _change_to_proto(change: PlanChange) -> update_pb2.WatchPlanResponse:
    return update_pb2.WatchPlanResponse(
        version=change.version,
        event=change.event,
        diff=diff_to_proto(change.diff),
        ready_task_ids=change.ready_task_ids,
        state=number(change.state),
        time=time_to_proto(change.time),
        actor=change.actor,
    )
