"""What a worker's function can know of its task, and tell about it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genesis import _values as values
from genesis.options import MoneyLike
from genesis.v1.common_pb2 import Money
from genesis.v1.plan_pb2 import Task
from genesis.v1.work_pb2 import Usage

_NANOS = 1_000_000_000
_MESSAGE_CHARACTERS = 500


class Signal:
    """Something that happens once; to be asked, or waited for in a thread or in a coroutine."""

    def __init__(self) -> None:
        self._thread = threading.Event()
        self._loop = asyncio.Event()

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._thread.is_set()

    def __bool__(self) -> bool:
        return self.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it in a thread, at most so many seconds; whether it has happened."""
        return self._thread.wait(timeout)

    async def waited(self) -> None:
        """Wait for it in a coroutine of the worker's loop."""
        await self._loop.wait()

    def set(self) -> None:
        """It has happened; to be called in the worker's loop."""
        self._thread.set()
        self._loop.set()


@dataclass(slots=True, kw_only=True)
class TaskContext:
    """A task under way, as its function sees it. Safe to use from any thread."""

    task: Task
    """The task as the plan has it: goal, acceptance, declared inputs and outputs."""
    plan_id: str
    """The plan."""
    goal: str
    """The plan's goal."""
    attempt: int
    """The how manieth attempt at the task this is, from 1."""
    inputs: Mapping[str, Any]
    """All inputs by name: JSON values, and `genesis.Reference` for values elsewhere."""
    skill_id: str = ""
    """The skill the task was routed to."""
    model_id: str = ""
    """The model it was routed to; empty when the agent names none."""
    expected: Usage = field(default_factory=Usage)
    """What it is expected to use."""
    traceparent: str = ""
    """W3C trace context of whoever asked for the plan; empty when that is not recorded."""
    correlation_id: str = ""
    """Correlation id of the plan."""
    deadline: float | None = None
    """When the attempt ends, on the worker's monotonic clock; None: never."""
    clock: Callable[[], float] = field(repr=False)
    news: Callable[[], object] = field(repr=False)
    """Called after progress was told."""
    cancelled: Signal = field(default_factory=Signal, init=False)
    """Set when the task is not wanted any more: its plan was cancelled, its lease lost, its time is over, or the worker stops."""
    paused: bool = field(default=False, init=False)
    """Whether the plan is paused: hold on where you can."""
    told: tuple[float, str] | None = field(default=None, init=False, repr=False)
    """The last progress, until a heartbeat took it."""
    used: Usage | None = field(default=None, init=False, repr=False)

    def time_left(self) -> float | None:
        """Seconds until the attempt ends; None: it has no end."""
        return None if self.deadline is None else max(0.0, self.deadline - self.clock())

    def progress(self, fraction: float, message: str = "") -> None:
        """Tell how far the task is, 0 to 1, and what it does just now; it shows within half a second."""
        self.told = (min(fraction, 1.0) if fraction > 0 else 0.0, message[:_MESSAGE_CHARACTERS])
        self.news()

    def usage(self, *, cost: MoneyLike | None = None, tokens: int = 0) -> None:
        """Add to what the task used; told with its result. What is never told counts as what was expected.

        Raises:
            ValueError: when the cost is no amount, or of another currency than before.
        """
        before = self.used or Usage()
        total = before.cost if before.HasField("cost") else None
        if cost is not None:
            more = values.money(cost)
            if total is not None and total.currency_code != more.currency_code:
                raise ValueError(f"the cost is in {more.currency_code}, and what was told before in {total.currency_code}")
            units, nanos = divmod(more.units * _NANOS + more.nanos + (total.units * _NANOS + total.nanos if total else 0), _NANOS)
            total = Money(currency_code=more.currency_code, units=units, nanos=nanos)
        self.used = Usage(cost=total, tokens=before.tokens + tokens)
