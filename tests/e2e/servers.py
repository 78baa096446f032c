"""A real server process on a real socket: how tests and measurements start and stop one."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_SECONDS = 60.0
_ASK_AGAIN_AT_ONCE = (("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 20))
"""Else a channel that was refused tries again after 1 s, then after 1.6 s more: how long a start takes would be told in such steps."""


def free_port(neighbours: int = 0) -> int:
    """A port nobody listens on right now, nor on that many ports above it.

    It lies below those that systems give to outgoing connections, so that none of these takes it before the server does.
    """
    while True:
        first = secrets.randbelow(12_000) + 20_000
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + neighbours + 1):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without Genesis settings of whoever runs the tests, and `more`."""
    names = ("GENESIS_", "USE_", "ENABLE_", "OTEL_")
    return {key: value for key, value in os.environ.items() if not key.startswith(names)} | more


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    address: str
    http: str
    data_dir: Path
    log: Path

    def channel(self) -> grpc.Channel:
        """A plaintext channel."""
        return grpc.insecure_channel(
            self.address, options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 100 << 20)]
        )

    def wait_for_log(self, text: str, seconds: float = 10.0, times: int = 1) -> None:
        """Return when the server has logged `text` so many times; fail when it does not in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.log.read_text().count(text) >= times:
                return
            time.sleep(0.02)
        pytest.fail(f"the server did not log {text!r}:\n{self.log.read_text()[-3000:]}")


def start(folder: Path, *, settings: Mapping[str, str] | None = None, arguments: tuple[str, ...] = (), wait: bool = True) -> Server:
    """Start a server with its data below `folder`."""
    port = free_port(neighbours=2)
    http_port = port + 1
    environment = clean_environment(
        **{
            "GENESIS_LISTEN": f"127.0.0.1:{port}",
            "GENESIS_HTTP_LISTEN": f"127.0.0.1:{http_port}",
            "GENESIS_DATA_DIR": str(folder / "data"),
            "GENESIS_LOG_FORMAT": "json",
            "GENESIS_LAME_DUCK_SECONDS": "0",
            "GENESIS_STORAGE_TEST_MODE": "true",
        }
        | dict(settings or {})
    )
    log = folder / "server.log"
    with log.open("a") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "genesis_server", "serve", *arguments], env=environment, stdout=sink, stderr=sink, text=True, cwd=folder
        )
    server = Server(process, environment["GENESIS_LISTEN"], environment["GENESIS_HTTP_LISTEN"], folder / "data", log)
    if wait:
        _wait_until_serving(server)
        # The first process serves before the others do.
        if (workers := int(environment.get("GENESIS_WORKERS", "1"))) > 1:
            server.wait_for_log('"serving"', START_SECONDS, times=workers)
    return server


def _wait_until_serving(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(server.address, options=_ASK_AGAIN_AT_ONCE) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < end:
            if server.process.poll() is not None:
                break
            try:
                if (
                    health.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True).status
                    == health_pb2.HealthCheckResponse.SERVING
                ):
                    return
            except grpc.RpcError:
                pass
            time.sleep(0.02)
    server.process.kill()
    server.process.wait()
    pytest.fail(f"the server does not serve:\n{server.log.read_text()[-4000:]}")


def stop(server: Server) -> int:
    """Ask the server to stop; its exit code."""
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
    try:
        return server.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        pytest.fail(f"the server did not stop:\n{server.log.read_text()[-4000:]}")


@contextmanager
def running(folder: Path, **options: object) -> Iterator[Server]:
    """A server for as long as the block lasts; it must stop by itself with exit code 0."""
    folder.mkdir(parents=True, exist_ok=True)
    server = start(folder, **options)  # type: ignore[arg-type]
    try:
        yield server
    except BaseException:
        server.process.kill()
        server.process.wait()
        raise
    assert stop(server) == 0, server.log.read_text()[-4000:]
