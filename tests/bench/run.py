"""`make bench`: what a call costs, next to a bare echo server in the same run.

Prints, and with --json FILE writes: CPU per call of each method as a ratio to the echo (median and spread over paired rounds),
the server's own time and the client's time of Orchestrate (P50, P99 over 200 calls), the time of Validate for 100 000 tasks and what
others wait meanwhile, the cold start to SERVING, idle memory; tasks handed out to 1 000 workers next to bare streams; how many flags are
evaluated a second in process, by kind of rule, also scaled by the echo to a machine on which it takes 124 µs; durable writes of flags next
to a bare fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import json
import multiprocessing
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psutil

import genesis
import genesis_server

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from dispatch import measure as measure_dispatch
from flag_rules import measure as measure_flag_rules
from flag_writes import measure as measure_flag_writes

from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from genesis.v1 import plan_pb2
from servers import Server, free_port, running

GOAL = "Release the new billing feature to all customers by Friday"
SETTINGS = {"GENESIS_RATE_PER_SECOND": "100000", "GENESIS_RATE_BURST": "100000", "GENESIS_MAX_CONCURRENT_CALLS": "1000"}
ROUNDS, CALLS, CONCURRENCY = 7, 1500, 32
LARGE_TASKS = 100_000
ECHO_MICROSECONDS = 124
"""CPU of a bare echo call on the machine that demands are stated for."""
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
            "Flag (one flag)": (lambda: stub.Flag(api.FlagRequest(keys=["otel_enabled"])), CALLS),
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


def large_plan(tasks: int) -> api.ValidateRequest:
    """A plan of many tasks, each after two earlier ones nearby."""
    draw = random.Random(1)
    names = [f"t{number}" for number in range(tasks)]
    edges = [
        plan_pb2.Edge(from_task_id=names[draw.randrange(max(0, number - 50), number)], to_task_id=names[number])
        for number in range(1, tasks)
        for _ in range(2)
    ]
    work = [plan_pb2.Task(id=name, goal=f"step {name}", capability="code.review") for name in names]
    return api.ValidateRequest(plan=plan_pb2.Plan(goal="steps", tasks=work, edges=edges))


def validate_large(address: str, request: bytes, times: int) -> list[float]:
    """Seconds a caller in a process of its own waits for each of some verdicts; the first, which starts the child process, is left out."""
    seconds = []
    with grpc.insecure_channel(address, [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]) as channel:
        call = channel.unary_unary("/genesis.v1.OrchestratorService/Validate")
        for _ in range(times + 1):
            start = time.perf_counter()
            call(request, timeout=60)
            seconds.append(time.perf_counter() - start)
    return seconds[1:]


async def measure_large(server: Server) -> dict[str, object]:
    """The time of Validate for 100 000 tasks, and what others wait meanwhile: 100 Flag calls a second, from their intended send times."""
    request = large_plan(LARGE_TASKS).SerializeToString()
    waited: list[float] = []
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = api_grpc.OrchestratorServiceStub(channel)

            async def ask(due: float) -> None:
                await stub.Flag(api.FlagRequest())
                waited.append((loop.time() - due) * 1e3)

            heavy = loop.run_in_executor(pool, validate_large, server.address, request, 8)
            begin, calls = loop.time(), []
            while not heavy.done():
                due = begin + len(calls) / 100
                await asyncio.sleep(max(0.0, due - loop.time()))
                calls.append(asyncio.create_task(ask(due)))
            await asyncio.gather(*calls)
            seconds = await heavy
    return {
        "tasks": LARGE_TASKS,
        "megabytes": len(request) / 1e6,
        "validate_s": spread(seconds),
        "others": len(waited),
        "others_ms": percentiles(waited),
    }


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
    for package in (genesis_server, genesis):
        # As set-up does; sources edited since would be compiled at every start where Python may not write bytecode.
        compileall.compile_dir(str(Path(str(package.__file__)).parent), quiet=1)
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
                    result["large_plan"] = asyncio.run(measure_large(server))
                    result |= asyncio.run(measure_ratios(server, psutil.Process(echo.pid), address))
            finally:
                echo.terminate()
        result["dispatch"] = asyncio.run(measure_dispatch(folder / "dispatch"))
        (folder / "flags").mkdir()
        result["flag_writes"] = measure_flag_writes(folder / "flags", 5.0)
    rules = measure_flag_rules()
    echo_cpu: Any = result["echo_cpu_us_per_call"]
    slower = echo_cpu["median"] / ECHO_MICROSECONDS
    result["flag_rules_a_second"] = rules
    result["flag_rules_a_second_scaled"] = {name: {kind: rate * slower for kind, rate in rates.items()} for name, rates in rules.items()}
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
