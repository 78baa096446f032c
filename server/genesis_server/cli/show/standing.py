"""How far a task is, in a mark, a word and a line: the same for the tree, the table and the live view."""

from __future__ import annotations

from dataclasses import dataclass

from genesis.v1 import common_pb2, plan_pb2, work_pb2
from genesis_server.cli.text import amount, enum_word, plain, span

_SHORT = 10.0
RUNNING = "running"
PENDING = "pending"
WAITING = "waiting"
AWAITING_APPROVAL = "awaiting approval"
_ENDED = {
    plan_pb2.TASK_STATE_DONE: ("✓", "green", "done"),
    plan_pb2.TASK_STATE_FAILED: ("✗", "bold red", "failed"),
    plan_pb2.TASK_STATE_SKIPPED: ("»", "dim", "skipped"),
    plan_pb2.TASK_STATE_CANCELLED: ("-", "dim", "cancelled"),
}
WAITS = {
    work_pb2.WAITING_FOR_AGENT: "no live agent can do it",
    work_pb2.WAITING_FOR_SLOT: "its agents are busy",
    work_pb2.WAITING_FOR_RETRY: "the next attempt has its time",
    work_pb2.WAITING_FOR_BUDGET: "the budget is too small for it",
    work_pb2.WAITING_FOR_APPROVAL: "somebody has to approve it",
    work_pb2.WAITING_FOR_BREAKER: "its agent's breaker is open",
}
"""What a ready task waits for, where the server has no words of its own."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a task is."""

    mark: str
    style: str
    word: str
    """`done`, `failed`, `skipped`, `cancelled`, `running`, `awaiting approval`, `waiting` (ready, but nobody works on it) or `pending`."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.word in {"done", "failed", "skipped", "cancelled"}


def standing(task: plan_pb2.Task, run: work_pb2.TaskRun | None = None) -> Standing:
    """How far a task is; `run` is the work on it, where there is any."""
    if ended := _ENDED.get(task.state):
        return Standing(*ended)
    if running_attempt(run) is not None:
        return Standing("▶", "cyan", RUNNING)
    if task.state == plan_pb2.TASK_STATE_AWAITING_APPROVAL:
        return Standing("?", "bold yellow", AWAITING_APPROVAL)
    if run is not None and run.waiting_for:
        return Standing("◌", "yellow", WAITING)
    return Standing("·", "dim", PENDING)


def running_attempt(run: work_pb2.TaskRun | None) -> work_pb2.TaskAttempt | None:
    """The attempt that is under way."""
    last = run.attempts[-1] if run is not None and run.attempts else None
    return last if last is not None and last.outcome == work_pb2.ATTEMPT_OUTCOME_RUNNING else None


def why(task: plan_pb2.Task, run: work_pb2.TaskRun | None) -> str:
    """What it waits for, what it does just now, or why it did not succeed; empty when there is nothing to say."""
    if run is not None and run.dead_letter:
        return f"given up: {plain(run.dead_letter)}"
    if task.state in _ENDED:
        return plain(task.error)
    attempt = running_attempt(run)
    if attempt is not None:
        return progress(attempt)
    if task.state == plan_pb2.TASK_STATE_AWAITING_APPROVAL:
        return plain(run.waiting_message if run is not None else "") or WAITS[work_pb2.WAITING_FOR_APPROVAL]
    return waiting(run) if run is not None else ""


def waiting(run: work_pb2.TaskRun) -> str:
    """What a ready task waits for, in words; empty: it does not wait."""
    if not run.waiting_for:
        return ""
    return plain(run.waiting_message) or WAITS.get(run.waiting_for) or enum_word(work_pb2.WaitingFor, run.waiting_for, "WAITING_FOR_")


def progress(attempt: work_pb2.TaskAttempt) -> str:
    """How far a running attempt says it is: `40 % compiling`."""
    return " ".join(
        filter(None, (f"{attempt.progress:.0%}".replace("%", " %") if attempt.progress else "", plain(attempt.progress_message)))
    )


def cost(run: work_pb2.TaskRun | None) -> str:
    """What all attempts used as they reported it; empty when none did."""
    total: dict[str, int] = {}
    for attempt in run.attempts if run is not None else ():
        if attempt.usage.HasField("cost"):
            money = attempt.usage.cost
            total[money.currency_code] = total.get(money.currency_code, 0) + money.units * 10**9 + money.nanos
    sums = [common_pb2.Money(currency_code=code, units=nanos // 10**9, nanos=nanos % 10**9) for code, nanos in total.items()]
    return " + ".join(amount(money) for money in sums)


def took(attempt: work_pb2.TaskAttempt, now: float) -> str:
    """How long an attempt took, or has taken until `now`, in seconds since the epoch."""
    end = attempt.end_time.ToNanoseconds() / 1e9 if attempt.HasField("end_time") else now
    seconds = max(0.0, end - attempt.begin_time.ToNanoseconds() / 1e9)
    # Thousandths would flicker in the live tree.
    return f"{f'{seconds:.1f}'.removesuffix('.0')} s" if seconds < _SHORT else span(seconds)


def outcome(attempt: work_pb2.TaskAttempt) -> str:
    """`timed out`."""
    return enum_word(work_pb2.AttemptOutcome, attempt.outcome, "ATTEMPT_OUTCOME_")


def workers(run: work_pb2.TaskRun | None) -> list[str]:
    """Who tried, each once, in the order they did."""
    return list(dict.fromkeys(plain(attempt.agent_id) for attempt in run.attempts)) if run is not None else []
