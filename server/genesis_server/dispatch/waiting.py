"""Why a ready task is not worked on."""

from __future__ import annotations

from math import ceil

from genesis_server.model.plan import Task, TaskState
from genesis_server.model.work import AttemptOutcome, TaskRun, WaitingFor

_BUDGET = {"cost": "too little money", "tokens": "too few tokens", "tasks": "too few attempts", "time": "no time"}


def waiting(  # noqa: PLR0911  (one for each reason)
    task: Task,
    run: TaskRun | None,
    *,
    agent_id: str,
    live: bool,
    breaker_open_seconds: float | None,
    budget_part: str | None,
    now: float,
) -> tuple[WaitingFor, str]:
    """What a ready task waits for, and the same in words; UNSPECIFIED and no words for one that is worked on or was given up.

    `agent_id`: whom it is routed to, empty for nobody; `live`: whether a worker of it is there; `breaker_open_seconds`: how long its
    breaker stays open, None when it is not; `budget_part`: what `budget.refused_part` says. The first that holds is told: approval,
    the budget, the time of the next attempt, an agent, its breaker, else a free place at its workers.
    """
    if task.state.ended or (run is not None and not _waits(run)):
        return WaitingFor.UNSPECIFIED, ""
    if task.state is TaskState.AWAITING_APPROVAL:
        return WaitingFor.APPROVAL, "somebody has to approve it"
    if budget_part is not None:
        return WaitingFor.BUDGET, f"the budget has {_BUDGET[budget_part]} left"
    if run is not None and run.not_before > now:
        return WaitingFor.RETRY, f"attempt {run.counted + 1} begins in {_seconds(run.not_before - now)}"
    if not agent_id:
        return WaitingFor.AGENT, "no agent that is there can do it"
    if not live:
        return WaitingFor.AGENT, f"no worker of agent {agent_id} is there"
    if breaker_open_seconds is not None:
        return WaitingFor.BREAKER, f"agent {agent_id} failed too often; it is tried again in {_seconds(breaker_open_seconds)}"
    return WaitingFor.SLOT, f"the workers of agent {agent_id} are busy"


def _waits(run: TaskRun) -> bool:
    """Whether nobody has it, nobody did it, and it was not given up; a plan may be read just before it hears that a task is done."""
    last = run.attempts[-1].outcome if run.attempts else AttemptOutcome.UNSPECIFIED
    return last not in {AttemptOutcome.RUNNING, AttemptOutcome.DONE} and not run.dead_letter


def _seconds(seconds: float) -> str:
    return f"{max(0, ceil(seconds))} s"
