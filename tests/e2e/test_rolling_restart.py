"""Two servers behind a load balancer are restarted one after the other, under load, and no caller notices.

The configurations are those that ship in server/deploy; the load is open-loop, without a retry of the client's.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio
import pytest

from errors import failure
from genesis.v1 import orchestrator_service_pb2 as messages
from genesis.v1 import orchestrator_service_pb2_grpc, update_pb2
from load_balancers import KINDS, Pair, balanced

CALLS_PER_SECOND = 60
LAME_DUCK_SECONDS = 5.0
"""The default: longer than two health checks of the load balancers, 500 ms apart, also on a busy machine."""
CALL_SECONDS = 60.0
GOAL = "Run the tests, and if they pass deploy it, otherwise notify the team"

pytestmark = pytest.mark.timeout(400)

Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub


@dataclass
class Tally:
    """What came of the calls."""

    done: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[float, str, str]] = field(default_factory=list)
    """When, in seconds of the monotonic clock; the method; the status and its text."""
    under_way: int = 0
    """Calls without an answer yet."""

    def __str__(self) -> str:
        """For a person."""
        ways = Counter(said for _, _, said in self.failed)
        return f"{self.calls} calls, {len(self.failed)} failed {dict(ways)}"

    @property
    def calls(self) -> int:
        """How many there were."""
        return self.done.total() + len(self.failed)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which load balancer."""
    return request.param


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two servers on one SQLite file."""
    started = Pair(tmp_path, lame_duck_seconds=LAME_DUCK_SECONDS)
    try:
        for name in ("a", "b"):
            started.start(name)
        yield started
    finally:
        started.kill()


@pytest.fixture
def target(kind: str, pair: Pair, tmp_path: Path) -> Iterator[str]:
    """Where callers reach the pair."""
    with balanced(kind, pair, tmp_path) as address:
        yield address


@asynccontextmanager
async def connected(target: str) -> AsyncIterator[Stub]:
    """A client that makes each call once."""
    async with grpc.aio.insecure_channel(target, options=[("grpc.enable_retries", 0)]) as channel:
        yield Stub(channel)


@asynccontextmanager
async def load(target: str) -> AsyncIterator[Tally]:
    """A steady mix of calls while the block runs, each at its time whether others are done or not."""
    tally, ended = Tally(), asyncio.Event()
    async with connected(target) as stub:
        plan = (await stub.Plan(messages.PlanRequest(goal=GOAL), timeout=CALL_SECONDS)).plan
        mix: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("Flag", lambda: stub.Flag(messages.FlagRequest(), timeout=CALL_SECONDS)),
            ("Route", lambda: stub.Route(messages.RouteRequest(plan=plan), timeout=CALL_SECONDS)),
            ("Validate", lambda: stub.Validate(messages.ValidateRequest(plan=plan), timeout=CALL_SECONDS)),
            ("Health", lambda: stub.Health(messages.HealthRequest(), timeout=CALL_SECONDS)),
            ("Plan", lambda: stub.Plan(messages.PlanRequest(goal=GOAL), timeout=CALL_SECONDS)),
        ]

        async def one(name: str, call: Callable[[], Awaitable[object]]) -> None:
            tally.under_way += 1
            try:
                await call()
            except grpc.aio.AioRpcError as error:
                said = str(error.details()).partition(" under correlation")[0]
                tally.failed.append((time.monotonic(), name, f"{error.code().name}: {said}"))
            else:
                tally.done[name] += 1
            finally:
                tally.under_way -= 1

        async def all_of_them() -> None:
            begin, number = time.monotonic(), 0
            async with asyncio.TaskGroup() as calls:
                while not ended.is_set():
                    calls.create_task(one(*mix[number % len(mix)]))
                    number += 1
                    await asyncio.sleep(max(0.0, begin + number / CALLS_PER_SECOND - time.monotonic()))

        running = asyncio.create_task(all_of_them())
        try:
            yield tally
        finally:
            ended.set()
            await running


async def takes_calls(pair: Pair, name: str, seconds: float = 60.0) -> None:
    """Return when the load balancer passes calls on to that server again."""
    end = time.monotonic() + seconds
    address = f"http://{pair.servers[name].http}/metrics"
    while time.monotonic() < end:
        body = (await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=5).read())).decode()
        lines = [line for line in body.splitlines() if line.startswith("grpc_server_handled_total") and 'grpc_method="Flag"' in line]
        if any(float(line.rpartition(" ")[2]) > 0 for line in lines if 'grpc_code="OK"' in line):
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"no call comes to server {name} any more")


async def restart(pair: Pair, name: str) -> None:
    """Drain, stop and start a server, and wait until it is used again."""
    assert await asyncio.to_thread(pair.stop, name) == 0
    await asyncio.to_thread(pair.start, name)
    await takes_calls(pair, name)


async def test_a_rolling_restart_fails_no_call(kind: str, pair: Pair, target: str) -> None:
    """Each server is restarted twice while 60 calls a second go on: not one of them fails."""
    async with load(target) as tally:
        for name in ("a", "b", "a", "b"):
            await takes_calls(pair, name)
            await restart(pair, name)
    print(f"{kind}, rolling restart: {tally}")
    assert tally.failed == [], pair.faults()
    assert set(tally.done) == {"Flag", "Route", "Validate", "Health", "Plan"}


async def test_a_watching_stream_is_told_to_go_on_elsewhere(pair: Pair, target: str) -> None:
    """Who watches a plan through the load balancer gets UNAVAILABLE with SHUTTING_DOWN, and goes on behind the last version seen."""
    async with connected(target) as stub:
        plan = (await stub.Orchestrate(messages.OrchestrateRequest(goal=GOAL), timeout=CALL_SECONDS)).plan
        seen: list[int] = []
        endings: list[tuple[grpc.StatusCode, str]] = []

        async def watch() -> None:
            while len(seen) < 2:
                request = update_pb2.WatchPlanRequest(plan_id=plan.id, after_version=seen[-1] if seen else 0)
                try:
                    async for news in stub.WatchPlan(request, timeout=120):
                        seen.append(news.version)
                        if len(seen) == 2:
                            return
                except grpc.aio.AioRpcError as error:
                    endings.append((error.code(), failure(error).reason))

        watching = asyncio.create_task(watch())
        for name in ("a", "b"):
            assert await asyncio.to_thread(pair.stop, name) == 0
            await asyncio.to_thread(pair.start, name)
        pause = update_pb2.UpdatePlanRequest(plan_id=plan.id, pause=update_pb2.PausePlan())
        await stub.UpdatePlan(pause, timeout=CALL_SECONDS)
        await asyncio.wait_for(watching, CALL_SECONDS)
    assert seen == [1, 2]
    assert endings
    assert set(endings) == {(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")}


async def test_a_killed_server_fails_only_what_it_had_and_what_came_before_the_check(kind: str, pair: Pair, target: str) -> None:
    """After kill -9 the calls under way there fail with UNAVAILABLE, others go on, and after the health checks nothing fails."""
    async with load(target) as tally:
        for name in ("a", "b"):
            await takes_calls(pair, name)
        pair.servers["b"].process.kill()
        killed, under_way = time.monotonic(), tally.under_way
        await asyncio.sleep(4)
    late = [one for one in tally.failed if one[0] > killed + 2]
    codes = Counter(said.partition(":")[0] for _, _, said in tally.failed)
    print(f"{kind}, kill -9: {tally}")
    assert late == [], pair.faults()
    assert set(codes) <= {"UNAVAILABLE"}, pair.faults()
    assert len(tally.failed) <= under_way + CALLS_PER_SECOND
    assert tally.calls - len(tally.failed) > 3 * CALLS_PER_SECOND
