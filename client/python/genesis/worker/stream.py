"""One stream of work: what the worker says on it, and the answers to its reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from genesis.v1.agent_service_pb2 import WorkAcknowledgement, WorkOpen, WorkReported, WorkRequest, WorkSlots
from genesis.v1.work_pb2 import ReportRequest


class Stream:
    """What the worker says on one stream. Belongs to one event loop."""

    def __init__(self, opening: WorkOpen) -> None:
        self._outbox: asyncio.Queue[WorkRequest | None] = asyncio.Queue()
        self._outbox.put_nowait(WorkRequest(open=opening))
        self._asked: dict[str, asyncio.Future[WorkReported | None]] = {}
        self._closed = False

    async def messages(self) -> AsyncIterator[WorkRequest]:
        """What is to be sent, until the stream is closed."""
        while (message := await self._outbox.get()) is not None:
            yield message

    def acknowledge(self, lease_id: str) -> None:
        """A task has arrived."""
        self._outbox.put_nowait(WorkRequest(acknowledge=WorkAcknowledgement(lease_id=lease_id)))

    def slots(self, number: int) -> None:
        """As many tasks can be held from now on."""
        self._outbox.put_nowait(WorkRequest(slots=WorkSlots(slots=number)))

    async def report(self, request: ReportRequest) -> WorkReported | None:
        """Send a report; the server's answer, or None when the stream ended before it."""
        if self._closed:
            return None
        answer = self._asked[request.lease.lease_id] = asyncio.get_running_loop().create_future()
        self._outbox.put_nowait(WorkRequest(report=request))
        try:
            return await answer
        finally:
            self._asked.pop(request.lease.lease_id, None)

    def reported(self, answer: WorkReported) -> None:
        """The server answered a report."""
        waiting = self._asked.get(answer.lease_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def close(self) -> None:
        """Nothing more is sent; reports without an answer have none."""
        self._closed = True
        self._outbox.put_nowait(None)
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_result(None)
