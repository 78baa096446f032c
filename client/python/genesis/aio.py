"""The asyncio client: the methods of `genesis.Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import grpc.aio

from genesis import _flag_requests as flags
from genesis import _methods as methods
from genesis import _requests as requests
from genesis import _work_requests as work
from genesis._channel import Target
from genesis._methods import Method, Request, Response
from genesis._status import translated
from genesis.admin.v1.flag_admin_service_pb2 import (
    AuditEntry,
    ClearEmergencyFlagResponse,
    DeleteFlagResponse,
    DisableFlagResponse,
    EmergencyFlag,
    EnableFlagResponse,
    Flag,
    GetFlagResponse,
    ListAuditEntriesResponse,
    PreviewFlagResponse,
    PutFlagResponse,
    SetEmergencyFlagResponse,
    SetFlagWeightResponse,
)
from genesis.admin.v1.policy_service_pb2 import (
    ActivateRulebookResponse,
    AgentBreaker,
    GetRulebookResponse,
    LintRulebookResponse,
    PreviewRulebookResponse,
    ResetBreakerResponse,
    RulebookChange,
    SecurityEvent,
)
from genesis.errors import GenesisError
from genesis.options import (
    ActivateOptions,
    AgentOptions,
    AuditOptions,
    CallOptions,
    CardLike,
    ConnectOptions,
    DecisionOptions,
    DecisionsOptions,
    DeleteOptions,
    EmergencyOptions,
    FlagChangeOptions,
    FlagLike,
    FlagOptions,
    FlagPreviewOptions,
    GetPlanOptions,
    HeartbeatOptions,
    OrchestrateOptions,
    PageOptions,
    PlanLike,
    PlanOptions,
    PreviewOptions,
    RegisterOptions,
    ReportOptions,
    ResetOptions,
    RouteOptions,
    UpdateOptions,
    ValidateOptions,
    WatchOptions,
)
from genesis.v1.agent_service_pb2 import AgentEntry, DeregisterResponse, HeartbeatResponse, RegisterResponse, WorkRequest, WorkResponse
from genesis.v1.decision_pb2 import Decision, GetDecisionResponse
from genesis.v1.orchestrator_service_pb2 import (
    FlagResponse,
    GetPlanResponse,
    HealthResponse,
    OrchestrateResponse,
    PlanResponse,
    PlanStreamRequest,
    PlanStreamResponse,
    PlanSummary,
    RouteResponse,
    ValidateResponse,
)
from genesis.v1.update_pb2 import UpdatePlanResponse, WatchPlanResponse
from genesis.v1.work_pb2 import ReportResponse

if TYPE_CHECKING:
    from grpc.aio import StreamStreamMultiCallable, UnaryStreamMultiCallable, UnaryUnaryMultiCallable


class AsyncClient:
    """Talks to a Genesis server; made by `genesis.aio.connect`. Belongs to one event loop.

    Every method raises a `genesis.GenesisError` when the call fails, and `ValueError` or `TypeError` when an argument can be
    seen to be wrong before. `timeout` and `metadata` may be given with every call (see `genesis.options`).
    """

    def __init__(self, target: Target) -> None:
        """Connects when the first call is made."""
        self._target = target
        credentials = target.credentials()
        self._channel = (
            grpc.aio.insecure_channel(target.address, target.options())
            if credentials is None
            else grpc.aio.secure_channel(target.address, credentials, target.options())
        )

    async def plan(self, goal: str, **options: Unpack[PlanOptions]) -> PlanResponse:
        """Makes a plan of a goal of 1 to 5 000 characters, and stores it."""
        return await self._unary(methods.PLAN, requests.plan(goal, **options), options)

    def plan_stream(self, goal: str, **options: Unpack[PlanOptions]) -> AsyncIterator[PlanStreamResponse]:
        """Makes a plan, tells each phase as it ends, and gives the plan last (`event.result`)."""
        return self._stream(methods.PLAN_STREAM, PlanStreamRequest(plan=requests.plan(goal, **options)), options)

    async def route(self, plan: PlanLike, **options: Unpack[RouteOptions]) -> RouteResponse:
        """Gives every primitive task of a plan an agent and a model, or a tool, with the reason."""
        return await self._unary(methods.ROUTE, requests.route(plan, **options), options)

    async def validate(self, plan: PlanLike, **options: Unpack[ValidateOptions]) -> ValidateResponse:
        """Judges a plan, and its routing when `routes` are given. A bad plan is an answer, not an error."""
        return await self._unary(methods.VALIDATE, requests.validate(plan, **options), options)

    async def orchestrate(self, goal: str, **options: Unpack[OrchestrateOptions]) -> OrchestrateResponse:
        """Plans, routes, validates and repairs in one round trip, and stores the result."""
        return await self._unary(methods.ORCHESTRATE, requests.orchestrate(goal, **options), options)

    async def get_plan(self, plan_id: str, **options: Unpack[GetPlanOptions]) -> GetPlanResponse:
        """Reads a stored plan with its last routing and verdict, the work on its tasks and what they put out."""
        return await self._unary(methods.GET_PLAN, requests.get_plan(plan_id, **options), options)

    async def list_plans(self, **options: Unpack[PageOptions]) -> AsyncIterator[PlanSummary]:
        """The stored plans, newest first; pages are fetched as they are needed."""
        async for page in self._pages(methods.LIST_PLANS, requests.list_plans(**options), options):
            for summary in page.plans:
                yield summary

    async def update_plan(self, plan_id: str, **options: Unpack[UpdateOptions]) -> UpdatePlanResponse:
        """Tells a stored plan what happened; what is left of it is repaired where it must be."""
        return await self._unary(methods.UPDATE_PLAN, requests.update_plan(plan_id, **options), options)

    def watch_plan(self, plan_id: str, **options: Unpack[WatchOptions]) -> AsyncIterator[WatchPlanResponse]:
        """Every version of a plan behind `after_version`, then each new one as it comes; ends with the plan, at the latest in an hour."""
        return self._stream(methods.WATCH_PLAN, requests.watch_plan(plan_id, **options), options)

    async def get_decision(self, decision_id: str, **options: Unpack[DecisionOptions]) -> GetDecisionResponse:
        """Reads a recorded decision; with `replay` it is made again from what was stored."""
        return await self._unary(methods.GET_DECISION, requests.get_decision(decision_id, **options), options)

    async def list_decisions(self, **options: Unpack[DecisionsOptions]) -> AsyncIterator[Decision]:
        """Recorded decisions, newest first; pages are fetched as they are needed."""
        async for page in self._pages(methods.LIST_DECISIONS, requests.list_decisions(**options), options):
            for one in page.decisions:
                yield one

    async def get_rulebook(self, version: str = "", **options: Unpack[CallOptions]) -> GetRulebookResponse:
        """Reads the rulebook in use, or one that was in use before. Role: admin, as for all that is about rulebooks."""
        return await self._unary(methods.GET_RULEBOOK, requests.get_rulebook(version, **options), options)

    async def lint_rulebook(self, text: str, **options: Unpack[CallOptions]) -> LintRulebookResponse:
        """Checks a rulebook: mistakes, and rules that are shadowed, unreachable or in conflict."""
        return await self._unary(methods.LINT_RULEBOOK, requests.lint_rulebook(text, **options), options)

    async def preview_rulebook(self, **options: Unpack[PreviewOptions]) -> AsyncIterator[PreviewRulebookResponse]:
        """Makes recorded routings again under another rulebook, page by page, and tells which would change and why."""
        async for page in self._pages(methods.PREVIEW_RULEBOOK, requests.preview_rulebook(**options), options):
            yield page

    async def activate_rulebook(self, cause: str, **options: Unpack[ActivateOptions]) -> ActivateRulebookResponse:
        """Takes a rulebook into use; with an earlier version this is the roll-back. `cause` says why, for the record."""
        return await self._unary(methods.ACTIVATE_RULEBOOK, requests.activate_rulebook(cause, **options), options)

    async def rulebook_changes(self, **options: Unpack[PageOptions]) -> AsyncIterator[RulebookChange]:
        """The changes of the rulebook in use, newest first; pages are fetched as they are needed."""
        async for page in self._pages(methods.LIST_RULEBOOK_CHANGES, requests.list_rulebook_changes(**options), options):
            for one in page.changes:
                yield one

    async def delete_plan(self, plan_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Deletes a stored plan."""
        await self._unary(methods.DELETE_PLAN, requests.delete_plan(plan_id, **options), options)

    async def flag(self, *keys: str, **options: Unpack[FlagOptions]) -> FlagResponse:
        """What the flags of these keys are for somebody, and why; all flags when no key is given, for the caller when nobody is named."""
        return await self._unary(methods.FLAG, flags.flag(keys, **options), options)

    async def health(self, **options: Unpack[CallOptions]) -> HealthResponse:
        """How the server is: components, degradation level, versions."""
        return await self._unary(methods.HEALTH, requests.health(**options), options)

    async def agents(self, **options: Unpack[AgentOptions]) -> AsyncIterator[AgentEntry]:
        """The agents the server knows, by id; pages are fetched as they are needed."""
        async for page in self._pages(methods.LIST_AGENTS, requests.agents(**options), options):
            for entry in page.agents:
                yield entry

    async def report(self, plan_id: str, task_id: str, **options: Unpack[ReportOptions]) -> ReportResponse:
        """Tells how a task went; under a lease the plan, its budget and the history move together, else budget and history alone."""
        return await self._unary(methods.REPORT, work.report(plan_id, task_id, **options), options)

    async def register(self, card: CardLike, **options: Unpack[RegisterOptions]) -> RegisterResponse:
        """Joins as a worker of an agent. `genesis.Worker` does this and all that follows by itself."""
        return await self._unary(methods.REGISTER, work.register(card, **options), options)

    async def heartbeat(self, session_id: str, **options: Unpack[HeartbeatOptions]) -> HeartbeatResponse:
        """Says that the worker of a session is alive, which renews its leases, and how far its tasks are."""
        return await self._unary(methods.HEARTBEAT, work.heartbeat(session_id, **options), options)

    async def deregister(self, session_id: str, **options: Unpack[CallOptions]) -> DeregisterResponse:
        """Leaves: what the worker still holds goes to others."""
        return await self._unary(methods.DEREGISTER, work.deregister(session_id, **options), options)

    def work(self, messages: AsyncIterable[WorkRequest], **options: Unpack[CallOptions]) -> AsyncIterator[WorkResponse]:
        """Takes work on a stream: what the worker says against what the server says. Ends after an hour at the latest; open another."""
        return self._exchange(methods.WORK, messages, options)

    async def breakers(self, **options: Unpack[PageOptions]) -> AsyncIterator[AgentBreaker]:
        """The breakers in front of agents, those that are not closed first. Role: admin, as for all that steers the server."""
        async for page in self._pages(methods.LIST_BREAKERS, work.list_breakers(**options), options):
            for one in page.breakers:
                yield one

    async def reset_breaker(self, agent_id: str, cause: str, **options: Unpack[ResetOptions]) -> ResetBreakerResponse:
        """Closes an agent's breaker now, on every server process. `cause` says why, for the record."""
        return await self._unary(methods.RESET_BREAKER, work.reset_breaker(agent_id, cause, **options), options)

    async def security_events(self, **options: Unpack[PageOptions]) -> AsyncIterator[SecurityEvent]:
        """What should not have happened, newest first; pages are fetched as they are needed."""
        async for page in self._pages(methods.LIST_SECURITY_EVENTS, work.list_security_events(**options), options):
            for one in page.events:
                yield one

    async def get_flag(self, key: str, **options: Unpack[CallOptions]) -> GetFlagResponse:
        """Reads a flag's definition in every layer. Role: admin, as for all that steers flags."""
        return await self._unary(methods.GET_FLAG, flags.get_flag(key, **options), options)

    async def list_flags(self, **options: Unpack[PageOptions]) -> AsyncIterator[Flag]:
        """The flags as they are defined, by key; pages are fetched as they are needed."""
        async for page in self._pages(methods.LIST_FLAGS, flags.list_flags(**options), options):
            for one in page.flags:
                yield one

    async def put_flag(self, key: str, definition: FlagLike, cause: str, **options: Unpack[FlagChangeOptions]) -> PutFlagResponse:
        """Writes the definition of a flag, whole. `cause` says why, for the record, here and in all that follow."""
        return await self._unary(methods.PUT_FLAG, flags.put_flag(key, definition, cause, **options), options)

    async def delete_flag(self, key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> DeleteFlagResponse:
        """Takes a written definition away: that of the server's file, or the one that ships, holds again."""
        return await self._unary(methods.DELETE_FLAG, flags.delete_flag(key, cause, **options), options)

    async def set_flag_weight(self, key: str, percent: float, cause: str, **options: Unpack[FlagChangeOptions]) -> SetFlagWeightResponse:
        """Gives a flag's first variant to this share of the subjects, 0 to 100; whoever was in at a smaller share stays in."""
        return await self._unary(methods.SET_FLAG_WEIGHT, flags.set_flag_weight(key, percent, cause, **options), options)

    async def enable_flag(self, key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> EnableFlagResponse:
        """Turns a boolean flag on for everybody."""
        return await self._unary(methods.ENABLE_FLAG, flags.enable_flag(key, cause, **options), options)

    async def disable_flag(self, key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> DisableFlagResponse:
        """Turns a boolean flag off for everybody."""
        return await self._unary(methods.DISABLE_FLAG, flags.disable_flag(key, cause, **options), options)

    async def preview_flag(self, key: str, **options: Unpack[FlagPreviewOptions]) -> PreviewFlagResponse:
        """What a change would do, and who of the contexts would get something else. Nothing is changed."""
        return await self._unary(methods.PREVIEW_FLAG, flags.preview_flag(key, **options), options)

    async def emergency_flags(self, **options: Unpack[CallOptions]) -> Sequence[EmergencyFlag]:
        """The emergency flags, with whether each is set, why and by whom."""
        return (await self._unary(methods.LIST_FLAGS, flags.list_flags(page_size=1, **options), options)).emergency_flags

    async def set_emergency_flag(self, key: str, cause: str, **options: Unpack[EmergencyOptions]) -> SetEmergencyFlagResponse:
        """Sets an emergency flag: it holds on every server process within a second, until it is cleared."""
        return await self._unary(methods.SET_EMERGENCY_FLAG, flags.set_emergency_flag(key, cause, **options), options)

    async def clear_emergency_flag(self, key: str, cause: str, **options: Unpack[EmergencyOptions]) -> ClearEmergencyFlagResponse:
        """Clears an emergency flag."""
        return await self._unary(methods.CLEAR_EMERGENCY_FLAG, flags.clear_emergency_flag(key, cause, **options), options)

    async def audit_entries(self, **options: Unpack[AuditOptions]) -> AsyncIterator[AuditEntry]:
        """The audit log of the flags, newest first; pages are fetched as they are needed."""
        async for page in self.audit_pages(**options):
            for entry in page.entries:
                yield entry

    async def audit_pages(self, **options: Unpack[AuditOptions]) -> AsyncIterator[ListAuditEntriesResponse]:
        """The same page by page; each tells where the log ended when it was read. `genesis.audit` proves that nobody changed it."""
        async for page in self._pages(methods.LIST_AUDIT_ENTRIES, flags.list_audit_entries(**options), options):
            yield page

    async def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _unary(self, method: Method[Request, Response], request: Request, call: CallOptions) -> Response:
        invoke: UnaryUnaryMultiCallable[bytes, Response] = self._channel.unary_unary(
            method.path, response_deserializer=method.response.FromString
        )
        body = request.SerializeToString()
        tries = self._target.tries(method, call)
        while True:
            try:
                with translated():
                    return await invoke(body, timeout=tries.time_left(), metadata=self._target.call_metadata(method, body, call))
            except GenesisError as error:
                if (wait := tries.wait_after(error)) is None:
                    raise
            await asyncio.sleep(wait)

    async def _pages(self, method: Method[Request, Response], request: Request, call: CallOptions) -> AsyncIterator[Response]:
        following: Any = request
        while True:
            page: Any = await self._unary(method, request, call)
            yield page
            if not page.next_page_token:
                return
            following.page_token = page.next_page_token

    async def _stream(self, method: Method[Request, Response], request: Request, call: CallOptions) -> AsyncIterator[Response]:
        invoke: UnaryStreamMultiCallable[bytes, Response] = self._channel.unary_stream(
            method.path, response_deserializer=method.response.FromString
        )
        body = request.SerializeToString()
        tries = self._target.tries(method, call)
        begun = False
        while True:
            try:
                with translated():
                    stream = invoke(body, timeout=tries.time_left(), metadata=self._target.call_metadata(method, body, call))
                    try:
                        async for message in stream:
                            begun = True
                            yield message
                        return
                    finally:
                        stream.cancel()
            except GenesisError as error:
                if begun or (wait := tries.wait_after(error)) is None:
                    raise
            await asyncio.sleep(wait)

    async def _exchange(
        self, method: Method[Request, Response], messages: AsyncIterable[Request], call: CallOptions
    ) -> AsyncIterator[Response]:
        invoke: StreamStreamMultiCallable[Request, Response] = self._channel.stream_stream(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        with translated():
            metadata = self._target.call_metadata(method, b"", call)
            stream = invoke(aiter(messages), timeout=self._target.call_timeout(method, call), metadata=metadata)
            try:
                async for message in stream:
                    yield message
            finally:
                stream.cancel()


def connect(target: str, **options: Unpack[ConnectOptions]) -> AsyncClient:
    """An asyncio client for the server at `target`, a gRPC target such as `127.0.0.1:50051` or `dns:///genesis.example.com:443`.

    Nothing is sent before the first call. See `genesis.options.ConnectOptions` for the keyword arguments.

    Raises:
        ValueError: when the options contradict each other, or the token would travel in plain text to another machine.
    """
    return AsyncClient(Target(address=target, **options))
