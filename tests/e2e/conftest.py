"""What end-to-end tests share: one running server, and a channel to it."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from genesis.v1 import agent_service_pb2_grpc, orchestrator_service_pb2_grpc
from servers import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with the embedded defaults for all tests that change no settings."""
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="session")
def channel(server: Server) -> Iterator[grpc.Channel]:
    """A channel to the shared server."""
    with server.channel() as opened:
        yield opened


@pytest.fixture(scope="session")
def orchestrator(channel: grpc.Channel) -> orchestrator_service_pb2_grpc.OrchestratorServiceStub:
    """The main service of the shared server."""
    return orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)


@pytest.fixture(scope="session")
def agents(channel: grpc.Channel) -> agent_service_pb2_grpc.AgentServiceStub:
    """The agent service of the shared server."""
    return agent_service_pb2_grpc.AgentServiceStub(channel)
