"""A worker of the demo, a process of its own: `python -m genesis_server.cli.demo_worker FOLDER AGENT`.

Its order is a line of JSON on standard input: the server's `address`, its `card`, and `fails_after`, the tasks it does before it fails.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from google.protobuf.json_format import ParseDict

from genesis import TaskContext, TaskFailed
from genesis.v1.catalogue_pb2 import AgentCard
from genesis_server.cli.carded import carded_worker
from genesis_server.cli.demo_tasks import DamagedError, Job, do_job
from genesis_server.cli.parent import end_with_parent

_STEPS = ("reading", "working", "writing")
_STEP_SECONDS = 0.1
_GRACE_SECONDS = 2.0
_USED = Decimal("0.9")
_USED_BY_A_FAILURE = Decimal("0.1")


@dataclass(slots=True)
class DemoWorker:
    """Does tasks in the way their skill's first tag says, and fails when it has done as many as it may."""

    folder: Path
    ways: Mapping[str, str]
    """The first tag by skill id."""
    tasks_before_it_fails: int | None = None
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    taken: int = field(default=0, init=False)

    async def do(self, context: TaskContext) -> dict[str, object]:
        """Do a task, or fail it. Raises genesis.TaskFailed."""
        self.taken += 1
        if self.tasks_before_it_fails is not None and self.taken > self.tasks_before_it_fails:
            context.progress(0.1, "its tools do not answer")
            await self.sleep(_STEP_SECONDS)
            _use(context, _USED_BY_A_FAILURE)
            raise TaskFailed("the tools of this machine do not answer any more")
        for number, step in enumerate(_STEPS):
            context.progress(number / len(_STEPS), step)
            await self.sleep(_STEP_SECONDS)
        _use(context, _USED)
        task = context.task
        job = Job(task.goal, task.acceptance, context.inputs, [one.name for one in task.outputs])
        try:
            return do_job(job, self.ways.get(context.skill_id, ""), self.folder)
        except DamagedError as error:
            raise TaskFailed(str(error), permanent=True) from error


def _use(context: TaskContext, share: Decimal) -> None:
    """Tell what the task used: a share of what was expected of it."""
    cost = context.expected.cost
    expected = cost.units + Decimal(cost.nanos).scaleb(-9)
    context.usage(cost=f"{expected * share:.9f} {cost.currency_code or 'USD'}", tokens=int(context.expected.tokens * share))


def main(folder: str, agent: str) -> None:
    """Wait for the order, then work until SIGTERM, or until the demo is gone."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    order = json.loads(line)
    card = ParseDict(order["card"], AgentCard(id=agent))
    end_with_parent()
    ways = {skill.id: next(iter(skill.tags), "") for skill in card.skills}
    carded_worker(card, DemoWorker(Path(folder), ways, order["fails_after"]).do, grace=_GRACE_SECONDS).run(order["address"])


if __name__ == "__main__":
    main(*sys.argv[1:])
