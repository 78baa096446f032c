"""What scenarios meet: one open server, one with TLS and credentials, and the faulty one in front of the open one."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from faults import Faults, serving
from servers import Server, free_port, running, start, stop
from test_access import certificate, secure
from tokens import SETTINGS as TOKENS
from tokens import token

AGENT, KEY_ID = "conformance-agent", "k1"
OPEN = {"GENESIS_RATE_PER_SECOND": "100000", "GENESIS_RATE_BURST": "100000"}


@dataclass(frozen=True)
class Arena:
    """Where everything listens, and what opens it."""

    open: Server
    secure: str
    certificate: Path
    agent_secret: str
    faults_address: str
    faults: Faults

    def connect(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """How a driver connects, for a scenario's `connect`."""
        server = wish.get("server", "open")
        addresses = {"open": self.open.address, "faults": self.faults_address, "secure": self.secure}
        key = {"right": f"{KEY_ID}:{self.agent_secret}", "wrong": f"{KEY_ID}:{'0' * 48}"}
        return {
            "target": addresses[server],
            "ca_file": str(self.certificate) if server == "secure" else None,
            "token": token(wish["role"], tenant="default") if "role" in wish else None,
            "agent_key": key[wish["agent_key"]] if "agent_key" in wish else None,
            "agent": AGENT if "agent_key" in wish else None,
            "timeout_seconds": wish.get("timeout_seconds"),
        }

    def counted(self, name: str) -> tuple[int, int]:
        """How often a call of that name was tried at the faulty server, and given up."""
        return self.faults.tries[name], self.faults.given_up[name]


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """Everything running for as long as the block lasts."""
    secret = secrets.token_hex(24)
    authority = certificate(folder, "ca")
    certificate(folder, "server", authority)
    guarded = {
        **OPEN,
        **TOKENS,
        "GENESIS_TLS_CERTIFICATE": str(folder / "server.crt"),
        "GENESIS_TLS_KEY": str(folder / "server.key"),
        "GENESIS_AGENT_KEYS": f"default/{AGENT}:{KEY_ID}={secret}",
    }
    with ExitStack() as stack:
        opened = stack.enter_context(running(folder / "open", settings=OPEN))
        (folder / "secure").mkdir()
        closed = start(folder / "secure", settings=guarded, wait=False)
        stack.callback(stop, closed)
        with secure(closed.address, folder) as channel:
            grpc.channel_ready_future(channel).result(timeout=90)
        address = f"127.0.0.1:{free_port()}"
        faults = stack.enter_context(_in_thread(address, opened.address))
        yield Arena(opened, closed.address.replace("127.0.0.1", "localhost"), folder / "ca.crt", secret, address, faults)


@contextmanager
def _in_thread(address: str, upstream: str) -> Iterator[Faults]:
    """The faulty server on an event loop of its own."""
    found: list[Faults] = []
    begun, over = threading.Event(), threading.Event()

    async def ready(faults: Faults) -> None:
        found.append(faults)
        begun.set()
        await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serving(address, upstream, ready)), daemon=True)
    thread.start()
    if not begun.wait(10):
        raise RuntimeError("the faulty server did not start")
    try:
        yield found[0]
    finally:
        over.set()
        thread.join(10)
