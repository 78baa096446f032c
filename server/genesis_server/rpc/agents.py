"""AgentService: the agents the server knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc.aio

from genesis.v1 import agent_service_pb2, agent_service_pb2_grpc
from genesis_server.model.catalogue import Catalogue
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert import agent_to_proto
from genesis_server.rpc.paging import PageTokens, page_size


class AgentServicer(agent_service_pb2_grpc.AgentServiceServicer):
    """The agents of the snapshot in use."""

    def __init__(self, *, catalogue: Callable[[], Catalogue], tokens: PageTokens) -> None:
        """Answer from the catalogue in use."""
        self._catalogue = catalogue
        self._tokens = tokens

    async def List(
        self, request: agent_service_pb2.AgentServiceListRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> agent_service_pb2.AgentServiceListResponse:
        """One page of agents by id."""
        scope = (current_caller().tenant, "agents", request.skill_id)
        after = self._tokens.read(request.page_token, *scope)
        size = page_size(request.page_size)
        catalogue = self._catalogue()
        wanted = sorted(
            (
                agent
                for agent in catalogue.agents
                if agent.id > after and (not request.skill_id or any(skill.id == request.skill_id for skill in agent.skills))
            ),
            key=lambda agent: agent.id,
        )
        page = wanted[:size]
        return agent_service_pb2.AgentServiceListResponse(
            agents=[
                agent_service_pb2.AgentEntry(card=agent_to_proto(agent), state=agent_service_pb2.AGENT_STATE_DECLARED) for agent in page
            ],
            next_page_token=self._tokens.make(page[-1].id, *scope) if len(wanted) > size else "",
            snapshot_id=catalogue.snapshot_id,
        )
