"""Validate of 100 000 tasks as its caller sees it, and what others wait meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor

import grpc
import grpc.aio
from bench import SECONDS, SETTINGS, Bench, open_loop, run
from figures import Figure, figure, percentiles, single

from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from genesis.v1 import plan_pb2
from servers import Server, running

TASKS, TIMES, RATE = 100_000, 10, 200.0
MOST_SECONDS, MOST_P99_MS = 1.0, 20.0


def large_plan(tasks: int = TASKS) -> api.ValidateRequest:
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


def measure(bench: Bench) -> list[Figure]:
    """Seconds of a verdict; ms of others' Flag calls, 200 a second, from when they were due, while verdicts are made and while none is."""
    with running(bench.folder / "large", settings=SETTINGS) as server:
        seconds, meanwhile, alone = run(_both(server))
    others, quiet = percentiles(meanwhile), percentiles(alone)
    return [
        figure("Validate of 100 000 tasks and 200 000 edges: caller's time", "s", seconds, aim=MOST_SECONDS, scales=True),
        single(f"others meanwhile, P99 of {len(meanwhile)} calls at 200 a second", "ms", others["p99"], aim=MOST_P99_MS),
        single("others meanwhile, P50", "ms", others["p50"]),
        single("others while nobody validates, P99", "ms", quiet["p99"]),
    ]


async def _both(server: Server) -> tuple[list[float], list[float], list[float]]:
    request = large_plan().SerializeToString()
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = api_grpc.OrchestratorServiceStub(channel)

            async def ask(_: int) -> None:
                await stub.Flag(api.FlagRequest(keys=["otel_enabled"]), timeout=SECONDS)

            alone = await open_loop(ask, rate=RATE, until=lambda calls: calls >= 2 * RATE)
            # The first starts the child process, and the caller's own.
            await loop.run_in_executor(pool, validate, server.address, request, 1)
            heavy = loop.run_in_executor(pool, validate, server.address, request, TIMES)
            meanwhile = await open_loop(ask, rate=RATE, until=lambda _: heavy.done())
            return await heavy, meanwhile, alone


def validate(address: str, request: bytes, times: int) -> list[float]:
    """Seconds a caller in a process of its own waits for each of some verdicts."""
    seconds = []
    with grpc.insecure_channel(address, [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]) as channel:
        call = channel.unary_unary("/genesis.v1.OrchestratorService/Validate")
        for _ in range(times):
            start = time.perf_counter()
            call(request, timeout=60)
            seconds.append(time.perf_counter() - start)
    return seconds
