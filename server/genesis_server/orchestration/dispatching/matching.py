"""Brings ready tasks and free places together, agent by agent, in the fair order of dispatch/queue.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from genesis_server.dispatch.queue import FairQueue, Ready
from genesis_server.orchestration.dispatching.stream import WorkStream


class Matcher:
    """The queues of a tenant's agents, and the streams that can take more; belongs to one event loop."""

    def __init__(self, *, take: Callable[[str], bool], release: Callable[[str], None], offer: Callable[[Ready, WorkStream], bool]) -> None:
        """Take what it asks and tells.

        Args:
            take: whether an agent may get one more task now, by its breaker; what is not offered then is given back by `release`.
            release: gives back what was taken.
            offer: offers a task to a worker; False when there is no such task any more.
        """
        self._take, self._release, self._offer = take, release, offer
        self._queues: dict[str, FairQueue] = {}
        self._free: dict[str, dict[str, WorkStream]] = {}
        """Streams that can take more, by agent and session."""
        self._soon: set[str] = set()
        self._closed = False

    def put(self, agent_id: str, ready: Ready) -> None:
        """Let a task wait for a free place."""
        self._queue(agent_id).put(ready)
        self.match_soon(agent_id)

    def discard(self, agent_id: str, plan_id: str, task_id: str) -> None:
        """Let a task not wait any more."""
        self._queue(agent_id).discard(plan_id, task_id)

    def started(self, agent_id: str, plan_id: str) -> None:
        """A plan has one more task under way at an agent."""
        self._queue(agent_id).started(plan_id)

    def ended(self, agent_id: str, plan_id: str) -> None:
        """A plan has one task less under way at an agent."""
        self._queue(agent_id).ended(plan_id)

    def note(self, stream: WorkStream) -> None:
        """What a stream can take has changed."""
        free = self._free.setdefault(stream.agent_id, {})
        if stream.free <= 0:
            if free.get(stream.session_id) is stream:
                del free[stream.session_id]
        elif free.get(stream.session_id) is not stream:
            free[stream.session_id] = stream
            self.match_soon(stream.agent_id)

    def take_instead(self, plan_id: str, stream: WorkStream, *, fewer: int) -> Ready | None:
        """Take the task a worker gets when the end of one of the same plan is written, so that one write does both.

        None when that is another plan's turn: `fewer` of this plan's tasks will have ended by then.
        """
        if self._closed or not self._take(stream.agent_id):
            return None
        ready = self._queue(stream.agent_id).pop_of(plan_id, fewer=fewer)
        if ready is None:
            self._release(stream.agent_id)
        return ready

    def match_soon(self, agent_id: str) -> None:
        """Look at an agent's queue when everything that happens now has happened."""
        if not self._soon:
            asyncio.get_running_loop().call_soon(self._match)
        self._soon.add(agent_id)

    def match_all_soon(self) -> None:
        """Look at every queue with somebody free: breakers let somebody try when their time has come, and say nothing."""
        for agent_id, queue in self._queues.items():
            if len(queue) and self._free.get(agent_id):
                self.match_soon(agent_id)

    def close(self) -> None:
        """Offer nothing more."""
        self._closed = True

    def open(self) -> None:
        """Offer again, after `close`."""
        self._closed = False
        self.match_all_soon()

    def _queue(self, agent_id: str) -> FairQueue:
        queue = self._queues.get(agent_id)
        if queue is None:
            queue = self._queues[agent_id] = FairQueue()
        return queue

    def _match(self) -> None:
        agents, self._soon = self._soon, set()
        for agent_id in agents if not self._closed else ():
            queue, free = self._queue(agent_id), self._free.get(agent_id)
            while len(queue) and free and self._take(agent_id):
                ready, stream = queue.pop(), next(iter(free.values()))
                if ready is None or not self._offer(ready, stream):
                    self._release(agent_id)
                    continue
                # The next task goes to the next worker.
                free.pop(stream.session_id, None)
                self.note(stream)
