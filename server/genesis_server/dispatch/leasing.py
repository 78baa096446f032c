"""Leases: the transitions of a run document.

A task is held while the last attempt at it runs, so it is never held twice. Every lease of a plan has a larger fencing token than all
before it (M. Kleppmann, "How to do distributed locking", 2016), and what names another lease than the running one changes nothing.
Nothing here writes: whoever stores the next document does so by compare-and-set on the one it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from secrets import compare_digest

from genesis_server.dispatch.budget import charged, currency_of, spent_with
from genesis_server.model.work import (
    Attempt,
    AttemptOutcome,
    Declined,
    Done,
    LeaseProgress,
    LeaseToken,
    PlanRun,
    Report,
    TaskRun,
    Usage,
)
from genesis_server.resilience.errors import ResourceError, SecurityError


def hand_out(
    run: PlanRun,
    task_id: str,
    *,
    agent_id: str,
    session_id: str,
    lease_id: str,
    seconds: float,
    expected: Usage,
    now: float,
) -> tuple[PlanRun, Attempt]:
    """Begin an attempt of at most `seconds`, with `expected` set aside for it, for which `budget.refused_part` sees room.

    Raises ValueError when somebody holds the task, or the run counts in another currency: faults of the caller.
    """
    task = run.tasks.get(task_id) or TaskRun(task_id)
    if task.running is not None:
        raise ValueError(f"task {task_id!r} of plan {run.plan_id!r} is held under token {task.running.lease.token}")
    if expected.cost.nanos and currency_of(run) not in {None, expected.cost.currency}:
        raise ValueError(f"{expected.cost.currency} set aside in a run that counts in {currency_of(run)}")
    lease = LeaseToken(lease_id, run.last_token + 1)
    attempt = Attempt(
        number=task.counted + 1,
        agent_id=agent_id,
        session_id=session_id,
        lease=lease,
        begin=now,
        seconds=seconds,
        expected=_of_tasks(expected, 1),
    )
    held = TaskRun(task_id, (*task.attempts, attempt), dead_letter=task.dead_letter)
    return replace(run, tasks={**run.tasks, task_id: held}, last_token=lease.token), attempt


def holder(run: PlanRun, task_id: str, lease: LeaseToken, *, agent_id: str | None) -> Attempt:
    """The attempt with this lease, which may have ended. `agent_id`: who names the lease; None: a client, who may name any.

    Raises SecurityError LEASE_FOREIGN when the task never had such a lease, or it has another token or is another agent's.
    """
    task = run.tasks.get(task_id)
    for attempt in reversed(task.attempts) if task is not None else ():
        if not compare_digest(attempt.lease.lease_id.encode(), lease.lease_id.encode()):
            continue
        if attempt.lease.token != lease.token or agent_id not in {None, attempt.agent_id}:
            break
        return attempt
    raise lease_foreign(run.plan_id, task_id)


def end(
    run: PlanRun,
    task_id: str,
    lease: LeaseToken,
    outcome: AttemptOutcome,
    *,
    now: float,
    error: str = "",
    usage: Usage | None = None,
    permanent: bool = False,
) -> PlanRun:
    """End the running attempt and settle its budget: what it used, else what was expected of it when it counts.

    Raises ResourceError LEASE_LOST when the lease is not the running one, ValidationError INVALID_FIELD for money in another currency
    than the run's.
    """
    task = run.tasks.get(task_id)
    running = task.running if task is not None else None
    if task is None or running is None or running.lease != lease:
        raise lease_lost(run.plan_id, task_id, lease.token)
    spent = run.spent
    if usage is not None or outcome.counts:
        # While its own money is still set aside: else the report of one worker could bar all others, who count in the run's currency.
        spent = spent_with(run, _of_tasks(usage or running.expected, 1 if outcome.counts else 0))
    ended = replace(running, outcome=outcome, error=error, end=now, usage=usage, permanent=permanent)
    after = TaskRun(task_id, (*task.attempts[:-1], ended), task.not_before, task.dead_letter)
    return replace(run, tasks={**run.tasks, task_id: after}, spent=spent)


def is_same(attempt: Attempt, report: Report) -> bool:
    """Whether an attempt was ended by this very report; what a task put out is for the caller to compare."""
    told = report.outcome
    if isinstance(told, Done):
        return attempt.outcome is AttemptOutcome.DONE
    if isinstance(told, Declined):
        outcome = AttemptOutcome.RETURNED if told.hand_back else AttemptOutcome.DECLINED
        return attempt.outcome is outcome and attempt.error == told.reason
    return attempt.outcome is AttemptOutcome.FAILED and (attempt.error, attempt.permanent) == (told.error, told.permanent)


def progressed(run: PlanRun, told: LeaseProgress) -> PlanRun | None:
    """The run with how far a task is; None when that is nothing new, or the lease is not the running one."""
    task = run.tasks.get(told.task_id)
    running = task.running if task is not None else None
    if task is None or running is None or running.lease != told.lease:
        return None
    if (running.fraction, running.message) == (told.fraction, told.message):
        return None
    moved = replace(running, fraction=told.fraction, message=told.message)
    return _with(run, replace(task, attempts=(*task.attempts[:-1], moved)))


def give_up(run: PlanRun, task_id: str, reason: str) -> PlanRun:
    """Nobody tries the task again, for this reason."""
    return _with(run, replace(run.tasks.get(task_id) or TaskRun(task_id), dead_letter=reason))


def wait_until(run: PlanRun, task_id: str, not_before: float) -> PlanRun:
    """The next attempt at the task waits until then, in seconds since the epoch."""
    return _with(run, replace(run.tasks.get(task_id) or TaskRun(task_id), not_before=not_before))


def leases_of(run: PlanRun) -> Iterator[tuple[str, Attempt]]:
    """The attempts that run, each with the id of its task."""
    for task_id, task in run.tasks.items():
        # As `TaskRun.running`, which costs a call for each of the run's tasks.
        if task.attempts and task.attempts[-1].outcome is AttemptOutcome.RUNNING:
            yield task_id, task.attempts[-1]


def spent_elsewhere(run: PlanRun, usage: Usage) -> PlanRun:
    """The run after an attempt without a lease. Raises ValidationError INVALID_FIELD for money in another currency than the run's."""
    return charged(run, _of_tasks(usage, 1))


def lease_lost(plan_id: str, task_id: str, token: int) -> ResourceError:
    """The lease was valid once and is not any more."""
    return ResourceError(
        "LEASE_LOST",
        f"the lease with token {token} on task {task_id!r} of plan {plan_id!r} is over; stop the work, a later lease decides",
        facts={"plan_id": plan_id, "task_id": task_id, "token": str(token)},
    )


def lease_foreign(plan_id: str, task_id: str) -> SecurityError:
    """The lease never was the caller's."""
    return SecurityError(
        "LEASE_FOREIGN",
        f"this is no lease of yours on task {task_id!r} of plan {plan_id!r}; report with the lease id and the token of your assignment",
        facts={"plan_id": plan_id, "task_id": task_id},
    )


def _of_tasks(usage: Usage, tasks: int) -> Usage:
    return usage if usage.tasks == tasks else replace(usage, tasks=tasks)


def _with(run: PlanRun, task: TaskRun) -> PlanRun:
    return replace(run, tasks={**run.tasks, task.task_id: task})
