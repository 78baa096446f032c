"""What dispatch costs: 1 000 live workers and 10 000 ready tasks, next to bare streams with as many messages; and how quick it is idle."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
from bench import HERE, SETTINGS, Bench
from figures import Figure, cpu_seconds, figure, percentiles, single
from stream_workers import CAPABILITY, OUTPUTS, register

from genesis.v1 import agent_service_pb2 as agents_api
from genesis.v1 import agent_service_pb2_grpc as agents_grpc
from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from genesis.v1 import plan_pb2, update_pb2, work_pb2
from servers import Server, free_port, running

WORKERS, PROCESSES, AGENTS = 1000, 2, 10
PLANS, TASKS_PER_PLAN = 100, 100
EDITS_PER_UPDATE = 20
"""As many new tasks as one update may bring."""
ROUNDS = 3
IDLE_SECONDS = 5.0
CHAINS, LINKS = 10, 20
TURNS = ("bench.even", "bench.odd")
"""Agents, and capabilities, that take turns in a chain."""
LEAST_OF_BARE, MOST_CHAIN_MS = 0.15, 100.0


# Plans.


async def make_plan(
    stub: api_grpc.OrchestratorServiceStub, tasks: int, *, capabilities: Sequence[str] = (CAPABILITY,), chained: bool = False
) -> str:
    """A plan of so many steps that ask for `capabilities` in turn, at once or one after the other; not dispatched yet."""
    made = (await stub.Orchestrate(api.OrchestrateRequest(goal="Inspect the site"))).plan
    edits: list[update_pb2.Edit] = []
    for number in range(tasks):
        step = plan_pb2.Task(id=f"step-{number}", goal=f"bench step number {number}", capability=capabilities[number % len(capabilities)])
        edits.append(update_pb2.Edit(add_task=step))
    for first in range(0, tasks, EDITS_PER_UPDATE):
        part = edits[first : first + EDITS_PER_UPDATE]
        if not first:
            part += [update_pb2.Edit(remove_task_id=task.id) for task in made.tasks if not task.parent_id]
        if chained:
            part += [
                update_pb2.Edit(add_edge=plan_pb2.Edge(from_task_id=f"step-{number - 1}", to_task_id=f"step-{number}"))
                for number in range(max(first, 1), min(first + EDITS_PER_UPDATE, tasks))
            ]
        await stub.UpdatePlan(update_pb2.UpdatePlanRequest(plan_id=made.id, edit=update_pb2.PlanEdit(edits=part)))
    return made.id


async def dispatched_plans(address: str) -> None:
    """PLANS plans in the hands of the dispatcher, everything in them ready."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = api_grpc.OrchestratorServiceStub(channel)
        few = asyncio.Semaphore(4)

        async def make() -> str:
            async with few:
                return await make_plan(stub, TASKS_PER_PLAN)

        for plan_id in await asyncio.gather(*[make() for _ in range(PLANS)]):
            await stub.UpdatePlan(update_pb2.UpdatePlanRequest(plan_id=plan_id, dispatch=work_pb2.Dispatch()))


# Workers.


class Workers:
    """The processes of the workers."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        """Take processes that are ready."""
        self._processes = processes

    async def take(self, tasks: int, *, seconds: float = 600.0) -> dict[str, Any]:
        """Let them work until so many tasks are done; what they measured."""
        counts = dict.fromkeys(self._processes, 0)
        enough = asyncio.Event()

        async def read(process: asyncio.subprocess.Process) -> dict[str, Any]:
            while not isinstance(found := json.loads(await _line(process)), dict):
                counts[process] = found
                if sum(counts.values()) >= tasks:
                    enough.set()
            return found

        self._say("go")
        reading = [asyncio.create_task(read(process)) for process in self._processes]
        async with asyncio.timeout(seconds):
            await enough.wait()
        self._say("stop")
        found = await asyncio.gather(*reading)
        begin, end = min(one["first"] for one in found), max(one["last"] for one in found)
        both: dict[str, Any] = {name: sum(one[name] for one in found) for name in ("done", "refused")}
        both |= {name: [ms for one in found for ms in one[name]] for name in ("acknowledged_ms", "next_ms")}
        return both | {"seconds": end - begin}

    def _say(self, what: str) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.write(f"{what}\n".encode())

    async def end(self) -> None:
        """Let them end."""
        self._say("end")
        await asyncio.gather(*[process.wait() for process in self._processes])


async def _line(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None or not (line := await process.stdout.readline()):
        raise RuntimeError("the workers have ended")
    return line


@asynccontextmanager
async def working(address: str, *, bare: bool = False) -> AsyncGenerator[Workers]:
    """WORKERS workers in PROCESSES processes, their streams open."""
    command = [sys.executable, str(HERE / "stream_workers.py"), address, str(WORKERS // PROCESSES), "--agents", str(AGENTS)]
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(*command, *(["--bare"] if bare else []), stdin=pipe, stdout=pipe, limit=1 << 26)
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            if (await _line(process)).strip() != b"ready":
                raise RuntimeError("the workers did not come up")
        workers = Workers(processes)
        yield workers
        await workers.end()
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


# What the server says of itself.


def scraped(http: str) -> dict[str, float]:
    """The server's metrics by name and labels."""
    with urllib.request.urlopen(f"http://{http}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.partition(" # ")[0].rpartition(" ") for line in lines if line[:1] != "#") if name
    }


