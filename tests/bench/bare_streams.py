"""The reference of dispatch: a bare grpc.aio + uvloop server of worker streams that does nothing but send and receive.

It speaks the messages of `AgentService.Work` as bytes: a worker that says it has slots gets `each` assignments, one after the other, the
next one with the answer to the report before.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator

import grpc
import uvloop

from genesis.v1 import agent_service_pb2, plan_pb2, routing_pb2, work_pb2

SLOTS, REPORT = 0x12, 0x22
"""First bytes of what a worker says: the tags of its messages."""
NO_SLOTS = agent_service_pb2.WorkRequest(slots=agent_service_pb2.WorkSlots()).SerializeToString()


def answers() -> tuple[bytes, bytes]:
    """An assignment and the answer to a report, as large as the real ones."""
    lease = work_pb2.LeaseToken(lease_id="lse_" + "x" * 24, token=1234)
    assignment = agent_service_pb2.WorkAssignment(
        plan_id="pln_" + "x" * 24,
        plan_goal="Inspect the site",
        task=plan_pb2.Task(
            id="step-100", goal="bench step number 100", kind=plan_pb2.TASK_KIND_PRIMITIVE, capability="bench.step", depth=1, difficulty=0.5
        ),
        lease=lease,
        attempt=1,
        target=routing_pb2.Target(kind=routing_pb2.TARGET_KIND_AGENT, id="bench-9", skill_id="bench.step"),
        expected=work_pb2.Usage(tasks=1),
        correlation_id="x" * 32,
    )
    assignment.time_left.FromSeconds(600)
    balance = work_pb2.RunBalance(limit=work_pb2.RunBudget(), spent=work_pb2.Usage(tasks=50), reserved=work_pb2.Usage(tasks=10))
    balance.begin_time.GetCurrentTime()
    reported = work_pb2.ReportResponse(
        plan_version=60, task_state=plan_pb2.TASK_STATE_DONE, plan_state=plan_pb2.PLAN_STATE_ACTIVE, next="done", balance=balance
    )
    return (
        agent_service_pb2.WorkResponse(assignment=assignment).SerializeToString(),
        agent_service_pb2.WorkResponse(
            reported=agent_service_pb2.WorkReported(lease_id=lease.lease_id, accepted=reported)
        ).SerializeToString(),
    )


async def main(address: str, each: int) -> None:
    """Serve until SIGTERM."""
    assignment, reported = answers()

    async def work(requests: AsyncIterator[bytes], _context: object) -> AsyncGenerator[bytes]:
        left = 0
        async for request in requests:
            if request[0] == REPORT:
                yield reported
            elif request[0] == SLOTS:
                left = 0 if request == NO_SLOTS else each
            else:
                continue
            if left:
                left -= 1
                yield assignment

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(work)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("genesis.v1.AgentService", {"Work": handler})])
    server.add_insecure_port(address)
    await server.start()
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    print("serving", flush=True)
    await done.wait()
    await server.stop(0)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2])))
