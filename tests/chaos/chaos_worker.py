"""A worker for test_work_survives_kills.py: does chores, and writes down what it began and what the server said to its reports.

The first word of a task's goal is a number: milliseconds for those that succeed, the attempts that fail for `flaky`. Every line of the
diary is on disk before anything else happens.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import genesis
from genesis import Decline, TaskContext, TaskFailed
from genesis.worker import engine
from genesis.worker.reporting import Reporter

SKILLS = {
    "ada": ("steady", "slow", "flaky", "picky", "poison"),
    "bob": ("steady", "flaky", "picky", "hopeless", "spare"),
    "cleo": ("slow", "poison", "deadly"),
}
"""Who can do what. `steady` and `slow` succeed, `flaky` kills its worker or fails at first, `picky` is declined by ada, `poison` and
`hopeless` always fail, `deadly` always kills its worker. `spare` puts out the same as `poison`, and succeeds."""
WORDS = {
    "steady": "sweep the courtyard",
    "slow": "paint the wooden fence",
    "flaky": "light the old stove",
    "picky": "peel raw onions",
    "poison": "tune the antique piano",
    "spare": "tune the antique piano",
    "hopeless": "catch a unicorn",
    "deadly": "defuse dynamite",
}
"""What tasks and skills say of themselves; only `spare` sounds like another one."""
TYPES = {"spare": "poison_chore"}
SLOTS = 3

_numbers = count(1)


class Diary:
    """Lines in a file, each on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def output_type(way: str) -> str:
    """The type of what a chore puts out."""
    return TYPES.get(way, f"{way}_chore")


def recording(diary: Diary) -> type[Reporter]:
    """A reporter that writes down every answer of the server."""

    class Recording(Reporter):
        async def _told(self, assignment: Any, report: Any) -> Any:
            error = await super()._told(assignment, report)
            kind = next(one for one in ("done", "failed", "declined") if one in report)
            diary.write(
                what="refused" if error else "accepted",
                plan=assignment.plan_id,
                task=assignment.task.id,
                token=assignment.lease.token,
                kind=kind,
                told=report[kind],
                reason=error.reason if error else "",
            )
            return error

    return Recording


async def do_chore(diary: Diary, agent: str, way: str, context: TaskContext) -> dict[str, str]:
    """Do a task in its way; the result is another one each time."""
    amount, value = int(context.task.goal.split()[0]), f"{os.getpid()}-{next(_numbers)}"
    diary.write(what="begin", plan=context.plan_id, task=context.task.id, attempt=context.attempt, value=value)
    if way == "picky" and agent == "ada":
        raise Decline(f"{value} is not for ada")
    bad_luck = way == "flaky" and context.attempt <= amount
    if way == "deadly" or (bad_luck and context.attempt % 2):
        os.kill(os.getpid(), signal.SIGKILL)
    if way in {"poison", "hopeless"} or bad_luck:
        await asyncio.sleep(0.01)
        raise TaskFailed(f"no luck with {value}")
    for step in range(4):
        context.progress(step / 4, f"step {step}")
        await asyncio.sleep(amount / 4000)
    if random.random() < 0.5:
        context.usage(cost="0.003 USD", tokens=7)
    return {output.name: value for output in context.task.outputs}


def chores(agent: str, diary: Diary) -> genesis.Worker:
    """The worker of an agent."""
    prices = {"input_price_per_million_tokens": usd(150_000_000), "output_price_per_million_tokens": usd(600_000_000)}
    model = {"id": "small-1", "success_prior": 0.9, **prices}
    worker = genesis.Worker(agent, description="Helps in house and garden.", max_concurrent_tasks=SLOTS, models=[model])

    def skill(way: str) -> Callable[..., Any]:
        async def chore(context: TaskContext, **_inputs: Any) -> dict[str, str]:
            return await do_chore(diary, agent, way, context)

        return chore

    for way in SKILLS[agent]:
        worker.skill(f"chore.{way}", description=f"Can {WORDS[way]}.", outputs={"result": output_type(way)})(skill(way))
    return worker


def usd(nanos: int) -> dict[str, Any]:
    return {"currency_code": "USD", "nanos": nanos}


def main(agent: str, address: str, diary: str) -> None:
    """Work until it is killed."""
    book = Diary(Path(diary))
    engine.Reporter = recording(book)  # type: ignore[misc]
    chores(agent, book).run(address)
