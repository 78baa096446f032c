"""A small world of leases, and a walk through everything that can happen in it.

Two workers, one server and its store. Messages wait as long as they like, overtake each other, are lost or come twice; workers and the
server die between any two steps; leases run out while their worker still works. The server's decisions are the functions of
`genesis_server.dispatch`, given as a `Room` so that a test can plant a mistake in one of them. A server decides on what it read and
writes by compare-and-set on it; two decisions can be under way at once, as in two processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lease_state import Held, Message, Op, World, agent_name, hold, is_under_way, sent, spend, with_op, without, without_op, words_of

from genesis_server.dispatch.codec import encode_run
from genesis_server.dispatch.leasing import end, give_up, hand_out, holder, is_same, leases_of
from genesis_server.dispatch.retrying import GiveUp, after_failure, excluded
from genesis_server.model.plan import RetryPolicy, Task
from genesis_server.model.work import Attempt, AttemptOutcome, Done, Failed, PlanRun, Report, TaskRun, Usage
from genesis_server.resilience.errors import ResourceError, SecurityError

EXPECTED = Usage(tokens=5)
USED = Usage(tokens=7)
_RUNNING = AttemptOutcome.RUNNING


@dataclass(frozen=True)
class Room:
    """The decisions a server makes, and what it does with them."""

    hand_out: Callable[..., tuple[PlanRun, Attempt]] = hand_out
    holder: Callable[..., Attempt] = holder
    end: Callable[..., PlanRun] = end
    is_same: Callable[[Attempt, Report], bool] = is_same
    after_failure: Callable[..., object] = after_failure
    compares: bool = True
    """Whether writes are compare-and-set."""
    answers_first: bool = False
    """Whether reports are answered before they are written."""


@dataclass(frozen=True)
class Faults:
    """How often each thing may go wrong."""

    crashes: int = 0
    deaths: int = 0
    expiries: int = 0
    """Leases that run out although their worker lives."""
    drops: int = 0
    duplicates: int = 0
    failures: int = 0


class ViolationError(AssertionError):
    """Something that must never happen did; the message is the shortest way to it."""

    def __init__(self, problem: str, trace: list[str]) -> None:
        self.problem = problem
        self.trace = trace
        super().__init__("\n".join([problem, *[f"  {number}. {step}" for number, step in enumerate(trace, 1)]]))


@dataclass
class Explorer:
    """Walks breadth first through every interleaving, so that what it finds has the shortest way."""

    faults: Faults
    room: Room = Room()
    tasks: int = 1
    max_attempts: int = 50
    max_states: int = 1_000_000
    states: int = 0
    quiet: int = 0
    """States in which nothing more happens."""
    given_up: int = 0
    """Quiet states in which a task was given up."""
    _runs: list[PlanRun] = field(default_factory=list[PlanRun])
    _numbers: dict[bytes, int] = field(default_factory=dict[bytes, int])

    def __post_init__(self) -> None:
        retry = RetryPolicy(self.max_attempts, self.max_attempts, 0.0)
        self._tasks = {f"t{number}": Task(f"t{number}", "work", retry=retry) for number in range(1, self.tasks + 1)}

    def explore(self) -> None:
        """Go everywhere. Raises ViolationError for the first thing that must not happen."""
        faults = self.faults
        start = World(
            version=1,
            run=self._number(PlanRun("p", 1, 0.0)),
            done=(),
            up=True,
            ops=(),
            messages=(),
            alive=(True, True),
            held=((), ()),
            faults=(faults.crashes, faults.deaths, faults.expiries, faults.drops, faults.duplicates, faults.failures),
            accepted=(),
            told=frozenset(),
        )
        came: dict[World, tuple[World, str] | None] = {start: None}
        queue = deque([start])
        while queue:
            world = queue.popleft()
            moved = False
            for step, after, is_fault in self._steps(world):
                moved = moved or not is_fault
                if after in came:
                    continue
                came[after] = (world, step)
                problem = self._problem(world, after)
                if problem is not None:
                    raise ViolationError(problem, _trace(came, after))
                queue.append(after)
            if not moved:
                self.quiet += 1
                self._check_quiet(world, came)
            self.states = len(came)
            if self.states > self.max_states:
                raise RuntimeError(f"more than {self.max_states} states")

    def _steps(self, world: World) -> Iterator[tuple[str, World, bool]]:
        """Whatever can happen next: what, the world after it, and whether it is a fault."""
        if world.up:
            yield from self._op_steps(world)
            if len(world.ops) < 2:
                yield from self._decisions(world)
            if world.faults[0]:
                yield "the server dies", spend(world, 0)._replace(up=False, ops=()), True
        else:
            yield "the server starts again", world._replace(up=True), False
        for worker in range(len(world.alive)):
            yield from self._worker_steps(world, worker)
        for message in dict.fromkeys(world.messages):
            if world.faults[3]:
                yield f"lost on the way: {words_of(message)}", spend(without(world, message), 3), True

    def _op_steps(self, world: World) -> Iterator[tuple[str, World, bool]]:
        """Decisions are written, and then told."""
        for op in dict.fromkeys(world.ops):
            rest = without_op(world, op)
            if not op.written:
                yield self._write(world, rest, op)
            if op.says is not None and (op.written or (self.room.answers_first and op.cause is not None)):
                after = sent(rest if op.written else with_op(rest, op._replace(says=None)), op.says)
                if op.says.kind == "accepted" and not op.says.failed:
                    after = after._replace(told=after.told | {(op.says.task_id, op.says.lease.token)})
                yield f"the server sends: {words_of(op.says)}", after, False

    def _decisions(self, world: World) -> Iterator[tuple[str, World, bool]]:
        """The server begins something."""
        run = self._runs[world.run]
        for task_id, task in self._tasks.items():
            task_run = run.tasks.get(task_id) or TaskRun(task_id)
            running = task_run.running
            if running is not None:
                yield from self._ends_of(world, run, task_id, running)
            elif task_id not in world.done and not task_run.dead_letter:
                yield from self._hand_outs(world, run, task, task_run)
        for message in dict.fromkeys(world.messages):
            if message.kind == "report":
                op = self._decide_report(world, message)
                yield f"the server takes {words_of(message)}", with_op(without(world, message), op), False
                if world.faults[4]:
                    yield f"the server takes {words_of(message)}, which comes once more", with_op(spend(world, 4), op), True

    def _hand_outs(self, world: World, run: PlanRun, task: Task, task_run: TaskRun) -> Iterator[tuple[str, World, bool]]:
        barred = excluded(task, task_run)
        busy = {attempt.agent_id for _, attempt in leases_of(run)}
        for worker, alive in enumerate(world.alive):
            agent_id = agent_name(worker)
            name = f"hand {task.id} to {agent_id}"
            if not alive or agent_id in barred | busy or any(op.name == name for op in world.ops):
                continue
            count = sum(len(one.attempts) for one in run.tasks.values())
            after, attempt = self.room.hand_out(
                run,
                task.id,
                agent_id=agent_id,
                session_id=agent_id,
                lease_id=f"{agent_id}.{count}",
                seconds=1.0,
                expected=EXPECTED,
                now=0.0,
            )
            says = Message("assignment", worker, task.id, attempt.lease)
            op = Op(name, world.version, self._number(after), world.done, None, says, None, written=False)
            yield f"the server decides to {name} under token {attempt.lease.token}", with_op(world, op), False

    def _ends_of(self, world: World, run: PlanRun, task_id: str, running: Attempt) -> Iterator[tuple[str, World, bool]]:
        """A lease is taken back: its worker is dead, or silent, or never got it."""
        worker = int(running.agent_id[1:]) - 1
        lease = running.lease
        unknown = all(held.lease != lease for held in world.held[worker]) and all(message.lease != lease for message in world.messages)
        under_way = any(op.says is not None and op.says.lease == lease for op in world.ops)
        if not world.alive[worker]:
            outcome, is_fault = AttemptOutcome.LOST, False
        elif unknown and not under_way:
            outcome, is_fault = AttemptOutcome.RETURNED, False
        elif world.faults[2]:
            outcome, is_fault = AttemptOutcome.LOST, True
        else:
            return
        name = f"take {task_id} back from {running.agent_id}"
        if any(op.name == name for op in world.ops):
            return
        ended = self._after_failure(self.room.end(run, task_id, lease, outcome, now=0.0), task_id)
        op = Op(name, world.version, self._number(ended), world.done, None, None, None, written=False)
        yield f"the server decides to {name} (token {lease.token})", with_op(spend(world, 2) if is_fault else world, op), is_fault

    def _decide_report(self, world: World, message: Message) -> Op:
        """What a server does with a report, as the dispatcher does it."""
        run = self._runs[world.run]
        lease, task_id = message.lease, message.task_id
        report = Report("p", task_id, Failed("it broke") if message.failed else Done(), lease, USED)
        answer = message._replace(kind="refused")
        same = Op(words_of(message), world.version, world.run, world.done, None, answer, message, written=True)
        try:
            attempt = self.room.holder(run, task_id, lease, agent_id=agent_name(message.worker))
        except SecurityError:
            return same
        if attempt.outcome is not _RUNNING:
            return same._replace(says=message._replace(kind="accepted")) if self.room.is_same(attempt, report) else same
        outcome = AttemptOutcome.FAILED if message.failed else AttemptOutcome.DONE
        try:
            after = self.room.end(run, task_id, attempt.lease, outcome, now=0.0, error="it broke" if message.failed else "", usage=USED)
        except ResourceError:
            return same
        done = world.done
        if message.failed:
            after = self._after_failure(after, task_id)
        else:
            done = (*done, task_id)
        accepts = (task_id, lease.token, message.failed)
        answer = message._replace(kind="accepted")
        return Op(words_of(message), world.version, self._number(after), done, accepts, answer, message, written=False)

    def _after_failure(self, run: PlanRun, task_id: str) -> PlanRun:
        step = self.room.after_failure(self._tasks[task_id], run.tasks[task_id], now=0.0, jitter=0.5)
        return give_up(run, task_id, step.reason) if isinstance(step, GiveUp) else run

    def _write(self, world: World, rest: World, op: Op) -> tuple[str, World, bool]:
        if self.room.compares and op.base != world.version:
            if op.cause is None:
                return f"the server finds that somebody wrote meanwhile, and forgets to {op.name}", rest, False
            again = self._decide_report(rest, op.cause)
            return f"the server finds that somebody wrote meanwhile, and decides anew about {op.name}", with_op(rest, again), False
        after = rest._replace(version=world.version + 1, run=op.run, done=op.done)
        if op.accepts is not None and not op.accepts[2]:
            after = after._replace(accepted=(*world.accepted, op.accepts[:2]))
        if op.says is not None:
            after = with_op(after, op._replace(written=True))
        return f"the server writes: {op.name}", after, False

    def _worker_steps(self, world: World, worker: int) -> Iterator[tuple[str, World, bool]]:
        if not world.alive[worker]:
            return
        name, mine = agent_name(worker), world.held[worker]
        for message in dict.fromkeys(world.messages):
            if message.worker != worker or message.kind == "report":
                continue
            rest = without(world, message)
            if message.kind == "assignment":
                after = hold(rest, worker, (*mine, Held(message.task_id, message.lease)))
            else:
                after = hold(rest, worker, tuple([held for held in mine if held.lease != message.lease]))
            yield f"{name} gets: {words_of(message)}", after, False
        for held in mine:
            for failed in (False, True):
                report = Message("report", worker, held.task_id, held.lease, failed)
                told = held._replace(told="failed" if failed else "done")
                if not held.told and (not failed or world.faults[5]):
                    after = sent(hold(world, worker, tuple([told if one is held else one for one in mine])), report)
                    yield f"{name} sends {words_of(report)}", spend(after, 5) if failed else after, failed
                elif held == told and world.up and not is_under_way(world, report):
                    yield f"{name} hears nothing and sends again {words_of(report)}", sent(world, report), False
        if worker == 0 and world.faults[1]:
            dead = spend(hold(world, worker, ()), 1)
            dead = dead._replace(alive=(False, *world.alive[1:]))
            yield f"{name} dies", dead._replace(messages=tuple([m for m in dead.messages if m.worker or m.kind == "report"])), True

    def _problem(self, before: World, after: World) -> str | None:
        """What must never be, or None."""
        if len({task_id for task_id, _ in after.accepted}) < len(after.accepted):
            return f"a task was done twice: {after.accepted}"
        lost = [f"{task_id} under token {token}" for task_id, token in after.told - set(after.accepted)]
        if lost and not (self.room.answers_first and after.ops):
            return f"a worker was told that its report is taken, and it is not: {', '.join(sorted(lost))}"
        refused = [message for message in after.messages if message.kind == "refused" and not message.failed]
        if any((message.task_id, message.lease.token) in after.accepted for message in refused):
            return "a worker is told that its report is refused, and it was taken"
        if (before.run, before.accepted) == (after.run, after.accepted):
            return None
        return self._problem_of_run(before, after)

    def _problem_of_run(self, before: World, after: World) -> str | None:
        old, new = self._runs[before.run], self._runs[after.run]
        attempts = [(task_id, attempt) for task_id, task in new.tasks.items() for attempt in task.attempts]
        for task_id in new.tasks:
            if sum(attempt.outcome is _RUNNING for owner, attempt in attempts if owner == task_id) > 1:
                return f"{task_id} is held under two leases"
        leases = {attempt.lease for task in old.tasks.values() for attempt in task.attempts}
        granted = [attempt.lease.token for _, attempt in attempts if attempt.lease not in leases]
        vanished = leases - {attempt.lease for _, attempt in attempts}
        if vanished:
            return f"leases were written, and have vanished: {sorted(lease.lease_id for lease in vanished)}"
        if len({attempt.lease.token for _, attempt in attempts}) < len(attempts) or any(token <= old.last_token for token in granted):
            return f"a lease has no larger token than all before it: {[attempt.lease.token for _, attempt in attempts]}"
        held = {(task_id, attempt.lease.token) for task_id, attempt in leases_of(old)}
        for task_id, token in after.accepted[len(before.accepted) :]:
            if (task_id, token) not in held:
                return f"a report under token {token} was taken, which does not hold {task_id}"
        return _problem_of_ends(new, attempts, after.accepted)

    def _check_quiet(self, world: World, came: dict[World, tuple[World, str] | None]) -> None:
        """Nothing more happens and a capable worker lives: every task is done, or was given up with a reason."""
        run = self._runs[world.run]
        given_up = {task_id for task_id, task in run.tasks.items() if task.dead_letter and task.counted >= self.max_attempts}
        self.given_up += bool(given_up)
        forgotten = set(self._tasks) - set(world.done) - given_up
        if forgotten:
            raise ViolationError(f"nothing more happens, and {', '.join(sorted(forgotten))} is not done", _trace(came, world))

    def _number(self, run: PlanRun) -> int:
        """A number for a run, the same for equal ones."""
        key = encode_run(run)
        if key not in self._numbers:
            self._numbers[key] = len(self._runs)
            self._runs.append(run)
        return self._numbers[key]


def _problem_of_ends(run: PlanRun, attempts: list[tuple[str, Attempt]], accepted: tuple[tuple[str, int], ...]) -> str | None:
    done = {(task_id, attempt.lease.token) for task_id, attempt in attempts if attempt.outcome is AttemptOutcome.DONE}
    if done != set(accepted):
        return f"the stored run says that {sorted(done)} is done, but {sorted(accepted)} was taken"
    ended = [attempt for _, attempt in attempts if attempt.outcome is not _RUNNING and attempt.outcome.counts]
    spent = (len(ended), sum((attempt.usage or attempt.expected).tokens for attempt in ended))
    if (run.spent.tasks, run.spent.tokens) != spent:
        return f"the budget counts {run.spent}, not {spent[0]} attempts and {spent[1]} tokens"
    return None


def _trace(came: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    steps: list[str] = []
    at = came[world]
    while at is not None:
        steps.append(at[1])
        at = came[at[0]]
    return steps[::-1]
