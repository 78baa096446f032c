"""The gRPC server: start, drain, stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2_grpc

from genesis_server.rpc.admission import Admission
from genesis_server.rpc.chain import AROUND_PROBES, AROUND_UNKNOWN, Chain
from genesis_server.rpc.channel_options import ChannelOptions
from genesis_server.rpc.deserialisation import SizeBounds
from genesis_server.rpc.health import HealthServicer
from genesis_server.rpc.interceptors.layer import Handler
from genesis_server.rpc.interceptors.layered import LayeredHandlers
from genesis_server.rpc.methods import HEALTH_SERVICE
from genesis_server.rpc.ports import check_port_free, split_address
from genesis_server.rpc.registration import Service, collect

FLUSH_SECONDS = 0.25
"""Time for the last answers to leave when no call is under way any more."""


@dataclass(frozen=True, slots=True)
class Drain:
    """How the server stops."""

    lame_duck_seconds: float = 5.0
    """Health says NOT_SERVING, calls are still served: at least the load balancer's probe interval times its threshold."""
    refuse_seconds: float = 0.5
    """At least so long, new calls get UNAVAILABLE with a retry hint."""
    grace_seconds: float = 20.0
    """Calls under way may finish within this time; then they are cut off."""


class GrpcServer:
    """One server on one event loop, serving everything on one address."""

    def __init__(
        self,
        *,
        address: str,
        services: Sequence[Service],
        chain: Chain,
        admission: Admission,
        bounds: SizeBounds,
        options: ChannelOptions | None = None,
        drain: Drain | None = None,
        credentials: grpc.ServerCredentials | None = None,
        health_address: str | None = None,
        reflection: bool = False,
        channelz: bool = False,
        reuse_port: bool = False,
    ) -> None:
        """Prepare; nothing listens before `start`.

        Args:
            address: `host:port`, port 0 for any free one, or `unix:/path`.
            services: (generated add function, servicer) of each service; health is added.
            chain: the layers around calls, outermost first.
            admission: the one that the limits layer in `chain` uses.
            bounds: on the size of requests.
            options: of connections.
            drain: how to stop.
            credentials: TLS; None serves plaintext.
            health_address: a second, plaintext port that serves health only, for probes that speak no TLS.
            reflection: serve the descriptors.
            channelz: serve the state of connections.
            reuse_port: let several processes listen on the address; without it a port in use is an error.
        """
        self._address = address
        self._chain = chain
        self._admission = admission
        self._bounds = bounds
        self._options = options or ChannelOptions()
        self._drain = drain or Drain()
        self._credentials = credentials
        self._health_address = health_address
        self._reuse_port = reuse_port
        extra = [*([_reflection(services, bounds)] if reflection else []), *([_channelz()] if channelz else [])]
        self._handlers, names = collect([*services, *extra], bounds)
        self.health = HealthServicer(names)
        add_health = cast("Any", health_pb2_grpc).add_HealthServicer_to_server
        self._health_handlers, _ = collect([(add_health, self.health)], bounds)
        self._servers: list[grpc.aio.Server] = []
        self.port = 0
        """The port it listens on, once started; 0 for a Unix socket."""
        self.health_port = 0
        """The health port, once started; 0 without one."""

    async def start(self) -> None:
        """Listen and serve; health says NOT_SERVING until `health.set_ready(True)`. Raises OSError when a port cannot be had."""
        if not self._reuse_port:
            check_port_free(self._address)
        main = self._server(self._handlers | self._health_handlers, self._chain)
        self.port = _listen(main, self._address, self._credentials)
        if self._health_address is not None:
            # Every process has a health port of its own, so this one is never shared.
            check_port_free(self._health_address)
            probes = self._server(self._health_handlers, [(name, layer) for name, layer in self._chain if name in AROUND_PROBES])
            self.health_port = _listen(probes, self._health_address, None)
        for server in self._servers:
            await server.start()

    async def abandon(self) -> None:
        """Let go of what a failed `start` left behind."""
        for server in self._servers:
            await server.stop(None)

    async def stop(self, forced: asyncio.Event | None = None) -> None:
        """Drain and stop. Setting `forced` at any time ends all waiting."""
        forced = forced or asyncio.Event()
        self.health.enter_graceful_shutdown()
        await _wait(asyncio.sleep(self._drain.lame_duck_seconds), forced)
        self._admission.close()
        await _wait(self._finish_calls(), forced)
        for server in self._servers:
            await server.stop(0 if forced.is_set() else FLUSH_SECONDS)

    async def _finish_calls(self) -> None:
        """Wait for the calls under way, while new ones are refused."""
        await asyncio.sleep(min(self._drain.refuse_seconds, self._drain.grace_seconds))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._admission.idle(), max(0.0, self._drain.grace_seconds - self._drain.refuse_seconds))

    def _server(self, handlers: Mapping[str, Handler], chain: Chain) -> grpc.aio.Server:
        server = grpc.aio.server(options=self._options.arguments(max_receive_bytes=self._bounds.channel_limit, reuse_port=self._reuse_port))
        around_unknown = [layer for name, layer in chain if name in AROUND_UNKNOWN]
        layered = LayeredHandlers(handlers, layers=[layer for _, layer in chain], around_unknown=around_unknown)
        server.add_generic_rpc_handlers((layered,))
        self._servers.append(server)
        return server


def _listen(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        port = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    except RuntimeError as error:
        message = f"cannot listen on {address}: gRPC could not bind it"
        raise OSError(message) from error
    return 0 if split_address(address) is None else port


async def _wait(work: Awaitable[None], forced: asyncio.Event) -> None:
    """Await `work`, unless `forced` comes first."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(work), asyncio.ensure_future(forced.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _reflection(services: Sequence[Service], bounds: SizeBounds) -> Service:
    from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc  # noqa: PLC0415

    _, names = collect(services, bounds)
    add = cast("Any", reflection_pb2_grpc).add_ServerReflectionServicer_to_server
    return add, reflection.aio.ReflectionServicer([*names, HEALTH_SERVICE, reflection.SERVICE_NAME])


def _channelz() -> Service:
    from grpc_channelz.v1 import channelz, channelz_pb2_grpc  # noqa: PLC0415

    add = cast("Any", channelz_pb2_grpc).add_ChannelzServicer_to_server
    return add, channelz.aio.ChannelzServicer()
