"""Large plans judged in a child process, so that nobody else waits for them.

Parsing and judging 100 000 tasks takes a good part of a second of pure Python; on a thread it would hold the interpreter's lock and
keep other calls waiting for hundreds of milliseconds. So the request goes unread to one child process at a lower priority. The child is
started by the first request, kept for the next ones, ends itself when idle, and is replaced when it dies or a caller gives up on it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from genesis.v1 import orchestrator_service_pb2, plan_pb2
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.validation import Verdict
from genesis_server.resilience.errors import ResourceError
from genesis_server.rpc.deserialisation import MEBIBYTE
from genesis_server.rpc.large_plan_jobs import HEADER, Answer, Job
from genesis_server.validation.structure import Limits

CHUNK_BYTES = 256 * 1024
_PROGRAM = "from genesis_server.rpc.large_plan_worker import main; main()"
_BROKEN = (asyncio.IncompleteReadError, ConnectionError)

FetchPlan = Callable[[str], Awaitable[plan_pb2.Plan]]


@dataclass(frozen=True, slots=True)
class LargeAnswer:
    """A judged request."""

    response: bytes
    """A serialised ValidateResponse; its provenance has the agents' snapshot id, the server adds the rest by appending bytes."""
    goal: str
    """The goal the plan was judged against, for the tripwire; empty when there was none."""
    verdict: Verdict
    """The judgement without its findings and schedule, to be counted."""


class LargePlanProcess:
    """One child process with a short queue in front of it. All methods belong to one event loop."""

    def __init__(self, *, queue_limit: int = 32, queue_bytes: int = 256 * MEBIBYTE, niceness: int = 10, idle_seconds: float = 60.0) -> None:
        """Start nothing yet.

        Args:
            queue_limit: requests that may be under way or wait; more are refused.
            queue_bytes: how large they may be together; one alone is always taken.
            niceness: by how much the child's priority is lower than the server's.
            idle_seconds: after this long without work the child ends and gives its memory back.
        """
        self._queue_limit = queue_limit
        self._queue_bytes = queue_bytes
        self._arguments = (str(os.getpid()), str(niceness), str(idle_seconds))
        self._turn = asyncio.Lock()
        self._inside = 0
        self._inside_bytes = 0
        self._child: _Child | None = None
        self._known_catalogue = ""
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def process_id(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.process.pid if self._child is not None and self._child.alive else None

    async def validate(
        self,
        request: bytes,
        *,
        catalogue: Catalogue,
        limits: Limits,
        fetch_plan: FetchPlan,
        structural_only: bool = False,
        deadline_seconds: float | None = None,
    ) -> LargeAnswer:
        """Judge a serialised ValidateRequest.

        Args:
            request: the bytes as they came.
            catalogue: the registered agents, for requests without a catalogue of their own.
            limits: how large a plan may be.
            fetch_plan: reads a stored plan by its id, for requests that name one.
            structural_only: judge the graph alone.
            deadline_seconds: time left; when it is over the child is given up.

        Raises:
            ValidationError: MALFORMED_MESSAGE, INVALID_FIELD.
            RoutingError: TOO_MANY_TASKS.
            ResourceError: OVERLOADED, DEADLINE_EXCEEDED, INTERNAL, and what `fetch_plan` raises.
        """
        self._enter(len(request))
        try:
            async with asyncio.timeout(deadline_seconds), self._turn:
                answer = await self._ask(request, catalogue, limits, structural_only=structural_only)
                if answer.plan_id:
                    plan = orchestrator_service_pb2.ValidateRequest(plan=await fetch_plan(answer.plan_id))
                    # Bytes of messages of one type put together are the messages merged: the plan takes the place of its id.
                    answer = await self._ask(request + plan.SerializeToString(), catalogue, limits, structural_only=structural_only)
        except TimeoutError:
            raise ResourceError("DEADLINE_EXCEEDED", "the plan was not judged in time; give more time, or send a smaller plan") from None
        finally:
            self._inside -= 1
            self._inside_bytes -= len(request)
        if answer.error is not None:
            raise answer.error
        if answer.verdict is None:
            raise AssertionError("an answer has a verdict or an error")
        return LargeAnswer(answer.response, answer.goal, answer.verdict)

    async def close(self) -> None:
        """End the child and wait until it is gone."""
        self._give_up()
        await asyncio.gather(*self._leaving)

    def _enter(self, size: int) -> None:
        """Count a request in. Raises ResourceError OVERLOADED when there is no room."""
        if self._inside >= self._queue_limit or (self._inside and self._inside_bytes + size > self._queue_bytes):
            raise ResourceError(
                "OVERLOADED",
                f"{self._inside} large plans are being judged or wait already; try again later",
                facts={"limit": str(self._queue_limit)},
                retry_after_seconds=1.0,
            )
        self._inside += 1
        self._inside_bytes += size

    async def _ask(self, request: bytes, catalogue: Catalogue, limits: Limits, *, structural_only: bool) -> Answer:
        """One job, on a fresh child when the one at hand dies."""
        for attempt in (1, 2):
            child = self._ready()
            known = catalogue.snapshot_id == self._known_catalogue
            job = Job(limits, structural_only, catalogue.snapshot_id, None if known else catalogue)
            try:
                answer = await child.exchange(pickle.dumps(job), request)
            except _BROKEN:
                self._give_up()
                if attempt == 2:
                    raise ResourceError("INTERNAL", "judging the plan ended the process that did it; send a smaller plan") from None
            except BaseException:
                # Cancelled or out of time: the child is busy with what nobody waits for any more.
                self._give_up()
                raise
            else:
                self._known_catalogue = catalogue.snapshot_id
                return answer
        raise AssertionError("the loop above returns or raises")

    def _ready(self) -> _Child:
        if self._child is None or not self._child.alive:
            self._give_up()
            self._child = _Child(self._arguments)
        return self._child

    def _give_up(self) -> None:
        """Let go of the child; it is killed, since it may be busy, and reaped in the background."""
        child, self._child, self._known_catalogue = self._child, None, ""
        if child is not None:
            ended = asyncio.ensure_future(child.end())
            self._leaving.add(ended)
            ended.add_done_callback(self._leaving.discard)


class _Child:
    """A process and the socket to it.

    Not asyncio's subprocess: in a process with gRPC's threads, uvloop's pipes to a new child were now and then closed from the start.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # A session of its own: Ctrl-C is for the server, which then ends the child in its own time.
            command = [sys.executable, "-P", "-c", _PROGRAM, *arguments]
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True)  # noqa: S603
        self._socket = ours
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    async def exchange(self, job: bytes, request: bytes) -> Answer:
        """Raises one of `_BROKEN` when the child is gone."""
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(sock=self._socket, limit=MEBIBYTE)
        reader, writer = self._streams
        if writer.is_closing():
            raise ConnectionResetError
        writer.write(HEADER.pack(len(job), len(request)) + job)
        await writer.drain()
        for start in range(0, len(request), CHUNK_BYTES):
            writer.write(memoryview(request)[start : start + CHUNK_BYTES])
            await writer.drain()
        size, _ = HEADER.unpack(await reader.readexactly(HEADER.size))
        return pickle.loads(await reader.readexactly(size))  # noqa: S301  (our child's)

    async def end(self) -> None:
        self.process.kill()
        if self._streams is None:
            self._socket.close()
        else:
            self._streams[1].close()
        await asyncio.to_thread(self.process.wait)
