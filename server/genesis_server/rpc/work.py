"""Streams of workers: tasks go out, acknowledgements and reports come in.

Each stream has one queue of what goes out; the dispatcher's messages and the answers to reports are put into it, and the handler waits
for nothing else. One task reads what the worker says, one takes the dispatcher's messages, and each report under way has its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

from google.rpc import status_pb2  # pyright: ignore[reportMissingTypeStubs]

from genesis.v1 import agent_service_pb2, work_pb2
from genesis_server.agents.roster import Roster
from genesis_server.model.caller import Caller
from genesis_server.model.work import Session
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher, WorkStream
from genesis_server.orchestration.orchestrator import Call
from genesis_server.resilience.errors import GenesisError, ResourceError, invalid_field
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.convert.workers import MOVE, stream_message_to_proto
from genesis_server.rpc.methods import WORK
from genesis_server.rpc.refusals import Events, note_refusal
from genesis_server.rpc.reports import ReportAnswers
from genesis_server.rpc.status import STATUS_OF_REASON, Redact, internal_error, to_status
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.telemetry.names import METADATA_STATUS_DETAILS

MAX_REPORTS = 64
"""Reports of one stream whose answers are not sent yet; meanwhile nothing more is read from it, so that no queue grows without end."""
OPEN_SECONDS = 10.0
"""How long a stream may take to say whose it is: one that never does would hold a worker's place."""

_log = logging.getLogger(__name__)

Requests = AsyncIterator[agent_service_pb2.WorkRequest]
Responses = AsyncGenerator[agent_service_pb2.WorkResponse]


class OwnSessions:
    """Sessions, for those who may use them."""

    def __init__(self, *, roster: Roster, identity: AgentIdentity) -> None:
        """Find sessions in `roster`, and hold callers against `identity`."""
        self._roster = roster
        self._identity = identity

    async def get(self, caller: Caller, session_id: str) -> Session:
        """A live session of an agent the caller may act for. Raises ResourceError SESSION_NOT_FOUND, SecurityError AGENT_MISMATCH."""
        session = await self._roster.session(caller.tenant, session_id)
        self._identity.check(caller, session.agent_id)
        return session

    def heard(self, caller: Caller, session: Session) -> None:
        """The worker of a session has said something."""
        self._roster.heard(caller.tenant, session.id)


@dataclass(frozen=True, slots=True)
class WorkParts:
    """What streams of workers are made of."""

    dispatcher: Dispatcher
    sessions: OwnSessions
    reports: ReportAnswers
    events: Events
    """Where refusals are noted that should not have happened."""
    admission: Admission
    """Bounds the streams, and ends them when it closes."""
    now: Callable[[], float]
    """Seconds since the epoch, as the dispatcher counts them."""
    redact: Redact = str
    """Takes secrets out of the texts of refusals."""


async def serve_work(parts: WorkParts, requests: Requests, call: Call, *, peer: str) -> Responses:
    """A worker's stream, until the worker ends it, another one of its session takes over or the server is about to stop.

    `peer` is the address of the worker's side of the connection, as gRPC has it.

    Raises ResourceError SESSION_NOT_FOUND, OVERLOADED, DEADLINE_EXCEEDED, SecurityError AGENT_MISMATCH, ValidationError INVALID_FIELD;
    leases stay.
    """
    stream = _Stream(parts, requests, call, peer)
    with parts.admission.work(stream.move):
        async with aclosing(stream.responses()) as responses:
            async for response in responses:
                yield response


@dataclass(frozen=True, slots=True)
class _Over:
    """The stream ends."""

    error: Exception | None = None


