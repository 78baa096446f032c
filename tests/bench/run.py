"""`make bench`: what a call costs, next to a bare echo server in the same run.

Prints, and with --json FILE writes: CPU per call of each method as a ratio to the echo (median and spread over paired rounds),
the server's own time and the client's time of Orchestrate (P50, P99 over 200 calls), the cold start to SERVING, idle memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from servers import Server, free_port, running

GOAL = "Release the new billing feature to all customers by Friday"
SETTINGS = {"GENESIS_RATE_PER_SECOND": "100000", "GENESIS_RATE_BURST": "100000", "GENESIS_MAX_CONCURRENT_CALLS": "1000"}
ROUNDS, CALLS, CONCURRENCY = 7, 1500, 32
Call = Callable[[], Awaitable[object]]


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time so far."""
    times = process.cpu_times()
    return times.user + times.system


async def cpu_per_call(process: psutil.Process, call: Call, calls: int) -> float:
    """CPU seconds the process spends on one call, over `calls` calls, CONCURRENCY at a time."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    before = cpu_seconds(process)
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return (cpu_seconds(process) - before) / calls


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


async def measure_ratios(server: Server, echo_process: psutil.Process, echo_address: str) -> dict[str, object]:
    """CPU per call of methods over CPU per call of the echo, each pair measured in the same round."""
    own_process = psutil.Process(server.process.pid)
    async with grpc.aio.insecure_channel(echo_address) as echo_channel, grpc.aio.insecure_channel(server.address) as channel:
        echo, stub = echo_channel.unary_unary("/bench.Echo/Echo"), api_grpc.OrchestratorServiceStub(channel)
        body = api.OrchestrateRequest(goal=GOAL).SerializeToString()
        methods: dict[str, tuple[Call, int]] = {
            "Flag (all flags)": (lambda: stub.Flag(api.FlagRequest()), CALLS),
            "Health": (lambda: stub.Health(api.HealthRequest()), CALLS),
            "Plan": (lambda: stub.Plan(api.PlanRequest(goal=GOAL)), 200),
            "Orchestrate": (lambda: stub.Orchestrate(api.OrchestrateRequest(goal=GOAL)), 200),
        }
        for call, _ in methods.values():
            await call()
        ratios: dict[str, list[float]] = {name: [] for name in methods}
        echoes: list[float] = []
        for _ in range(ROUNDS):
            reference = await cpu_per_call(echo_process, lambda: echo(body), CALLS)
            echoes.append(reference * 1e6)
            for name, (call, calls) in methods.items():
                ratios[name].append(await cpu_per_call(own_process, call, calls) / reference)
    return {"echo_cpu_us_per_call": spread(echoes), "cpu_ratio_to_echo": {name: spread(values) for name, values in ratios.items()}}


def measure_orchestrate(server: Server, calls: int = 200) -> dict[str, object]:
    """The server's time (sum of the provenance's phases) and the client's time of Orchestrate, one call at a time."""
    inside, outside = [], []
    with server.channel() as channel:
        stub = api_grpc.OrchestratorServiceStub(channel)
        for number in range(calls + 10):
            start = time.perf_counter()
            response = stub.Orchestrate(api.OrchestrateRequest(goal=GOAL))
            seconds = time.perf_counter() - start
            if number >= 10:
                outside.append(seconds * 1e3)
                inside.append(sum(p.duration.ToTimedelta().total_seconds() for p in response.provenance.phases) * 1e3)
    tasks = len(response.plan.tasks)
    return {"calls": calls, "tasks": tasks, "server_ms": percentiles(inside), "client_ms": percentiles(outside)}


def percentiles(values: list[float]) -> dict[str, float]:
    """P50 and P99."""
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cut[49], "p99": cut[98]}


def measure_start(folder: Path, times: int = 5) -> dict[str, object]:
    """Seconds from starting the process to SERVING, and resident memory some calls of Health later, in MB."""
    seconds, megabytes = [], []
    for number in range(times):
        start = time.perf_counter()
        with running(folder / f"start{number}", settings=SETTINGS) as server:
            seconds.append(time.perf_counter() - start)
            with server.channel() as channel:
                for _ in range(20):
                    api_grpc.OrchestratorServiceStub(channel).Health(api.HealthRequest())
            megabytes.append(psutil.Process(server.process.pid).memory_info().rss / 1e6)
    return {"cold_start_s": spread(seconds), "idle_memory_mb": spread(megabytes)}


def measure() -> dict[str, object]:
    """Everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result: dict[str, object] = {"python": platform.python_version(), **measure_start(folder)}
        address = f"127.0.0.1:{free_port()}"
        with subprocess.Popen([sys.executable, str(Path(__file__).with_name("echo_server.py")), address], stdout=subprocess.PIPE) as echo:
            try:
                assert echo.stdout is not None
                echo.stdout.readline()
                with running(folder / "main", settings=SETTINGS) as server:
                    result["orchestrate"] = measure_orchestrate(server)
                    result |= asyncio.run(measure_ratios(server, psutil.Process(echo.pid), address))
            finally:
                echo.terminate()
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    result = measure()
    text = json.dumps(result, indent=2, default=float)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
