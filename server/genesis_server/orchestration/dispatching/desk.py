"""Keeps the dispatched plans of one tenant moving, in one process.

Everything that happens to a plan is a command in its inbox; whoever works on a plan takes all its commands at once, decides (turn.py) and
writes them as one, so that a busy plan costs one write for many reports. Plans do not wait for each other, and what several of them write
shares a commit of the store. Who gets a task is matched in memory and becomes a command as well: the compare-and-set on the run document
decides between processes.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Coroutine, Mapping, Sequence
from math import inf

from genesis_server.dispatch.queue import Ready
from genesis_server.model.plan import Task
from genesis_server.model.work import AttemptOutcome, LeaseNoticeKind, Session, SessionState
from genesis_server.orchestration.dispatching.commands import Command, HandOut, Reload, Reroute, TakeBack, TakeReport
from genesis_server.orchestration.dispatching.entry import Entry, Lease
from genesis_server.orchestration.dispatching.leases import LeaseBook
from genesis_server.orchestration.dispatching.matching import Matcher
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.orchestration.dispatching.turn import Turn
from genesis_server.orchestration.plan_store import has_ended
from genesis_server.orchestration.updating import ATTEMPTS
from genesis_server.planning.ranks import longest_rest
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.storage.base import VersionConflictError

ECHO_SECONDS = 2.0
"""After a worker came or went, before somebody is looked for once more."""
FAULT_PAUSE_SECONDS = 1.0
"""Before something is tried again that the storage did not take."""

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
            offer=self._offer,
        )
        self._leases = LeaseBook(tenant, tools, streams=self._streams, matcher=self._matcher, take_back=self._take_back, spawn=self._spawn)
        self._retries: list[tuple[float, str, str]] = []
        """When tasks may be tried again, in seconds since the epoch, with plan and task."""
        self._again: list[tuple[float, str, Command]] = []
        """Commands to submit again, when by the monotonic clock, with their plan."""
        self._gone_since: dict[str, float] = {}
        """Agents that are not live, since when by the monotonic clock."""
        self._circumstances = 0
        """Counts changes of who is live and of breakers: each is a reason to look again for somebody who can do a task."""
        self._echo_at: float | None = None
        """When to look once more: the index of a large catalogue with a newcomer is made aside."""
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

    def told(self, plan_id: str, version: int | None, *, dispatched: bool) -> None:
        """A run document was written, by this process or another: `version` is its version, None when it was deleted."""
        entry = self._entries.get(plan_id)
        if entry is None:
            if version is not None and dispatched:
                self.submit(plan_id, Reload())
            return
        known = entry.state.run.version if entry.state is not None and entry.state.run is not None else 0
        if version is None or version > known:
            self.submit(plan_id, Reload())

    def open(self, session: Session, *, slots: int, held: Sequence[str]) -> WorkStream:
        """Begin a stream; an older one of the session ends."""
        older = self._streams.get(session.id)
        if older is not None:
            older.move()
        stream = WorkStream(session, slots=slots, clock=self._tools.clock, changed=self._stream_changed)
        self._streams[session.id] = stream
        known = {lease_id: (entry, lease) for entry in self._entries.values() for lease_id, lease in entry.leases.items()}
        mine = {lease_id for lease_id, (_, lease) in known.items() if lease.attempt.session_id == session.id}
        for lease_id in held:
            if lease_id in mine:
                entry, lease = known[lease_id]
                stream.hold(lease_id, entry.plan_id, lease.task_id, acknowledged=True)
            else:
                stream.notice(lease_id, LeaseNoticeKind.LOST, "the lease is over")
        for lease_id in mine - set(held):
            entry, lease = known[lease_id]
            self._take_back(entry, lease, AttemptOutcome.RETURNED, "it never arrived")
        self._stream_changed(stream)
        return stream

    def session_changed(self, session: Session) -> None:
        """A worker came, went or is somebody else."""
        self._circumstances += 1
        self._echo_at = self._tools.clock() + ECHO_SECONDS
        live = self._tools.roster.live_agents(self.tenant)
        if session.agent_id in live:
            self._gone_since.pop(session.agent_id, None)
        else:
            self._gone_since.setdefault(session.agent_id, self._tools.clock())
        if session.state is SessionState.LIVE:
            self._matcher.match_soon(session.agent_id)
            return
        outcome = AttemptOutcome.RETURNED if session.state is SessionState.LEFT else AttemptOutcome.LOST
        why = "its worker left" if session.state is SessionState.LEFT else "its worker fell silent"
        for entry in list(self._entries.values()):
            for lease in list(entry.leases.values()):
                if lease.attempt.session_id == session.id:
                    self._take_back(entry, lease, outcome, why)
        stream = self._streams.pop(session.id, None)
        if stream is not None:
            stream.move()
            self._matcher.note(stream)

    def breaker_changed(self, agent_id: str) -> None:
        """An agent's breaker opened, closed, or lets somebody try."""
        self._circumstances += 1
        self._matcher.match_soon(agent_id)

    def tick(self) -> None:
        """Do what is due: retries, leases whose time is over, tasks that wait for an agent that is not there."""
        now, clock = self._tools.now(), self._tools.clock()
        while self._again and self._again[0][0] <= clock:
            _, plan_id, command = self._again.pop(0)
            self.submit(plan_id, command)
        while self._retries and self._retries[0][0] <= now:
            _, plan_id, task_id = heapq.heappop(self._retries)
            entry = self._entries.get(plan_id)
            if entry is not None and task_id in entry.ready_since:
                self._queue(entry, task_id)
        if self._echo_at is not None and self._echo_at <= clock:
            self._circumstances, self._echo_at = self._circumstances + 1, None
        for stream in list(self._streams.values()):
            self._take_back_unacknowledged(stream)
        for entry in list(self._entries.values()):
            for lease in list(entry.leases.values()):
                if clock - lease.seen > lease.attempt.seconds:
                    self._take_back(entry, lease, AttemptOutcome.TIMED_OUT, f"it took longer than {lease.attempt.seconds:g} s")
            self._leases.check_again(entry)
            self._reroute_stranded(entry)
        self._matcher.match_all_soon()

    def move_streams(self) -> None:
        """Send the workers elsewhere, and hand nothing more out here."""
        self._matcher.close()
        for stream in list(self._streams.values()):
            stream.move()

    async def close(self) -> None:
        """Send the workers elsewhere, and finish what is being written."""
        self.move_streams()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

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
                batch, entry.inbox = entry.inbox, []
                await self._take_turn(entry, batch)
        finally:
            entry.working = False
        state = entry.state
        if state is None or has_ended(state.plan.state) or state.run is None or not state.run.run.dispatched:
            self._drop(entry)

    async def _take_turn(self, entry: Entry, batch: Sequence[Command]) -> None:
        tools = self._tools
        try:
            async with tools.updater.turn(self.tenant, entry.plan_id):
                if entry.state is None or any(isinstance(command, Reload) for command in batch):
                    await self._read(entry)
                for left in reversed(range(ATTEMPTS)):
                    if entry.state is None:
                        raise AssertionError("a plan is read before it is worked on")
                    turn = Turn(tools, self.tenant, entry.state)
                    await turn.decide(batch)
                    try:
                        if turn.puts:
                            await tools.runs.documents.put_all(turn.puts)
                    except VersionConflictError:
                        if not left:
                            raise
                        await self._read(entry)
                        continue
                    break
                else:
                    raise AssertionError("the last attempt ends or raises")
        except GenesisError as error:
            self._not_taken(entry, batch, error)
        except Exception as error:  # noqa: BLE001  (whatever it is, who waits must hear of it)
            _LOG.exception("the work on plan %s failed", entry.plan_id)
            self._not_taken(entry, batch, error)
        else:
            self._taken(entry, turn)

    async def _read(self, entry: Entry) -> None:
        """Take plan and run as they are stored now. Raises ResourceError PLAN_NOT_FOUND."""
        store, runs = self._tools.updater.store, self._tools.runs
        stored, run = await asyncio.gather(store.get(self.tenant, entry.plan_id), runs.get(self.tenant, entry.plan_id))
        while run is not None and run.run.plan_version != stored.plan.version:
            # Somebody wrote both between the two reads.
            stored, run = await asyncio.gather(store.get(self.tenant, entry.plan_id), runs.get(self.tenant, entry.plan_id))
        self._refresh(entry, State(stored, run, settle(stored.plan, stored.known).ready))

    def _taken(self, entry: Entry, turn: Turn) -> None:
        """Everything is written: tell everybody."""
        self._answer(turn)
        for command, assigned in turn.assigned:
            command.stream.offered -= 1
            command.stream.assign(assigned)
            entry.offered.discard(command.task_id)
            self._tools.observer.handed_out(command.stream.agent_id, self._tools.clock() - command.ready_since)
            self._matcher.note(command.stream)
        for command in turn.refused:
            self._withdraw(entry, command)
        if turn.ended:
            entry.blocked.clear()
        for task_id, part in turn.blocked.items():
            entry.blocked[task_id] = part
            self._tools.observer.budget_refused(part)
        self._refresh(entry, turn.after)
        for verdict in turn.verdicts:
            if verdict.says_nothing:
                self._tools.breakers.release(self.tenant, verdict.agent_id)
            else:
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
        for _ in range(turn.completed):
            observer.task_completed()
        for _ in range(turn.given_up):
            observer.task_failed()
            observer.dead_lettered()

    def _not_taken(self, entry: Entry, batch: Sequence[Command], error: Exception) -> None:
        """Nothing was written: reports are told so, everything else is tried again."""
        gone = isinstance(error, ResourceError) and error.reason == "PLAN_NOT_FOUND"
        if gone:
            self._forget(entry)
        for command in batch:
            if isinstance(command, TakeReport):
                self._tools.observer.reported("refused")
                command.refuse(error)
            elif isinstance(command, HandOut):
                self._withdraw(entry, command)
                if not gone:
                    heapq.heappush(self._retries, (self._tools.now() + FAULT_PAUSE_SECONDS, entry.plan_id, command.task_id))
            elif not gone:
                self._again.append((self._tools.clock() + FAULT_PAUSE_SECONDS, entry.plan_id, command))

    def _withdraw(self, entry: Entry, command: HandOut) -> None:
        command.stream.offered -= 1
        entry.offered.discard(command.task_id)
        self._tools.breakers.release(self.tenant, command.stream.agent_id)
        self._matcher.note(command.stream)

    def _take_back_unacknowledged(self, stream: WorkStream) -> None:
        for lease_id in stream.unacknowledged(self._tools.limits.acknowledge_seconds):
            entry = self._entries.get(stream.held[lease_id].plan_id)
            lease = entry.leases.get(lease_id) if entry is not None else None
            if entry is None or lease is None:
                stream.let_go(lease_id)
            else:
                self._take_back(entry, lease, AttemptOutcome.LOST, "its worker did not acknowledge it")

    def _take_back(self, entry: Entry, lease: Lease, outcome: AttemptOutcome, why: str) -> None:
        self.submit(entry.plan_id, TakeBack(lease.task_id, lease.attempt.lease, outcome, why))

    # What is kept of a plan.

    def _refresh(self, entry: Entry, state: State) -> None:
        """Take a new state: who holds what, what is ready, what workers must be told."""
        before, entry.state = entry.state, state
        self._leases.refresh(entry, state)
        if before is not None and before.plan.state is not state.plan.state:
            self._leases.tell_pause(entry, before.plan.state, state.plan.state)
        if before is None or before.plan.counters != state.plan.counters:
            entry.ranks = longest_rest(state.plan)
            entry.places = {task.id: place for place, task in enumerate(state.plan.tasks)}
        if before is None or before.run is None or state.run is None or before.run.run.budget != state.run.run.budget:
            entry.blocked.clear()
        dispatched = state.run is not None and state.run.run.dispatched
        clock = self._tools.clock()
        ready = {task.id: entry.ready_since.get(task.id, clock) for task in state.ready} if dispatched else {}
        rerouted = before is not None and before.stored.routing is not state.stored.routing
        for task_id, agent_id in list(entry.queued.items()):
            if task_id not in ready or (rerouted and state.agent_of(task_id) != agent_id):
                self._matcher.discard(agent_id, entry.plan_id, task_id)
                del entry.queued[task_id]
        entry.ready_since = ready
        for task_id in ready:
            self._queue(entry, task_id)

    def _drop(self, entry: Entry) -> None:
        """A plan that is not carried out any more."""
        if not entry.inbox and not entry.working:
            self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        for task_id, agent_id in entry.queued.items():
            self._matcher.discard(agent_id, entry.plan_id, task_id)
        entry.queued.clear()
        entry.ready_since.clear()
        self._leases.forget(entry)
        entry.state = None
        if not entry.inbox and self._entries.get(entry.plan_id) is entry:
            del self._entries[entry.plan_id]

    # Who gets what.

    def _queue(self, entry: Entry, task_id: str) -> None:
        """Let a ready task wait for a free place, unless it waits for something else."""
        state = entry.state
        if state is None or state.run is None or task_id in entry.queued or task_id in entry.offered or task_id in entry.blocked:
            return
        task_run = state.run.run.tasks.get(task_id)
        if task_run is not None and (task_run.running is not None or task_run.dead_letter):
            return
        if task_run is not None and task_run.not_before > self._tools.now():
            heapq.heappush(self._retries, (task_run.not_before, entry.plan_id, task_id))
            return
        agent_id = state.agent_of(task_id)
        if not agent_id:
            return
        task = state.tasks[task_id]
        run, begin = state.run.run, state.run.run.begin
        place, rank = entry.places.get(task_id, 0), entry.ranks.get(task_id, 0.0)
        ready = Ready(entry.plan_id, task_id, run.priority, _deadline(task, begin), place, rank)
        entry.queued[task_id] = agent_id
        self._matcher.put(agent_id, ready)

    def _offer(self, ready: Ready, stream: WorkStream) -> bool:
        """Hand a task to a worker, as soon as it is written."""
        entry = self._entries.get(ready.plan_id)
        if entry is None or entry.queued.pop(ready.task_id, None) is None:
            return False
        entry.offered.add(ready.task_id)
        stream.offered += 1
        since = entry.ready_since.get(ready.task_id, self._tools.clock())
        self.submit(ready.plan_id, HandOut(ready.task_id, stream, since))
        return True

    def _stream_changed(self, stream: WorkStream) -> None:
        if stream.closed and self._streams.get(stream.session_id) is stream:
            del self._streams[stream.session_id]
        self._matcher.note(stream)
        self._matcher.match_soon(stream.agent_id)

    def _reroute_stranded(self, entry: Entry) -> None:
        """Look for somebody else for tasks whose agent is not there, or is not to be asked."""
        state, tools = entry.state, self._tools
        if state is None or state.run is None or entry.working:
            return
        live = tools.roster.live_agents(self.tenant)
        clock, now = tools.clock(), tools.now()
        for task_id, since in entry.ready_since.items():
            if entry.asked.get(task_id) == self._circumstances or task_id in entry.offered or task_id in entry.blocked:
                continue
            task_run = state.run.run.tasks.get(task_id)
            if task_run is not None and (task_run.running is not None or task_run.dead_letter or task_run.not_before > now):
                continue
            agent_id = state.agent_of(task_id)
            if agent_id in live and tools.breakers.passes(self.tenant, agent_id):
                continue
            if agent_id and agent_id not in live:
                waited = clock - max(since, self._gone_since.get(agent_id, since))
                if waited < tools.limits.reroute_seconds:
                    continue
            entry.asked[task_id] = self._circumstances
            if live:
                self.submit(entry.plan_id, Reroute(task_id, frozenset({agent_id} if agent_id else ())))


def _deadline(task: Task, begin: float) -> float:
    """When a task should be done, in seconds since the epoch."""
    seconds = task.constraints.deadline_seconds
    return inf if seconds is None else begin + seconds