class _Stream:
    """One worker's stream."""

    def __init__(self, parts: WorkParts, requests: Requests, call: Call, peer: str) -> None:
        self._parts = parts
        self._requests = requests
        self._call = call
        self._peer = peer
        self._out: asyncio.Queue[agent_service_pb2.WorkResponse | _Over] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._reports: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(MAX_REPORTS)

    def move(self) -> None:
        """The worker is to go on elsewhere."""
        self._out.put_nowait(MOVE)

    async def responses(self) -> Responses:
        """What goes out."""
        self._start(self._read())
        try:
            while not isinstance(said := await self._out.get(), _Over):
                yield said
                if said.HasField("reported"):
                    self._free.release()
                if said is MOVE:
                    async for answer in self._last_answers():
                        yield answer
                    return
            if said.error is not None:
                raise said.error
        finally:
            try:
                await self._end(*self._tasks, *self._reports)
            finally:
                # Ended tasks keep their frames, and those keep the stream: a cycle that holds everything of the worker's.
                self._tasks.clear()

    async def _last_answers(self) -> Responses:
        """Of the reports that are under way; what was not read or not sent, the worker's next stream settles."""
        await self._end(*self._tasks)
        await self._reported()
        while not self._out.empty():
            said = self._out.get_nowait()
            if isinstance(said, agent_service_pb2.WorkResponse) and said.WhichOneof("message") == "reported":
                yield said

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    @staticmethod
    async def _end(*tasks: asyncio.Task[None]) -> None:
        try:
            # A task that is cancelled before it has begun closes nothing.
            await asyncio.sleep(0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _reported(self) -> None:
        """Wait until no report is under way."""
        if self._reports:
            await asyncio.wait(self._reports)

    async def _read(self) -> None:
        """Take what the worker says until it says no more; reports are answered before the stream ends."""
        over = _Over()
        try:
            first = await self._first()
            if first is not None:
                session, stream = await self._open(first)
                self._start(self._tell(stream))
                async for request in self._requests:
                    self._parts.sessions.heard(self._call.caller, session)
                    await self._take(request, session, stream)
        except Exception as error:  # noqa: BLE001  (the handler raises it)
            over = _Over(error)
        await self._reported()
        self._out.put_nowait(over)

    async def _first(self) -> agent_service_pb2.WorkRequest | None:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await anext(self._requests, None)
        except TimeoutError:
            message = f"nothing was said for {OPEN_SECONDS:g} s; say `open` with the session as soon as the stream begins"
            raise ResourceError("DEADLINE_EXCEEDED", message) from None

    async def _open(self, first: agent_service_pb2.WorkRequest) -> tuple[Session, WorkStream]:
        if first.WhichOneof("message") != "open":
            raise invalid_field("open", "comes first on a stream: say which session it is for", "first")
        caller, said = self._call.caller, first.open
        session = await self._parts.sessions.get(caller, said.session_id)
        held = tuple(said.held_lease_ids)
        return session, await self._parts.dispatcher.open(caller.tenant, session.id, slots=said.slots, held=held)

    async def _tell(self, stream: WorkStream) -> None:
        """Take what the dispatcher says until it says no more."""
        over = _Over()
        try:
            async with aclosing(stream.messages()) as messages:
                async for message in messages:
                    self._out.put_nowait(stream_message_to_proto(message, now=self._parts.now()))
                    # Neither queue makes anybody wait while there is something in it, and others want the loop, too.
                    await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001  (the handler raises it)
            over = _Over(error)
        self._out.put_nowait(over)

    async def _take(self, request: agent_service_pb2.WorkRequest, session: Session, stream: WorkStream) -> None:
        match request.WhichOneof("message"):
            case "slots":
                stream.slots(request.slots.slots)
            case "acknowledge":
                stream.acknowledge(request.acknowledge.lease_id)
            case "report":
                await self._free.acquire()
                report = asyncio.create_task(self._report(request.report, session.agent_id))
                self._reports.add(report)
                report.add_done_callback(self._reports.discard)
            case _:
                raise invalid_field("open", "comes once on a stream, as the first message", "once")

    async def _report(self, request: work_pb2.ReportRequest, agent_id: str) -> None:
        answer = agent_service_pb2.WorkReported(lease_id=request.lease.lease_id)
        try:
            answer.accepted.CopyFrom(await self._parts.reports.of_agent(request, self._call, agent_id))
        except Exception as error:  # noqa: BLE001  (whatever it is, the other tasks of the stream go on)
            answer.refused.CopyFrom(self._refusal(error))
        self._out.put_nowait(agent_service_pb2.WorkResponse(reported=answer))

    def _refusal(self, error: Exception) -> status_pb2.Status:
        """The status a unary call would end with."""
        if not isinstance(error, GenesisError) or error.reason not in STATUS_OF_REASON:
            _log.error("unexpected %s while a report was taken", type(error).__name__, exc_info=error)
            error = internal_error(self._call.correlation_id)
        note_refusal(self._parts.events, error, self._call.caller, method=WORK, peer=self._peer)
        trailers = dict(to_status(error, self._call.correlation_id, self._parts.redact).trailers)
        return status_pb2.Status.FromString(cast("bytes", trailers[METADATA_STATUS_DETAILS]))
