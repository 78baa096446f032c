"""A dispatcher that does what tests want, and agents around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from genesis_server.model.catalogue import AgentCard, Skill
from genesis_server.model.plan import PlanState, Task, TaskState
from genesis_server.model.routing import Target, TargetKind
from genesis_server.model.work import Attempt, Balance, LeaseProgress, LeaseToken, Report, RunBudget, Usage, Values
from genesis_server.orchestration.dispatching.answers import Assigned, Move, Reported, RunView, StreamMessage
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher, WorkStream
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import StoredPlan

BUILDER = AgentCard("build", (Skill("code.write"),), name="build", max_concurrent_tasks=5)
BALANCE = Balance(RunBudget(tasks=9), Usage(tasks=1), Usage(), 100.0)
TAKEN = Reported(
    duplicate=False, plan_version=2, task_state=TaskState.DONE, plan_state=PlanState.ACTIVE, next="b is ready", balance=BALANCE
)


def assigned(number: int, *, plan_id: str = "p1") -> Assigned:
    """A task of its own for each number."""
    attempt = Attempt(1, "build", "s1", LeaseToken(f"lease-{number}", number), begin=1_000.0, seconds=60.0)
    return Assigned(plan_id, "the goal", Task(f"t{number}", "do it"), Values({"n": number}), attempt, Target(TargetKind.AGENT, "build"))


class FakeStream(WorkStream):
    """A stream that says what tests put in, and remembers what it was told."""

    def __init__(self, slots: int, held: Collection[str]) -> None:
        self.said: asyncio.Queue[StreamMessage | Exception] = asyncio.Queue()
        self.told: list[Any] = []
        self.opened = (slots, tuple(held))
        self.closed = asyncio.Event()

    async def messages(self) -> AsyncGenerator[StreamMessage]:
        try:
            while True:
                message = await self.said.get()
                if isinstance(message, Exception):
                    raise message
                yield message
                if isinstance(message, Move):
                    return
        finally:
            self.closed.set()

    def slots(self, count: int) -> None:
        self.told.append(count)

    def acknowledge(self, lease_id: str) -> None:
        self.told.append(lease_id)


class FakeDispatcher(Dispatcher):
    """Takes everything."""

    def __init__(self) -> None:
        self.streams: asyncio.Queue[FakeStream] = asyncio.Queue()
        self.reports: list[tuple[Report, str | None]] = []
        self.arrived = asyncio.Semaphore(0)
        """Released once for each report."""
        self.progressed: list[tuple[str, str, Sequence[LeaseProgress]]] = []
        self.answer: Callable[[Report], Awaitable[Reported]] | None = None
        self.run: RunView | None = None
        self.held: Mapping[str, int] = {}
        self.opening: Callable[[], object] = lambda: None

    async def open(self, tenant: str, session_id: str, *, slots: int, held: Collection[str]) -> FakeStream:
        self.opening()
        stream = FakeStream(slots, held)
        self.streams.put_nowait(stream)
        return stream

    async def report(self, call: Call, report: Report, *, agent_id: str | None) -> Reported:
        self.reports.append((report, agent_id))
        self.arrived.release()
        return TAKEN if self.answer is None else await self.answer(report)

    async def progress(self, tenant: str, agent_id: str, told: Sequence[LeaseProgress]) -> None:
        self.progressed.append((tenant, agent_id, told))

    async def view(self, tenant: str, stored: StoredPlan) -> RunView | None:
        return self.run

    def holding(self, tenant: str) -> Mapping[str, int]:
        return self.held
