"""The tasks of a plan as a table, and one of them with every attempt."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.v1 import plan_pb2, work_pb2
from genesis_server.cli.picture import RunPicture
from genesis_server.cli.show.artefacts import artefacts_table
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.show.run_tree import run_head
from genesis_server.cli.show.standing import cost, outcome, standing, took, waiting, why, workers
from genesis_server.cli.text import amount, plain

_OUTCOMES = {work_pb2.ATTEMPT_OUTCOME_DONE: "green", work_pb2.ATTEMPT_OUTCOME_RUNNING: "cyan"}


def tasks_table(picture: RunPicture, task_ids: Collection[str]) -> RenderableType:
    """One row for each task that is work, in the tree's order; headings are left out."""
    table = Rows("no.", "task", "state", "agent", "attempts", "why", "cost", right=("attempts", "cost"))
    rows = 0
    for node in picture.graph.walk():
        if node.children or node.task.id not in task_ids:
            continue
        run, far = picture.run_of(node.task.id), standing(node.task, picture.run_of(node.task.id))
        routed = picture.routed.get(node.task.id, "")
        tried = " → ".join(workers(run)) or (f"({plain(routed)})" if routed else "")
        table.add(
            Text(node.number, "cyan"),
            Text(plain(node.task.goal) or plain(node.task.id)),
            Text(f"{far.mark} {far.word}", far.style),
            Text(tried),
            Text(str(len(run.attempts)) if run is not None and run.attempts else ""),
            Text(why(node.task, run)),
            Text(cost(run)),
        )
        rows += 1
    return Group(run_head(picture), table) if rows else Text("no such task", style="dim")


def task_view(picture: RunPicture, task: plan_pb2.Task, artefacts: Sequence[work_pb2.TaskArtefact], now: float) -> RenderableType:
    """One task: what it is, every attempt at it, and what it put out. `now`: seconds since the epoch."""
    run, far = picture.run_of(task.id), standing(task, picture.run_of(task.id))
    parts: list[RenderableType] = [
        Text.assemble(
            (f"{picture.graph.label(task.id)} ", "cyan"), (plain(task.goal) or plain(task.id), "bold"), " · ", (far.word, far.style)
        ),
        Text(f"  id {plain(task.id)}" + (f" · needs {plain(task.capability)}" if task.capability else ""), style="dim"),
    ]
    if routed := picture.routed.get(task.id):
        parts.append(Text(f"  routed to {plain(routed)}", style="dim"))
    if task.approved_by:
        parts.append(Text(f"  approved by {plain(task.approved_by)}"))
    if task.error:
        parts.append(Text(f"  failed: {plain(task.error)}", style="red"))
    if run is not None and (reason := waiting(run)):
        parts.append(Text(f"  waits: {reason}", style="yellow"))
    if run is not None and run.dead_letter:
        parts.append(Text(f"  given up: {plain(run.dead_letter)}", style="bold red"))
    parts.append(_attempts(run, now) if run is not None and run.attempts else Text("  no attempt yet", style="dim"))
    if artefacts:
        parts.append(artefacts_table(artefacts, picture.graph))
    return Group(*parts)


def _attempts(run: work_pb2.TaskRun, now: float) -> Rows:
    table = Rows("attempt", "agent", "outcome", "began", "took", "cost", "tokens", "what it said", right=("cost", "tokens"))
    for attempt in run.attempts:
        usage = attempt.usage
        error = plain(attempt.error) or plain(attempt.progress_message)
        table.add(
            Text(str(attempt.number)),
            Text(plain(attempt.agent_id)),
            Text(outcome(attempt), _OUTCOMES.get(attempt.outcome, "red")),
            Text(f"{attempt.begin_time.ToDatetime():%H:%M:%S} UTC"),
            Text(took(attempt, now)),
            Text(amount(usage.cost) if usage.HasField("cost") else ""),
            Text(str(usage.tokens) if usage.tokens else ""),
            Text(error),
        )
    return table
