"""The blocking client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import grpc

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


class Client:
    """Talks to a Genesis server; made by `genesis.connect`. Safe to share between threads.

    Every method raises a `genesis.GenesisError` when the call fails, and `ValueError` or `TypeError` when an argument can be
    seen to be wrong before. `timeout` and `metadata` may be given with every call (see `genesis.options`).
    """

    def __init__(self, target: Target) -> None:
        """Connects when the first call is made."""
        self._target = target
        credentials = target.credentials()
        self._channel = (
            grpc.insecure_channel(target.address, target.options())
            if credentials is None
            else grpc.secure_channel(target.address, credentials, target.options())
        )

    def plan(self, goal: str, **options: Unpack[PlanOptions]) -> PlanResponse:
        """Makes a plan of a goal of 1 to 5 000 characters, and stores it."""
        return self._unary(methods.PLAN, requests.plan(goal, **options), options)

    def plan_stream(self, goal: str, **options: Unpack[PlanOptions]) -> Iterator[PlanStreamResponse]:
        """Makes a plan, tells each phase as it ends, and gives the plan last (`event.result`)."""
        return self._stream(methods.PLAN_STREAM, PlanStreamRequest(plan=requests.plan(goal, **options)), options)

    def route(self, plan: PlanLike, **options: Unpack[RouteOptions]) -> RouteResponse:
        """Gives every primitive task of a plan an agent and a model, or a tool, with the reason."""
        return self._unary(methods.ROUTE, requests.route(plan, **options), options)

    def validate(self, plan: PlanLike, **options: Unpack[ValidateOptions]) -> ValidateResponse:
        """Judges a plan, and its routing when `routes` are given. A bad plan is an answer, not an error."""
        return self._unary(methods.VALIDATE, requests.validate(plan, **options), options)

    def orchestrate(self, goal: str, **options: Unpack[OrchestrateOptions]) -> OrchestrateResponse:
        """Plans, routes, validates and repairs in one round trip, and stores the result."""
        return self._unary(methods.ORCHESTRATE, requests.orchestrate(goal, **options), options)

    def get_plan(self, plan_id: str, **options: Unpack[GetPlanOptions]) -> GetPlanResponse:
        """Reads a stored plan with its last routing and verdict, the work on its tasks and what they put out."""
        return self._unary(methods.GET_PLAN, requests.get_plan(plan_id, **options), options)

    def list_plans(self, **options: Unpack[PageOptions]) -> Iterator[PlanSummary]:
        """The stored plans, newest first; pages are fetched as they are needed."""
        for page in self._pages(methods.LIST_PLANS, requests.list_plans(**options), options):
            yield from page.plans

    def update_plan(self, plan_id: str, **options: Unpack[UpdateOptions]) -> UpdatePlanResponse:
        """Tells a stored plan what happened; what is left of it is repaired where it must be."""
        return self._unary(methods.UPDATE_PLAN, requests.update_plan(plan_id, **options), options)

    def watch_plan(self, plan_id: str, **options: Unpack[WatchOptions]) -> Iterator[WatchPlanResponse]:
        """Every version of a plan behind `after_version`, then each new one as it comes; ends with the plan, at the latest in an hour."""
        return self._stream(methods.WATCH_PLAN, requests.watch_plan(plan_id, **options), options)

    def get_decision(self, decision_id: str, **options: Unpack[DecisionOptions]) -> GetDecisionResponse:
        """Reads a recorded decision; with `replay` it is made again from what was stored."""
        return self._unary(methods.GET_DECISION, requests.get_decision(decision_id, **options), options)

    def list_decisions(self, **options: Unpack[DecisionsOptions]) -> Iterator[Decision]:
        """Recorded decisions, newest first; pages are fetched as they are needed."""
        for page in self._pages(methods.LIST_DECISIONS, requests.list_decisions(**options), options):
            yield from page.decisions

    def get_rulebook(self, version: str = "", **options: Unpack[CallOptions]) -> GetRulebookResponse:
        """Reads the rulebook in use, or one that was in use before. Role: admin, as for all that is about rulebooks."""
        return self._unary(methods.GET_RULEBOOK, requests.get_rulebook(version, **options), options)

    def lint_rulebook(self, text: str, **options: Unpack[CallOptions]) -> LintRulebookResponse:
        """Checks a rulebook: mistakes, and rules that are shadowed, unreachable or in conflict."""
        return self._unary(methods.LINT_RULEBOOK, requests.lint_rulebook(text, **options), options)

    def preview_rulebook(self, **options: Unpack[PreviewOptions]) -> Iterator[PreviewRulebookResponse]:
        """Makes recorded routings again under another rulebook, page by page, and tells which would change and why."""
        yield from self._pages(methods.PREVIEW_RULEBOOK, requests.preview_rulebook(**options), options)

    def activate_rulebook(self, cause: str, **options: Unpack[ActivateOptions]) -> ActivateRulebookResponse:
        """Takes a rulebook into use; with an earlier version this is the roll-back. `cause` says why, for the record."""
        return self._unary(methods.ACTIVATE_RULEBOOK, requests.activate_rulebook(cause, **options), options)

    def rulebook_changes(self, **options: Unpack[PageOptions]) -> Iterator[RulebookChange]:
        """The changes of the rulebook in use, newest first; pages are fetched as they are needed."""
        for page in self._pages(methods.LIST_RULEBOOK_CHANGES, requests.list_rulebook_changes(**options), options):
            yield from page.changes

    def delete_plan(self, plan_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Deletes a stored plan."""
        self._unary(methods.DELETE_PLAN, requests.delete_plan(plan_id, **options), options)

    def flag(self, *keys: str, **options: Unpack[FlagOptions]) -> FlagResponse:
        """What the flags of these keys are for somebody, and why; all flags when no key is given, for the caller when nobody is named."""
        return self._unary(methods.FLAG, flags.flag(keys, **options), options)

    def health(self, **options: Unpack[CallOptions]) -> HealthResponse:
        """How the server is: components, degradation level, versions."""
        return self._unary(methods.HEALTH, requests.health(**options), options)

    def agents(self, **options: Unpack[AgentOptions]) -> Iterator[AgentEntry]:
        """The agents the server knows, by id; pages are fetched as they are needed."""
        for page in self._pages(methods.LIST_AGENTS, requests.agents(**options), options):
            yield from page.agents

    def report(self, plan_id: str, task_id: str, **options: Unpack[ReportOptions]) -> ReportResponse:
        """Tells how a task went; under a lease the plan, its budget and the history move together, else budget and history alone."""
        return self._unary(methods.REPORT, work.report(plan_id, task_id, **options), options)

    def register(self, card: CardLike, **options: Unpack[RegisterOptions]) -> RegisterResponse:
        """Joins as a worker of an agent. `genesis.Worker` does this and all that follows by itself."""
        return self._unary(methods.REGISTER, work.register(card, **options), options)

    def heartbeat(self, session_id: str, **options: Unpack[HeartbeatOptions]) -> HeartbeatResponse:
        """Says that the worker of a session is alive, which renews its leases, and how far its tasks are."""
        return self._unary(methods.HEARTBEAT, work.heartbeat(session_id, **options), options)

    def deregister(self, session_id: str, **options: Unpack[CallOptions]) -> DeregisterResponse:
        """Leaves: what the worker still holds goes to others."""
        return self._unary(methods.DEREGISTER, work.deregister(session_id, **options), options)

    def work(self, messages: Iterable[WorkRequest], **options: Unpack[CallOptions]) -> Iterator[WorkResponse]:
        """Takes work on a stream: what the worker says against what the server says. Ends after an hour at the latest; open another."""
        return self._exchange(methods.WORK, messages, options)

    def breakers(self, **options: Unpack[PageOptions]) -> Iterator[AgentBreaker]:
        """The breakers in front of agents, those that are not closed first. Role: admin, as for all that steers the server."""
        for page in self._pages(methods.LIST_BREAKERS, work.list_breakers(**options), options):
            yield from page.breakers

    def reset_breaker(self, agent_id: str, cause: str, **options: Unpack[ResetOptions]) -> ResetBreakerResponse:
        """Closes an agent's breaker now, on every server process. `cause` says why, for the record."""
        return self._unary(methods.RESET_BREAKER, work.reset_breaker(agent_id, cause, **options), options)

    def security_events(self, **options: Unpack[PageOptions]) -> Iterator[SecurityEvent]:
        """What should not have happened, newest first; pages are fetched as they are needed."""
        for page in self._pages(methods.LIST_SECURITY_EVENTS, work.list_security_events(**options), options):
            yield from page.events

    def get_flag(self, key: str, **options: Unpack[CallOptions]) -> GetFlagResponse:
        """Reads a flag's definition in every layer. Role: admin, as for all that steers flags."""
        return self._unary(methods.GET_FLAG, flags.get_flag(key, **options), options)

    def list_flags(self, **options: Unpack[PageOptions]) -> Iterator[Flag]:
        """The flags as they are defined, by key; pages are fetched as they are needed."""
        for page in self._pages(methods.LIST_FLAGS, flags.list_flags(**options), options):
            yield from page.flags

    def put_flag(self, key: str, definition: FlagLike, cause: str, **options: Unpack[FlagChangeOptions]) -> PutFlagResponse:
        """Writes the definition of a flag, whole. `cause` says why, for the record, here and in all that follow."""
        return self._unary(methods.PUT_FLAG, flags.put_flag(key, definition, cause, **options), options)

    def delete_flag(self, key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> DeleteFlagResponse:
        """Takes a written definition away: that of the server's file, or the one that ships, holds again."""
        return self._unary(methods.DELETE_FLAG, flags.delete_flag(key, cause, **options), options)

    def set_flag_weight(self, key: str, percent: float, cause: str, **options: Unpack[FlagChangeOptions]) -> SetFlagWeightResponse:
        """Gives a flag's first variant to this share of the subjects, 0 to 100; whoever was in at a smaller share stays in."""
        return self._unary(methods.SET_FLAG_WEIGHT, flags.set_flag_weight(key, percent, cause, **options), options)

    def enable_flag(self, key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> EnableFlagResponse:
        """Turns a boolean flag on for everybody."""
        return self._unary(methods.ENABLE_FLAG, flags.enable_flag(key, cause, **options), options)

    def disable_flag(self, key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> DisableFlagResponse:
        """Turns a boolean flag off for everybody."""
        return self._unary(methods.DISABLE_FLAG, flags.disable_flag(key, cause, **options), options)

    def preview_flag(self, key: str, **options: Unpack[FlagPreviewOptions]) -> PreviewFlagResponse:
        """What a change would do, and who of the contexts would get something else. Nothing is changed."""
        return self._unary(methods.PREVIEW_FLAG, flags.preview_flag(key, **options), options)

    def emergency_flags(self, **options: Unpack[CallOptions]) -> Sequence[EmergencyFlag]:
        """The emergency flags, with whether each is set, why and by whom."""
        return self._unary(methods.LIST_FLAGS, flags.list_flags(page_size=1, **options), options).emergency_flags

    def set_emergency_flag(self, key: str, cause: str, **options: Unpack[EmergencyOptions]) -> SetEmergencyFlagResponse:
        """Sets an emergency flag: it holds on every server process within a second, until it is cleared."""
        return self._unary(methods.SET_EMERGENCY_FLAG, flags.set_emergency_flag(key, cause, **options), options)

    def clear_emergency_flag(self, key: str, cause: str, **options: Unpack[EmergencyOptions]) -> ClearEmergencyFlagResponse:
        """Clears an emergency flag."""
        return self._unary(methods.CLEAR_EMERGENCY_FLAG, flags.clear_emergency_flag(key, cause, **options), options)

    def audit_entries(self, **options: Unpack[AuditOptions]) -> Iterator[AuditEntry]:
        """The audit log of the flags, newest first; pages are fetched as they are needed."""
        for page in self.audit_pages(**options):
            yield from page.entries

    def audit_pages(self, **options: Unpack[AuditOptions]) -> Iterator[ListAuditEntriesResponse]:
        """The same page by page; each tells where the log ended when it was read. `genesis.audit` proves that nobody changed it."""
        yield from self._pages(methods.LIST_AUDIT_ENTRIES, flags.list_audit_entries(**options), options)

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _unary(self, method: Method[Request, Response], request: Request, call: CallOptions) -> Response:
        invoke: grpc.UnaryUnaryMultiCallable[bytes, Response] = self._channel.unary_unary(
            method.path, response_deserializer=method.response.FromString
        )
        body = request.SerializeToString()
        tries = self._target.tries(method, call)
        while True:
            try:
                with translated():
                    return invoke(body, timeout=tries.time_left(), metadata=self._target.call_metadata(method, body, call))
            except GenesisError as error:
                if (wait := tries.wait_after(error)) is None:
                    raise
            time.sleep(wait)

    def _pages(self, method: Method[Request, Response], request: Request, call: CallOptions) -> Iterator[Response]:
        following: Any = request
        while True:
            page: Any = self._unary(method, request, call)
            yield page
            if not page.next_page_token:
                return
            following.page_token = page.next_page_token

    def _stream(self, method: Method[Request, Response], request: Request, call: CallOptions) -> Iterator[Response]:
        invoke: grpc.UnaryStreamMultiCallable[bytes, Response] = self._channel.unary_stream(
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
                        for message in stream:
                            begun = True
                            yield message
                        return
                    finally:
                        stream.cancel()
            except GenesisError as error:
                if begun or (wait := tries.wait_after(error)) is None:
                    raise
            time.sleep(wait)

    def _exchange(self, method: Method[Request, Response], messages: Iterable[Request], call: CallOptions) -> Iterator[Response]:
        invoke: grpc.StreamStreamMultiCallable[Request, Response] = self._channel.stream_stream(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        with translated():
            metadata = self._target.call_metadata(method, b"", call)
            stream = invoke(iter(messages), timeout=self._target.call_timeout(method, call), metadata=metadata)
            try:
                yield from stream
            finally:
                stream.cancel()


def connect(target: str, **options: Unpack[ConnectOptions]) -> Client:
    """A client for the server at `target`, a gRPC target such as `127.0.0.1:50051` or `dns:///genesis.example.com:443`.

    Nothing is sent before the first call. See `genesis.options.ConnectOptions` for the keyword arguments.

    Raises:
        ValueError: when the options contradict each other, or the token would travel in plain text to another machine.
    """
    return Client(Target(address=target, **options))
