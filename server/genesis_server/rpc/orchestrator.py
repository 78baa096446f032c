"""OrchestratorService: convert, call one function, convert back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio

from genesis.v1 import decision_pb2, orchestrator_service_pb2, orchestrator_service_pb2_grpc, update_pb2, work_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.bound import current_flags
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel
from genesis_server.model.routing import ExplanationLevel
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher
from genesis_server.orchestration.orchestrator import INLINE_TASKS, Call, Orchestrator, Wish, offload
from genesis_server.orchestration.results import Planned, Routed, RunOptions
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert import (
    artefacts_from_proto,
    budget_to_proto,
    constraints_from_proto,
    mended_to_proto,
    plan_from_proto,
    plan_to_proto,
    provenance_to_proto,
    repair_to_proto,
    routes_from_proto,
    verdict_to_proto,
    write_routes,
)
from genesis_server.rpc.convert.values import number, phase_to_proto, time_to_proto
from genesis_server.rpc.convert.work import artefacts_to_proto, balance_to_proto, run_options_from_proto, task_run_to_proto
from genesis_server.rpc.decisions import DecisionAnswers
from genesis_server.rpc.deserialisation import RawRequest
from genesis_server.rpc.flag_answers import FlagAnswers
from genesis_server.rpc.large_requests import LargeRequests
from genesis_server.rpc.paging import PageTokens, page_size
from genesis_server.rpc.reports import ReportAnswers
from genesis_server.rpc.request_catalogues import RequestCatalogues
from genesis_server.rpc.status_answers import StatusAnswers
from genesis_server.rpc.updates import UpdateAnswers
from genesis_server.telemetry.context import current_call

_Context = grpc.aio.ServicerContext[Any, Any]
_Sourced = orchestrator_service_pb2.RouteRequest | orchestrator_service_pb2.ValidateRequest

CheckBudget = Callable[[str, str], Awaitable[None]]
"""(tenant, plan id): raises ResourceError BUDGET_EXHAUSTED when the plan has a run and nothing is left of its budget."""


class OrchestratorServicer(orchestrator_service_pb2_grpc.OrchestratorServiceServicer):
    """The main service over an orchestrator."""

    def __init__(
        self,
        *,
        orchestrator: Orchestrator,
        catalogues: RequestCatalogues,
        large: LargeRequests,
        tokens: PageTokens,
        status: StatusAnswers,
        flags: FlagAnswers,
        decisions: DecisionAnswers,
        updates: UpdateAnswers,
        reports: ReportAnswers,
        dispatcher: Dispatcher,
        check_budget: CheckBudget,
    ) -> None:
        """Answer from these parts."""
        self._orchestrator = orchestrator
        self._catalogues = catalogues
        self._large = large
        self._tokens = tokens
        self._status = status
        self._flags = flags
        self._decisions = decisions
        self._updates = updates
        self._reports = reports
        self._dispatcher = dispatcher
        self._check_budget = check_budget

    async def Plan(self, request: orchestrator_service_pb2.PlanRequest, context: _Context) -> orchestrator_service_pb2.PlanResponse:
        """Make and store a plan."""
        run, wish = _run_options(request), await self._wish(request)
        return _planned(await self._orchestrator.plan(_call(context), wish, run=run))

    async def PlanStream(
        self, request: orchestrator_service_pb2.PlanStreamRequest, context: _Context
    ) -> AsyncIterator[orchestrator_service_pb2.PlanStreamResponse]:
        """Make and store a plan, telling each phase."""
        sequence, wish, run = 0, await self._wish(request.plan), _run_options(request.plan)
        async for event in self._orchestrator.plan_events(_call(context), wish, run=run):
            sequence += 1
            if isinstance(event, Planned):
                yield orchestrator_service_pb2.PlanStreamResponse(sequence=sequence, result=_planned(event))
            else:
                progress = orchestrator_service_pb2.PlanProgress(
                    phase=phase_to_proto(event.phase), task_count=event.task_count, message=event.message
                )
                yield orchestrator_service_pb2.PlanStreamResponse(sequence=sequence, progress=progress)

    async def Route(self, request: orchestrator_service_pb2.RouteRequest, context: _Context) -> orchestrator_service_pb2.RouteResponse:
        """Route a plan."""
        if request.WhichOneof("source") == "plan_id":
            await self._check_budget(current_caller().tenant, request.plan_id)
        routed = await self._orchestrator.route(
            _call(context),
            await self._source(request),
            index=await self._index(request),
            constraints=constraints_from_proto(request.constraints),
            explanation=ExplanationLevel(request.explanation),
            seed=request.seed,
        )
        return await offload(len(routed.routing.routes) > INLINE_TASKS, lambda: _routed(routed))

    async def Validate(
        self, request: orchestrator_service_pb2.ValidateRequest | RawRequest, context: _Context
    ) -> orchestrator_service_pb2.ValidateResponse | bytes:
        """Judge a plan; a large request is judged in a child process from its bytes."""
        if isinstance(request, RawRequest):
            return await self._large.validate(request.data, _call(context), deadline_seconds=context.time_remaining())
        judged = await self._orchestrator.validate(
            _call(context),
            await self._source(request),
            goal=request.goal,
            index=await self._index(request),
            routes=routes_from_proto(request.routes),
            constraints=constraints_from_proto(request.constraints),
            apply_fixes=request.apply_fixes,
        )
        provenance = provenance_to_proto(judged.provenance)
        if judged.mended is None:
            return orchestrator_service_pb2.ValidateResponse(verdict=verdict_to_proto(judged.verdict), provenance=provenance)
        answer = mended_to_proto(judged.mended)
        answer.provenance.CopyFrom(provenance)
        return answer

    async def Orchestrate(
        self, request: orchestrator_service_pb2.OrchestrateRequest, context: _Context
    ) -> orchestrator_service_pb2.OrchestrateResponse:
        """Plan, route, validate, repair and store."""
        run, wish = _run_options(request), await self._wish(request)
        done = await self._orchestrator.orchestrate(
            _call(context),
            wish,
            constraints=constraints_from_proto(request.constraints),
            explanation=ExplanationLevel(request.explanation),
            run=run,
        )
        answer = orchestrator_service_pb2.OrchestrateResponse(
            plan=plan_to_proto(done.plan),
            budget=budget_to_proto(done.routing.budget),
            verdict=verdict_to_proto(done.verdict),
            repairs=[repair_to_proto(repair) for repair in done.repairs],
            provenance=provenance_to_proto(done.provenance),
            stored=done.stored,
        )
        write_routes(done.routing.routes, answer.routes)
        return answer

    async def GetPlan(
        self, request: orchestrator_service_pb2.GetPlanRequest, context: _Context
    ) -> orchestrator_service_pb2.GetPlanResponse:
        """Read a stored plan."""
        tenant = current_caller().tenant
        stored = await self._orchestrator.store.get(tenant, request.plan_id)
        work = await self._dispatcher.view(tenant, stored)
        answer = orchestrator_service_pb2.GetPlanResponse(
            plan=plan_to_proto(stored.plan),
            verdict=verdict_to_proto(stored.verdict) if stored.verdict else None,
            provenance=provenance_to_proto(stored.provenance),
            balance=balance_to_proto(work.balance) if work else None,
            runs=[task_run_to_proto(run) for run in work.runs] if work else [],
            artefacts=artefacts_to_proto(stored.plan, stored.known, contents=request.include_artefact_contents),
            dispatch=work_pb2.Dispatch(priority=work.priority) if work and work.dispatched else None,
        )
        if stored.routing is not None:
            write_routes(stored.routing.routes, answer.routes)
        return answer

    async def ListPlans(
        self, request: orchestrator_service_pb2.ListPlansRequest, context: _Context
    ) -> orchestrator_service_pb2.ListPlansResponse:
        """List the tenant's plans, newest first."""
        tenant, size = current_caller().tenant, page_size(request.page_size)
        before = self._tokens.read(request.page_token, tenant, "plans")
        found = await self._orchestrator.store.newest(tenant, before=before, limit=size + 1)
        page = found[:size]
        return orchestrator_service_pb2.ListPlansResponse(
            plans=[
                orchestrator_service_pb2.PlanSummary(
                    id=plan.id,
                    version=plan.version,
                    goal=plan.goal,
                    task_count=plan.task_count,
                    create_time=time_to_proto(plan.create_time),
                    level=number(plan.level),
                    state=number(plan.state),
                )
                for plan in page
            ],
            next_page_token=self._tokens.make(page[-1].id, tenant, "plans") if len(found) > size else "",
        )

    async def DeletePlan(
        self, request: orchestrator_service_pb2.DeletePlanRequest, context: _Context
    ) -> orchestrator_service_pb2.DeletePlanResponse:
        """Delete a stored plan."""
        await self._orchestrator.store.delete(current_caller().tenant, request.plan_id, version=request.version)
        return orchestrator_service_pb2.DeletePlanResponse()

    async def UpdatePlan(self, request: update_pb2.UpdatePlanRequest, context: _Context) -> update_pb2.UpdatePlanResponse:
        """Take an event of a plan."""
        return await self._updates.update(request, _call(context))

    async def WatchPlan(self, request: update_pb2.WatchPlanRequest, context: _Context) -> AsyncIterator[update_pb2.WatchPlanResponse]:
        """Tell the versions of a plan as they come."""
        async for version in self._updates.watch(request, current_caller().tenant):
            yield version

    async def Report(self, request: work_pb2.ReportRequest, context: _Context) -> work_pb2.ReportResponse:
        """Take how a task went."""
        return await self._reports.report(request, _call(context))

    async def GetDecision(self, request: decision_pb2.GetDecisionRequest, context: _Context) -> decision_pb2.GetDecisionResponse:
        """Read a recorded decision, or make it again."""
        return await self._decisions.get(request)

    async def ListDecisions(self, request: decision_pb2.ListDecisionsRequest, context: _Context) -> decision_pb2.ListDecisionsResponse:
        """List recorded decisions, newest first."""
        return await self._decisions.list(request)

    async def Flag(self, request: orchestrator_service_pb2.FlagRequest, context: _Context) -> orchestrator_service_pb2.FlagResponse | bytes:
        """Tell what flags are."""
        return await self._flags.flags(request)

    async def Health(self, request: orchestrator_service_pb2.HealthRequest, context: _Context) -> orchestrator_service_pb2.HealthResponse:
        """Tell how the server is."""
        return await self._status.health()

    async def _wish(self, request: orchestrator_service_pb2.PlanRequest | orchestrator_service_pb2.OrchestrateRequest) -> Wish:
        return Wish(
            goal=request.goal,
            index=await self._index(request),
            givens=artefacts_from_proto(request.givens),
            max_level=DegradationLevel(request.max_level),
            seed=request.seed,
        )

    async def _index(
        self, request: _Sourced | orchestrator_service_pb2.PlanRequest | orchestrator_service_pb2.OrchestrateRequest
    ) -> CatalogueIndex | None:
        return await self._catalogues.index(request.catalogue) if request.HasField("catalogue") else None

    async def _source(self, request: _Sourced) -> Plan:
        if request.WhichOneof("source") == "plan_id":
            return (await self._orchestrator.store.get(current_caller().tenant, request.plan_id)).plan
        return await offload(len(request.plan.tasks) > INLINE_TASKS, lambda: plan_from_proto(request.plan))


def _call(context: _Context) -> Call:
    """Who asks; taken after what the request brings was read, for that takes of the caller's time."""
    running = current_call()
    return Call(current_caller(), running.correlation_id if running else "", context.time_remaining(), current_flags())


def _run_options(request: orchestrator_service_pb2.PlanRequest | orchestrator_service_pb2.OrchestrateRequest) -> RunOptions | None:
    running = current_call()
    return run_options_from_proto(request, traceparent=running.traceparent if running else "")


def _planned(planned: Planned) -> orchestrator_service_pb2.PlanResponse:
    return orchestrator_service_pb2.PlanResponse(
        plan=plan_to_proto(planned.plan), provenance=provenance_to_proto(planned.provenance), stored=planned.stored
    )


def _routed(routed: Routed) -> orchestrator_service_pb2.RouteResponse:
    answer = orchestrator_service_pb2.RouteResponse(
        budget=budget_to_proto(routed.routing.budget),
        provenance=provenance_to_proto(routed.provenance),
    )
    write_routes(routed.routing.routes, answer.routes)
    return answer