def delay_percentiles(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """P50 and P99 of the server's histogram of dispatch delays between two looks, in ms, linear within a bucket."""
    prefix = 'genesis_dispatch_delay_seconds_bucket{le="'
    counts = sorted(
        (float(name.removeprefix(prefix).rstrip('"}').replace("+Inf", "inf")), value - before.get(name, 0.0))
        for name, value in after.items()
        if name.startswith(prefix)
    )
    return {"p50": _quantile(counts, 0.5) * 1e3, "p99": _quantile(counts, 0.99) * 1e3}


def _quantile(cumulated: Sequence[tuple[float, float]], share: float) -> float:
    wanted, low, below = cumulated[-1][1] * share, 0.0, 0.0
    for bound, count in cumulated:
        if count >= wanted:
            return low if bound == float("inf") or count == below else low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low


# Measurements.


async def measure_load(server: Server, bare_address: str, bare_pid: int) -> tuple[list[dict[str, Any]], float]:
    """Throughput, CPU, waits and memory of each round, and of bare streams in it."""
    pid, tasks = server.process.pid, PLANS * TASKS_PER_PLAN
    rounds: list[dict[str, Any]] = []
    async with working(server.address) as workers, working(bare_address, bare=True) as bare_workers:
        for _ in range(ROUNDS):
            await dispatched_plans(server.address)
            await asyncio.sleep(1.0)
            cpu, scrape = cpu_seconds(pid), scraped(server.http)
            found = await workers.take(tasks)
            cpu = cpu_seconds(pid) - cpu
            bare_cpu = cpu_seconds(bare_pid)
            bare = await bare_workers.take(tasks)
            bare_cpu = cpu_seconds(bare_pid) - bare_cpu
            if found["done"] != tasks or found["refused"] or bare["done"] != tasks:
                raise RuntimeError(f"{found['done']} of {tasks} tasks done, {found['refused']} refused, {bare['done']} bare ones")
            rounds.append(
                {
                    "tasks_per_second": tasks / found["seconds"],
                    "bare_per_second": tasks / bare["seconds"],
                    "throughput_to_bare": bare["seconds"] / found["seconds"],
                    "cpu_us_per_task": cpu / tasks * 1e6,
                    "bare_cpu_us_per_task": bare_cpu / tasks * 1e6,
                    "cpu_ratio_to_bare": cpu / bare_cpu,
                    "rss_mb": psutil.Process(pid).memory_info().rss / 1e6,
                    "ready_to_hand_out_ms": delay_percentiles(scrape, scraped(server.http)),
                    "report_to_answer_ms": percentiles(found["acknowledged_ms"]),
                    "report_to_next_task_ms": percentiles(found["next_ms"]),
                    "bare_report_to_next_task_ms": percentiles(bare["next_ms"]),
                }
            )
        beats = cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        idle = (cpu_seconds(pid) - beats) / IDLE_SECONDS
    return rounds, idle


class Link:
    """A worker that does what comes at once, and tells when."""

    def __init__(self, address: str) -> None:
        """Work over a connection of its own, so that the system picks a process for it."""
        self._channel = grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        self._stub = agents_grpc.AgentServiceStub(self._channel)
        self._stream: Any = None
        self.process = -1
        """The server's process the stream is at."""

    async def open(self, agent_id: str, http: Sequence[str]) -> None:
        """Join as an agent, and see which process the stream is at."""
        session_id, _ = await register(self._stub, agent_id, agent_id)
        before = [work_streams(one) for one in http]
        self._stream = self._stub.Work()
        await self._stream.write(agents_api.WorkRequest(open=agents_api.WorkOpen(session_id=session_id, slots=1)))
        while self.process < 0:
            await asyncio.sleep(0.05)
            self.process = next((place for place, one in enumerate(http) if work_streams(one) > before[place]), -1)

    async def run(self, begun: dict[str, float], ended: dict[str, float]) -> None:
        """Do tasks; note when each came, and when it was reported."""
        while (said := await self._stream.read()) is not grpc.aio.EOF:
            if not said.HasField("assignment"):
                continue
            one, now = said.assignment, time.monotonic()
            begun[f"{one.plan_id}/{one.task.id}"] = now
            report = work_pb2.ReportRequest(
                plan_id=one.plan_id, task_id=one.task.id, lease=one.lease, done=work_pb2.ReportedDone(outputs=OUTPUTS)
            )
            ended[f"{one.plan_id}/{one.task.id}"] = time.monotonic()
            await self._stream.write(agents_api.WorkRequest(report=report))

    async def close(self) -> None:
        """Leave."""
        await self._channel.close()


def work_streams(http: str) -> float:
    """How many streams of workers a process has begun."""
    return sum(value for name, value in scraped(http).items() if name.startswith("grpc_server_started_total") and '"Work"' in name)


async def measure_chains(address: str, http: Sequence[str]) -> dict[str, float]:
    """Milliseconds from a report to the assignment of the task it makes ready at another agent's worker; nothing else is to be done.

    With two processes each has one of the two workers.
    """
    links: list[Link] = []
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    while len({one.process for one in links}) < len(http) or len(links) < 2:
        link = Link(address)
        await link.open(TURNS[len(links)], http)
        if len(http) == 1 or link.process not in {one.process for one in links}:
            links.append(link)
        else:
            await link.close()
    working_links = [asyncio.create_task(one.run(begun, ended)) for one in links]
    async with grpc.aio.insecure_channel(address) as channel:
        stub = api_grpc.OrchestratorServiceStub(channel)
        for _ in range(CHAINS):
            plan_id = await make_plan(stub, LINKS, capabilities=TURNS, chained=True)
            await stub.UpdatePlan(update_pb2.UpdatePlanRequest(plan_id=plan_id, dispatch=work_pb2.Dispatch()))
            async with asyncio.timeout(60):
                while f"{plan_id}/step-{LINKS - 1}" not in ended:  # noqa: ASYNC110  (an event would be one more thing to wake)
                    await asyncio.sleep(0.02)
    for task in working_links:
        task.cancel()
    await asyncio.gather(*working_links, return_exceptions=True)
    for link in links:
        await link.close()
    plans = {name.partition("/")[0] for name in begun}
    waits = [(begun[f"{plan}/step-{number}"] - ended[f"{plan}/step-{number - 1}"]) * 1e3 for plan in plans for number in range(1, LINKS)]
    return percentiles(waits)


async def _measured(folder: Path) -> tuple[list[dict[str, Any]], float, dict[str, dict[str, float]]]:
    """The rounds, the share of a processor that the beats of idle workers take, and the waits in chains by how many processes serve."""
    address = f"127.0.0.1:{free_port()}"
    each = PLANS * TASKS_PER_PLAN // WORKERS
    pipe = asyncio.subprocess.PIPE
    bare = await asyncio.create_subprocess_exec(sys.executable, str(HERE / "bare_streams.py"), address, str(each), stdout=pipe)
    try:
        await _line(bare)
        with running(folder / "one", settings=SETTINGS) as server:
            chains = {"one process": await measure_chains(server.address, [server.http])}
            rounds, idle = await measure_load(server, address, bare.pid)
    finally:
        bare.terminate()
        await bare.wait()
    with running(folder / "two", settings=SETTINGS, arguments=("--workers", "2")) as server:
        # The first process serves before the second one does.
        server.wait_for_log('"serving"', 60.0, times=2)
        host, _, port = server.http.rpartition(":")
        chains["the worker at another process"] = await measure_chains(server.address, [server.http, f"{host}:{int(port) + 1}"])
    return rounds, idle, chains


def measure(bench: Bench) -> list[Figure]:
    """Tasks finished a second (reported, durable, acknowledged), CPU, waits as server and workers see them, memory."""
    rounds, idle, chains = asyncio.run(_measured(bench.folder / "dispatch"))

    def of(name: str, unit: str, told: str, **more: Any) -> Figure:
        return figure(f"dispatch: {told}", unit, [one[name] for one in rounds], **more)

    def waits(name: str, told: str) -> list[Figure]:
        return [figure(f"dispatch: {told}, {part.upper()}", "ms", [one[name][part] for one in rounds]) for part in ("p50", "p99")]

    return [
        of("tasks_per_second", "/s", "tasks finished", more_is_better=True),
        of("bare_per_second", "/s", "bare round trips", more_is_better=True),
        of("throughput_to_bare", "× bare", "throughput", aim=LEAST_OF_BARE, more_is_better=True),
        of("cpu_us_per_task", "µs", "server's CPU for a task", scales=True),
        of("bare_cpu_us_per_task", "µs", "bare server's CPU for a round trip", scales=True),
        of("cpu_ratio_to_bare", "× bare", "server's CPU for a task, times that of a round trip"),
        *waits("report_to_answer_ms", "report to answer, all places taken"),
        *waits("report_to_next_task_ms", "report to the next task, all places taken"),
        *waits("bare_report_to_next_task_ms", "the same at the bare server"),
        *waits("ready_to_hand_out_ms", "ready to handed out, while 10 000 wait"),
        of("rss_mb", "MB", "memory of the server, resident"),
        single("dispatch: processor the signs of life of 1 000 idle workers take", "%", idle * 100),
        *(
            single(f"dispatch: idle, report to the task it makes ready, {place}, {part.upper()}", "ms", found[part], aim=aim)
            for place, found in chains.items()
            for part, aim in (("p50", None), ("p99", MOST_CHAIN_MS))
        ),
    ]
