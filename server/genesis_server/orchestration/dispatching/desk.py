"""Keeps the dispatched plans of one tenant moving, in one process.

Everything that happens to a plan is a command in its inbox; whoever works on a plan takes all its commands at once, decides (turn.py) and
writes them as one, so that a busy plan costs one write for many reports. A few plans are written at the same time and share a commit of the
store. Who gets a task is matched in memory and becomes a command as well, if it can for the write that takes a report: the compare-and-set
on the run document decides between processes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Mapping, Sequence

from genesis_server.dispatch.codec import OUTCOME_KIND
from genesis_server.model.work import AttemptOutcome, LeaseProgress, Session, SessionState
from genesis_server.orchestration.dispatching.commands import Command, HandOut, NoteProgress, Reload, TakeReport
from genesis_server.orchestration.dispatching.entry import Entry
from genesis_server.orchestration.dispatching.handing_on import next_tasks
from genesis_server.orchestration.dispatching.leases import NEVER_ARRIVED, LeaseBook
from genesis_server.orchestration.dispatching.matching import Matcher
from genesis_server.orchestration.dispatching.ready_tasks import ReadyTasks
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.orchestration.dispatching.turn import Turn
from genesis_server.orchestration.plan_store import has_ended, version_mismatch
from genesis_server.orchestration.updating import ATTEMPTS
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError
from genesis_server.storage.base import Key, VersionConflictError

TURNS_AT_ONCE = 16
"""Plans that are decided and written at the same time. Others wait in line, and what comes for them meanwhile goes into the same write: the
more there is to do, the fewer writes each report costs."""
FAULT_PAUSE_SECONDS = 1.0
"""Before something is tried again that the storage did not take."""

OVER_SECONDS = 30.0
"""How long is known of a plan that it has ended: what was written here is told here once more, and need not be read again."""

_GONE = "PLAN_NOT_FOUND"
_FAULTS = frozenset({_GONE, "STORAGE_UNAVAILABLE", "STORAGE_FULL", "DEPENDENCY_CIRCUIT_OPEN", "READ_ONLY_MODE", "MAINTENANCE_MODE"})
"""Reasons that concern all commands of a batch alike."""

_LOG = logging.getLogger(__name__)


class Desk:
    """The plans, streams and queues of one tenant; belongs to one event loop."""

    def __init__(self, tenant: str, tools: Tools) -> None:
        """Begin with nothing; `told` and `submit` bring plans."""
        self.tenant = tenant
        self._tools = tools
        self._entries: dict[str, Entry] = {}
        self._streams: dict[str, WorkStream] = {}
        self._matcher = Matcher(
            take=lambda agent_id: tools.breakers.take(tenant, agent_id),
            release=lambda agent_id: tools.breakers.release(tenant, agent_id),
            offer=lambda ready, stream: self._ready.offer(ready, stream),  # noqa: PLW0108  (they know each other)
        )
        self._ready = ReadyTasks(tenant, tools, entries=self._entries, matcher=self._matcher, submit=self.submit)
        self._leases = LeaseBook(tenant, tools, streams=self._streams, matcher=self._matcher, submit=self.submit, spawn=self._spawn)
        self._again: list[tuple[float, str, Command]] = []
        """Commands to submit again, when by the monotonic clock, with their plan."""
        self._over: dict[str, tuple[int, float]] = {}
        """Plans that ended a short while ago, with the last version of the run and until when that is kept, by the monotonic clock."""
        self._starting: set[str] = set()
        """Plans to be read before all leases are known."""
        self._turns = asyncio.Semaphore(TURNS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def load(self) -> Mapping[str, int]:
        """Tasks under way, by agent."""
        return self._leases.load

    @property
    def holding(self) -> Mapping[str, int]:
        """Tasks under way, by session."""
        return self._leases.holding

    # What comes from outside.

    def entry(self, plan_id: str) -> Entry | None:
        """A plan that is being carried out, as it is kept here."""
        return self._entries.get(plan_id)

    def submit(self, plan_id: str, command: Command) -> None:
        """Let something happen to a plan."""
        entry = self._entries.setdefault(plan_id, Entry(plan_id))
        entry.inbox.append(command)
        if not entry.working:
            entry.working = True
            self._spawn(self._work(entry))

    def progress(self, told: LeaseProgress, agent_id: str | None) -> None:
        """A worker says how far it is; what names no lease that is known here, or another agent's, is ignored."""
        entry = self._entries.get(told.plan_id)
        if entry is not None:
            self._leases.progress(entry, told, agent_id)

    def begin(self, plan_ids: Collection[str]) -> None:
        """These are the dispatched plans: read them all, and what else is kept here, for something may have been missed."""
        self._starting = {*plan_ids, *self._entries}
        self._leases.is_behind = bool(self._starting)
        for plan_id in list(self._starting):
            self.submit(plan_id, Reload())

    def has_seen(self, plan_id: str, version: int) -> bool:
        """Whether a version of a run document is known here, or its plan has ended with it."""
        entry = self._entries.get(plan_id)
        return version <= (self._over.get(plan_id, (0, 0.0))[0] if entry is None else _version(entry.state))

    def told(self, plan_id: str, version: int | None, *, dispatched: bool) -> None:
        """A run document was written, by this process or another: `version` is its version, None when it was deleted."""
        entry = self._entries.get(plan_id)
        if version is None:
            self._over.pop(plan_id, None)
        if entry is None:
            if version is not None and dispatched:
                self.submit(plan_id, Reload(version))
        elif version is None or version > _version(entry.state):
            self.submit(plan_id, Reload(version))

    def open(self, session: Session, *, slots: int, held: Sequence[str]) -> WorkStream:
        """Begin the stream of the session with the number it has; an older one ends."""
        self.stream_opened(session)
        stream = WorkStream(session, slots=slots, clock=self._tools.clock, changed=self._stream_changed)
        if self._tools.roster.sessions(self.tenant).get(session.id, session).streams > stream.number:
            # Another one was opened while this one was noted.
            stream.move()
            return stream
        self._streams[session.id] = stream
        self._leases.join(stream, held)
        self._stream_changed(stream)
        return stream

    def stream_opened(self, session: Session) -> None:
        """A worker has opened a stream, here or at another process: an older one that is here ends."""
        stream = self._streams.get(session.id)
        if stream is not None and stream.number < session.streams:
            stream.give_way()
            self._stream_changed(stream)
        self._leases.moved(session.id)

    def session_changed(self, session: Session) -> None:
        """A worker came, went or is somebody else."""
        self._ready.agent_changed(session.agent_id)
        if session.state is SessionState.LIVE:
            self._matcher.match_soon(session.agent_id)
            return
        has_left = session.state is SessionState.LEFT
        if not has_left:
            self._tools.observer.worker_lost()
        outcome = AttemptOutcome.RETURNED if has_left else AttemptOutcome.LOST
        self._leases.over(session.id, outcome, "its worker left" if has_left else "its worker fell silent")
        stream = self._streams.pop(session.id, None)
        if stream is not None:
            stream.move()
            self._matcher.note(stream)

    def breaker_changed(self, agent_id: str) -> None:
        """An agent's breaker opened, closed, or lets somebody try."""
        self._matcher.match_soon(agent_id)

    def tick(self) -> None:
        """Do what is due: retries, leases whose time is over, tasks that wait for an agent that is not there."""
        clock = self._tools.clock()
        while self._again and self._again[0][0] <= clock:
            _, plan_id, command = self._again.pop(0)
            self.submit(plan_id, command)
        for plan_id in [plan_id for plan_id, (_, until) in self._over.items() if until <= clock]:
            del self._over[plan_id]
        self._leases.tick()
        self._ready.tick()
        self._matcher.match_all_soon()

    def move_streams(self) -> None:
        """Send the workers elsewhere, and hand nothing more out here."""
        self._matcher.close()
        for stream in list(self._streams.values()):
            stream.move()

    def hand_out_again(self) -> None:
        """Hand out here again, after `move_streams`."""
        self._matcher.open()

    async def close(self) -> None:
        """Send the workers elsewhere, and finish what is being written."""
        self.move_streams()
        while self._tasks:
            # Not `gather`: it gives no turn to the loop when all have ended (3.12 on), and they are discarded in a turn of their own.
            await asyncio.wait(self._tasks)

    # The work on one plan.

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, entry: Entry) -> None:
        """Take care of a plan's inbox until it is empty."""
        try:
            while entry.inbox:
                # Everything that comes in the same turn of the loop goes together.
                await asyncio.sleep(0)
                # The plan first: who waits for somebody else's long change of a plan keeps no other plan waiting.
                async with self._tools.updater.turn(self.tenant, entry.plan_id), self._turns:
                    most = len(entry.inbox) if self._tools.batches() else 1
                    batch, entry.inbox = entry.inbox[:most], entry.inbox[most:]
                    await self._take_turn(entry, batch)
        finally:
            entry.working = False
        state = entry.state
        if state is None or has_ended(state.plan.state) or state.run is None or not state.run.run.dispatched:
            self._drop(entry)

    async def _take_turn(self, entry: Entry, batch: list[Command]) -> None:
        """Decide a batch and write it, while nobody else here writes the plan.

        A command that cannot be decided must not take the others with it.
        """
        try:
            turn = await self._decided_and_written(entry, batch)
        except Exception as error:  # noqa: BLE001  (whatever it is, who waits must hear of it)
            reason = error.reason if isinstance(error, GenesisError) else ""
            if len(batch) > 1 and reason not in _FAULTS:
                for command in batch:
                    await self._take_turn(entry, [command])
                return
            if not reason:
                _LOG.exception("the work on plan %s failed", entry.plan_id)
            self._not_taken(entry, batch, error, is_gone=reason == _GONE)
        else:
            self._taken(entry, turn)

    async def _decided_and_written(self, entry: Entry, batch: list[Command]) -> Turn:
        """The turn that was written; what it handed out besides is in `batch` as well, whatever happens."""
        tools = self._tools
        recorded: set[Key] = set()
        is_fresh = entry.state is None or any(_is_news(entry.state, command) for command in batch)
        if is_fresh:
            await self._read(entry)
        for left in reversed(range(ATTEMPTS)):
            turn = Turn(tools, self.tenant, entry, recorded=recorded)
            await turn.decide(batch)
            if turn.has_refused and not is_fresh:
                # Another process may have written what this one has not heard of: nothing is refused by what was before.
                await self._read(entry)
                is_fresh = True
                continue
            batch += next_tasks(entry, turn, streams=self._streams, ready=self._ready)
            turn.finish(batch)
            try:
                if turn.puts:
                    await tools.runs.documents.put_all(turn.puts)
            except VersionConflictError as conflict:
                if not left:
                    raise version_mismatch(entry.plan_id, conflict.expected, conflict.actual) from None
                if conflict.key.kind == OUTCOME_KIND:
                    recorded.add(conflict.key)
                await self._read(entry)
                is_fresh = True
            else:
                return turn
        raise AssertionError("the last attempt ends or raises")

    async def _read(self, entry: Entry) -> None:
        """Take plan and run as they are stored now. Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH."""
        store, runs = self._tools.updater.store, self._tools.runs
        for left in reversed(range(ATTEMPTS)):
            stored, run = await asyncio.gather(store.get(self.tenant, entry.plan_id), runs.get(self.tenant, entry.plan_id))
            if run is None or run.run.plan_version == stored.plan.version:
                self._refresh(entry, State(stored, run, settle(stored.plan, stored.known).ready))
                self._has_read(entry.plan_id)
                return
            # Somebody wrote both between the two reads.
            if not left:
                raise version_mismatch(entry.plan_id, run.run.plan_version, stored.plan.version)

    def _has_read(self, plan_id: str) -> None:
        self._starting.discard(plan_id)
        self._leases.is_behind = self._leases.is_behind and bool(self._starting)

    def _taken(self, entry: Entry, turn: Turn) -> None:
        """Everything is written: tell everybody."""
        self._answer(turn)
        for command, assigned in turn.assigned:
            command.stream.offered -= 1
            entry.offered.discard(command.task_id)
            command.stream.assign(assigned)
            self._tools.observer.handed_out(command.stream.agent_id, self._tools.clock() - command.ready_since)
            self._matcher.note(command.stream)
        for command in turn.refused:
            self._withdraw(entry, command)
        for part in turn.blocked.values():
            self._tools.observer.budget_refused(part)
        self._refresh(entry, turn.after, turn.blocked)
        for command, assigned in turn.assigned:
            lease = entry.leases.get(assigned.attempt.lease.lease_id)
            if command.stream.closed and lease is not None:
                # The worker went away while this was written.
                self._leases.take_back(entry, lease, AttemptOutcome.RETURNED, NEVER_ARRIVED)
        for verdict in turn.verdicts:
            self._tools.breakers.tell(self.tenant, verdict.agent_id, verdict.fault)

    def _answer(self, turn: Turn) -> None:
        observer = self._tools.observer
        for command, answer in turn.answers:
            if isinstance(answer, GenesisError):
                observer.reported("refused")
                command.refuse(answer)
            else:
                observer.reported("duplicate" if answer.duplicate else "accepted")
                command.accept(answer)
        for attempt in turn.ended:
            observer.attempt_ended(attempt.agent_id, attempt.outcome)
        for _ in turn.done:
            observer.task_completed()
        for _ in range(turn.given_up):
            observer.task_failed()
            observer.dead_lettered()

    def _not_taken(self, entry: Entry, batch: Sequence[Command], error: Exception, *, is_gone: bool) -> None:
        """Nothing was written: reports are told so, what nobody would tell again is tried again."""
        if is_gone:
            self._has_read(entry.plan_id)
            self._forget(entry)
        for command in batch:
            if isinstance(command, TakeReport):
                self._tools.observer.reported("refused")
                command.refuse(error)
            elif isinstance(command, HandOut):
                self._withdraw(entry, command)
                if not is_gone:
                    self._ready.again(entry, command.task_id, FAULT_PAUSE_SECONDS)
            elif not is_gone and not isinstance(command, NoteProgress):
                self._again.append((self._tools.clock() + FAULT_PAUSE_SECONDS, entry.plan_id, command))

    def _withdraw(self, entry: Entry, command: HandOut) -> None:
        command.stream.offered -= 1
        entry.offered.discard(command.task_id)
        self._tools.breakers.release(self.tenant, command.stream.agent_id, (entry.plan_id, command.task_id))
        self._matcher.note(command.stream)

    # What is kept of a plan.

    def _refresh(self, entry: Entry, state: State, blocked: Mapping[str, str] | None = None) -> None:
        """Take a new state: who holds what, what is ready, what workers must be told; `blocked`: what the budget has no room for."""
        before, entry.state = entry.state, state
        if self._leases.refresh(entry, before, state):
            entry.blocked.clear()
        if before is not None and before.plan.state is not state.plan.state:
            self._leases.tell_pause(entry, before.plan.state, state.plan.state)
        entry.blocked.update(blocked or {})
        self._ready.refresh(entry, before, state)

    def _drop(self, entry: Entry) -> None:
        """A plan that is not carried out any more."""
        if not entry.inbox and not entry.working:
            if entry.state is not None and has_ended(entry.state.plan.state):
                self._over[entry.plan_id] = _version(entry.state), self._tools.clock() + OVER_SECONDS
            self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        self._ready.forget(entry)
        self._leases.forget(entry)
        entry.state = None
        if not entry.inbox and self._entries.get(entry.plan_id) is entry:
            del self._entries[entry.plan_id]

    def _stream_changed(self, stream: WorkStream) -> None:
        if stream.closed and self._streams.get(stream.session_id) is stream:
            del self._streams[stream.session_id]
            self._leases.closed(stream)
        self._matcher.note(stream)
        self._matcher.match_soon(stream.agent_id)


def _version(state: State | None) -> int:
    """Version of the run's document that is known; 0: of none."""
    return state.run.version if state is not None and state.run is not None else 0


def _is_news(state: State, command: Command) -> bool:
    """Whether a command tells of something that is not known yet."""
    return isinstance(command, Reload) and (command.version is None or command.version > _version(state))
