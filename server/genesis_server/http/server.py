"""Runs the HTTP edge on the event loop of the gRPC server."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

STOP_SECONDS = 2
"""Requests under way may finish within this time."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Signals are not for this server."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class HttpServer:
    """An ASGI application on a port."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        """Prepare; port 0 means any free one."""
        self._app = app
        self._host = host
        self._wanted = port
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0
        """The port it listens on, once started."""

    async def start(self) -> None:
        """Listen and serve. Raises OSError with a message that names the address when the port cannot be had."""
        listener = _listener(self._host, self._wanted)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=STOP_SECONDS,
            server_header=False,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http-edge")
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Let requests under way finish, then stop."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task


def _listener(host: str, port: int) -> socket.socket:
    """A bound socket, without SO_REUSEPORT: a second server on the port fails here."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise OSError(error.errno, message) from error
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"{host}:{port} is in use: another server listens there. Stop it, or choose another HTTP port (0: any free one)"
        else:
            message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise OSError(error.errno, message) from error
    return listener
