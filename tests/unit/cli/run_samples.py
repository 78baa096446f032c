"""Attempts at tasks, and what a terminal shows of them."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from genesis.v1 import work_pb2

NOW = 1_700_000_010.0
"""The instant at which the work of the sample plan is looked at: it began 10 s before."""


def attempt(
    run: work_pb2.TaskRun, agent: str, outcome: int, *, begin: float, end: float | None = None, error: str = "", cents: int = 0
) -> work_pb2.TaskAttempt:
    """Add an attempt that began so many seconds after the run."""
    made = run.attempts.add(number=len(run.attempts) + 1, agent_id=agent, outcome=outcome, error=error)  # type: ignore[arg-type]
    made.begin_time.FromMilliseconds(int((1_700_000_000 + begin) * 1000))
    if end is not None:
        made.end_time.FromMilliseconds(int((1_700_000_000 + end) * 1000))
    if cents:
        made.usage.cost.currency_code, made.usage.cost.nanos = "USD", cents * 10_000_000
    return made


def drawn(renderable: Any, width: int = 120) -> str:
    """What a terminal of that width shows."""
    console = Console(width=width, file=StringIO(), legacy_windows=False)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]
