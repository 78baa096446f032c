"""Many workers in one process: each acknowledges what it gets and reports it done at once.

Told by lines on standard input: "go" gives every worker one slot, "stop" takes it away and prints what was measured since, "end" ends.
Prints "ready" when all streams are open, the number of reports that were taken every now and then, and JSON after each "stop".
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import uvloop

from genesis.v1 import agent_service_pb2 as api
from genesis.v1 import agent_service_pb2_grpc as api_grpc
from genesis.v1 import catalogue_pb2, work_pb2

CAPABILITY = "bench.step"
OUTPUTS = [work_pb2.ArtefactValue(name="result")]
OUTPUTS[0].value.string_value = "inspected"
SLOT = api.WorkRequest(slots=api.WorkSlots(slots=1))
NO_SLOT = api.WorkRequest(slots=api.WorkSlots())


def card(agent_id: str, capability: str) -> catalogue_pb2.AgentCard:
    """An agent that can do one thing."""
    skill = catalogue_pb2.Skill(id=capability, name=capability, description="does one step of a measurement")
    return catalogue_pb2.AgentCard(
        id=agent_id, name=agent_id, description="an agent of a measurement", version="1.0.0", skills=[skill], max_concurrent_tasks=1
    )


@dataclass
class Taken:
    """What was measured since the last "go"."""

    done: int = 0
    refused: int = 0
    first: float = 0.0
    last: float = 0.0
    """When the last answer to a report came, by the monotonic clock."""
    acknowledged_ms: list[float] = field(default_factory=list[float])
    """From sending a report to the answer that it is taken."""
    next_ms: list[float] = field(default_factory=list[float])
    """From sending a report, which frees the slot, to the next assignment."""


class Worker:
    """One worker with a stream of its own."""

    def __init__(self, stub: api_grpc.AgentServiceStub, session_id: str) -> None:
        """Work for `session_id`."""
        self.taken = Taken()
        self.session_id = session_id
        self._stub = stub
        self._stream: Any = None
        self._freed = 0.0

    async def open(self) -> None:
        """Open the stream, without a slot."""
        self._stream = self._stub.Work()
        await self._stream.write(api.WorkRequest(open=api.WorkOpen(session_id=self.session_id)))

    async def say(self, request: api.WorkRequest) -> None:
        """Tell the server of slots."""
        await self._stream.write(request)

    async def run(self) -> None:
        """Do what comes, until the server ends the stream."""
        stream = self._stream
        while (said := await stream.read()) is not grpc.aio.EOF:
            now, taken = time.monotonic(), self.taken
            match said.WhichOneof("message"):
                case "assignment":
                    if self._freed:
                        taken.next_ms.append((now - self._freed) * 1e3)
                    taken.first = taken.first or now
                    one = said.assignment
                    await stream.write(api.WorkRequest(acknowledge=api.WorkAcknowledgement(lease_id=one.lease.lease_id)))
                    report = work_pb2.ReportRequest(
                        plan_id=one.plan_id, task_id=one.task.id, lease=one.lease, done=work_pb2.ReportedDone(outputs=OUTPUTS)
                    )
                    self._freed = time.monotonic()
                    await stream.write(api.WorkRequest(report=report))
                case "reported":
                    taken.acknowledged_ms.append((now - self._freed) * 1e3)
                    taken.last = now
                    if said.reported.HasField("refused"):
                        taken.refused += 1
                        print(said.reported.refused.message, file=sys.stderr)
                    taken.done += 1
                case _:
                    print(said, file=sys.stderr)

    def begin(self) -> None:
        """Measure anew."""
        self.taken, self._freed = Taken(), 0.0


async def heartbeats(stub: api_grpc.AgentServiceStub, session_id: str, seconds: float, offset: float) -> None:
    """Say now and then that a worker is alive."""
    await asyncio.sleep(offset)
    while True:
        # While the server is saturated some are late, and what is said on the stream counts as one, too.
        with contextlib.suppress(grpc.aio.AioRpcError):
            await stub.Heartbeat(api.HeartbeatRequest(session_id=session_id), timeout=seconds)
        await asyncio.sleep(seconds)


async def register(stub: api_grpc.AgentServiceStub, agent_id: str, capability: str = CAPABILITY) -> tuple[str, float]:
    """A new session, and the seconds between its signs of life."""
    joined = await stub.Register(api.RegisterRequest(card=card(agent_id, capability)))
    return joined.session_id, joined.heartbeat_interval.ToTimedelta().total_seconds()


def measured(workers: Sequence[Worker]) -> str:
    """What all workers measured since the last "go", as JSON."""
    taken = [worker.taken for worker in workers]
    return json.dumps(
        {
            "done": sum(one.done for one in taken),
            "refused": sum(one.refused for one in taken),
            "first": min(one.first for one in taken if one.first),
            "last": max(one.last for one in taken),
            "acknowledged_ms": [ms for one in taken for ms in one.acknowledged_ms],
            "next_ms": [ms for one in taken for ms in one.next_ms],
        }
    )


async def tell(workers: Sequence[Worker]) -> None:
    """Print how many reports were taken, whenever there are more."""
    told = 0
    while True:
        await asyncio.sleep(0.05)
        done = sum(worker.taken.done for worker in workers)
        if done != told:
            told = done
            print(done, flush=True)


async def obey(workers: Sequence[Worker]) -> None:
    """Do what standard input says until it says "end", or no more."""
    loop = asyncio.get_running_loop()
    while (line := (await loop.run_in_executor(None, sys.stdin.readline)).strip()) not in {"", "end"}:
        for worker in workers if line == "go" else ():
            worker.begin()
        await asyncio.gather(*[worker.say(SLOT if line == "go" else NO_SLOT) for worker in workers])
        if line == "stop":
            print(measured(workers), flush=True)


async def main(asked: argparse.Namespace) -> None:
    """Work until told to end."""
    channels = [
        grpc.aio.insecure_channel(asked.address, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(-(-asked.count // asked.each))
    ]
    stubs = [api_grpc.AgentServiceStub(channel) for channel in channels]
    workers: list[Worker] = []
    tasks: list[asyncio.Task[None]] = []
    for number in range(asked.count):
        stub = stubs[number % len(stubs)]
        session_id, seconds = ("bare", 0.0) if asked.bare else await register(stub, f"bench-{number % asked.agents}")
        workers.append(Worker(stub, session_id))
        await workers[-1].open()
        tasks.append(asyncio.create_task(workers[-1].run()))
        if seconds:
            tasks.append(asyncio.create_task(heartbeats(stub, session_id, seconds, seconds * number / asked.count)))
    print("ready", flush=True)
    tasks.append(asyncio.create_task(tell(workers)))
    await obey(workers)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in channels:
        await channel.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("count", type=int)
    parser.add_argument("--each", type=int, default=250, help="streams of one connection")
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--bare", action="store_true")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parser.parse_args()))
