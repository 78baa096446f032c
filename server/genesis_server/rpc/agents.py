"""AgentService: agents join, take work, and are listed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import grpc.aio

from genesis.v1 import agent_service_pb2, agent_service_pb2_grpc
from genesis_server.agents.roster import Roster
from genesis_server.model.catalogue import AgentCard
from genesis_server.model.work import Session
from genesis_server.orchestration.orchestrator import Call
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert import agent_from_proto, agent_to_proto
from genesis_server.rpc.convert.values import duration_to_proto
from genesis_server.rpc.convert.workers import progress_from_proto, worker_to_proto
from genesis_server.rpc.paging import PageTokens, page_size
from genesis_server.rpc.work import WorkParts, serve_work
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.telemetry.context import current_call

BEATS_PER_LEASE = 3
"""How often a worker should say within a lease's time that it is alive: one or two that get lost do no harm."""

_Context = grpc.aio.ServicerContext[Any, Any]


class AgentServicer(agent_service_pb2_grpc.AgentServiceServicer):
    """The agents of the caller's tenant and their workers."""

    def __init__(self, *, roster: Roster, identity: AgentIdentity, work: WorkParts, tokens: PageTokens, lease_seconds: float) -> None:
        """Answer from these parts; a worker may be silent for `lease_seconds`."""
        self._roster = roster
        self._identity = identity
        self._work = work
        self._tokens = tokens
        self._lease_seconds = lease_seconds

    async def Register(self, request: agent_service_pb2.RegisterRequest, context: _Context) -> agent_service_pb2.RegisterResponse:
        """Begin a worker's session."""
        caller = current_caller()
        self._identity.check(caller, request.card.id)
        session = await self._roster.register(caller.tenant, agent_from_proto(request.card, "card"))
        return agent_service_pb2.RegisterResponse(
            session_id=session.id,
            heartbeat_interval=duration_to_proto(self._lease_seconds / BEATS_PER_LEASE),
            lease_duration=duration_to_proto(self._lease_seconds),
        )

    async def Heartbeat(self, request: agent_service_pb2.HeartbeatRequest, context: _Context) -> agent_service_pb2.HeartbeatResponse:
        """Note a sign of life, and how far tasks are."""
        caller = current_caller()
        session = await self._work.sessions.get(caller, request.session_id)
        await self._roster.beat(caller.tenant, session.id, agent_id=session.agent_id, load=request.load)
        if request.progress:
            await self._work.dispatcher.progress(caller.tenant, session.agent_id, progress_from_proto(request.progress))
        return agent_service_pb2.HeartbeatResponse(lease_duration=duration_to_proto(self._lease_seconds))

    async def Deregister(self, request: agent_service_pb2.DeregisterRequest, context: _Context) -> agent_service_pb2.DeregisterResponse:
        """End a worker's session."""
        caller = current_caller()
        session = await self._work.sessions.get(caller, request.session_id)
        await self._roster.leave(caller.tenant, session.id, agent_id=session.agent_id)
        return agent_service_pb2.DeregisterResponse()

    async def Work(
        self, request_iterator: AsyncIterator[agent_service_pb2.WorkRequest], context: _Context
    ) -> AsyncIterator[agent_service_pb2.WorkResponse]:
        """Serve a worker's stream."""
        running = current_call()
        call = Call(current_caller(), running.correlation_id if running else "")
        async with aclosing(serve_work(self._work, request_iterator, call, peer=context.peer())) as responses:
            async for response in responses:
                yield response

    async def List(
        self, request: agent_service_pb2.AgentServiceListRequest, context: _Context
    ) -> agent_service_pb2.AgentServiceListResponse:
        """One page of agents by id."""
        tenant = current_caller().tenant
        scope = (tenant, "agents", request.skill_id)
        after = self._tokens.read(request.page_token, *scope)
        size = page_size(request.page_size)
        catalogue = self._roster.index(tenant).catalogue
        wanted = sorted(
            (
                agent
                for agent in catalogue.agents
                if agent.id > after and (not request.skill_id or any(skill.id == request.skill_id for skill in agent.skills))
            ),
            key=lambda agent: agent.id,
        )
        page, workers, holding = wanted[:size], self._workers(tenant), self._work.dispatcher.holding(tenant)
        return agent_service_pb2.AgentServiceListResponse(
            agents=[_entry(agent, workers.get(agent.id, []), holding) for agent in page],
            next_page_token=self._tokens.make(page[-1].id, *scope) if len(wanted) > size else "",
            snapshot_id=catalogue.snapshot_id,
        )

    def _workers(self, tenant: str) -> Mapping[str, list[Session]]:
        """Live sessions by agent, in the order in which they joined."""
        found: defaultdict[str, list[Session]] = defaultdict(list)
        for session in sorted(self._roster.sessions(tenant).values(), key=lambda one: (one.joined, one.id)):
            found[session.agent_id].append(session)
        return found


def _entry(agent: AgentCard, workers: list[Session], holding: Mapping[str, int]) -> agent_service_pb2.AgentEntry:
    return agent_service_pb2.AgentEntry(
        card=agent_to_proto(agent),
        state=agent_service_pb2.AGENT_STATE_LIVE if workers else agent_service_pb2.AGENT_STATE_DECLARED,
        workers=[worker_to_proto(one, running_tasks=holding.get(one.id, 0)) for one in workers],
        running_tasks=sum(holding.get(one.id, 0) for one in workers),
    )
