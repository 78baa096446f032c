"""The server's layers around a servicer that does nothing: one more of them at each port.

The layers are those that `genesis serve` puts together from the GENESIS_ settings, in a process that is set up as there. Prints the name
of the innermost layer and the port of each server, then "serving"; serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal

import uvloop

from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc
from genesis_server.app.parts import build
from genesis_server.app.running import favour_the_loop
from genesis_server.rpc.server import Drain, GrpcServer
from genesis_server.security.redaction import redact
from genesis_server.settings import Settings
from genesis_server.telemetry.logging import configure_logging

ANSWER = api.FlagResponse(snapshot_id="flags-0").SerializeToString()


class Nothing(orchestrator_service_pb2_grpc.OrchestratorServiceServicer):
    """Answers `Flag` with bytes that are ready."""

    async def Flag(self, request: object, context: object) -> bytes:  # noqa: N802
        """The same to everybody."""
        return ANSWER


def add(servicer: Nothing, server: object) -> None:
    """Only `Flag` is served."""
    handlers = _Handlers()
    orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server(servicer, handlers)
    server.add_registered_method_handlers("genesis.v1.OrchestratorService", {"Flag": handlers.found["Flag"]})  # type: ignore[attr-defined]


class _Handlers:
    def __init__(self) -> None:
        self.found: dict[str, object] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Not these."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, object]) -> None:
        """Keep them."""
        self.found = handlers


async def main() -> None:
    """Serve until SIGTERM."""
    configure_logging(level="INFO", style="json", version="bench", redact=redact)
    parts = await build(Settings.load(None, os.environ), worker=0, shared_port=False, environ=os.environ)
    own = parts.grpc
    servers: list[GrpcServer] = []
    for count in range(len(own._chain) + 1):
        chain = own._chain[:count]
        server = GrpcServer(
            address="127.0.0.1:0",
            services=[(add, Nothing())],
            chain=chain,
            admission=own._admission,
            bounds=own._bounds,
            drain=Drain(0, 0, 0),
        )
        await server.start()
        servers.append(server)
        print(chain[-1][0] if chain else "none", server.port, flush=True)
    favour_the_loop()
    print("serving", flush=True)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    await done.wait()
    for server in servers:
        await server.stop()
    await parts.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
