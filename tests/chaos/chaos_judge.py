"""What must hold of the plans of test_work_survives_kills.py: while they are looked at, and when all has come to rest.

Three witnesses are compared: what `GetPlan` said at each look, what the store holds in the end, and the diaries of the workers, in which
every answer to a report was on disk before the worker went on.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from chaos_arena import ENDED, Chore, Wish

from genesis.v1 import plan_pb2, work_pb2
from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
from genesis_server.dispatch.codec import OUTCOME_KIND, decode_outcome
from genesis_server.model.plan import PlanState, TaskState
from genesis_server.model.work import Attempt, AttemptOutcome, Outcome, PlanRun, Usage
from genesis_server.orchestration.plan_store import PlanChange, PlanStore, StoredPlan
from genesis_server.orchestration.runs import RunStore
from genesis_server.storage.base import Documents
from genesis_server.storage.sqlite.store import SqliteStore

TENANT = "default"
REFUSED_WITH = {"", "LEASE_LOST", "PLAN_ENDED", "TASK_ENDED", "SESSION_NOT_FOUND"}
"""How a report may be refused; the empty one is a server that is not there."""
RUNNING = work_pb2.ATTEMPT_OUTCOME_RUNNING


class Looks:
    """What was seen of the plans so far: nothing of it may be taken back."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.last: dict[str, GetPlanResponse] = {}

    def look(self, wish: Wish, now: GetPlanResponse) -> None:
        """Compare a look at a plan with the one before."""
        plan_id = now.plan.id
        for run in now.runs:
            if any(attempt.outcome == RUNNING for attempt in run.attempts[:-1]):
                self._object(wish, f"{run.task_id} runs twice: {run.attempts}")
        if wish.tasks is not None and now.balance.spent.tasks + now.balance.reserved.tasks > wish.tasks:
            self._object(wish, f"more was begun than the budget has room for: {now.balance}")
        before = self.last.get(plan_id)
        if before is not None:
            self._compare(wish, before, now)
        self.last[plan_id] = now

    def _compare(self, wish: Wish, before: GetPlanResponse, now: GetPlanResponse) -> None:
        if now.plan.version < before.plan.version:
            self._object(wish, f"version {before.plan.version} became {now.plan.version}")
        states = {task.id: task.state for task in now.plan.tasks}
        for task in before.plan.tasks:
            if task.state == plan_pb2.TASK_STATE_DONE and states.get(task.id) != task.state:
                self._object(wish, f"{task.id} was done and is not any more")
        values = {(one.task_id, one.artefact.name): one.artefact for one in now.artefacts}
        for one in before.artefacts:
            if values.get((one.task_id, one.artefact.name)) != one.artefact:
                self._object(wish, f"{one.task_id} put out {one.artefact}, and now {values.get((one.task_id, one.artefact.name))}")
        runs = {run.task_id: run for run in now.runs}
        for run in before.runs:
            ended = [attempt for attempt in run.attempts if attempt.outcome != RUNNING]
            if run.task_id not in runs and ended:
                self._object(wish, f"the attempts at {run.task_id} are gone")
            elif list(runs[run.task_id].attempts[: len(ended)] if ended else []) != ended:
                self._object(wish, f"what had ended at {run.task_id} changed: {ended} became {runs[run.task_id].attempts}")

    def _object(self, wish: Wish, problem: str) -> None:
        self.problems.append(f"{wish.name}: {problem}")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds of a plan."""

    plan: StoredPlan
    run: PlanRun
    outcomes: Sequence[Outcome]
    changes: Sequence[PlanChange]


async def read(data: Path, plan_ids: Sequence[str]) -> dict[str, Stored]:
    """Read the plans from a store nobody uses any more."""
    store = SqliteStore(data, clock=time.time)
    try:
        return {plan_id: await _stored(store, plan_id) for plan_id in plan_ids}
    finally:
        await store.close()


async def _stored(documents: Documents, plan_id: str) -> Stored:
    plans, run = PlanStore(documents), await RunStore(documents).get(TENANT, plan_id)
    assert run is not None
    outcomes = await documents.list(TENANT, OUTCOME_KIND, prefix=f"{plan_id}/", limit=10_000)
    changes = await plans.changes(TENANT, plan_id, limit=10_000)
    plan = await plans.get(TENANT, plan_id)
    return Stored(plan, run.run, [decode_outcome(one.value) for one in outcomes], changes)


def diaries(folder: Path) -> list[dict[str, Any]]:
    """All that the workers wrote down; a line that was cut off by a kill counts for nothing."""
    lines = [line for file in sorted(folder.glob("*.diary")) for line in file.read_text().split("\n") if line.endswith("}")]
    return [json.loads(line) for line in lines]


@dataclass(slots=True)
class Judge:
    """Judges one plan."""

    wish: Wish
    stored: Stored
    seen: GetPlanResponse
    """The last look at it."""
    diary: Sequence[Mapping[str, Any]]
    problems: list[str] = field(default_factory=list)

    def judge(self) -> list[str]:
        """All that is wrong, each in a sentence."""
        run = self.stored.run
        for task_id, task_run in run.tasks.items():
            self._one_lease_at_a_time(task_id, task_run.attempts)
        tokens = [attempt.lease.token for task in run.tasks.values() for attempt in task.attempts]
        self._need(len(set(tokens)) == len(tokens), f"a token was given twice: {sorted(tokens)}")
        self._need(max(tokens, default=0) <= run.last_token, "a token was given that the run does not know")
        self._history()
        self._reports()
        self._balance()
        self._everything_ended()
        self._wishes_came_true()
        return [f"{self.wish.name}: {problem}" for problem in self.problems]

    def _need(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.problems.append(otherwise)

    def _one_lease_at_a_time(self, task_id: str, attempts: Sequence[Attempt]) -> None:
        tokens = [attempt.lease.token for attempt in attempts]
        self._need(tokens == sorted(set(tokens)), f"the tokens of {task_id} do not grow: {tokens}")
        for attempt in attempts:
            self._need(attempt.outcome is not AttemptOutcome.RUNNING, f"{task_id} is still held under token {attempt.lease.token}")
        for earlier, later in pairwise(attempts):
            free = earlier.end is not None and earlier.end <= later.begin
            self._need(free, f"{task_id} was handed out under token {later.lease.token} while {earlier.lease.token} held it")

    def _history(self) -> None:
        """Each attempt ended once, and is told once; what was cancelled by a caller's event is told by that event."""
        told = Counter((one.task_id, one.number, one.outcome) for one in self.stored.outcomes)
        ended = {
            (task_id, attempt.lease.token, attempt.outcome)
            for task_id, task in self.stored.run.tasks.items()
            for attempt in task.attempts
            if attempt.outcome is not AttemptOutcome.RUNNING
        }
        self._need(not told.keys() - ended, f"the history tells what never was: {told.keys() - ended}")
        missing = {one for one in ended - told.keys() if one[2] is not AttemptOutcome.CANCELLED}
        self._need(not missing, f"the history lacks {missing}")
        self._need(max(told.values(), default=1) == 1, f"the history tells something twice: {told}")
        done = Counter(one.task_id for one in self.stored.outcomes if one.outcome is AttemptOutcome.DONE)
        states = {task.id: task.state for task in self.stored.plan.plan.tasks}
        finished = [task_id for task_id, state in states.items() if state is TaskState.DONE and task_id in self.stored.run.tasks]
        self._need(dict(done) == dict.fromkeys(finished, 1), f"done are {finished}, and the history has {dict(done)}")

    def _reports(self) -> None:
        """Every answer a worker had is what the store holds."""
        outcomes = {"done": {AttemptOutcome.DONE}, "failed": {AttemptOutcome.FAILED}}
        began = defaultdict[str, set[str]](set)
        accepted = dict[str, Any]()
        for line in self.diary:
            if line["what"] == "begin":
                began[line["task"]].add(line["value"])
                continue
            where = f"the report {line['kind']} of {line['task']} under token {line['token']}"
            if line["what"] == "refused":
                self._need(line["reason"] in REFUSED_WITH, f"{where} was refused with {line['reason']}")
                continue
            attempt = self._attempt(line["task"], line["token"])
            expected = outcomes.get(line["kind"], {AttemptOutcome.DECLINED, AttemptOutcome.RETURNED})
            self._need(attempt is not None and attempt.outcome in expected, f"{where} was accepted, and the plan has {attempt}")
            if line["kind"] == "done":
                accepted[line["task"]] = line["told"]
                known = dict(self.stored.plan.known.outputs.get(line["task"], {}))
                self._need(known == line["told"], f"{where} was accepted with {line['told']}, and the plan has {known}")
            elif attempt is not None:
                self._need(attempt.error == line["told"], f"{where} said {line['told']!r}, and the plan has {attempt.error!r}")
        for task_id, values in self.stored.plan.known.outputs.items():
            self._need(set(values.values()) <= began[task_id], f"{task_id} put out {values}, which nobody ever made")
        artefacts = {one.task_id: one.artefact.value.string_value for one in self.seen.artefacts}
        kept = {task_id: next(iter(values.values())) for task_id, values in self.stored.plan.known.outputs.items() if values}
        self._need(artefacts == kept, f"GetPlan tells {artefacts}, and the plan has {kept}")

    def _attempt(self, task_id: str, token: int) -> Attempt | None:
        task = self.stored.run.tasks.get(task_id)
        return next((one for one in task.attempts if one.lease.token == token), None) if task is not None else None

    def _balance(self) -> None:
        """What was spent is what was used, and nothing is set aside any more."""
        nanos = tokens = tasks = 0
        for task in self.stored.run.tasks.values():
            for attempt in task.attempts:
                counts = attempt.outcome.counts
                used = attempt.usage or (attempt.expected if counts else Usage())
                nanos, tokens, tasks = nanos + used.cost.nanos, tokens + used.tokens, tasks + counts
        spent = self.stored.run.spent
        self._need(
            (spent.cost.nanos, spent.tokens, spent.tasks) == (nanos, tokens, tasks),
            f"{spent} was spent, and the attempts used {nanos} billionths, {tokens} tokens, {tasks} attempts",
        )
        told = self.seen.balance
        cost = told.spent.cost.units * 1_000_000_000 + told.spent.cost.nanos
        self._need((cost, told.spent.tokens, told.spent.tasks) == (nanos, tokens, tasks), f"GetPlan tells {told.spent}")
        self._need(not (told.reserved.tokens or told.reserved.tasks), f"something is still set aside: {told.reserved}")
        limit = self.wish.tasks
        self._need(limit is None or tasks <= limit, f"{tasks} attempts, and the budget has room for {limit}")

    def _everything_ended(self) -> None:
        """What did not succeed says why."""
        plan = self.stored.plan.plan
        self._need(self.seen.plan.state in ENDED, f"the plan has not ended: {self.seen.runs}")
        if plan.state is not PlanState.DONE:
            self._need(self.stored.changes[-1].event, f"the plan is {plan.state.name} and does not say why")
        for task in plan.tasks:
            self._need(task.state.ended, f"{task.id} is {task.state.name} in the end")
            run = self.stored.run.tasks.get(task.id)
            if task.state is TaskState.FAILED:
                self._need(task.error, f"{task.id} failed and does not say why")
                self._need(run is not None and run.dead_letter, f"{task.id} failed and is no dead letter: {run}")
            else:
                self._need(run is None or not run.dead_letter, f"{task.id} is a dead letter and {task.state.name}: {run}")

    def _wishes_came_true(self) -> None:
        """Every task whose work succeeds, and that waits for none whose work does not, is done."""
        if self.wish.tasks is not None:
            return
        plan, chores = self.stored.plan.plan, {chore.id: chore for chore in self.wish.chores}
        tasks = {task.id: task for task in plan.tasks}
        for chore in self.wish.chores:
            task = tasks[chore.id]
            if chore.way == "picky" and task.error.endswith("Nobody else can do it."):
                continue  # who would have done it was not there
            if chore.way == "poison" or chore.doomed:
                wanted = TaskState.FAILED
            elif any(one.doomed for one in _ahead(chore, chores)):
                wanted = TaskState.CANCELLED
            else:
                wanted = TaskState.DONE
            self._need(task.state is wanted, f"{chore.id} ({chore.way}) is {task.state.name}, not {wanted.name}: {task.error!r}")
        if any(task.error.endswith("Nobody else can do it.") for task in plan.tasks):
            return
        wanted = PlanState.FAILED if any(chore.doomed for chore in self.wish.chores) else PlanState.DONE
        self._need(plan.state is wanted, f"the plan is {plan.state.name}, not {wanted.name}: {[one.event for one in self.stored.changes]}")


def _ahead(chore: Chore, chores: Mapping[str, Chore]) -> list[Chore]:
    """A chore with all it waits for."""
    return [chore, *(one for need in chore.needs for one in _ahead(chores[need], chores))]
