"""A fake agent service on a real asyncio server, and time that passes when a test says so."""
# ruff: noqa: N802  (the methods are named by the contract)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2, status_pb2

from genesis.v1 import agent_service_pb2 as pb2
from genesis.v1 import agent_service_pb2_grpc, common_pb2, orchestrator_service_pb2_grpc, plan_pb2, routing_pb2, work_pb2
from genesis.worker.engine import Engine
from genesis.worker.timing import Timing
from genesis.worker.worker import Worker


class FakeTime:
    """A clock that stands still until it is moved; waits end when their time has come."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now + seconds, future))
        await future

    async def pass_by(self, seconds: float) -> None:
        """Move the clock, waking sleepers in order."""
        end = self.now + seconds
        while due := [one for one in self.sleepers if one[0] <= end and not one[1].done()]:
            until, future = min(due, key=lambda one: one[0])
            self.now = max(self.now, until)
            future.set_result(None)
            await settle()
        self.now = end
        await settle()

    def waits(self, seconds: float) -> bool:
        """Whether somebody sleeps for as long from now on."""
        return any(until == self.now + seconds and not future.done() for until, future in self.sleepers)

    def timing(self) -> Timing:
        return Timing(monotonic=self.monotonic, sleep=self.sleep, uniform=lambda _, high: high)


async def settle(turns: int = 20) -> None:
    """Let the loop turn."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def until(condition: Callable[[], Any]) -> None:
    """Turn the loop until the condition holds; gRPC's own threads move in between."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (whatever the condition is)
            await asyncio.sleep(0.001)


def refusal(code: grpc.StatusCode, reason: str, message: str = "no") -> status_pb2.Status:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="genesis"))
    return status_pb2.Status(code=code.value[0], message=message, details=[detail])


async def refuse(context: Any, code: grpc.StatusCode, reason: str) -> None:
    await context.abort(code, "no", trailing_metadata=(("grpc-status-details-bin", refusal(code, reason).SerializeToString()),))


def artefact(name: str, value: Any) -> work_pb2.ArtefactValue:
    plain = Value()
    match value:
        case bool():
            plain.bool_value = value
        case str():
            plain.string_value = value
        case int() | float():
            plain.number_value = value
        case list():
            plain.list_value.extend(value)
        case dict():
            plain.struct_value.update(value)
        case _:
            plain.null_value = 0  # pyright: ignore[reportAttributeAccessIssue]
    return work_pb2.ArtefactValue(name=name, value=plain)


def assignment(
    number: int = 1, /, *, skill: str = "docs.write", outputs: tuple[str, ...] = ("text",), time_left: float | None = None, **inputs: Any
) -> pb2.WorkAssignment:
    """A task under lease `lease-<number>`."""
    left = None
    if time_left is not None:
        left = Duration()
        left.FromNanoseconds(int(time_left * 1e9))
    return pb2.WorkAssignment(
        plan_id="plan_1",
        plan_goal="release",
        task=plan_pb2.Task(id=f"task_{number}", goal="write", outputs=[common_pb2.Artefact(name=name) for name in outputs]),
        inputs=[artefact(name, value) for name, value in inputs.items()],
        lease=work_pb2.LeaseToken(lease_id=f"lease-{number}", token=number),
        attempt=1,
        time_left=left,
        target=routing_pb2.Target(id="writer", skill_id=skill),
        expected=work_pb2.Usage(tokens=7),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        correlation_id="c0ffee",
    )


@dataclass
class FakeAgents(agent_service_pb2_grpc.AgentServiceServicer, orchestrator_service_pb2_grpc.OrchestratorServiceServicer):
    """Hands out what the test puts into `outbox`, remembers what workers say."""

    address: str = ""
    sessions: list[str] = field(default_factory=list)
    cards: list[Any] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    beats: list[pb2.HeartbeatRequest] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    opened: list[pb2.WorkOpen] = field(default_factory=list)
    said: list[pb2.WorkRequest] = field(default_factory=list)
    unary: list[work_pb2.ReportRequest] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    outboxes: list[asyncio.Queue[Any]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    """Answers to reports in order: a refusal, or "silence"; taken when it is empty."""
    beat_refused: tuple[grpc.StatusCode, str] | None = None
    deregister_refused: bool = False
    register_refused: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    heartbeat_seconds: int = 10
    lease_seconds: int = 30

    async def Register(self, request: pb2.RegisterRequest, context: Any) -> pb2.RegisterResponse:
        self.metadata.append(dict(context.invocation_metadata()))
        if self.register_refused:
            await refuse(context, *self.register_refused.pop(0))
        session = f"ses_{len(self.sessions) + 1}"
        self.sessions.append(session)
        self.known.add(session)
        self.cards.append(request.card)
        return pb2.RegisterResponse(
            session_id=session,
            heartbeat_interval=Duration(seconds=self.heartbeat_seconds),
            lease_duration=Duration(seconds=self.lease_seconds),
        )

    async def Heartbeat(self, request: pb2.HeartbeatRequest, context: Any) -> pb2.HeartbeatResponse:
        self.beats.append(request)
        if self.beat_refused:
            await refuse(context, *self.beat_refused)
        if request.session_id not in self.known:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")
        return pb2.HeartbeatResponse(lease_duration=Duration(seconds=self.lease_seconds))

    async def Deregister(self, request: pb2.DeregisterRequest, context: Any) -> pb2.DeregisterResponse:
        self.left.append(request.session_id)
        if self.deregister_refused:
            await refuse(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        return pb2.DeregisterResponse()

    async def Report(self, request: work_pb2.ReportRequest, context: Any) -> work_pb2.ReportResponse:
        self.unary.append(request)
        if self.answers and (answer := self.answers.pop(0)) is not None:
            await refuse(context, *answer)
        return work_pb2.ReportResponse(duplicate=True)

    async def Work(self, requests: AsyncIterator[pb2.WorkRequest], context: Any) -> AsyncIterator[pb2.WorkResponse]:
        opening = (await anext(requests)).open
        self.opened.append(opening)
        if opening.session_id not in self.known:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")
        outbox: asyncio.Queue[Any] = asyncio.Queue()
        self.outboxes.append(outbox)
        reading = asyncio.create_task(self._read(requests, outbox))
        try:
            while (message := await outbox.get()) is not None:
                if isinstance(message, tuple):
                    await refuse(context, *message)
                yield message
        finally:
            reading.cancel()

    async def _read(self, requests: AsyncIterator[pb2.WorkRequest], outbox: asyncio.Queue[Any]) -> None:
        async for message in requests:
            self.said.append(message)
            if message.HasField("report"):
                answer = self.answers.pop(0) if self.answers else None
                if answer == "silence":
                    continue
                told = pb2.WorkReported(lease_id=message.report.lease.lease_id)
                if answer is None:
                    told.accepted.CopyFrom(work_pb2.ReportResponse(plan_version=2))
                else:
                    told.refused.CopyFrom(refusal(*answer))
                outbox.put_nowait(pb2.WorkResponse(reported=told))

    def send(self, message: pb2.WorkAssignment) -> None:
        self.outboxes[-1].put_nowait(pb2.WorkResponse(assignment=message))

    def notice(self, number: int, kind: str) -> None:
        told = pb2.LeaseNotice(lease_id=f"lease-{number}", kind=pb2.LeaseNoticeKind.Value(f"LEASE_NOTICE_KIND_{kind}"))
        self.outboxes[-1].put_nowait(pb2.WorkResponse(notice=told))

    def break_stream(self) -> None:
        self.outboxes[-1].put_nowait((grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN"))

    @property
    def reports(self) -> list[work_pb2.ReportRequest]:
        return [message.report for message in self.said if message.HasField("report")]

    @property
    def acknowledged(self) -> list[str]:
        return [message.acknowledge.lease_id for message in self.said if message.HasField("acknowledge")]


@asynccontextmanager
async def serving(fake: FakeAgents, port: int = 0) -> AsyncIterator[FakeAgents]:
    """The fake on a loopback port; streams end with it."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    agent_service_pb2_grpc.add_AgentServiceServicer_to_server(fake, server)
    orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    try:
        yield fake
    finally:
        await server.stop(None)


@asynccontextmanager
async def at_work(worker: Worker, fake: FakeAgents, time: FakeTime, *, finish: bool = True) -> AsyncIterator[Engine]:
    """The worker on a stream with the fake, by the time of the test; stopped at the end when the test did not stop it."""
    async with worker._client(fake.address, {"retry": None}) as client:
        engine = Engine(client, worker.card, worker._skills, grace=worker._grace, timing=time.timing())
        running = asyncio.create_task(engine.run())
        await until(lambda: fake.outboxes or running.done())
        try:
            yield engine
        finally:
            engine.stop(finish=finish)
            engine.stop(finish=finish)
            async with asyncio.timeout(10):
                while not running.done():
                    await time.pass_by(6.0)
                    await asyncio.sleep(0.001)
            await running
