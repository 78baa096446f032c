"""The reference of every ratio: a bare grpc.aio + uvloop server that gives back the bytes it gets."""

from __future__ import annotations

import asyncio
import signal
import sys

import grpc
import uvloop


async def echo(request: bytes, _context: object) -> bytes:
    """The same bytes."""
    return request


async def main(address: str) -> None:
    """Serve until SIGTERM."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(echo)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler})])
    server.add_insecure_port(address)
    await server.start()
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    print("serving", flush=True)
    await done.wait()
    await server.stop(0)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
