"""What ready tasks wait for: a free place at their agent, the time of the next attempt, room in the budget, or somebody else."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from math import inf

from genesis_server.agents.index import CatalogueIndex
from genesis_server.dispatch.queue import Ready
from genesis_server.model.plan import Task
from genesis_server.orchestration.dispatching.commands import Command, HandOut, Reroute, TakeReport
from genesis_server.orchestration.dispatching.entry import Entry
from genesis_server.orchestration.dispatching.matching import Matcher
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.planning.ranks import longest_rest


class ReadyTasks:
    """The ready tasks of a tenant's plans."""

    def __init__(
        self,
        tenant: str,
        tools: Tools,
        *,
        entries: Mapping[str, Entry],
        matcher: Matcher,
        submit: Callable[[str, Command], None],
    ) -> None:
        """Take the parts.

        Args:
            tenant: whose plans.
            tools: what a desk works with.
            entries: the plans, by id.
            matcher: has the queues of the agents.
            submit: lets something happen to a plan.
        """
        self._tenant, self._tools = tenant, tools
        self._entries, self._matcher, self._submit = entries, matcher, submit
        self._timers: list[tuple[float, str, str]] = []
        """When tasks are looked at again, by the monotonic clock, with plan and task."""
        self._index: CatalogueIndex | None = None
        self._well = frozenset[str]()
        """Agents that are live and may be asked."""
        self._circumstances = 0
        """Counts changes of these: each is a reason to look again for somebody who can do a task."""
        self._gone_since: dict[str, float] = {}
        """Agents that are not live, since when by the monotonic clock."""

    # What is told.

    def refresh(self, entry: Entry, before: State | None, state: State) -> None:
        """Take what is ready in a plan's new state."""
        run = state.run.run if state.run is not None else None
        former = before.run.run if before is not None and before.run is not None else None
        if run is not None:
            entry.clock.note(run, clock=self._tools.clock(), now=self._tools.now())
        is_replanned = before is None or before.plan.counters != state.plan.counters
        if is_replanned:
            entry.ranks = longest_rest(state.plan)
            entry.places = {task.id: place for place, task in enumerate(state.plan.tasks)}
        if run is None or former is None or former.budget != run.budget:
            entry.blocked.clear()
        is_other_order = is_replanned or run is None or former is None or former.priority != run.priority
        is_rerouted = before is None or before.stored.routing is not state.stored.routing
        clock = self._tools.clock()
        dispatched = run is not None and run.dispatched
        ready = {task.id: entry.ready_since.get(task.id, clock) for task in state.ready} if dispatched else {}
        for task_id, agent_id in list(entry.queued.items()):
            if is_other_order or task_id not in ready or (is_rerouted and state.agent_of(task_id) != agent_id):
                self._matcher.discard(agent_id, entry.plan_id, task_id)
                del entry.queued[task_id]
        entry.ready_since = ready
        for task_id in [task_id for task_id in ready if task_id not in entry.queued and task_id not in entry.offered]:
            self.put(entry, task_id)

    def forget(self, entry: Entry) -> None:
        """A plan is not carried out any more."""
        for task_id, agent_id in entry.queued.items():
            self._matcher.discard(agent_id, entry.plan_id, task_id)
        entry.queued.clear()
        entry.ready_since.clear()
        entry.timers.clear()

    def again(self, entry: Entry, task_id: str, seconds: float) -> None:
        """Look at a task again after so long."""
        self._look_at(entry, task_id, self._tools.clock() + seconds)

    def agent_changed(self, agent_id: str) -> None:
        """A worker of an agent came or went."""
        if agent_id in self._tools.roster.live_agents(self._tenant):
            self._gone_since.pop(agent_id, None)
        else:
            self._gone_since.setdefault(agent_id, self._tools.clock())

    def offer(self, ready: Ready, stream: WorkStream) -> bool:
        """Hand a task to a worker, as soon as it is written; False when it does not wait any more."""
        entry = self._entries.get(ready.plan_id)
        if entry is None or ready.task_id not in entry.queued:
            return False
        self._submit(ready.plan_id, self._offered(entry, ready, stream))
        return True

    def offer_instead(self, entry: Entry, report: TakeReport, stream: WorkStream, *, fewer: int) -> HandOut | None:
        """A task of the same plan for the worker whose `report` is to be written, with it; None when it is another plan's turn."""
        ready = self._matcher.take_instead(entry.plan_id, stream, fewer=fewer)
        return None if ready is None else self._offered(entry, ready, stream, instead=report)

    def tick(self) -> None:
        """Do what is due: tasks whose time has come, and those that wait for an agent that is not there."""
        clock = self._tools.clock()
        while self._timers and self._timers[0][0] <= clock:
            due, plan_id, task_id = heapq.heappop(self._timers)
            entry = self._entries.get(plan_id)
            if entry is not None and entry.timers.get(task_id) == due:
                del entry.timers[task_id]
                if task_id in entry.ready_since:
                    self.put(entry, task_id)
        if not self._entries:
            return
        # The index is another one whenever somebody else can do something, and only then; a trial of an agent is due without a word.
        index = self._tools.roster.index(self._tenant)
        well = frozenset([one for one in self._tools.roster.live_agents(self._tenant) if self._tools.breakers.passes(self._tenant, one)])
        if index is not self._index or well != self._well:
            self._index, self._well, self._circumstances = index, well, self._circumstances + 1
        for entry in list(self._entries.values()):
            self._reroute_stranded(entry, well)

    # How.

    def put(self, entry: Entry, task_id: str) -> None:
        """Let a ready task wait for a free place, unless it waits for something else."""
        state = entry.state
        if state is None or state.run is None or task_id in entry.queued or task_id in entry.offered or task_id in entry.blocked:
            return
        if not _is_free(state, task_id):
            return
        due = entry.clock.due(task_id)
        if due > self._tools.clock():
            self._look_at(entry, task_id, due)
            return
        agent_id = state.agent_of(task_id)
        if not agent_id or state.is_barred(task_id, agent_id):
            return
        run, task = state.run.run, state.tasks[task_id]
        place, rank = entry.places.get(task_id, 0), entry.ranks.get(task_id, 0.0)
        entry.queued[task_id] = agent_id
        self._matcher.put(agent_id, Ready(entry.plan_id, task_id, run.priority, _deadline(task, run.begin), place, rank))

    def _offered(self, entry: Entry, ready: Ready, stream: WorkStream, *, instead: TakeReport | None = None) -> HandOut:
        """A task does not wait any more: it is being handed out."""
        entry.queued.pop(ready.task_id, None)
        self._tools.breakers.begin(self._tenant, stream.agent_id, (ready.plan_id, ready.task_id))
        entry.offered.add(ready.task_id)
        stream.offered += 1
        since = entry.ready_since.get(ready.task_id, self._tools.clock())
        return HandOut(ready.task_id, stream, since, instead)

    def _look_at(self, entry: Entry, task_id: str, due: float) -> None:
        if entry.timers.get(task_id) != due:
            entry.timers[task_id] = due
            heapq.heappush(self._timers, (due, entry.plan_id, task_id))

    def _reroute_stranded(self, entry: Entry, well: Collection[str]) -> None:
        """Look for somebody else for tasks whose agent is not there, or is not to be asked; what waits for one that is `well` can wait."""
        state = entry.state
        if state is None or entry.working:
            return
        queued = entry.queued
        stranded = [(task_id, since) for task_id, since in entry.ready_since.items() if queued.get(task_id) not in well]
        live, clock = self._tools.roster.live_agents(self._tenant), self._tools.clock()
        for task_id, since in stranded:
            agent_id = state.agent_of(task_id)
            circumstances = self._circumstances, agent_id
            if entry.asked.get(task_id) == circumstances or task_id in entry.offered or task_id in entry.blocked:
                continue
            if not _is_free(state, task_id) or entry.clock.due(task_id) > clock:
                continue
            if not state.is_barred(task_id, agent_id):
                if agent_id in live and self._tools.breakers.passes(self._tenant, agent_id):
                    continue
                waited = clock - max(since, self._gone_since.get(agent_id, since))
                if agent_id and agent_id not in live and waited < self._tools.limits.reroute_seconds:
                    continue
            entry.asked[task_id] = circumstances
            if live:
                self._submit(entry.plan_id, Reroute(task_id, frozenset({agent_id} if agent_id else ())))


def _is_free(state: State, task_id: str) -> bool:
    """Whether nobody works on a task and it was not given up."""
    task_run = state.run.run.tasks.get(task_id) if state.run is not None else None
    return task_run is None or (task_run.running is None and not task_run.dead_letter)


def _deadline(task: Task, begin: float) -> float:
    """When a task should be done, in seconds since the epoch."""
    seconds = task.constraints.deadline_seconds
    return inf if seconds is None else begin + seconds
