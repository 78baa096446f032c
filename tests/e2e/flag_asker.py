"""Somebody who asks for flags as fast as he is answered, and remembers every answer that was late, wrong or none."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc

from genesis.v1 import orchestrator_service_pb2, orchestrator_service_pb2_grpc
from servers import Server

NO_LIMIT = {"GENESIS_RATE_PER_SECOND": "1000000", "GENESIS_RATE_BURST": "1000000"}
"""Settings with which one caller may ask without end."""


def boolean(default: str = "off", **more: Any) -> dict[str, Any]:
    """The definition of a flag that is on or off."""
    return {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default, **more}


def text(value: str) -> dict[str, Any]:
    """The definition of a flag with one text for everybody."""
    return {"state": "ENABLED", "variants": {"it": value}, "defaultVariant": "it"}


class Asker:
    """Asks for the same flags over and over."""

    def __init__(self, stub: orchestrator_service_pb2_grpc.OrchestratorServiceStub, keys: Sequence[str]) -> None:
        self._stub = stub
        self._request = orchestrator_service_pb2.FlagRequest(keys=keys)
        self.seconds: list[float] = []
        """How long each answer took."""
        self.answers: list[tuple[str, ...]] = []
        """The values of each answer, as text, without those that are the same as before."""
        self.faults: list[str] = []

    def ask(self) -> None:
        """Ask once."""
        begun = time.perf_counter()
        try:
            answer = self._stub.Flag(self._request, timeout=20)
        except grpc.RpcError as error:
            self.faults.append(f"{error.code()}: {error.details()}")  # type: ignore[attr-defined]
            return
        self.seconds.append(time.perf_counter() - begun)
        found = tuple(str(flag.value.string_value or flag.value.bool_value) for flag in answer.flags)
        if self.answers[-1:] != [found]:
            self.answers.append(found)

    def p99(self) -> float:
        """Seconds within which 99 of 100 answers came."""
        return statistics.quantiles(self.seconds, n=100)[98]


@contextmanager
def asking(server: Server, *keys: str, pause: float = 0.0) -> Iterator[Asker]:
    """Somebody who asks while the block runs."""
    over = threading.Event()
    with server.channel() as channel:
        asker = Asker(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), keys)

        def ask() -> None:
            while not over.is_set():
                asker.ask()
                over.wait(pause)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield asker
        finally:
            over.set()
            thread.join()


def until(holds: Callable[[], object], seconds: float) -> float:
    """How many seconds it took to hold; fails when it does not in time."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"it did not come true within {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - begun
