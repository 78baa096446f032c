"""A worker at work: joins, takes tasks, runs them, reports, leaves. Everything happens on one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from genesis.aio import AsyncClient
from genesis.errors import GenesisError, InvalidArgument, PermissionDenied, Unauthenticated, Unimplemented
from genesis.options import ReportOptions
from genesis.v1.agent_service_pb2 import (
    LeaseNotice,
    LeaseNoticeKind,
    RegisterResponse,
    WorkAssignment,
    WorkOpen,
    WorkResponse,
)
from genesis.v1.catalogue_pb2 import AgentCard
from genesis.worker.context import TaskContext
from genesis.worker.execution import failed, inputs_of, perform
from genesis.worker.heartbeat import SessionGoneError, beat, session_gone
from genesis.worker.leases import End, Held, Leases
from genesis.worker.reporting import Reporter
from genesis.worker.skill import Skill
from genesis.worker.stream import Stream
from genesis.worker.timing import Timing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_LOG = logging.getLogger("genesis.worker")
_STREAM_SECONDS = 3_600.0
_FAREWELL_SECONDS = 5.0
_REFUSED_FOR_GOOD = (InvalidArgument, PermissionDenied, Unauthenticated, Unimplemented)


class Engine:
    """Serves one agent from one process, over one client."""

    def __init__(self, client: AsyncClient, card: AgentCard, skills: Mapping[str, Skill], *, grace: float, timing: Timing) -> None:
        """`grace`: seconds that tasks have to finish when the worker stops."""
        slots = max(1, card.max_concurrent_tasks)
        self.joined = asyncio.Event()
        """Set once the server took the worker."""
        self._client = client
        self._card = card
        self._skills = skills
        self._grace = grace
        self._timing = timing
        self._leases = Leases(slots)
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix=f"genesis-{card.id}")
        self._reporter = Reporter(client, lambda: self._stream, timing)
        self._session: RegisterResponse | None = None
        self._stream: Stream | None = None
        self._lease_seconds = 0.0
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._jobs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until `stop`.

        Raises:
            GenesisError: when the server refuses the worker for good before it ever joined.
        """
        serving = asyncio.create_task(self._serve())
        ended = asyncio.Event()
        serving.add_done_callback(lambda _: ended.set())
        try:
            await self._timing.first(ended, self._stopping)
            if serving.done():
                serving.result()
            await self._leave()
        finally:
            self._leases.finish_all(End.LOST)
            await _cancelled(serving, *self._jobs)
            self._pool.shutdown(wait=False, cancel_futures=True)

    def stop(self, *, finish: bool = True) -> None:
        """Take nothing more, finish what is held within the grace time, and leave. Without `finish`, and the second time: hand it back."""
        if not finish or self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def _leave(self) -> None:
        self._tell_slots()
        await self._timing.first(self._leases.idle, self._hurry, seconds=self._grace)
        self._leases.finish_all(End.STOPPING)
        await self._timing.first(self._leases.idle, seconds=_FAREWELL_SECONDS)
        if self._session is None:
            return
        try:
            await self._client.deregister(self._session.session_id, timeout=_FAREWELL_SECONDS)
        except GenesisError as error:
            _LOG.info("could not say farewell: %s", error)

    async def _serve(self) -> None:
        while True:
            session = self._session = await self._join()
            self._lease_seconds = session.lease_duration.ToTimedelta().total_seconds()
            self.joined.set()
            parts = (
                asyncio.create_task(beat(self._client, session, self._leases, self._timing)),
                asyncio.create_task(self._streams(session.session_id)),
            )
            try:
                await asyncio.gather(*parts)
            except SessionGoneError:
                self._leases.finish_all(End.LOST)
                if self._stopping.is_set():
                    return
                _LOG.warning("the server does not know this worker any more; it joins again")
            finally:
                await _cancelled(*parts)

    async def _join(self) -> RegisterResponse:
        failures = 0
        while True:
            try:
                return await self._client.register(self._card)
            except GenesisError as error:
                if isinstance(error, _REFUSED_FOR_GOOD) and error.reason and not self.joined.is_set():
                    raise
                _LOG.warning("cannot join: %s", error)
                wait = max(self._timing.backoff(failures), error.retry_after or 0.0)
            await self._timing.sleep(wait)
            failures += 1

    async def _streams(self, session_id: str) -> None:
        failures = 0
        while True:
            stream = self._stream = Stream(
                WorkOpen(session_id=session_id, slots=self._slots(), held_lease_ids=self._leases.ids),
            )
            moved = False
            work = self._client.work(stream.messages(), timeout=_STREAM_SECONDS)
            try:
                async with aclosing(cast("AsyncGenerator[WorkResponse]", work)) as answers:
                    async for message in answers:
                        if moved := message.WhichOneof("message") == "move":
                            break
                        failures = 0
                        self._hear(stream, message)
            except GenesisError as error:
                if session_gone(error):
                    raise SessionGoneError from error
                _LOG.info("the stream of work broke: %s", error)
            finally:
                self._stream = None
                stream.close()
            if not moved or failures:
                await self._timing.sleep(self._timing.backoff(failures))
            failures += 1

    def _hear(self, stream: Stream, message: WorkResponse) -> None:
        match message.WhichOneof("message"):
            case "assignment":
                self._take(stream, message.assignment)
            case "notice":
                self._notice(message.notice)
            case "reported":
                stream.reported(message.reported)
            case _:
                _LOG.info("the server said something this client does not know")

    def _notice(self, notice: LeaseNotice) -> None:
        held = self._leases.get(notice.lease_id)
        if held is None:
            return
        match notice.kind:
            case LeaseNoticeKind.LEASE_NOTICE_KIND_PAUSED:
                held.context.paused = True
            case LeaseNoticeKind.LEASE_NOTICE_KIND_RESUMED:
                held.context.paused = False
            case _:
                _LOG.info("task %s of plan %s is not wanted any more: %s", held.assignment.task.id, held.assignment.plan_id, notice.message)
                held.finish(End.LOST)

    def _take(self, stream: Stream, assignment: WorkAssignment) -> None:
        if self._leases.get(assignment.lease.lease_id) is not None:
            stream.acknowledge(assignment.lease.lease_id)
            return
        skill = self._skill(assignment)
        if skill is None:
            self._start(self._refuse(assignment, {"declined": f"the agent has no skill {assignment.target.skill_id!r}"}))
        elif self._stopping.is_set() or not self._leases.free:
            reason = End.STOPPING.value if self._stopping.is_set() else "the worker has no free slot"
            self._start(self._refuse(assignment, {"declined": reason, "hand_back": True}))
        else:
            try:
                held = Held(assignment, skill, self._context(assignment))
            except ValueError as error:
                self._start(self._refuse(assignment, failed(f"the inputs cannot be read: {error}", permanent=True)))
                return
            stream.acknowledge(assignment.lease.lease_id)
            self._leases.add(held)
            self._start(self._carry_out(held))

    def _skill(self, assignment: WorkAssignment) -> Skill | None:
        named = assignment.target.skill_id or assignment.task.capability
        return self._skills.get(named) if named or len(self._skills) != 1 else next(iter(self._skills.values()))

    def _context(self, assignment: WorkAssignment) -> TaskContext:
        loop = asyncio.get_running_loop()
        ends = assignment.HasField("time_left")
        return TaskContext(
            task=assignment.task,
            plan_id=assignment.plan_id,
            goal=assignment.plan_goal,
            attempt=assignment.attempt,
            inputs=inputs_of(assignment),
            skill_id=assignment.target.skill_id,
            model_id=assignment.target.model_id,
            expected=assignment.expected,
            traceparent=assignment.traceparent,
            correlation_id=assignment.correlation_id,
            deadline=self._timing.monotonic() + assignment.time_left.ToTimedelta().total_seconds() if ends else None,
            clock=self._timing.monotonic,
            news=lambda: loop.is_closed() or loop.call_soon_threadsafe(self._leases.news.set),
        )

    async def _refuse(self, assignment: WorkAssignment, report: ReportOptions) -> None:
        await self._reporter.deliver(assignment, report, lambda: True)

    async def _carry_out(self, held: Held) -> None:
        function = asyncio.create_task(perform(held, self._pool))
        ended = asyncio.Event()
        function.add_done_callback(lambda _: self._ended(held, ended))
        try:
            await self._timing.first(ended, held.let_go, seconds=held.context.time_left())
            if function.done() and held.end is None:
                result = failed("the function was cancelled", permanent=False) if function.cancelled() else function.result()
                await self._reporter.deliver(held.assignment, result, lambda: held.end is End.LOST)
                return
            _stop(held, function)
            if held.end is None:
                # Its time is over: the server says so itself, and until then the lease is not one to be given away.
                await self._timing.first(held.let_go, seconds=self._lease_seconds)
            elif held.end.value:
                await self._reporter.deliver(held.assignment, {"declined": held.end.value, "hand_back": True}, lambda: True)
        finally:
            self._leases.release(held)
            if not function.done():
                _stop(held, function)
                self._tell_slots()

    def _ended(self, held: Held, ended: asyncio.Event) -> None:
        self._leases.ended(held)
        ended.set()
        if self._leases.get(held.lease_id) is None:
            self._tell_slots()

    def _slots(self) -> int:
        return 0 if self._stopping.is_set() else self._leases.slots

    def _tell_slots(self) -> None:
        if self._stream is not None:
            self._stream.slots(self._slots())

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)


def _stop(held: Held, function: asyncio.Task[Any]) -> None:
    held.context.cancelled.set()
    if held.skill.asynchronous:
        function.cancel()


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
