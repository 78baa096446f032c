"""Stands in for `genesis serve` in the tests of the demo: says SERVING and answers Orchestrate, until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from concurrent import futures
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from genesis.v1 import agent_service_pb2, agent_service_pb2_grpc, orchestrator_service_pb2_grpc
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis.v1.agent_service_pb2 import AgentServiceListResponse as Listed


class Orchestrator(orchestrator_service_pb2_grpc.OrchestratorServiceServicer):
    """One answer."""

    def Orchestrate(self, request: pb2.OrchestrateRequest, _: grpc.ServicerContext) -> pb2.OrchestrateResponse:  # noqa: N802
        answer = pb2.OrchestrateResponse(stored=True)
        answer.plan.goal = request.goal
        return answer


class Agents(agent_service_pb2_grpc.AgentServiceServicer):
    """Nobody is there."""

    def List(self, request: agent_service_pb2.AgentServiceListRequest, _: grpc.ServicerContext) -> Listed:  # noqa: N802
        return Listed()


def serve(pid_file: Path, *, stubborn: bool) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = grpc.server(futures.ThreadPoolExecutor(4))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server(Orchestrator(), server)
    agent_service_pb2_grpc.add_AgentServiceServicer_to_server(Agents(), server)
    server.add_insecure_port(os.environ["GENESIS_LISTEN"])
    server.start()
    pid_file.write_text(f"{os.getpid()}\n{os.environ['GENESIS_DATA_DIR']}", encoding="utf-8")
    signal.sigwait({signal.SIGUSR1 if stubborn else signal.SIGTERM})
    server.stop(0)


if __name__ == "__main__":
    if "USE_V2_ORCHESTRATOR" in os.environ:
        sys.exit("the variables of the user's own server reached the demo's")
    if sys.argv[2] == "broken":
        sys.exit("the port is in use")
    serve(Path(sys.argv[1]), stubborn=sys.argv[2] == "stubborn")
