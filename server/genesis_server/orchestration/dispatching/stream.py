"""A worker's stream: what it can hold, what it holds, and what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass

from genesis_server.model.work import LeaseNoticeKind, Session
from genesis_server.orchestration.dispatching.answers import Assigned, Move, Notice, StreamMessage


@dataclass(slots=True)
class Held:
    """A lease the worker holds."""

    plan_id: str
    task_id: str
    since: float
    """When it was handed out, by the monotonic clock."""
    acknowledged: bool = False
    taken: bool = False
    """Whether whoever reads the stream has it."""


class WorkStream:
    """A worker's stream in this process."""

    def __init__(self, session: Session, *, slots: int, clock: Callable[[], float], changed: Callable[[WorkStream], None]) -> None:
        """`changed` is told when the worker can take more, or the stream has closed."""
        self.session_id = session.id
        self.agent_id = session.agent_id
        self.number = session.streams
        """Of the session's streams: a later one has a higher number."""
        self.held: dict[str, Held] = {}
        """By lease id."""
        self.offered = 0
        """Tasks that are being handed out to it."""
        self.closed = False
        self.since = clock()
        """When it began, by the monotonic clock."""
        self._most = max(1, session.card.max_concurrent_tasks)
        self._slots = min(slots, self._most)
        self._clock = clock
        self._changed = changed
        self._outbox: asyncio.Queue[StreamMessage] = asyncio.Queue()

    @property
    def free(self) -> int:
        """How many more tasks it can take."""
        return 0 if self.closed else self._slots - len(self.held) - self.offered

    async def messages(self) -> AsyncGenerator[StreamMessage]:
        """What the worker is told, as it comes; ends after a Move. Closing it closes the stream: leases stay."""
        try:
            while True:
                message = await self._outbox.get()
                if isinstance(message, Assigned) and (held := self.held.get(message.attempt.lease.lease_id)) is not None:
                    held.taken = True
                yield message
                if isinstance(message, Move):
                    return
        finally:
            self.closed = True
            self._changed(self)

    def slots(self, count: int) -> None:
        """The worker can hold so many tasks at once from now on; its card's max_concurrent_tasks is the most."""
        self._slots = min(count, self._most)
        self._changed(self)

    def acknowledge(self, lease_id: str) -> None:
        """A task has arrived; leases the stream does not know are ignored."""
        held = self.held.get(lease_id)
        if held is not None:
            held.acknowledged = True

    def hold(self, lease_id: str, plan_id: str, task_id: str, *, acknowledged: bool) -> None:
        """The worker holds a lease from now on."""
        self.held[lease_id] = Held(plan_id, task_id, self._clock(), acknowledged)

    def assign(self, assigned: Assigned) -> None:
        """Send a task."""
        self.hold(assigned.attempt.lease.lease_id, assigned.plan_id, assigned.task.id, acknowledged=False)
        self._outbox.put_nowait(assigned)

    def let_go(self, lease_id: str) -> bool:
        """The worker holds a lease no more; whether it did."""
        if self.held.pop(lease_id, None) is None:
            return False
        self._changed(self)
        return True

    def notice(self, lease_id: str, kind: LeaseNoticeKind, message: str) -> None:
        """Tell of a lease."""
        self._outbox.put_nowait(Notice(lease_id, kind, message))

    def move(self) -> None:
        """Send the worker elsewhere: nothing more is handed to it here."""
        if not self.closed:
            self.closed = True
            self._outbox.put_nowait(Move())

    def give_way(self) -> None:
        """Another stream of the session took over: what nobody has read here by now is not told here."""
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self.move()

    def unacknowledged(self, seconds: float) -> Collection[str]:
        """Leases that were sent longer ago than that, and never acknowledged."""
        now = self._clock()
        return [lease_id for lease_id, held in self.held.items() if not held.acknowledged and now - held.since > seconds]
