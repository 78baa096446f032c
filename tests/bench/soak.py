"""Minutes of load: 100 workers on streams, plans handed out continually; does the server's memory stay where it is?

Workers fail now and then, leave and join again; some plans wait for a budget or are cancelled, so that everything that is kept of plans,
workers and breakers comes and goes. RSS of the server is read each second; the slope is that of a straight line through all of it after the
warm-up. Prints, and with --json FILE writes: megabytes in ten minutes, tasks done a second, P50 and P99 of the delay from ready to handed
out.

The warm-up is the same load: more of it would leave free room in which a leak could hide. At its begin the server reads 40 000 names, which
fill the cache of short strings that pydantic decodes JSON with: 16 384 of them, 1.7 MB, for which the load alone takes more than a quarter
of an hour. The server keeps that cache: decoding is no faster with it, but what is decoded takes a quarter to a half less. The rest of the
warm-up is for glibc, whose heaps, one for several threads, come apart before they stop growing. The slope of the warm-up's second half is
told as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from dispatch import delay_percentiles, scraped

from genesis.aio import AsyncClient, connect
from genesis.errors import GenesisError
from genesis.v1 import agent_service_pb2 as api
from genesis.v1 import work_pb2
from servers import Server, running

WORKERS, AGENTS = 100, 10
PLANS_PER_SECOND, STEPS = 4.0, 10
WORKER_LIFE_SECONDS = 30.0
WARM_UP_SECONDS = 450.0
NAMES, NAMES_PER_TASK, TASKS_AT_ONCE = 40_000, 100, 10
FAILS, CANCELS = 0.02, 0.05
SETTINGS = {"GENESIS_RATE_PER_SECOND": "100000", "GENESIS_RATE_BURST": "100000", "GENESIS_LOG_LEVEL": "warning"}
MEGABYTE = 1024 * 1024


@dataclass
class Counts:
    """What was done so far."""

    done: int = 0
    failed: int = 0
    plans: int = 0
    joined: int = 0
    unanswered: int = 0
    """Calls that had no answer in time, on a machine that has other things to do."""


class Worker:
    """One worker that does at once what it gets; it leaves after a while, and joins again."""

    def __init__(self, client: AsyncClient, agent: str, counts: Counts, draw: random.Random) -> None:
        """Work for `agent`."""
        self._client, self._agent, self._counts, self._draw = client, agent, counts, draw
        self._says: asyncio.Queue[api.WorkRequest] = asyncio.Queue()

    async def run(self) -> None:
        """Work until it is cancelled."""
        card = {"id": self._agent, "name": self._agent, "max_concurrent_tasks": 2}
        card |= {"skills": [{"id": "soak.step", "description": "does one step of a soak"}]}
        while True:
            try:
                await self._live(card)
            except GenesisError:
                self._counts.unanswered += 1
                await asyncio.sleep(1.0)

    async def _live(self, card: dict[str, Any]) -> None:
        session = await self._client.register(card)
        self._counts.joined += 1
        beating = asyncio.create_task(self._beat(session))
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._draw.uniform(0.5, 1.5) * WORKER_LIFE_SECONDS):
                    await self._work(session.session_id)
        finally:
            beating.cancel()
        # Every second one falls silent.
        if self._draw.random() < 0.5:
            await self._client.deregister(session.session_id)

    async def _beat(self, session: api.RegisterResponse) -> None:
        while True:
            await asyncio.sleep(session.heartbeat_interval.ToTimedelta().total_seconds())
            with suppress(GenesisError):
                await self._client.heartbeat(session.session_id, load=0.5)

    async def _work(self, session_id: str) -> None:
        self._says = asyncio.Queue()
        self._says.put_nowait(api.WorkRequest(open=api.WorkOpen(session_id=session_id, slots=2)))
        async for said in self._client.work(self._messages()):
            if said.WhichOneof("message") == "assignment":
                self._take(said.assignment)
            elif said.HasField("reported") and said.reported.HasField("accepted"):
                self._counts.done += 1

    async def _messages(self) -> AsyncIterator[api.WorkRequest]:
        while True:
            yield await self._says.get()

    def _take(self, one: api.WorkAssignment) -> None:
        self._says.put_nowait(api.WorkRequest(acknowledge=api.WorkAcknowledgement(lease_id=one.lease.lease_id)))
        report = work_pb2.ReportRequest(plan_id=one.plan_id, task_id=one.task.id, lease=one.lease)
        if self._draw.random() < FAILS:
            report.failed.error = "out of luck"
            self._counts.failed += 1
        else:
            value = work_pb2.ArtefactValue(name="result")
            value.value.string_value = "x" * 200
            report.done.outputs.append(value)
        self._says.put_nowait(api.WorkRequest(report=report))


async def make_plan(client: AsyncClient, counts: Counts, draw: random.Random) -> None:
    """A plan of STEPS steps, half of them one after the other, in the hands of the dispatcher; some are cancelled a little later."""
    budget: Any = {"tasks": 5} if draw.random() < CANCELS else None
    made = (await client.orchestrate("Inspect the site", run_budget=budget)).plan
    steps = [{"id": f"s{n}", "goal": f"step {n}", "capability": "soak.step", "retry": {"initial_backoff": "0.1s"}} for n in range(STEPS)]
    edits: list[Any] = [{"add_task": step} for step in steps]
    edits += [{"add_edge": {"from_task_id": f"s{n - 1}", "to_task_id": f"s{n}"}} for n in range(1, STEPS // 2)]
    edits += [{"remove_task_id": task.id} for task in made.tasks if not task.parent_id]
    await client.update_plan(made.id, edits=edits)
    await client.update_plan(made.id, dispatch=draw.randrange(10))
    counts.plans += 1
    if budget is not None or draw.random() < CANCELS:
        await asyncio.sleep(2.0)
        with suppress(GenesisError):  # it has ended already
            await client.update_plan(made.id, cancel=True)


async def fill_cache(client: AsyncClient, draw: random.Random) -> None:
    """Have the server read so many names that pydantic's cache of them is full, as long as ids are and no two alike."""
    for _ in range(NAMES // (NAMES_PER_TASK * TASKS_AT_ONCE)):
        plan = (await client.orchestrate("Inspect the site")).plan
        steps: list[Any] = [{"id": f"s{n}", "goal": f"step {n}", "capability": "soak.step"} for n in range(TASKS_AT_ONCE)]
        for step in steps:
            step["outputs"] = [{"name": f"{draw.getrandbits(256):064x}"[: draw.randint(20, 36)]} for _ in range(NAMES_PER_TASK)]
        await client.update_plan(plan.id, edits=[{"add_task": step} for step in steps])
        await client.get_plan(plan.id)
        await client.update_plan(plan.id, cancel=True)


async def try_plan(client: AsyncClient, counts: Counts, draw: random.Random) -> None:
    """`make_plan`, on a machine that may be busy."""
    try:
        await make_plan(client, counts, draw)
    except GenesisError:
        counts.unanswered += 1


async def hand_out(client: AsyncClient, counts: Counts, draw: random.Random) -> None:
    """Have plans carried out, so many a second."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(try_plan(client, counts, draw))
            await asyncio.sleep(draw.expovariate(PLANS_PER_SECOND))


async def watch(process: psutil.Process, seconds: float) -> list[float]:
    """RSS in megabytes, each second."""
    begin, found = time.monotonic(), []
    while (passed := time.monotonic() - begin) < seconds:
        found.append(process.memory_info().rss / MEGABYTE)
        await asyncio.sleep(1.0 - passed % 1.0)
    return found


def slope(values: list[float]) -> float:
    """Growth in ten minutes of values a second apart, by least squares."""
    return statistics.linear_regression(range(len(values)), values).slope * 600


async def soak(server: Server, *, warm_up: float, seconds: float) -> dict[str, Any]:
    """Load for so long after a warm-up, and what came of it."""
    draw, counts, process = random.Random(1), Counts(), psutil.Process(server.process.pid)
    async with connect(server.address, timeout=30.0) as client, connect(server.address) as streams:
        workers = [Worker(streams, f"soak-{number % AGENTS}", counts, draw) for number in range(WORKERS)]
        load = [asyncio.create_task(worker.run()) for worker in workers] + [asyncio.create_task(hand_out(client, counts, draw))]
        watching = asyncio.create_task(watch(process, warm_up + seconds))
        await fill_cache(client, draw)
        before, cpu = scraped(server.http), sum(process.cpu_times()[:2])
        ended, _ = await asyncio.wait([watching, *load], return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        rss, cpu, after = await watching, sum(process.cpu_times()[:2]) - cpu, scraped(server.http)
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)
    begin = round(len(rss) * warm_up / (warm_up + seconds))
    warming, measured = rss[begin // 2 : begin], rss[begin:]
    return {
        "warm_up_seconds": warm_up,
        "seconds": seconds,
        "workers": WORKERS,
        "workers_joined": counts.joined,
        "plans": counts.plans,
        "tasks_done": counts.done,
        "tasks_per_second": counts.done / (warm_up + seconds),
        "attempts_failed": counts.failed,
        "calls_unanswered": counts.unanswered,
        "server_cpu_share": cpu / (warm_up + seconds),
        "rss_mb": {"first": rss[0], "warm": measured[0], "last": rss[-1], "max": max(rss)},
        "rss_slope_mb_per_10_min": slope(measured),
        "rss_slope_of_the_warm_up_mb_per_10_min": slope(warming) if len(warming) > 1 else None,
        "ready_to_hand_out_ms": delay_percentiles(before, after),
        "rss_each_second": [round(one, 2) for one in rss],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long is measured")
    parser.add_argument("--warm-up", type=float, default=WARM_UP_SECONDS, help="seconds of the same load before")
    parser.add_argument("--json", type=Path, help="also write the figures here, with every look at the memory")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running(Path(name), settings=SETTINGS) as server:
        result = asyncio.run(soak(server, warm_up=asked.warm_up, seconds=asked.seconds))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name != "rss_each_second"}, indent=2))


if __name__ == "__main__":
    main()
