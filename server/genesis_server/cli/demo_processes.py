"""The processes of the demo: a server and workers, each with its log; none of them stays behind."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError
from genesis_server.flags.overrides import OTHER_NAMES

if TYPE_CHECKING:
    from genesis import Client

SERVER_COMMAND = (sys.executable, "-m", "genesis_server", "serve")
WORKER_COMMAND = (sys.executable, "-m", "genesis_server.cli.demo_worker")

_START_SECONDS = 30.0
_JOIN_SECONDS = 30.0
_STOP_SECONDS = 15.0
_LOG_LINES = 12
_POLL = 0.05
_CHECK = "/grpc.health.v1.Health/Check"


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A server in a child process."""

    address: str
    folder: Path
    """Gone with the server."""


@contextlib.contextmanager
def running_server(agents_file: Path | None = None) -> Generator[DemoServer]:
    """A server of its own in a child process, with a folder of its own; both are gone afterwards.

    `agents_file`: agents that plans may count on; those that ship when left out.
    """
    with tempfile.TemporaryDirectory(prefix="genesis-demo-") as name:
        folder = Path(name)
        server = DemoServer(f"127.0.0.1:{_free_port()}", folder)
        environment = _environment(server) | ({"GENESIS_AGENTS_FILE": str(agents_file)} if agents_file else {})
        with _child(SERVER_COMMAND, folder / "server.log", environment) as child:
            _await_serving(server.address, child, folder / "server.log")
            yield server


@contextlib.contextmanager
def running_workers(server: DemoServer, client: Client, agents: Sequence[Sequence[str]]) -> Generator[Path]:
    """A worker for each agent, joined; its arguments begin with the agent's id. Gives the folder they write to."""
    work = server.folder / "work"
    work.mkdir()
    with contextlib.ExitStack() as stack:
        logs = {agent[0]: server.folder / f"{agent[0]}.log" for agent in agents}
        children = {
            agent[0]: stack.enter_context(
                _child((*WORKER_COMMAND, server.address, str(work), *agent), logs[agent[0]], _environment(server))
            )
            for agent in agents
        }
        try:
            _await_joined(client, children, logs)
            yield work
        finally:
            # All at once, so that none waits for another.
            for child in children.values():
                child.terminate()


@contextlib.contextmanager
def _child(command: Sequence[str], log_file: Path, environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    with log_file.open("wb") as log:
        # Its standard input ends when this process is gone, however that comes.
        child = subprocess.Popen(  # noqa: S603  (this very program)
            command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield child
    finally:
        _stop(child)


def _environment(server: DemoServer) -> dict[str, str]:
    """The settings of the demo, whatever those of the user's own server are."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GENESIS_") and name not in OTHER_NAMES}
    return inherited | {
        "GENESIS_LISTEN": server.address,
        "GENESIS_HTTP_LISTEN": "127.0.0.1:0",
        "GENESIS_DATA_DIR": str(server.folder),
        "GENESIS_LAME_DUCK_SECONDS": "0",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _await_serving(address: str, child: subprocess.Popen[bytes], log_file: Path) -> None:
    """Wait until the server says SERVING on grpc.health.v1."""
    import grpc
    from grpc_health.v1 import health_pb2

    deadline = time.monotonic() + _START_SECONDS
    request = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0), ("grpc.initial_reconnect_backoff_ms", 50)]) as channel:
        check = channel.unary_unary(_CHECK, health_pb2.HealthCheckRequest.SerializeToString, health_pb2.HealthCheckResponse.FromString)
        while child.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(grpc.RpcError):
                if check(request, timeout=1.0).status == health_pb2.HealthCheckResponse.SERVING:
                    return
            time.sleep(_POLL)
    raise _not_up("the demo's server", f"does not serve after {_START_SECONDS:.0f} s", child, log_file)


def _await_joined(client: Client, children: dict[str, subprocess.Popen[bytes]], logs: dict[str, Path]) -> None:
    """Wait until every agent has a worker."""
    from genesis.v1.agent_service_pb2 import AGENT_STATE_LIVE

    deadline = time.monotonic() + _JOIN_SECONDS
    while missing := children.keys() - {entry.card.id for entry in client.agents(page_size=200) if entry.state == AGENT_STATE_LIVE}:
        for name in sorted(missing):
            if children[name].poll() is not None or time.monotonic() > deadline:
                raise _not_up(f"the demo's worker of {name}", f"does not join after {_JOIN_SECONDS:.0f} s", children[name], logs[name])
        time.sleep(_POLL)


def _not_up(who: str, fault: str, child: subprocess.Popen[bytes], log_file: Path) -> CommandError:
    said = log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    ended = f"ended with exit code {child.returncode}" if child.poll() is not None else fault
    return CommandError(f"{who} {ended}", code=ExitCode.SERVER_FAULT, details=said)


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.communicate(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
