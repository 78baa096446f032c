"""A worker for test_work_survives_kills.py: does what the words of a task say, and writes down what it began and what was accepted.

The goal of a task begins with a way: `steady MS` and `slow MS` succeed after so many milliseconds, `flaky N` fails or kills its worker at
the first N attempts, `poison` always fails, `deadly` always kills its worker. Every line of the diary is on disk before anything follows.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from itertools import count
from pathlib import Path
from typing import Any

import genesis
from genesis import TaskContext, TaskFailed
from genesis.worker import engine
from genesis.worker.reporting import Reporter

SKILLS = {"ada": ("steady", "slow", "flaky", "deadly", "picky"), "bob": ("steady", "flaky", "poison", "picky"), "cleo": ("slow", "poison")}
"""Who can do what; every way has at least one agent, most have two."""
SLOTS = 3
COST = 0.003
"""In USD, what every second task says that it used."""

_numbers = count(1)


class Diary:
    """Lines in a file, each on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def recording(diary: Diary) -> type[Reporter]:
    """A reporter that writes down every answer of the server."""

    class Recording(Reporter):
        async def _told(self, assignment: Any, report: Any) -> Any:
            error = await super()._told(assignment, report)
            kind = next(one for one in ("done", "failed", "declined") if one in report)
            diary.write(
                what="accepted" if error is None else "refused",
                plan=assignment.plan_id,
                task=assignment.task.id,
                token=assignment.lease.token,
                kind=kind,
                told=report[kind],
                reason="" if error is None else error.reason,
            )
            return error

    return Recording


async def do(diary: Diary, context: TaskContext) -> dict[str, str]:
    """Do a task in the way its goal says; the result is another one each time."""
    way, _, number = context.task.goal.partition(" ")
    amount = int(number.split()[0]) if number else 0
    value = f"{os.getpid()}-{next(_numbers)}"
    diary.write(what="begin", plan=context.plan_id, task=context.task.id, attempt=context.attempt, value=value)
    if way == "deadly" or (way == "flaky" and context.attempt <= amount and context.attempt % 2):
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "picky" and amount and context.attempt == 1 and random.random() < 0.5:
        raise genesis.Decline("not now")
    if way == "poison" or (way == "flaky" and context.attempt <= amount):
        await asyncio.sleep(0.01)
        raise TaskFailed(f"no luck {value}")
    for step in range(4):
        context.progress(step / 4, f"step {step}")
        await asyncio.sleep(amount / 4000)
    if random.random() < 0.5:
        context.usage(cost=COST, tokens=7)
    return {name.name: value for name in context.task.outputs}


def main(agent: str, address: str, diary_file: str) -> None:
    """Work until it is killed."""
    diary = Diary(Path(diary_file))
    engine.Reporter = recording(diary)  # type: ignore[misc]
    worker = genesis.Worker(
        agent, description=f"Does chores: {', '.join(SKILLS[agent])}.", max_concurrent_tasks=SLOTS, grace=0.5, models=[MODEL]
    )
    for way in SKILLS[agent]:

        @worker.skill(f"chore.{way}", description=f"Does {way} chores.", outputs={"result": "text"})
        async def chore(context: TaskContext, **_inputs: Any) -> dict[str, str]:
            return await do(diary, context)

    worker.run(address)


MODEL = {
    "id": "small-1",
    "input_price_per_million_tokens": {"currency_code": "USD", "nanos": 150_000_000},
    "output_price_per_million_tokens": {"currency_code": "USD", "nanos": 600_000_000},
    "success_prior": 0.9,
}
