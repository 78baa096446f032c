"""What the measurements of a run share: a folder, the bare echo server, and ways of calling."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import uvloop
from figures import cpu_seconds

from genesis.v1 import orchestrator_service_pb2 as api
from servers import free_port

HERE = Path(__file__).resolve().parent
GOAL = "Release the new billing feature to all customers"
"""The goal of `make demo`."""
SETTINGS = {"GENESIS_RATE_PER_SECOND": "100000", "GENESIS_RATE_BURST": "100000", "GENESIS_MAX_CONCURRENT_CALLS": "1000"}
"""A server that refuses nobody for calling too often."""
CONCURRENCY = 32
SECONDS = 30.0
"""Deadline of each call, those of the echo too: clients have one."""
BODY = api.OrchestrateRequest(goal=GOAL).SerializeToString()

Call = Callable[[], Awaitable[object]]


async def cpu_per_call(pid: int, call: Call, calls: int, *, at_once: int = CONCURRENCY) -> float:
    """CPU seconds a process spends on one call, over `calls` calls, some at once."""
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            await call()

    before = cpu_seconds(pid)
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return (cpu_seconds(pid) - before) / calls


async def open_loop(call: Callable[[int], Awaitable[object]], *, rate: float, until: Callable[[int], bool]) -> list[float]:
    """Milliseconds from when each call was due to its end, `rate` a second, whether or not earlier ones are answered.

    `until` is asked before each call whether that many are enough.
    """
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async def one(number: int, due: float) -> None:
        await call(number)
        took.append((loop.time() - due) * 1e3)

    begin, calls = loop.time() + 0.01, list[asyncio.Task[None]]()
    while not until(len(calls)):
        due = begin + len(calls) / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        calls.append(asyncio.create_task(one(len(calls), due)))
    await asyncio.gather(*calls)
    return took


@dataclass(frozen=True)
class Echo:
    """A bare grpc.aio + uvloop server in a process of its own that gives back what it gets."""

    pid: int
    address: str
    found: list[float] = field(default_factory=list)
    """CPU of a call, in µs, each time it was measured in this run."""

    @property
    def microseconds(self) -> float:
        """CPU of a call, the median of this run."""
        return statistics.median(self.found)

    async def sample(self, stub: Call, calls: int) -> float:
        """CPU seconds of a call, over some."""
        seconds = await cpu_per_call(self.pid, stub, calls)
        self.found.append(seconds * 1e6)
        return seconds

    @contextlib.asynccontextmanager
    async def calling(self) -> Any:
        """Something that calls it with the bytes of a small request."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            method = channel.unary_unary("/bench.Echo/Echo")

            def call() -> Awaitable[object]:
                return method(BODY, timeout=SECONDS)

            await cpu_per_call(self.pid, call, 300)
            yield call


@dataclass(frozen=True)
class Bench:
    """One run."""

    folder: Path
    echo: Echo

    def sample_echo(self) -> None:
        """Measure the echo: times and rates are scaled by what it costs in this run."""
        run(self._sample())

    async def _sample(self) -> None:
        async with self.echo.calling() as echo:
            for _ in range(3):
                await self.echo.sample(echo, 500)

    def tell(self, what: str) -> None:
        """Say how far the run is."""
        print(f"  {what}", file=sys.stderr, flush=True)

    async def ratios(self, methods: dict[str, tuple[int, Call, int]], *, rounds: int) -> dict[str, list[float]]:
        """CPU of calls, times the echo's, by name; each method is (process, call, calls in a round).

        The echo is measured right before and after each, so that neighbours on the machine change both alike.
        """
        found: dict[str, list[float]] = {name: [] for name in methods}
        async with self.echo.calling() as echo:
            for pid, call, calls in methods.values():
                await cpu_per_call(pid, call, max(10, calls // 5))
            for number in range(rounds):
                self.tell(f"round {number + 1} of {rounds}")
                for name, (pid, call, calls) in methods.items():
                    before = await self.echo.sample(echo, 500)
                    seconds = await cpu_per_call(pid, call, calls)
                    found[name].append(seconds / ((before + await self.echo.sample(echo, 500)) / 2))
        return found


@contextlib.contextmanager
def echoing() -> Iterator[Echo]:
    """The echo server, as long as the block lasts."""
    address = f"127.0.0.1:{free_port()}"
    with subprocess.Popen([sys.executable, str(HERE / "echo_server.py"), address], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield Echo(process.pid, address)
        finally:
            process.terminate()


def run(work: Any) -> Any:
    """Run a coroutine on uvloop, so that the clients cost little."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
