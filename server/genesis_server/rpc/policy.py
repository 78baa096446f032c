"""PolicyService: the rulebook in use and what another one would change, the breakers in front of agents, security events."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import grpc.aio

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.admin.v1 import policy_service_pb2_grpc
from genesis_server.agents.agent_breakers import AgentBreakers
from genesis_server.agents.shared_breaker import BreakerView
from genesis_server.orchestration.policy.desk import PolicyDesk
from genesis_server.resilience.breakers import BreakerState
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert.breakers import breaker_to_proto, event_to_proto
from genesis_server.rpc.convert.rulebooks import change_to_proto, findings_to_proto, linted_to_proto, preview_to_proto, view_to_proto
from genesis_server.rpc.paging import PageTokens, page_size

if TYPE_CHECKING:
    from genesis_server.security.events import SecurityEvents

_Context = grpc.aio.ServicerContext[Any, Any]


class PolicyServicer(policy_service_pb2_grpc.PolicyServiceServicer):
    """The service over a desk, the breakers and the security events."""

    def __init__(self, *, desk: PolicyDesk, tokens: PageTokens, breakers: AgentBreakers, events: SecurityEvents) -> None:
        """Answer from these parts."""
        self._desk = desk
        self._tokens = tokens
        self._breakers = breakers
        self._events = events

    async def GetRulebook(self, request: policy.GetRulebookRequest, context: _Context) -> policy.GetRulebookResponse:
        """Read a rulebook."""
        return view_to_proto(await self._desk.get(request.version))

    async def LintRulebook(self, request: policy.LintRulebookRequest, context: _Context) -> policy.LintRulebookResponse:
        """Check a rulebook."""
        return linted_to_proto(await self._desk.lint(request.text))

    async def PreviewRulebook(self, request: policy.PreviewRulebookRequest, context: _Context) -> policy.PreviewRulebookResponse:
        """Try a rulebook on recorded routings."""
        tenant = current_caller().tenant
        rulebook = request.version or blake2b(request.text.encode(), digest_size=16).hexdigest()
        scope = (tenant, "preview", rulebook, request.plan_id)
        preview = await self._desk.preview(
            tenant,
            text=request.text,
            version=request.version,
            plan_id=request.plan_id,
            before=self._tokens.read(request.page_token, *scope),
            limit=page_size(request.page_size),
        )
        return preview_to_proto(preview, self._tokens.make(preview.following, *scope) if preview.following else "")

    async def ActivateRulebook(self, request: policy.ActivateRulebookRequest, context: _Context) -> policy.ActivateRulebookResponse:
        """Take a rulebook into use."""
        activated = await self._desk.activate(
            current_caller(),
            text=request.text,
            version=request.version,
            expected_version=request.expected_version,
            cause=request.cause,
        )
        return policy.ActivateRulebookResponse(change=change_to_proto(activated.change), findings=findings_to_proto(activated.findings))

    async def ListRulebookChanges(
        self, request: policy.ListRulebookChangesRequest, context: _Context
    ) -> policy.ListRulebookChangesResponse:
        """List the changes, newest first."""
        scope = (current_caller().tenant, "rulebook changes")
        before = self._tokens.read(request.page_token, *scope)
        page = await self._desk.history(before=int(before or 0), limit=page_size(request.page_size))
        return policy.ListRulebookChangesResponse(
            changes=[change_to_proto(change) for change in page.changes],
            next_page_token=self._tokens.make(str(page.following), *scope) if page.following else "",
        )

    async def ListBreakers(self, request: policy.ListBreakersRequest, context: _Context) -> policy.ListBreakersResponse:
        """List the breakers of the caller's tenant."""
        tenant, size = current_caller().tenant, page_size(request.page_size)
        scope = (tenant, "breakers")
        after = self._tokens.read(request.page_token, *scope)
        # Another process may be the one that works with the tenant's agents.
        await self._breakers.refresh(tenant)
        found = [view for view in self._breakers.listed(tenant) if _breaker_place(view) > after]
        page = found[:size]
        return policy.ListBreakersResponse(
            breakers=[breaker_to_proto(view) for view in page],
            next_page_token=self._tokens.make(_breaker_place(page[-1]), *scope) if len(found) > size else "",
        )

    async def ResetBreaker(self, request: policy.ResetBreakerRequest, context: _Context) -> policy.ResetBreakerResponse:
        """Close a breaker now."""
        caller = current_caller()
        view = await self._breakers.reset(caller.tenant, request.agent_id, actor=caller.subject, cause=request.cause)
        return policy.ResetBreakerResponse(breaker=breaker_to_proto(view))

    async def ListSecurityEvents(self, request: policy.ListSecurityEventsRequest, context: _Context) -> policy.ListSecurityEventsResponse:
        """List security events of the caller's tenant, newest first."""
        tenant, size = current_caller().tenant, page_size(request.page_size)
        scope = (tenant, "security events")
        found = await self._events.newest(tenant, before=self._tokens.read(request.page_token, *scope), limit=size + 1)
        page = found[:size]
        return policy.ListSecurityEventsResponse(
            events=[event_to_proto(event) for event in page],
            next_page_token=self._tokens.make(page[-1].id, *scope) if len(found) > size else "",
        )


def _breaker_place(view: BreakerView) -> str:
    """Where a breaker stands in the list: those that are not closed first, by agent id."""
    return f"{'c' if view.state is BreakerState.CLOSED else 'b'}{view.agent_id}"
