"""Who holds what: the leases that are out, told to the streams they concern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping

from genesis_server.dispatch.leasing import leases_of
from genesis_server.model.plan import PlanState
from genesis_server.model.work import AttemptOutcome, LeaseNoticeKind
from genesis_server.orchestration.dispatching.entry import Entry, Lease
from genesis_server.orchestration.dispatching.matching import Matcher
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.resilience.errors import GenesisError

TakeBackLease = Callable[[Entry, Lease, AttemptOutcome, str], None]


class LeaseBook:
    """The leases of a tenant's plans, as this process sees them."""

    def __init__(
        self,
        tenant: str,
        tools: Tools,
        *,
        streams: Mapping[str, WorkStream],
        matcher: Matcher,
        take_back: TakeBackLease,
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """Take the parts.

        Args:
            tenant: whose plans.
            tools: what a desk works with.
            streams: those of this process, by session.
            matcher: told of what begins and ends.
            take_back: ends a lease whose worker is not there.
            spawn: runs something aside.
        """
        self.load: Counter[str] = Counter()
        """Tasks under way, by agent."""
        self.holding: Counter[str] = Counter()
        """Tasks under way, by session."""
        self._tenant, self._tools = tenant, tools
        self._streams, self._matcher = streams, matcher
        self._take_back, self._spawn = take_back, spawn

    def forget(self, entry: Entry) -> None:
        """A plan is not carried out any more."""
        for lease in list(entry.leases.values()):
            self._ended(entry, lease, None)

    def refresh(self, entry: Entry, state: State) -> None:
        """Take the leases of a plan's new state."""
        run = state.run.run if state.run is not None else None
        now_out = {attempt.lease.lease_id: (task_id, attempt) for task_id, attempt in leases_of(run)} if run is not None else {}
        for lease_id, lease in list(entry.leases.items()):
            if lease_id not in now_out:
                self._ended(entry, lease, state)
        clock = self._tools.clock()
        for lease_id, (task_id, attempt) in now_out.items():
            known = entry.leases.get(lease_id)
            if known is not None:
                known.attempt = attempt
                continue
            entry.leases[lease_id] = lease = Lease(task_id, attempt, clock)
            self._count(entry, lease, 1)
            stream = self._streams.get(attempt.session_id)
            if stream is not None and lease_id not in stream.held:
                self._take_back(entry, lease, AttemptOutcome.RETURNED, "it never arrived")
            elif attempt.session_id not in self._tools.roster.sessions(self._tenant):
                self._spawn(self._check_holder(entry, lease))

    def _ended(self, entry: Entry, lease: Lease, state: State | None) -> None:
        lease_id = lease.attempt.lease.lease_id
        del entry.leases[lease_id]
        self._count(entry, lease, -1)
        stream = self._streams.get(lease.attempt.session_id)
        if stream is None or not stream.let_go(lease_id):
            return
        task_run = state.run.run.tasks.get(lease.task_id) if state is not None and state.run is not None else None
        ended = next((one for one in task_run.attempts if one.lease.lease_id == lease_id), None) if task_run is not None else None
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
                self._take_back(entry, lease, AttemptOutcome.LOST, "its worker fell silent")
            else:
                lease.unchecked = True

    def check_again(self, entry: Entry) -> None:
        """Ask once more for the workers the storage could not tell of."""
        for lease in list(entry.leases.values()):
            if lease.unchecked:
                lease.unchecked = False
                self._spawn(self._check_holder(entry, lease))

    def tell_pause(self, entry: Entry, old: PlanState, new: PlanState) -> None:
        """Tell the workers of a plan that it was paused, or goes on."""
        kind = {PlanState.PAUSED: LeaseNoticeKind.PAUSED, PlanState.ACTIVE: LeaseNoticeKind.RESUMED}.get(new)
        if kind is None or old not in {PlanState.PAUSED, PlanState.ACTIVE}:
            return
        for lease_id, lease in entry.leases.items():
            stream = self._streams.get(lease.attempt.session_id)
            if stream is not None and lease_id in stream.held:
                stream.notice(lease_id, kind, "the plan was paused" if kind is LeaseNoticeKind.PAUSED else "the plan goes on")

    def _count(self, entry: Entry, lease: Lease, change: int) -> None:
        agent_id = lease.attempt.agent_id
        self.load[agent_id] += change
        self.holding[lease.attempt.session_id] += change
        for counts, key in ((self.load, agent_id), (self.holding, lease.attempt.session_id)):
            if not counts[key]:
                del counts[key]
        (self._matcher.started if change > 0 else self._matcher.ended)(agent_id, entry.plan_id)
        self._tools.observer.running(agent_id, self.load[agent_id])
