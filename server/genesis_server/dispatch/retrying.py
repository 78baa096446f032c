"""What happens to a task whose attempt did not succeed: another one, when and not by whom, or giving up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from genesis_server.model.plan import (
    DEFAULT_ATTEMPTS,
    DEFAULT_ATTEMPTS_PER_AGENT,
    DEFAULT_BACKOFF_SECONDS,
    MAX_BACKOFF_SECONDS,
    Task,
)
from genesis_server.model.work import Attempt, AttemptOutcome, TaskRun

JITTER = 0.2
"""A wait is up to this share longer or shorter, so that tasks that failed together are not tried again together."""
MAX_HAND_BACKS = 100
"""Attempts that were handed back or never arrived count for nothing, but beyond so many the task is given up all the same."""
MAX_REASON_LENGTH = 2_000
_MAX_ERROR_LENGTH = 300
_WORDS = {
    AttemptOutcome.DONE: "succeeded",
    AttemptOutcome.FAILED: "failed",
    AttemptOutcome.DECLINED: "declined",
    AttemptOutcome.LOST: "fell silent",
    AttemptOutcome.TIMED_OUT: "took too long",
    AttemptOutcome.RETURNED: "handed it back",
    AttemptOutcome.CANCELLED: "was stopped",
    AttemptOutcome.RUNNING: "is at it",
}


@dataclass(frozen=True, slots=True)
class Retry:
    """The task is tried again."""

    not_before: float
    """Seconds since the epoch."""
    excluded: frozenset[str]
    """Agents that do not get it."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The task is not tried again."""

    reason: str
    """Every attempt in a sentence."""


def after_failure(task: Task, run: TaskRun, *, now: float, jitter: float, most_attempts: int | None = None) -> Retry | GiveUp:
    """What comes after the last attempt, which did not succeed. `jitter`: a draw between 0 and 1.

    `most_attempts` beats what the task's retry policy says.

    Another agent may try at once; the same one after a wait that doubles with each attempt that counts, or that was handed back in a row.
    """
    handed_back = sum(attempt.outcome is AttemptOutcome.RETURNED for attempt in run.attempts)
    if run.counted >= (most_attempts or task.retry.max_attempts or DEFAULT_ATTEMPTS) or handed_back >= MAX_HAND_BACKS:
        return GiveUp(story(run))
    others = excluded(task, run)
    last = run.attempts[-1] if run.attempts else None
    if last is None or last.agent_id in others:
        return Retry(now, others)
    return Retry(now + backoff(task, run, jitter=jitter), others)


def backoff(task: Task, run: TaskRun, *, jitter: float) -> float:
    """Seconds the agent of the last attempt waits before the next one, if it is its own. `jitter`: a draw between 0 and 1."""
    last = run.attempts[-1] if run.attempts else None
    if last is None:
        return 0.0
    if last.outcome is AttemptOutcome.RETURNED:
        doublings = _handed_back_in_a_row(run) - 2
    elif last.outcome.counts:
        doublings = run.counted - 1
    else:
        return 0.0
    if doublings < 0:
        return 0.0
    initial = task.retry.initial_backoff_seconds
    seconds = min((DEFAULT_BACKOFF_SECONDS if initial is None else initial) * 2**doublings, MAX_BACKOFF_SECONDS)
    return min(seconds * (1 - JITTER + 2 * JITTER * jitter), MAX_BACKOFF_SECONDS)


def excluded(task: Task, run: TaskRun) -> frozenset[str]:
    """The agents that do not get the task again: they declined it, failed for good or used up their attempts."""
    counted = Counter(attempt.agent_id for attempt in run.attempts if attempt.outcome.counts)
    most = task.retry.max_attempts_per_agent or DEFAULT_ATTEMPTS_PER_AGENT
    return barred(run) | {agent_id for agent_id, attempts in counted.items() if attempts >= most}


def barred(run: TaskRun) -> frozenset[str]:
    """The agents that do not get the task again even when nobody else can do it: they declined it, or failed for good."""
    return frozenset(attempt.agent_id for attempt in run.attempts if attempt.permanent or attempt.outcome is AttemptOutcome.DECLINED)


def failed(run: TaskRun) -> frozenset[str]:
    """The agents that tried the task in vain, or declined it."""
    in_vain = {AttemptOutcome.FAILED, AttemptOutcome.LOST, AttemptOutcome.TIMED_OUT, AttemptOutcome.DECLINED}
    return frozenset(attempt.agent_id for attempt in run.attempts if attempt.outcome in in_vain)


def story(run: TaskRun) -> str:
    """Every attempt in a sentence; of very many the last ones, within MAX_REASON_LENGTH characters."""
    told: list[str] = []
    room = MAX_REASON_LENGTH - 80
    for position, attempt in enumerate(reversed(run.attempts)):
        sentence = _sentence(attempt)
        room -= len(sentence) + 1
        if room < 0:
            told.append(f"{len(run.attempts) - position} earlier attempts are left out.")
            break
        told.append(sentence)
    told.append(f"Given up after {run.counted} attempt{'' if run.counted == 1 else 's'}.")
    return " ".join(reversed(told))


def _handed_back_in_a_row(run: TaskRun) -> int:
    row = 0
    for attempt in reversed(run.attempts):
        if attempt.outcome is not AttemptOutcome.RETURNED:
            break
        row += 1
    return row


def _sentence(attempt: Attempt) -> str:
    error = " ".join(attempt.error.split())
    if len(error) > _MAX_ERROR_LENGTH:
        error = f"{error[: _MAX_ERROR_LENGTH - 1]}…"
    words = f"{attempt.agent_id} {_WORDS.get(attempt.outcome, 'ended')}"
    return f"{words}: {error.rstrip('.')}." if error else f"{words}."
