"""What happened to a plan that is carried out, a line for each event: for logs and pipes, where nothing can be drawn over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from genesis.v1 import plan_pb2, update_pb2, work_pb2
from genesis_server.cli.picture import RunPicture
from genesis_server.cli.show.balance import exhausted
from genesis_server.cli.show.standing import outcome, progress, standing, waiting
from genesis_server.cli.text import amount, counted, enum_word, plain

_STATES = {
    plan_pb2.TASK_STATE_FAILED: ("failed", "red"),
    plan_pb2.TASK_STATE_SKIPPED: ("is skipped", "dim"),
    plan_pb2.TASK_STATE_CANCELLED: ("is cancelled", "dim"),
    plan_pb2.TASK_STATE_AWAITING_APPROVAL: ("awaits approval", "bold yellow"),
}


def change_lines(before: RunPicture, after: RunPicture, change: update_pb2.WatchPlanResponse, now: float) -> Iterator[Text]:
    """The events between two pictures of a plan; `change` is what lies between them, heard of at `now` (seconds since the epoch)."""
    when = change.time.ToDatetime(UTC) if change.HasField("time") else datetime.fromtimestamp(now, UTC)
    stamp = (f"{when:%H:%M:%S} ", "dim")
    for words, style in _events(before, after, change):
        yield Text.assemble(stamp, (words, style))


def _events(before: RunPicture, after: RunPicture, change: update_pb2.WatchPlanResponse) -> Iterator[tuple[str, str]]:
    for run in change.runs:
        node = after.graph.find(run.task_id)
        # The work can be told of before the version of the plan that it makes.
        done = bool(run.attempts) and run.attempts[-1].outcome == work_pb2.ATTEMPT_OUTCOME_DONE
        ended = done or (node is not None and standing(node.task, run).ended)
        for words, style in _run_events(before.run_of(run.task_id), run, ended=ended):
            yield f"{_name(after, run.task_id)} {words}", style
    if change.version > before.plan.version:
        for task in change.diff.added_tasks:
            yield f"{_name(after, task.id)} came into the plan", "green"
        for task_id in change.diff.removed_task_ids:
            yield f"{_name(before, task_id)} went out of the plan", "dim"
        for task in change.diff.changed_tasks:
            old = before.graph.find(task.id)
            if task.state in _STATES and (old is None or old.task.state != task.state):
                words, style = _STATES[task.state]
                run = after.run_of(task.id)
                # Why it was given up has a line of its own.
                known = run is not None and run.dead_letter == task.error
                yield f"{_name(after, task.id)} {words}" + (f": {plain(task.error)}" if task.error and not known else ""), style
    if after.balance is not None and (out := exhausted(after.balance)) and (before.balance is None or exhausted(before.balance) != out):
        yield f"the budget is exhausted: {out}", "bold red"
    if after.plan.state != before.plan.state:
        yield f"the plan is {enum_word(plan_pb2.PlanState, after.plan.state, 'PLAN_STATE_')}", "bold"


def _run_events(old: work_pb2.TaskRun | None, new: work_pb2.TaskRun, *, ended: bool) -> Iterator[tuple[str, str]]:
    known = {attempt.number: attempt for attempt in old.attempts} if old is not None else {}
    for attempt in new.attempts:
        seen = known.get(attempt.number)
        who = plain(attempt.agent_id)
        if seen is None:
            yield f"goes to {who}" + (f", attempt {attempt.number}" if attempt.number > 1 else ""), "cyan"
        if attempt.outcome == work_pb2.ATTEMPT_OUTCOME_RUNNING:
            if attempt.progress_message and (seen is None or seen.progress_message != attempt.progress_message):
                yield progress(attempt), "dim"
        elif seen is None or seen.outcome == work_pb2.ATTEMPT_OUTCOME_RUNNING:
            paid = f", {amount(attempt.usage.cost)}" if attempt.usage.HasField("cost") else ""
            done = attempt.outcome == work_pb2.ATTEMPT_OUTCOME_DONE
            error = f": {plain(attempt.error)}" if attempt.error else ""
            yield f"{outcome(attempt)} by {who}{paid}{error}", "green" if done else "red"
    if not ended and (reason := waiting(new)) and (old is None or waiting(old) != reason):
        yield f"waits: {reason}", "yellow"
    if new.dead_letter and (old is None or not old.dead_letter):
        yield f"is given up: {plain(new.dead_letter)}", "bold red"


def _name(picture: RunPicture, task_id: str) -> str:
    node = picture.graph.find(task_id)
    return f"{node.number} {plain(node.task.goal) or plain(task_id)}" if node is not None else plain(task_id)


def result_line(picture: RunPicture) -> Text:
    """How it came out, in one line."""
    plan = picture.plan
    state = enum_word(plan_pb2.PlanState, plan.state, "PLAN_STATE_")
    attempts = sum(len(run.attempts) for run in picture.runs.values())
    total = f" · {amount(picture.balance.spent.cost)}" if picture.balance is not None else ""
    given_up = sum(1 for run in picture.runs.values() if run.dead_letter)
    dead = f" · {given_up} given up: see `genesis tasks {plain(plan.id)} --dead`" if given_up else ""
    return Text.assemble((plain(plan.id), "bold"), f" {state} · {counted(attempts, 'attempt')}{total}", (dead, "red"))
