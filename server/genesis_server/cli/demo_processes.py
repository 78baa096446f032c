"""The processes of the demo: a server and workers, each with its log; none of them stays behind."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError
from genesis_server.flags.overrides import OTHER_NAMES

if TYPE_CHECKING:
    from genesis import Client
    from genesis.v1.catalogue_pb2 import AgentCard

SERVER_COMMAND = (sys.executable, "-m", "genesis_server.cli.demo_server")
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
    child: subprocess.Popen[bytes]
    log: Path

    def await_serving(self) -> None:
        """Wait until it serves. Raises CommandError with the end of its log when it does not."""
        _await_serving(self.address, self.child, self.log)


@dataclass(frozen=True, slots=True)
class DemoWorkers:
    """Workers in child processes, by the ids of their agents. They wait for `join`."""

    server: DemoServer
    folder: Path
    """Where they write to."""
    children: Mapping[str, subprocess.Popen[bytes]]
    logs: Mapping[str, Path]

    def join(self, client: Client, cards: Sequence[AgentCard], fails_after: Mapping[str, int]) -> None:
        """Send each to the server with its card, and wait until all have joined; `fails_after`: tasks that an agent does before it fails.

        Raises CommandError with the end of its log when one does not join.
        """
        from google.protobuf.json_format import MessageToDict

        for card in cards:
            order = {"address": self.server.address, "card": MessageToDict(card), "fails_after": fails_after.get(card.id)}
            pipe = self.children[card.id].stdin
            # One that has ended already is told of below.
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.write(json.dumps(order).encode() + b"\n")
                    pipe.flush()
        _await_joined(client, self.children, self.logs)


@contextlib.contextmanager
def running_server(agents_file: Path | None = None) -> Generator[DemoServer]:
    """A server of its own in a child process, with a folder of its own; both are gone afterwards. It takes a moment until it serves.

    `agents_file`: agents that plans may count on; those that ship when left out.
    """
    with tempfile.TemporaryDirectory(prefix="genesis-demo-") as name:
        folder = Path(name)
        address, log = f"127.0.0.1:{_free_port()}", folder / "server.log"
        environment = _environment(address, folder) | ({"GENESIS_AGENTS_FILE": str(agents_file)} if agents_file else {})
        with _child(SERVER_COMMAND, log, environment) as child:
            yield DemoServer(address, folder, child, log)


@contextlib.contextmanager
def running_workers(server: DemoServer, agents: Sequence[str], programs: Mapping[str, Sequence[str]]) -> Generator[DemoWorkers]:
    """A process for each agent, that gets ready while the server does; `programs`: of agents that do not run the demo's own."""
    work = server.folder / "work"
    work.mkdir()
    environment = _environment(server.address, server.folder)
    with contextlib.ExitStack() as stack:
        logs = {agent: server.folder / f"{agent}.log" for agent in agents}
        children = {
            agent: stack.enter_context(_child((*programs.get(agent, WORKER_COMMAND), str(work), agent), logs[agent], environment))
            for agent in agents
        }
        try:
            yield DemoWorkers(server, work, children, logs)
        finally:
            # All at once, so that none waits for another.
            for child in children.values():
                child.terminate()


@contextlib.contextmanager
def _child(command: Sequence[str], log_file: Path, environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    with log_file.open("wb") as log:
        # Its standard input ends when this process is gone, however that comes; Ctrl-C is for this one alone, which stops all in order.
        try:
            child = subprocess.Popen(  # noqa: S603  (this very program, or one the user named)
                command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise CommandError(f"{command[0]} does not start: {error.strerror}", code=ExitCode.USAGE) from error
    try:
        yield child
    finally:
        _stop(child)


def _environment(address: str, folder: Path) -> dict[str, str]:
    """The settings of the demo, whatever those of the user's own server are."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GENESIS_") and name not in OTHER_NAMES}
    return inherited | {
        "GENESIS_LISTEN": address,
        "GENESIS_HTTP_LISTEN": "127.0.0.1:0",
        "GENESIS_DATA_DIR": str(folder),
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


def _await_joined(client: Client, children: Mapping[str, subprocess.Popen[bytes]], logs: Mapping[str, Path]) -> None:
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
