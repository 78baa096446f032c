"""Two server processes, a few workers and a lot of trouble in random order; in the end everything is as it must be.

A seed says what happens: workers fail, lie, decline, fall silent, break off and come back somewhere else; processes are killed or cannot
write; the wall clock jumps; callers pause, edit, cancel and tell tasks as done. Then the trouble ends, and honest workers do what is left.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from dispatch_world import HOUR, LEASE_SECONDS, TENANT, Process, Worker, World, agent, call, plan, work

from genesis_server.model.plan import PlanState, RetryPolicy, Task, TaskState
from genesis_server.model.update import (
    AddTaskEdit,
    Cancel,
    ChangeBudget,
    ChangeTaskEdit,
    Pause,
    RemoveTaskEdit,
    Resume,
    StartDispatch,
    TaskDone,
    UserEdit,
)
from genesis_server.model.work import Attempt, AttemptOutcome, Done, LeaseProgress, LeaseToken, RunBudget, Usage, Values
from genesis_server.orchestration.dispatching.answers import Assigned
from genesis_server.orchestration.dispatching.leases import UNKNOWN_SECONDS
from genesis_server.orchestration.plan_store import has_ended
from genesis_server.resilience.errors import GenesisError

STEPS = 60
CARDS = (agent("ann", "write", "paint", places=2), agent("bob", "write", places=1), agent("cid", "paint", "write", places=3))


class Trouble:
    """One run of the simulation."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.plans: list[str] = []
        self.accepted: set[tuple[str, str, int]] = set()
        """Plan, task and token of every success that was acknowledged."""
        self.pending: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        for _ in range(2):
            self.world.process()
        for card in CARDS:
            await self.world.join(self.process, card)
        await self.world.settle()
        for _ in range(3):
            await self.new_plan()

    @property
    def process(self) -> Process:
        return self.random.choice(self.world.processes)

    @property
    def worker(self) -> Worker:
        return self.random.choice(self.world.workers)

    async def step(self) -> None:
        """Something happens."""
        things: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (12, self.work_on),
            (4, self.let_time_pass),
            (2, self.lie),
            (2, self.break_off),
            (3, self.come_back),
            (1, self.silence),
            (1, self.leave),
            (2, self.fault),
            (1, self.jump),
            (1, self.kill),
            (1, self.new_plan),
            (3, self.change_plan),
            (1, self.progress),
        ]
        happens = self.random.choices([thing for _, thing in things], [weight for weight, _ in things])[0]
        with suppress(GenesisError):
            await happens()
        # Sometimes the next thing happens while this one is under way.
        if self.random.random() < 0.5:
            await asyncio.sleep(0)
        else:
            await self.world.settle_briefly()

    # What workers do.

    async def work_on(self) -> None:
        worker = self.worker
        if worker.tasks.empty() or worker.stream is None:
            return
        assigned = await worker.next(acknowledge=self.random.random() < 0.9)
        self.spawn(self.end(worker, assigned))

    async def end(self, worker: Worker, assigned: Assigned) -> None:
        usage = self.random.choice([None, Usage(tokens=self.random.randrange(9))])
        way = self.random.random()
        with suppress(GenesisError):
            if way < 0.6:
                await self.succeed(worker, assigned, usage)
            elif way < 0.75:
                await worker.failed(assigned, "no", permanent=self.random.random() < 0.1, usage=usage)
            elif way < 0.85:
                await worker.declined(assigned, hand_back=self.random.random() < 0.8)

    async def succeed(self, worker: Worker, assigned: Assigned, usage: Usage | None) -> None:
        process = self.process if self.random.random() < 0.2 else worker.process
        if process not in self.world.processes:
            return
        told = [worker.report(assigned, Done(Values({"out": 1})), usage, process=process) for _ in range(self.random.choice([1, 1, 2]))]
        answers = await asyncio.gather(*told, return_exceptions=True)
        if any(not isinstance(answer, BaseException) for answer in answers):
            self.accepted.add((assigned.plan_id, assigned.task.id, assigned.attempt.lease.token))

    async def lie(self) -> None:
        liar, victim = self.worker, self.worker
        for assigned in list(victim.holds.values())[:1]:
            lease = assigned.attempt.lease
            wrong = self.random.choice([LeaseToken(lease.lease_id, lease.token + 1), LeaseToken("lse_guess", lease.token), lease])
            foreign = "mallory" if wrong == lease else liar.agent_id
            if liar.process in self.world.processes:
                with pytest.raises(GenesisError):
                    await liar.report(assigned, Done(), lease=wrong, agent_id=foreign)
                victim.holds[lease.lease_id] = assigned

    async def progress(self) -> None:
        worker = self.worker
        told = [LeaseProgress(one.plan_id, one.task.id, one.attempt.lease, self.random.random()) for one in worker.holds.values()]
        await self.process.dispatcher.progress(TENANT, worker.agent_id, told)

    async def break_off(self) -> None:
        await self.worker.break_off()

    async def come_back(self) -> None:
        worker = self.worker
        if self.random.random() < 0.7:
            await worker.break_off()
        # Else nobody notices for a while that the old connection is broken.
        held = None if self.random.random() < 0.7 else [lease for lease in worker.holds if self.random.random() < 0.5]
        await self.return_to(worker, self.process, held)

    async def return_to(self, worker: Worker, process: Process, held: list[str] | None = None) -> None:
        """A worker opens a stream, with another session when its old one is over."""
        worker.process = process
        try:
            await worker.open(held=held, process=process)
        except GenesisError as error:
            if error.reason != "SESSION_NOT_FOUND":
                raise
            worker.holds.clear()
            worker.session = await process.roster.register(TENANT, worker.session.card)
            await worker.open(process=process)

    async def silence(self) -> None:
        silent = self.worker
        self.world.advance(LEASE_SECONDS + 1)
        for worker in self.world.workers:
            if worker is not silent:
                with suppress(GenesisError):
                    await worker.beat()
        for _ in range(2):
            with suppress(GenesisError):
                await self.process.roster.expire()

    async def leave(self) -> None:
        worker = self.worker
        await self.process.roster.leave(TENANT, worker.session.id, agent_id=worker.agent_id)

    # What happens to servers.

    async def let_time_pass(self) -> None:
        self.world.advance(self.random.choice([0.3, 1.0, 3.0, 12.0]))
        for worker in self.world.workers:
            with suppress(GenesisError):
                await worker.beat()
        for process in self.world.processes:
            process.tick()

    async def fault(self) -> None:
        store = self.process.store
        if self.random.random() < 0.5:
            store.faults_left += self.random.randrange(4)
        else:
            store.fault = self.random.choice([None, "STORAGE_UNAVAILABLE", "STORAGE_FULL"])

    async def jump(self) -> None:
        self.world.jump(self.random.choice([HOUR, -HOUR]))

    async def kill(self) -> None:
        killed = self.process
        for worker in self.world.workers:
            if worker.process is killed:
                await worker.break_off()
        self.world.forget(killed)
        await killed.crash()
        # Who told it something never hears of it again.
        for task in self.pending:
            task.cancel()
        self.world.process()
        for worker in self.world.workers:
            if worker.process is killed:
                await self.return_to(worker, self.process)

    # What callers do.

    async def new_plan(self) -> None:
        name = f"p{len(self.plans)}"
        retry = RetryPolicy(max_attempts=6, max_attempts_per_agent=3, initial_backoff_seconds=self.random.choice([0.0, 2.0]))
        size = self.random.randrange(2, 7)
        tasks: list[Task] = [
            work(f"t{n}", self.random.choice(["write", "paint"]), retry=retry, timeout_seconds=40.0, needs_approval=False)
            for n in range(size)
        ]
        edges = [(f"t{n}", f"t{m}") for n in range(size) for m in range(n + 1, size) if self.random.random() < 0.3]
        budget = self.random.choice([None, RunBudget(tokens=1_000), RunBudget(tasks=4)])
        await self.world.dispatch(self.process, plan(name, tasks, *edges), budget=budget, priority=self.random.randrange(10))
        self.plans.append(name)

    async def change_plan(self) -> None:
        if not self.plans:
            return
        name, process = self.random.choice(self.plans), self.process
        stored = await process.plans.get(TENANT, name)
        one = self.random.choice(stored.plan.tasks)
        events = [
            Pause(),
            Resume(),
            Resume(),
            StartDispatch(self.random.randrange(10)),
            UserEdit((AddTaskEdit(work(f"n{self.random.randrange(99)}")),)),
            UserEdit((ChangeTaskEdit(work(one.id, one.capability, expected_seconds=9.0)),)),
            UserEdit((RemoveTaskEdit(one.id),)),
            TaskDone(one.id, {"out": 2}),
            *([Cancel()] if self.random.random() < 0.2 else []),
        ]
        await process.updater.update(call(), name, 0, self.random.choice(events))

    def spawn(self, doing: Awaitable[None]) -> None:
        async def run() -> None:
            await doing

        task = asyncio.ensure_future(run())
        self.pending.add(task)
        task.add_done_callback(self.pending.discard)

    # In the end.

    async def finish(self) -> None:
        """The trouble is over: honest workers do what is left."""
        world = self.world
        for process in world.processes:
            process.store.fault, process.store.faults_left = None, 0
        if self.pending:
            await asyncio.wait(self.pending)
        for name in self.plans:
            for event in (Resume(), ChangeBudget(RunBudget()), StartDispatch(5)):
                with suppress(GenesisError):
                    await world.processes[0].updater.update(call(), name, 0, event)
        for worker in world.workers:
            await worker.break_off()
            await self.return_to(worker, self.process)
        for _ in range(300):
            await world.settle()
            if all([has_ended((await world.stored(name)).plan.state) for name in self.plans]):
                return
            await self.work_honestly()
            world.advance(1.0)
            for worker in world.workers:
                with suppress(GenesisError):
                    await worker.beat()
            for process in world.processes:
                process.tick()
        raise AssertionError(f"something is stuck: {await self.stuck()}")

    async def work_honestly(self) -> None:
        """Everybody does what was handed to it."""
        for worker in self.world.workers:
            while not worker.tasks.empty():
                await worker.next()
            for assigned in list(worker.holds.values()):
                await self.succeed(worker, assigned, None)
                worker.holds.pop(assigned.attempt.lease.lease_id, None)

    async def stuck(self) -> list[object]:
        found: list[object] = []
        for name in self.plans:
            stored = await self.world.stored(name)
            if not has_ended(stored.plan.state):
                view = await self.world.processes[0].dispatcher.view(TENANT, stored)
                found.append((name, stored.plan.state.name, view))
        return found

    async def check(self) -> None:
        """What must hold, whatever happened."""
        world = self.world
        await world.settle()
        # Who came back with a lease that is over hears of it in a moment.
        await world.pass_time(UNKNOWN_SECONDS)
        for process in world.processes:
            for desk in process.desks.values():
                assert desk._entries == {}
                assert (dict(desk.load), dict(desk.holding), desk._leases._out) == ({}, {}, {})
                for stream in desk._streams.values():
                    assert (stream.offered, stream.held, stream.free) == (0, {}, stream._slots), stream.session_id
        for name in self.plans:
            stored, run, outcomes = await world.stored(name), await world.run(name), await world.outcomes(name)
            attempts: list[tuple[str, Attempt]] = [(task_id, one) for task_id, task in run.tasks.items() for one in task.attempts]
            tokens = [one.lease.token for _, one in attempts]
            assert len(set(tokens)) == len(tokens)
            assert max(tokens, default=0) <= run.last_token
            for task in run.tasks.values():
                assert [one.lease.token for one in task.attempts] == sorted(one.lease.token for one in task.attempts)
                assert all(one.outcome is not AttemptOutcome.RUNNING for one in task.attempts), "nothing runs in an ended plan"
                for one, after in zip(task.attempts, task.attempts[1:], strict=False):
                    assert one.outcome not in {AttemptOutcome.RUNNING, AttemptOutcome.DONE}, (one, after)
            assert sorted((task_id, one.lease.token, one.outcome) for task_id, one in attempts) == sorted(
                (one.task_id, one.number, one.outcome) for one in outcomes
            )
            done = Counter(one.task_id for one in outcomes if one.outcome is AttemptOutcome.DONE)
            assert set(done.values()) <= {1}
            states = {task.id: task.state for task in stored.plan.tasks}
            assert all(states[task_id] is TaskState.DONE for task_id in done)
            assert run.spent.tasks == sum(one.outcome.counts for one in outcomes)
            used = [one.usage or (one.expected if one.outcome.counts else None) for one in outcomes]
            assert run.spent.tokens == sum(one.tokens for one in used if one is not None)
            assert run.plan_version == stored.plan.version
            ended = {(one.task_id, one.number) for one in outcomes if one.outcome is AttemptOutcome.DONE}
            assert {(task_id, token) for plan_id, task_id, token in self.accepted if plan_id == name} <= ended
            if stored.plan.state is PlanState.DONE:
                assert all(state.ended for state in states.values())


SEEDS = int(os.environ.get("SIMULATION_SEEDS", "12"))
"""How many runs; more of them find rarer things."""


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_whatever_happens_everything_ends_as_it_must(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path)
    trouble = Trouble(world, seed)
    try:
        async with asyncio.timeout(60):
            await trouble.begin()
            for _ in range(STEPS):
                await trouble.step()
            await trouble.finish()
            await trouble.check()
    finally:
        for process in world.processes:
            process.store.fault = None
        await world.close()
