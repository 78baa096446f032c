"""Everything that came for one plan together: decided on one state of plan and run, to be written as one.

Reports end attempts and become events of the plan; failures become another attempt, another agent, or, when the task's retry policy is used
up, the event that lets planning repair the plan; last come the tasks to hand out, so that what a report made ready can go with it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from genesis_server.dispatch.budget import balance, refused_part
from genesis_server.dispatch.following import follow_plan
from genesis_server.dispatch.leasing import (
    end,
    give_up,
    hand_out,
    holder,
    is_same,
    lease_lost,
    leases_of,
    progressed,
    wait_until,
)
from genesis_server.dispatch.retrying import Retry, after_failure, backoff, barred, excluded, story
from genesis_server.dispatch.values import check_outputs, inputs_of
from genesis_server.model.caller import Caller, Role
from genesis_server.model.plan import TaskState
from genesis_server.model.routing import TargetKind, TaskRoute
from genesis_server.model.update import PlanEvent, TaskFailed
from genesis_server.model.work import (
    Attempt,
    AttemptOutcome,
    Balance,
    Declined,
    Done,
    PlanRun,
    TaskRun,
    Usage,
)
from genesis_server.orchestration.dispatching.answers import Assigned, Reported
from genesis_server.orchestration.dispatching.commands import (
    Command,
    HandOut,
    NoteProgress,
    Reroute,
    TakeBack,
    TakeReport,
)
from genesis_server.orchestration.dispatching.entry import Entry
from genesis_server.orchestration.dispatching.reports import done_elsewhere, done_event, puts_out_the_same
from genesis_server.orchestration.dispatching.tools import Tools
from genesis_server.orchestration.dispatching.verdicts import Verdicts
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.outcomes import attempt_outcome, outcome_put
from genesis_server.orchestration.plan_store import has_ended
from genesis_server.orchestration.runs import run_puts
from genesis_server.orchestration.updating import Decided
from genesis_server.resilience.errors import GenesisError, RoutingError, ValidationError, invalid_field
from genesis_server.storage.base import Key, Put

_LOG = logging.getLogger(__name__)

SERVER = "genesis"
"""The actor of what the dispatcher does by itself."""


class Turn:
    """What is decided for a plan in one go; made anew when somebody else wrote meanwhile."""

    def __init__(self, tools: Tools, tenant: str, entry: Entry, *, recorded: Collection[Key] = ()) -> None:
        """Begin with the state of a plan as it is kept, and the history that is known to be `recorded` already.

        Raises ValueError when the plan was not read yet.
        """
        if entry.state is None:
            raise ValueError("a plan is read before it is worked on")
        self._entry = entry
        self.before = self.after = before = entry.state
        plan = before.plan
        self.run = before.run.run if before.run is not None else PlanRun(plan.id, plan.version, tools.now())
        self.puts: list[Put] = []
        """What to write, all or none; empty: nothing changed."""
        self.answers: list[tuple[TakeReport, Reported | GenesisError]] = []
        self.assigned: list[tuple[HandOut, Assigned]] = []
        self.refused: list[HandOut] = []
        """Hand-outs that could not be made."""
        self.blocked: dict[str, str] = {}
        """Tasks the budget has no room for, each with the part of it."""
        self.verdicts = Verdicts()
        self.ended: list[Attempt] = []
        self.done: list[tuple[TakeReport, Attempt]] = []
        """Reports of success that were taken, with the attempts they ended."""
        self.given_up = 0
        self._tools, self._tenant = tools, tenant
        self._done: dict[str, TakeReport] = {}
        """Reports of success, by lease id."""
        self._lost: dict[str, str] = {}
        """Tasks that are given up, with the reason."""
        self._taken: list[TakeReport] = []
        self._repeated: list[TakeReport] = []
        self._told: dict[str, str] = {}
        """What happens next to tasks that were reported."""
        self._wanted: dict[str, frozenset[str]] = {}
        """Tasks to be routed anew, each with those who must not get it."""
        self._stays: dict[str, float] = {}
        """Tasks that failed and whose agent goes on when nobody else is there, with when, in seconds since the epoch."""
        self._history: list[Put] = []
        self._recorded = set(recorded)
        self._currency: str | None = None
        """Of the first report with a cost."""

    @property
    def has_refused(self) -> bool:
        """Whether a report was refused."""
        return any(isinstance(answer, GenesisError) for _, answer in self.answers)

    @property
    def _now(self) -> float:
        """Seconds since the epoch, to be written down."""
        return self._tools.now()

    @property
    def _run_now(self) -> float:
        """Seconds since the epoch, to be compared with the begin of the run: a clock that jumps spends no budget."""
        return self._entry.clock.now(self._tools.clock()) or self._now

    async def decide(self, batch: Sequence[Command]) -> None:
        """Decide about everything in `batch` but what to hand out. Raises what routing and storage raise; nothing has happened then."""
        for command in batch:
            if isinstance(command, TakeBack):
                self._take_back(command)
            elif isinstance(command, TakeReport):
                self._take_report(command)
            elif isinstance(command, Reroute):
                self._reroute(command)
        await self._move_plan()

    def finish(self, batch: Sequence[Command]) -> None:
        """Hand out what is to be handed out in `batch`, and gather what to write and to answer."""
        for command in batch:
            if isinstance(command, HandOut):
                self._hand_out(command)
        self._write(progress=any(isinstance(command, NoteProgress) for command in batch))
        self._answer()

    def _take_back(self, command: TakeBack) -> None:
        task_run = self.run.tasks.get(command.task_id)
        attempt = task_run.running if task_run is not None else None
        if attempt is None or attempt.lease != command.lease:
            return
        self._end(command.task_id, attempt, command.outcome, error=command.error)
        if command.outcome.counts:
            self.verdicts.note(attempt.agent_id, command.error)
        self._failed(command.task_id)

    def _reroute(self, command: Reroute) -> None:
        task, task_run = self.before.tasks.get(command.task_id), self.run.tasks.get(command.task_id)
        if task is None or task.state.ended or (task_run is not None and (task_run.running is not None or task_run.dead_letter)):
            return
        self._wanted[task.id] = command.excluded if task_run is None else command.excluded | excluded(task, task_run)

    def _take_report(self, command: TakeReport) -> None:
        try:
            if command.report.lease is None:
                self._done_elsewhere(command)
            else:
                self._under_lease(command)
        except GenesisError as error:
            self.answers.append((command, error))

    def _done_elsewhere(self, command: TakeReport) -> None:
        told = done_elsewhere(self._tenant, command.report, self.before, self.run, policy=self._tools.policy, now=self._now)
        if told.put.key in self._recorded:
            self._repeated.append(command)
            return
        self._check_currency(told.usage)
        self._recorded.add(told.put.key)
        self.run = told.run
        self._history.append(told.put)
        if told.agent_id:
            self.verdicts.note(told.agent_id, told.fault)
        self._told[command.report.task_id] = "the budget and the history know it; UpdatePlan moves the plan"
        self._taken.append(command)

    def _under_lease(self, command: TakeReport) -> None:
        report, lease = command.report, command.report.lease
        if lease is None:
            raise AssertionError("a report without a lease is none under one")
        attempt = holder(self.run, report.task_id, lease, agent_id=command.agent_id)
        if attempt.outcome is not AttemptOutcome.RUNNING:
            if not (is_same(attempt, report) and puts_out_the_same(report, self.before.stored.known)):
                raise lease_lost(report.plan_id, report.task_id, lease.token)
            self._repeated.append(command)
            return
        first = self._done.get(lease.lease_id)
        if first is not None:
            if first.report != report:
                raise lease_lost(report.plan_id, report.task_id, lease.token)
            self._repeated.append(command)
            return
        self._check_currency(report.usage)
        told = report.outcome
        if isinstance(told, Done):
            task = self.before.tasks.get(report.task_id)
            if task is None:
                raise lease_lost(report.plan_id, report.task_id, lease.token)
            check_outputs(task, told.outputs, max_bytes=self._tools.limits.max_artefact_bytes)
            if report.usage is not None and report.usage.cost.nanos:
                # Raises for money that cannot be taken; the attempt ends when the plan has taken the report, too.
                end(self.run, report.task_id, lease, AttemptOutcome.DONE, now=self._now, usage=report.usage)
            self._done[lease.lease_id] = command
            return
        if isinstance(told, Declined):
            outcome = AttemptOutcome.RETURNED if told.hand_back else AttemptOutcome.DECLINED
            self._end(report.task_id, attempt, outcome, error=told.reason, usage=report.usage)
            self._failed(report.task_id)
        else:
            self._end(report.task_id, attempt, AttemptOutcome.FAILED, error=told.error, usage=report.usage, permanent=told.permanent)
            self.verdicts.note(attempt.agent_id, told.error or "it failed")
            self._failed(report.task_id)
        self._taken.append(command)

    def _check_currency(self, usage: Usage | None) -> None:
        """Raise ValidationError INVALID_FIELD for money in another currency than that of a report in the same turn."""
        if usage is None or not usage.cost.nanos:
            return
        if self._currency not in {None, usage.cost.currency}:
            raise invalid_field("usage.cost.currency_code", f"is {usage.cost.currency}, but this run counts in {self._currency}")
        self._currency = usage.cost.currency

    def _failed(self, task_id: str) -> None:
        """An attempt did not succeed: try again, look for somebody else, or give up."""
        task = self.before.tasks.get(task_id)
        if task is None or task.state.ended or has_ended(self.before.plan.state):
            return
        jitter, now = self._tools.draw(), self._now
        most = None if self._tools.tries_again() else 1
        step = after_failure(task, self.run.tasks[task_id], now=now, jitter=jitter, most_attempts=most)
        if not isinstance(step, Retry):
            self._give_up(task_id, step.reason)
            return
        self.run = wait_until(self.run, task_id, step.not_before)
        assignment = self.before.assignments.get(task_id)
        if assignment is None or assignment.target.id in step.excluded:
            self._wanted[task_id] = step.excluded
            if assignment is not None and assignment.target.id not in barred(self.run.tasks[task_id]):
                self._stays[task_id] = now + backoff(task, self.run.tasks[task_id], jitter=jitter)
        self._tell_again(task_id, step.not_before - now)

    def _tell_again(self, task_id: str, wait: float) -> None:
        self._told[task_id] = f"tried again in {wait:.1f} s" if wait > 0 else "tried again"

    def _give_up(self, task_id: str, reason: str) -> None:
        self.run = give_up(self.run, task_id, reason)
        self._lost[task_id] = reason
        self._told[task_id] = f"given up: {reason}"
        self.given_up += 1

    def _end(
        self,
        task_id: str,
        attempt: Attempt,
        outcome: AttemptOutcome,
        *,
        error: str = "",
        usage: Usage | None = None,
        permanent: bool = False,
    ) -> None:
        self.run = end(self.run, task_id, attempt.lease, outcome, now=self._now, error=error, usage=usage, permanent=permanent)
        self._note_end(task_id)

    def _note_end(self, task_id: str) -> None:
        """The last attempt at a task has ended: history."""
        attempt = self.run.tasks[task_id].attempts[-1]
        lease = self._entry.leases.get(attempt.lease.lease_id)
        self.ended.append(attempt)
        outcome = attempt_outcome(
            self.run.plan_id,
            task_id,
            attempt,
            task=self.before.tasks.get(task_id),
            assignment=self.before.assignments.get(task_id),
            now=self._now,
            seconds=None if lease is None else self._tools.clock() - lease.seen,
        )
        self._history.append(outcome_put(self._tenant, outcome))

    async def _move_plan(self) -> None:
        """Let the plan follow what was reported, with new routes where somebody else is needed."""
        stored, tools = self.before.stored, self._tools
        caller = self.run.caller or Caller(self._tenant, SERVER, frozenset({Role.CLIENT}))
        call = Call(caller, self.run.correlation_id)
        rerouted = await self._somebody_else(call) if self._wanted else {}
        for task_id in self._stays.keys() - rerouted.keys():
            self.run = wait_until(self.run, task_id, self._stays[task_id])
            self._tell_again(task_id, self._stays[task_id] - self._now)
        # What is done first: a failure can end the plan.
        events: list[PlanEvent] = [done_event(command.report) for command in self._done.values()]
        events += [TaskFailed(task_id, reason) for task_id, reason in self._lost.items()]
        if not events and not rerouted:
            return
        decided = await tools.updater.decide(call, stored, events, rerouted=rerouted, run=self.run)
        for command, error in zip(self._done.values(), decided.errors, strict=False):
            if error is not None or command.report.lease is None:
                self.answers.append((command, error or lease_lost(command.report.plan_id, command.report.task_id, 0)))
                continue
            attempt = holder(self.run, command.report.task_id, command.report.lease, agent_id=None)
            self._end(command.report.task_id, attempt, AttemptOutcome.DONE, usage=command.report.usage)
            self.verdicts.note(attempt.agent_id)
            self.done.append((command, attempt))
            self._told[command.report.task_id] = "done"
            self._taken.append(command)
        if decided.is_new:
            self._follow(decided)

    def _follow(self, decided: Decided) -> None:
        run, self.run = self.run, follow_plan(self.run, decided.after.plan, now=self._now)
        if self.run.tasks is not run.tasks:
            for task_id in {task_id for task_id, _ in leases_of(run)} - {task_id for task_id, _ in leases_of(self.run)}:
                self._note_end(task_id)
        actors = {self.run.tasks[command.report.task_id].attempts[-1].agent_id for command in self._done.values()}
        change = self._tools.updater.change(actors.pop() if len(actors) == 1 else SERVER, decided)
        puts, after = self._tools.updater.store.puts(self._tenant, self.before.stored, decided.after, change)
        self.puts += puts
        self.after = self.before.then(after, self.before.run, decided.updated.ready)

    async def _somebody_else(self, call: Call) -> dict[str, TaskRoute]:
        """New routes for the tasks that want one, where somebody else is there; who can go on goes on, what nobody can do is given up."""
        stored, roster = self.before.stored, self._tools.roster
        live = roster.live_agents(self._tenant)
        away = frozenset(agent.id for agent in roster.index(self._tenant).catalogue.agents if agent.id not in live)
        wanted = {task_id: unwanted | away | self.before.failed_before(task_id) for task_id, unwanted in self._wanted.items()}
        try:
            found = await self._tools.updater.find_routes(call, stored, stored.plan, wanted)
        except (RoutingError, ValidationError) as error:
            # What was reported stands all the same; who cannot go on waits until somebody comes.
            _LOG.warning("nobody was found for tasks of plan %s (%s)", self.run.plan_id, error.reason)
            return {}
        kept: dict[str, TaskRoute] = {}
        for task_id, unwanted in self._wanted.items():
            route, old = found.get(task_id), self.before.assignments.get(task_id)
            new = route.assignment if route is not None else None
            if route is not None and new is not None and new.target.kind is not TargetKind.TOOL:
                if old is not None and new.target.id == old.target.id:
                    continue
                kept[task_id] = route
                self.run = wait_until(self.run, task_id, 0.0)
                self._told[task_id] = f"{new.target.id} gets it"
                continue
            if task_id in self._lost:
                continue
            task_run = self.run.tasks.get(task_id) or TaskRun(task_id)
            if old is not None and old.target.id in unwanted & barred(task_run):
                self._give_up(task_id, f"{story(task_run)} Nobody else can do it.")
        return kept

    def _hand_out(self, command: HandOut) -> None:
        task = self.after.ready_tasks.get(command.task_id)
        assignment = self.after.assignments.get(command.task_id)
        task_run = self.run.tasks.get(command.task_id) or TaskRun(command.task_id)
        stream = command.stream
        fits = (
            task is not None
            and assignment is not None
            and assignment.target.id == stream.agent_id
            and task_run.running is None
            and not task_run.dead_letter
            and self._entry.clock.due(task_run.task_id) <= self._tools.clock()
            and stream.agent_id not in barred(task_run)
            and self.run.dispatched
            and not stream.closed
            and not self._is_held(command.instead)
        )
        if not fits or task is None or assignment is None:
            self.refused.append(command)
            return
        expected = self.after.expected(task, self._tools.policy)
        part = refused_part(self.run, expected, now=self._run_now)
        if part is not None:
            self.blocked[task.id] = part
            self.refused.append(command)
            return
        self.run, attempt = hand_out(
            self.run,
            task.id,
            agent_id=stream.agent_id,
            session_id=stream.session_id,
            lease_id=self._tools.new_lease_id(),
            seconds=task.timeout_seconds or self._tools.limits.task_timeout_seconds,
            expected=expected,
            now=self._now,
        )
        plan = self.after.plan
        inputs = inputs_of(plan, task, self.after.stored.known)
        assigned = Assigned(plan.id, plan.goal, task, inputs, attempt, assignment.target, self.run.traceparent, self.run.correlation_id)
        self.assigned.append((command, assigned))

    def _is_held(self, report: TakeReport | None) -> bool:
        """Whether a report did not end its lease."""
        task_run = self.run.tasks.get(report.report.task_id) if report is not None else None
        running = task_run.running if task_run is not None else None
        return report is not None and running is not None and running.lease == report.report.lease

    def _write(self, *, progress: bool) -> None:
        """Gather what is to be written; how far tasks are goes along, and is written by itself when `progress` asks for it."""
        was = self.before.run.run if self.before.run is not None else None
        if self.run == was and not self.puts and not self._history and not progress:
            return
        for lease in self._entry.leases.values():
            if lease.progress is not None:
                self.run = progressed(self.run, lease.progress) or self.run
        if self.run == was and not self.puts and not self._history:
            return
        puts, stored_run = run_puts(self._tenant, self.before.run, self.run, self.after.plan, now=self._now)
        self.puts += [*puts, *self._history]
        self.after = self.after.then(self.after.stored, stored_run, self.after.ready)

    def _answer(self) -> None:
        """What each report is told, once everything is written."""
        if not self._taken and not self._repeated:
            return
        stands = balance(self.run, now=self._run_now)
        for command in self._taken:
            self.answers.append((command, self._reported(command, stands, duplicate=False)))
        refused = {id(command): answer for command, answer in self.answers if isinstance(answer, GenesisError)}
        for command in self._repeated:
            lease = command.report.lease
            error = refused.get(id(self._done.get(lease.lease_id))) if lease is not None else None
            self.answers.append((command, error or self._reported(command, stands, duplicate=True)))

    def _reported(self, command: TakeReport, stands: Balance, *, duplicate: bool) -> Reported:
        plan, task_id = self.after.plan, command.report.task_id
        task = self.after.tasks.get(task_id) or self.before.tasks.get(task_id)
        told = "it was reported before" if duplicate else self._told.get(task_id, "taken")
        if has_ended(plan.state) and not has_ended(self.before.plan.state):
            told += f"; the plan is {plan.state.name.lower()}"
        state = task.state if task is not None else TaskState.CANCELLED  # it was taken out of the plan
        return Reported(duplicate, plan.version, state, plan.state, told, stands)
