"""Every part of a server, put together from settings: the ground, the domain on it, the edge around both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from genesis_server import __version__
from genesis_server.app.domain import make_domain
from genesis_server.app.edge import make_edge, place
from genesis_server.app.ground import lay_ground
from genesis_server.app.probes import health_json
from genesis_server.flags.emergency import Modes
from genesis_server.http.app import make_app
from genesis_server.http.server import HttpServer
from genesis_server.resilience.errors import GenesisError
from genesis_server.rpc.server import GrpcServer
from genesis_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """A server, ready to start."""

    grpc: GrpcServer
    http: HttpServer
    watch: Callable[[], Coroutine[None, None, NoReturn]]
    """Follows the files, the workers and the plans until it is cancelled."""
    close: Callable[[], Awaitable[None]]
    """Lets go of everything that was opened."""


async def build(settings: Settings, *, worker: int, shared_port: bool, environ: Mapping[str, str]) -> Parts:
    """Put a server together; nothing listens yet.

    `worker` counts from 0 and moves the HTTP and health ports; `shared_port` says that other processes listen on the same gRPC port.
    Raises StartError with every mistake of the files it reads, and OSError.
    """
    ground = await lay_ground(settings, environ)
    domain = make_domain(ground)
    edge = await make_edge(ground, domain, worker=worker, shared_port=shared_port)

    async def health_report() -> dict[str, object]:
        return health_json(await domain.health.report(), version=__version__)

    http_host, http_port = place(settings.http_listen)
    http = HttpServer(
        make_app(health=health_report, ready=lambda: edge.server.health.ready, expose=ground.metrics.expose),
        host=http_host,
        port=http_port and http_port + worker,
    )

    async def watch() -> NoReturn:
        async with asyncio.TaskGroup() as watchers:
            watchers.create_task(ground.decisions.rulebook.follow(), name="rulebook watcher")
            watchers.create_task(ground.agents.follow(), name="agents watcher")
            watchers.create_task(domain.dispatcher.follow(), name="dispatcher")
            watchers.create_task(ground.events.follow(), name="security events")
            watchers.create_task(ground.flags.follow(), name="flags watcher")
            await ground.watch_files([edge.tls.poll] if edge.tls is not None else [])

    async def close() -> None:
        await domain.dispatcher.close()
        with suppress(GenesisError):  # the store may be gone
            await ground.events.flush()
        await edge.large_plans.close()
        await edge.access.close()
        await ground.model.close()
        await ground.flags.close()
        await asyncio.to_thread(ground.tracing.shutdown)
        await ground.store.close()

    is_shut = False

    def obey(modes: Modes) -> None:
        """An emergency shutdown sends calls and workers elsewhere; what the workers hold they finish."""
        nonlocal is_shut
        if modes.shutdown == is_shut:
            return
        is_shut = modes.shutdown
        edge.server.health.set_shut(is_shut)
        if is_shut:
            domain.dispatcher.move_streams()
        else:
            domain.dispatcher.hand_out_again()

    ground.flags.in_use.on_modes(obey)
    ground.model.start()
    return Parts(edge.server, http, watch, close)
