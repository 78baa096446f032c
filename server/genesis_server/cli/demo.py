"""`genesis demo`: a server, a goal, and everything the server says to it; nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.catalogues import catalogue_option
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError
from genesis_server.cli.text import span
from genesis_server.flags.overrides import OTHER_NAMES

SERVER_COMMAND = (sys.executable, "-m", "genesis_server", "serve")
DEFAULT_GOAL = "Release the new billing feature to all customers"
DEFAULT_BUDGET = "0.25 USD"
"""Goes with the default goal; goals of one's own have no limit."""

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_LOG_LINES = 12
_CHECK = "/grpc.health.v1.Health/Check"


def demo(
    ctx: typer.Context,
    goal: Annotated[str, typer.Option(metavar="TEXT", help="Your own goal, in words.")] = DEFAULT_GOAL,
    catalogue: o.CatalogueFile = None,
) -> None:
    """Start a server of its own, hand it a goal, show the whole answer, stop the server. Exit code 0 whatever the verdict."""
    from genesis_server.cli.show.whole import show_orchestration

    run = session.of(ctx)
    given = catalogue_option(run, catalogue)
    started = time.monotonic()
    with _ending_well(), running_server() as address:
        run.note(f"a server answers at {address} after {span(time.monotonic() - started)}")
        own = session.Session(server=address, timeout=run.timeout, json=run.json, no_color=run.no_color)
        with own.client() as client, own.waiting("planning, routing, validating …"):
            answer = client.orchestrate(goal, catalogue=given, budget=DEFAULT_BUDGET if goal == DEFAULT_GOAL else None)
        own.answer(answer, lambda console: show_orchestration(console, answer))
    run.note(f"the server has stopped; {span(time.monotonic() - started)} in all")


@contextlib.contextmanager
def running_server() -> Generator[str]:
    """The address of a server of its own in a child process, with a folder of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="genesis-demo-") as folder:
        log_file = Path(folder) / "server.log"
        address = f"127.0.0.1:{_free_port()}"
        with log_file.open("wb") as log:
            child = subprocess.Popen(  # noqa: S603  (this very program)
                SERVER_COMMAND,
                env=_environment(address, folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            _await_serving(address, child, log_file)
            yield address
        finally:
            _stop(child)


def _environment(address: str, folder: str) -> dict[str, str]:
    """The settings of the demo, whatever those of the user's own server are."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GENESIS_") and name not in OTHER_NAMES}
    return inherited | {
        "GENESIS_LISTEN": address,
        "GENESIS_HTTP_LISTEN": "127.0.0.1:0",
        "GENESIS_DATA_DIR": folder,
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
            time.sleep(0.05)
    said = log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    ended = f"ended with exit code {child.returncode}" if child.poll() is not None else f"does not serve after {_START_SECONDS:.0f} s"
    raise CommandError(f"the demo's server {ended}", code=ExitCode.SERVER_FAULT, details=said)


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextlib.contextmanager
def _ending_well() -> Generator[None]:
    """Let SIGTERM end the command by an exception, so that the server is stopped on the way out."""

    def end(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
