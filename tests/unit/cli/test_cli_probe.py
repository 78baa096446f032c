"""`genesis probe health`: what a container's health check runs."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from typer.testing import CliRunner

from genesis_server.cli.main import app

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def answers() -> Iterator[tuple[health.HealthServicer, int]]:
    """A server that tells health, and its port."""
    servicer = health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, port
    server.stop(None).wait()


def probe(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and what is printed."""
    done = CliRunner().invoke(app, ["probe", "health", *arguments], env=environment, prog_name="genesis")
    return done.exit_code, done.stdout.strip()


def test_the_exit_code_tells_whether_the_server_serves(answers: tuple[health.HealthServicer, int]) -> None:
    """0 while it serves, 1 while it drains."""
    servicer, port = answers
    servicer.set("readiness", SERVING)
    assert probe(f"127.0.0.1:{port}") == (0, f"127.0.0.1:{port} readiness: SERVING")
    servicer.set("readiness", NOT_SERVING)
    assert probe(f"127.0.0.1:{port}") == (1, f"127.0.0.1:{port} readiness: NOT_SERVING")


def test_another_service_can_be_asked_for(answers: tuple[health.HealthServicer, int]) -> None:
    """Liveness stays while readiness does not; a name that is none is not well."""
    servicer, port = answers
    servicer.set("liveness", SERVING)
    assert probe(f"127.0.0.1:{port}", "--service", "liveness")[0] == 0
    assert probe(f"127.0.0.1:{port}", "--service", "nothing") == (1, f"127.0.0.1:{port} nothing: NOT_FOUND")


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])  # noqa: S104  (asked, not listened on)
def test_the_address_is_that_of_the_servers_own_health_port(answers: tuple[health.HealthServicer, int], host: str) -> None:
    """The container sets one variable for both; every address of a machine is asked on the loopback."""
    servicer, port = answers
    servicer.set("readiness", SERVING)
    assert probe(GENESIS_HEALTH_LISTEN=f"{host}:{port}")[0] == 0


def test_nobody_there_is_told_at_once() -> None:
    """A refused connection is no reason to wait."""
    begin = time.monotonic()
    assert probe("127.0.0.1:1") == (1, "127.0.0.1:1 readiness: UNAVAILABLE")
    assert time.monotonic() - begin < 1.5


def test_a_server_that_does_not_answer_is_given_up() -> None:
    """The check ends within the time it is given."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begin = time.monotonic()
        code, said = probe(f"127.0.0.1:{silent.getsockname()[1]}", "--within", "0.3")
    assert (code, said.rpartition(" ")[2]) == (1, "DEADLINE_EXCEEDED")
    assert time.monotonic() - begin < 2
