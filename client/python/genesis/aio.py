"""The asyncio client: the methods of `genesis.Client`, awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self, Unpack

import grpc.aio

from genesis import _methods as methods
from genesis import _requests as requests
from genesis._channel import Target
from genesis._methods import Method, Request, Response
from genesis._status import translated
from genesis.admin.v1.policy_service_pb2 import (
    ActivateRulebookResponse,
    GetRulebookResponse,
    LintRulebookResponse,
    PreviewRulebookResponse,
    RulebookChange,
)
from genesis.options import (
    ActivateOptions,
    AgentOptions,
    CallOptions,
    ConnectOptions,
    DecisionOptions,
    DecisionsOptions,
    DeleteOptions,
    OrchestrateOptions,
    PageOptions,
    PlanLike,
    PlanOptions,
    PreviewOptions,
    RouteOptions,
    UpdateOptions,
    ValidateOptions,
    WatchOptions,
)
from genesis.v1.agent_service_pb2 import AgentEntry
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

    async def get_plan(self, plan_id: str, **options: Unpack[CallOptions]) -> GetPlanResponse:
        """Reads a stored plan with its last routing and verdict."""
        return await self._unary(methods.GET_PLAN, requests.get_plan(plan_id, **options), options)

    async def list_plans(self, **options: Unpack[PageOptions]) -> AsyncIterator[PlanSummary]:
        """The stored plans, newest first; pages are fetched as they are needed."""
        request = requests.list_plans(**options)
        while True:
            page = await self._unary(methods.LIST_PLANS, request, options)
            for summary in page.plans:
                yield summary
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

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
        request = requests.list_decisions(**options)
        while True:
            page = await self._unary(methods.LIST_DECISIONS, request, options)
            for one in page.decisions:
                yield one
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_rulebook(self, version: str = "", **options: Unpack[CallOptions]) -> GetRulebookResponse:
        """Reads the rulebook in use, or one that was in use before. Role: admin, as for all that is about rulebooks."""
        return await self._unary(methods.GET_RULEBOOK, requests.get_rulebook(version, **options), options)

    async def lint_rulebook(self, text: str, **options: Unpack[CallOptions]) -> LintRulebookResponse:
        """Checks a rulebook: mistakes, and rules that are shadowed, unreachable or in conflict."""
        return await self._unary(methods.LINT_RULEBOOK, requests.lint_rulebook(text, **options), options)

    async def preview_rulebook(self, **options: Unpack[PreviewOptions]) -> AsyncIterator[PreviewRulebookResponse]:
        """Makes recorded routings again under another rulebook, page by page, and tells which would change and why."""
        request = requests.preview_rulebook(**options)
        while True:
            page = await self._unary(methods.PREVIEW_RULEBOOK, request, options)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def activate_rulebook(self, cause: str, **options: Unpack[ActivateOptions]) -> ActivateRulebookResponse:
        """Takes a rulebook into use; with an earlier version this is the roll-back. `cause` says why, for the record."""
        return await self._unary(methods.ACTIVATE_RULEBOOK, requests.activate_rulebook(cause, **options), options)

    async def rulebook_changes(self, **options: Unpack[PageOptions]) -> AsyncIterator[RulebookChange]:
        """The changes of the rulebook in use, newest first; pages are fetched as they are needed."""
        request = requests.list_rulebook_changes(**options)
        while True:
            page = await self._unary(methods.LIST_RULEBOOK_CHANGES, request, options)
            for one in page.changes:
                yield one
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def delete_plan(self, plan_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Deletes a stored plan."""
        await self._unary(methods.DELETE_PLAN, requests.delete_plan(plan_id, **options), options)

    async def flag(self, *keys: str, **options: Unpack[CallOptions]) -> FlagResponse:
        """What the flags of these keys are, and why; all flags when no key is given."""
        return await self._unary(methods.FLAG, requests.flag(keys, **options), options)

    async def health(self, **options: Unpack[CallOptions]) -> HealthResponse:
        """How the server is: components, degradation level, versions."""
        return await self._unary(methods.HEALTH, requests.health(**options), options)

    async def agents(self, **options: Unpack[AgentOptions]) -> AsyncIterator[AgentEntry]:
        """The agents the server knows, by id; pages are fetched as they are needed."""
        request = requests.agents(**options)
        while True:
            page = await self._unary(methods.LIST_AGENTS, request, options)
            for entry in page.agents:
                yield entry
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _unary(self, method: Method[Request, Response], request: Request, call: CallOptions) -> Response:
        invoke = self._channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        with translated():
            return await invoke(request, timeout=self._target.call_timeout(method, call), metadata=self._target.call_metadata(call))

    async def _stream(self, method: Method[Request, Response], request: Request, call: CallOptions) -> AsyncIterator[Response]:
        invoke = self._channel.unary_stream(method.path, method.request.SerializeToString, method.response.FromString)
        with translated():
            stream = invoke(request, timeout=self._target.call_timeout(method, call), metadata=self._target.call_metadata(call))
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
