"""The answers of `UpdatePlan` and `WatchPlan`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from genesis.v1 import update_pb2
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import PlanChange, PlanStore
from genesis_server.orchestration.updating import Updater
from genesis_server.orchestration.watching import PlanNews, watch_plan, watch_work
from genesis_server.rpc.admission import Admission, shutting_down
from genesis_server.rpc.convert import provenance_to_proto, write_routes
from genesis_server.rpc.convert.plans import counters_to_proto
from genesis_server.rpc.convert.updates import diff_to_proto, event_from_proto, undecided_to_proto
from genesis_server.rpc.convert.values import number, time_to_proto
from genesis_server.rpc.convert.work import balance_to_proto, task_run_to_proto
from genesis_server.telemetry.context import current_call

_NewsT = TypeVar("_NewsT")


class UpdateAnswers:
    """Takes events of plans, and tells their versions."""

    def __init__(self, *, updater: Updater, store: PlanStore, dispatcher: Dispatcher, admission: Admission) -> None:
        """Answer from these parts; streams end when `admission` closes."""
        self._updater = updater
        self._store = store
        self._dispatcher = dispatcher
        self._admission = admission

    async def update(self, request: update_pb2.UpdatePlanRequest, call: Call) -> update_pb2.UpdatePlanResponse:
        """What an event changed. Raises what `Updater.update` raises."""
        running = current_call()
        event = event_from_proto(request, actor=call.caller.subject, traceparent=running.traceparent if running else "")
        answer = await self._updater.update(call, request.plan_id, request.version, event)
        message = update_pb2.UpdatePlanResponse(
            plan_id=answer.plan_id,
            version=answer.version,
            diff=diff_to_proto(answer.diff),
            ready_task_ids=[task.id for task in answer.ready],
            undecided_guards=[undecided_to_proto(guard) for guard in answer.undecided],
            state=number(answer.state),
            counters=counters_to_proto(answer.counters),
            replanned=answer.replanned,
            provenance=provenance_to_proto(answer.provenance),
            balance=None if answer.balance is None else balance_to_proto(answer.balance),
        )
        write_routes(answer.routes, message.routes)
        return message

    async def watch(self, request: update_pb2.WatchPlanRequest, tenant: str) -> AsyncIterator[update_pb2.WatchPlanResponse]:
        """Every version behind the one the caller has seen, then each new one, and the work between them when the request asks for it.

        Raises ResourceError PLAN_NOT_FOUND, OVERLOADED, and NetworkError SHUTTING_DOWN when the server stops meanwhile.
        """
        with self._admission.watch():
            async with aclosing(_until(self._admission.closed, self._news(request, tenant))) as messages:
                async for message in messages:
                    yield message

    async def _news(self, request: update_pb2.WatchPlanRequest, tenant: str) -> AsyncGenerator[update_pb2.WatchPlanResponse]:
        plan_id, after = request.plan_id, request.after_version
        if request.include_runs:
            async with aclosing(watch_work(self._store, self._dispatcher.view, tenant, plan_id, after_version=after)) as work:
                async for news in work:
                    yield _news_to_proto(news)
        else:
            async with aclosing(watch_plan(self._store, tenant, plan_id, after_version=after)) as versions:
                async for change in versions:
                    yield _change_to_proto(change)


async def _until(closed: Callable[[], Awaitable[None]], news: AsyncGenerator[_NewsT]) -> AsyncGenerator[_NewsT]:
    """The news as they come, until the server stops: who watches must not hold its stop up, and goes on elsewhere."""
    stop = asyncio.ensure_future(closed())
    step: asyncio.Future[_NewsT | None] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(news, None))
            await asyncio.wait((step, stop), return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                raise shutting_down()
            told = step.result()
            if told is None:
                return
            yield told
    finally:
        for waiting in (stop, step):
            if waiting is not None:
                waiting.cancel()
        await asyncio.gather(*(one for one in (stop, step) if one is not None), return_exceptions=True)
        await news.aclose()


def _news_to_proto(news: PlanNews) -> update_pb2.WatchPlanResponse:
    response = update_pb2.WatchPlanResponse(version=news.version) if news.change is None else _change_to_proto(news.change)
    response.runs.extend([task_run_to_proto(run) for run in news.runs])
    if news.balance is not None:
        response.balance.CopyFrom(balance_to_proto(news.balance))
    return response


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
