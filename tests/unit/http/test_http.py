"""The HTTP edge on a real socket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from genesis_server.http.app import make_app
from genesis_server.http.server import HttpServer


@dataclass
class State:
    """What the edge is asked about."""

    report: dict[str, Any] = field(default_factory=lambda: {"status": "healthy", "components": []})
    ready: bool = True
    fails: bool = False
    accepts: list[str] = field(default_factory=list[str])

    async def health(self) -> dict[str, Any]:
        if self.fails:
            raise RuntimeError("secret")
        return self.report

    def expose(self, accept: str) -> tuple[bytes, str]:
        self.accepts.append(accept)
        return b"metrics\n", "application/openmetrics-text; version=1.0.0; charset=utf-8"


@asynccontextmanager
async def serving(state: State) -> AsyncIterator[int]:
    server = HttpServer(make_app(health=state.health, ready=lambda: state.ready, expose=state.expose), host="127.0.0.1", port=0)
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


async def ask(port: int, path: str, *, method: str = "GET", accept: str = "*/*") -> tuple[int, dict[str, str], str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    first, *rest = head.split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}, body


@pytest.mark.parametrize(("status", "code"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)])
async def test_health_is_json_and_unhealthy_is_503(status: str, code: int) -> None:
    async with serving(State({"status": status, "components": [{"name": "storage"}]})) as port:
        answer = await ask(port, "/health")
    assert (answer[0], json.loads(answer[2])) == (code, {"status": status, "components": [{"name": "storage"}]})
    assert answer[1]["content-type"] == "application/json"


async def test_probes_tell_liveness_and_readiness_apart() -> None:
    state = State(ready=False)
    async with serving(state) as port:
        assert (await ask(port, "/livez"))[0] == 200
        assert (await ask(port, "/readyz"))[0] == 503
        state.ready = True
        assert (await ask(port, "/readyz"))[0] == 200


async def test_metrics_are_negotiated() -> None:
    state = State()
    async with serving(state) as port:
        status, headers, body = await ask(port, "/metrics", accept="application/openmetrics-text")
    assert (status, body) == (200, "metrics\n")
    assert headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert state.accepts == ["application/openmetrics-text"]


async def test_a_path_that_is_not_there_names_those_that_are() -> None:
    async with serving(State()) as port:
        status, _, body = await ask(port, "/nope")
        assert status == 404
        assert "/health" in body
        assert (await ask(port, "/health", method="POST"))[0] == 405


async def test_a_fault_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(State(fails=True)) as port:
        status, _, body = await ask(port, "/health")
    assert status == 500
    assert "secret" not in body
    assert "secret" in caplog.text


async def test_requests_are_not_logged_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(State()) as port:
        await ask(port, "/livez")
    assert not [record for record in caplog.records if "livez" in record.getMessage()]


async def test_a_port_in_use_says_which_and_what_to_do() -> None:
    async with serving(State()) as port:
        second = HttpServer(make_app(health=State().health, ready=lambda: True, expose=State().expose), host="127.0.0.1", port=port)
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port} is in use.*choose another"):
            await second.start()
        await second.stop()


async def test_an_address_that_is_not_ours_is_named() -> None:
    server = HttpServer(make_app(health=State().health, ready=lambda: True, expose=State().expose), host="192.0.2.1", port=8000)
    with pytest.raises(OSError, match=r"192\.0\.2\.1:8000"):
        await server.start()


async def test_the_processs_own_signal_handlers_stay() -> None:
    import signal

    before = signal.getsignal(signal.SIGINT)
    async with serving(State()):
        assert signal.getsignal(signal.SIGINT) is before
