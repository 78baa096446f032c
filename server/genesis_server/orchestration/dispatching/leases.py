"""Who holds what: the leases that are out, told to the streams they concern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence

from genesis_server.model.plan import PlanState
from genesis_server.model.work import Attempt, AttemptOutcome, LeaseNoticeKind, LeaseProgress, TaskRun
from genesis_server.orchestration.dispatching.commands import Command, NoteProgress, TakeBack
from genesis_server.orchestration.dispatching.entry import Entry, Lease
from genesis_server.orchestration.dispatching.matching import Matcher
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.resilience.errors import GenesisError

UNKNOWN_SECONDS = 2.0
"""How long a lease that a worker brought from elsewhere may be unknown here, and one that it did not bring may turn up: what other
processes wrote is on its way."""

NEVER_ARRIVED = "it never arrived"

PROGRESS_SECONDS = 1.0
"""Between two writes of how far a task is."""


class LeaseBook:
    """The leases of a tenant's plans, as this process sees them."""

    def __init__(
        self,
        tenant: str,
        tools: Tools,
        *,
        streams: Mapping[str, WorkStream],
        matcher: Matcher,
        submit: Callable[[str, Command], None],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """Take the parts.

        Args:
            tenant: whose plans.
            tools: what a desk works with.
            streams: those of this process, by session.
            matcher: told of what begins and ends.
            submit: lets something happen to a plan.
            spawn: runs something aside.
        """
        self.load: Counter[str] = Counter()
        """Tasks under way, by agent."""
        self.holding: Counter[str] = Counter()
        """Tasks under way, by session."""
        self.is_behind = True
        """Whether there may be leases that this process has not read yet."""
        self._out: dict[str, dict[str, tuple[Entry, Lease]]] = {}
        """Leases by session, then by lease id."""
        self._unknown: list[tuple[float, WorkStream, Sequence[str]]] = []
        """Leases that workers say they hold and nobody here knows, with when to tell that they are over."""
        self._tenant, self._tools = tenant, tools
        self._streams, self._matcher = streams, matcher
        self._submit, self._spawn = submit, spawn

    # What becomes of a plan.

    def refresh(self, entry: Entry, before: State | None, state: State) -> bool:
        """Take the leases of a plan's new state; whether one ended."""
        old, new = _task_runs(before), _task_runs(state)
        moved = Counter[str]()
        over = [lease for lease in entry.leases.values() if not _is_out(lease, new)]
        for lease in over:
            moved[lease.attempt.agent_id] -= 1
            self._ended(entry, lease, state)
        for task_id, task in new.items():
            if old.get(task_id) is task or (attempt := task.running) is None:
                continue
            known = entry.leases.get(attempt.lease.lease_id)
            if known is None:
                moved[attempt.agent_id] += 1
                self._begun(entry, task_id, attempt)
            elif known.attempt is not attempt:
                if (known.attempt.fraction, known.attempt.message) != (attempt.fraction, attempt.message):
                    known.unheard = None
                known.attempt = attempt
                if known.progress is not None and not _is_news(attempt, known.progress):
                    known.progress = None
        self._tell_moved(entry.plan_id, moved)
        return bool(over)

    def progress(self, entry: Entry, told: LeaseProgress, agent_id: str | None) -> None:
        """A worker says how far it is: the last it said is written, at most once in PROGRESS_SECONDS."""
        lease = entry.leases.get(told.lease.lease_id)
        if lease is None or (lease.task_id, lease.attempt.lease) != (told.task_id, told.lease):
            return
        if agent_id in {None, lease.attempt.agent_id}:
            lease.progress = told if _is_news(lease.attempt, told) else None
            self._write_progress(entry, lease)

    def forget(self, entry: Entry) -> None:
        """A plan is not carried out any more."""
        moved = Counter(lease.attempt.agent_id for lease in entry.leases.values())
        for lease in list(entry.leases.values()):
            self._ended(entry, lease, None)
        self._tell_moved(entry.plan_id, {agent_id: -count for agent_id, count in moved.items()})

    def tell_pause(self, entry: Entry, old: PlanState, new: PlanState) -> None:
        """Tell the workers of a plan that it was paused, or goes on."""
        kind = {PlanState.PAUSED: LeaseNoticeKind.PAUSED, PlanState.ACTIVE: LeaseNoticeKind.RESUMED}.get(new)
        if kind is None or old not in {PlanState.PAUSED, PlanState.ACTIVE}:
            return
        for lease_id, lease in entry.leases.items():
            stream = self._streams.get(lease.attempt.session_id)
            if stream is not None and lease_id in stream.held:
                stream.notice(lease_id, kind, "the plan was paused" if kind is LeaseNoticeKind.PAUSED else "the plan goes on")

    # What becomes of a worker.

    def join(self, stream: WorkStream, held: Sequence[str]) -> None:
        """A worker's stream begins; `held`: leases it says it holds. What it does not hold never arrived."""
        mine, brought = self._out.get(stream.session_id, {}), set(held)
        for lease_id, (entry, lease) in list(mine.items()):
            if lease_id in brought:
                self._keep(stream, entry, lease)
            else:
                self.take_back(entry, lease, AttemptOutcome.RETURNED, NEVER_ARRIVED)
        unknown = [lease_id for lease_id in held if lease_id not in mine]
        for lease_id in unknown:
            stream.hold(lease_id, "", "", acknowledged=True)
        if unknown:
            self._unknown.append((self._tools.clock() + UNKNOWN_SECONDS, stream, unknown))

    def closed(self, stream: WorkStream) -> None:
        """A stream is gone: what was not sent never arrived; leases that were stay. A later stream says itself what its worker holds."""
        session = self._tools.roster.sessions(self._tenant).get(stream.session_id)
        if session is not None and session.streams > stream.number:
            return
        mine = self._out.get(stream.session_id, {})
        for lease_id, held in stream.held.items():
            if held.acknowledged or lease_id not in mine:
                continue
            entry, lease = mine[lease_id]
            if held.taken:
                lease.unheard = held.since
            else:
                self.take_back(entry, lease, AttemptOutcome.RETURNED, NEVER_ARRIVED)

    def moved(self, session_id: str) -> None:
        """A worker has opened another stream, here or at another process, which has heard what it holds."""
        for _, lease in self._out.get(session_id, {}).values():
            lease.unheard = None

    def over(self, session_id: str, outcome: AttemptOutcome, why: str) -> None:
        """A session has ended."""
        for entry, lease in list(self._out.get(session_id, {}).values()):
            self.take_back(entry, lease, outcome, why)

    def tick(self) -> None:
        """End what took too long or was never acknowledged, and ask again for workers the storage could not tell of."""
        clock, patience = self._tools.clock(), self._tools.limits.acknowledge_seconds
        while self._unknown and self._unknown[0][0] <= clock and not self.is_behind:
            self._tell_over(*self._unknown.pop(0)[1:])
        for stream in list(self._streams.values()):
            for lease_id in stream.unacknowledged(patience):
                found = self._out.get(stream.session_id, {}).get(lease_id)
                if found is None:
                    stream.let_go(lease_id)
                else:
                    self.take_back(*found, AttemptOutcome.LOST, "its worker did not acknowledge it")
        for entry, lease in [found for leases in self._out.values() for found in leases.values()]:
            if clock - lease.seen > lease.attempt.seconds:
                self.take_back(entry, lease, AttemptOutcome.TIMED_OUT, f"it took longer than {lease.attempt.seconds:g} s")
            elif lease.unheard is not None and clock - lease.unheard > patience:
                self.take_back(entry, lease, AttemptOutcome.RETURNED, "its worker went away before it acknowledged it")
            elif lease.unchecked:
                lease.unchecked = False
                self._spawn(self._check_holder(entry, lease))
            self._write_progress(entry, lease)

    def take_back(self, entry: Entry, lease: Lease, outcome: AttemptOutcome, why: str) -> None:
        """End a lease, once; it is tried until it is written."""
        if not lease.leaving:
            lease.leaving = True
            self._submit(entry.plan_id, TakeBack(lease.task_id, lease.attempt.lease, outcome, why))

    # How.

    def _write_progress(self, entry: Entry, lease: Lease) -> None:
        if lease.progress is not None and self._tools.clock() - lease.progress_at >= PROGRESS_SECONDS:
            lease.progress_at = self._tools.clock()
            self._submit(entry.plan_id, NoteProgress())

    def _begun(self, entry: Entry, task_id: str, attempt: Attempt) -> None:
        lease_id, session_id = attempt.lease.lease_id, attempt.session_id
        entry.leases[lease_id] = lease = Lease(task_id, attempt, self._tools.clock())
        self._out.setdefault(session_id, {})[lease_id] = entry, lease
        self._count(lease, 1)
        stream = self._streams.get(session_id)
        if stream is None:
            if session_id not in self._tools.roster.sessions(self._tenant):
                self._spawn(self._check_holder(entry, lease))
        elif lease_id in stream.held:
            if not stream.held[lease_id].plan_id:
                self._keep(stream, entry, lease)
        elif self.is_behind or self._tools.clock() - stream.since < UNKNOWN_SECONDS:
            self.take_back(entry, lease, AttemptOutcome.RETURNED, NEVER_ARRIVED)

    def _keep(self, stream: WorkStream, entry: Entry, lease: Lease) -> None:
        """A worker brought a lease with it."""
        lease_id = lease.attempt.lease.lease_id
        lease.unheard = None
        stream.hold(lease_id, entry.plan_id, lease.task_id, acknowledged=True)
        if entry.state is not None and entry.state.plan.state is PlanState.PAUSED:
            stream.notice(lease_id, LeaseNoticeKind.PAUSED, "the plan was paused")

    def _ended(self, entry: Entry, lease: Lease, state: State | None) -> None:
        lease_id, session_id = lease.attempt.lease.lease_id, lease.attempt.session_id
        del entry.leases[lease_id]
        del self._out[session_id][lease_id]
        if not self._out[session_id]:
            del self._out[session_id]
        self._count(lease, -1)
        task_run = state.run.run.tasks.get(lease.task_id) if state is not None and state.run is not None else None
        ended = next((one for one in task_run.attempts if one.lease.lease_id == lease_id), None) if task_run is not None else None
        if ended is None or not ended.outcome.counts:
            # Whoever ended it may know nothing of the breaker, whose trial it may have been.
            self._tools.breakers.release(self._tenant, lease.attempt.agent_id, (entry.plan_id, lease.task_id))
        stream = self._streams.get(session_id)
        if stream is None or not stream.let_go(lease_id):
            return
        if ended is None or ended.outcome is AttemptOutcome.CANCELLED:
            stream.notice(lease_id, LeaseNoticeKind.CANCELLED, ended.error if ended is not None else "the plan was deleted")
        elif ended.outcome in {AttemptOutcome.LOST, AttemptOutcome.TIMED_OUT}:
            stream.notice(lease_id, LeaseNoticeKind.LOST, ended.error)

    async def _check_holder(self, entry: Entry, lease: Lease) -> None:
        """A lease is out to a worker this process does not know: another process may know it."""
        try:
            await self._tools.roster.session(self._tenant, lease.attempt.session_id)
        except GenesisError as error:
            if error.reason == "SESSION_NOT_FOUND":
                self.take_back(entry, lease, AttemptOutcome.LOST, "its worker fell silent")
            else:
                lease.unchecked = True

    def _tell_over(self, stream: WorkStream, lease_ids: Sequence[str]) -> None:
        """Tell a worker of leases that are known now no more than when it named them."""
        mine = self._out.get(stream.session_id, {})
        for lease_id in lease_ids:
            if lease_id not in mine and stream.held.pop(lease_id, None) is not None:
                stream.notice(lease_id, LeaseNoticeKind.LOST, "the lease is over")
        self._matcher.note(stream)

    def _count(self, lease: Lease, change: int) -> None:
        for counts, key in ((self.load, lease.attempt.agent_id), (self.holding, lease.attempt.session_id)):
            count = counts.get(key, 0) + change
            if count:
                counts[key] = count
            else:
                del counts[key]

    def _tell_moved(self, plan_id: str, moved: Mapping[str, int]) -> None:
        """So many more tasks of a plan are under way at these agents: where one ended and another began nobody's turn changes."""
        for agent_id, change in moved.items():
            for _ in range(abs(change)):
                (self._matcher.started if change > 0 else self._matcher.ended)(agent_id, plan_id)
            self._tools.observer.running(agent_id, self.load.get(agent_id, 0))


def _task_runs(state: State | None) -> Mapping[str, TaskRun]:
    return state.run.run.tasks if state is not None and state.run is not None else {}


def _is_out(lease: Lease, tasks: Mapping[str, TaskRun]) -> bool:
    """Whether a lease is one of those that run."""
    task = tasks.get(lease.task_id)
    running = task.running if task is not None else None
    return running is not None and running.lease.lease_id == lease.attempt.lease.lease_id


def _is_news(attempt: Attempt, told: LeaseProgress) -> bool:
    """Whether a worker says something else than what is written."""
    return (attempt.fraction, attempt.message) != (told.fraction, told.message)
