"""A plan as a tree: every task with its number, its level, what it waits for and where it came from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from rich.text import Text
from rich.tree import Tree

from genesis.v1 import plan_pb2, work_pb2
from genesis_server.cli.drawing.graph import Node, PlanGraph
from genesis_server.cli.show.standing import (
    AWAITING_APPROVAL,
    PENDING,
    RUNNING,
    WAITING,
    Standing,
    cost,
    standing,
    why,
    workers,
)
from genesis_server.cli.text import counted, enum_word, plain

_SHOWN_TASKS = 500
_NO_RUNS: Mapping[str, work_pb2.TaskRun] = MappingProxyType({})


def plan_tree(graph: PlanGraph, critical: Collection[str] = (), runs: Mapping[str, work_pb2.TaskRun] = _NO_RUNS) -> Tree:
    """The tree; `critical` are ids of the tasks that decide how long the whole takes, `runs` the work on tasks by their ids."""
    tree = Tree(_head(graph), guide_style="dim")
    branches: dict[int, Tree] = {}
    for shown, node in enumerate(graph.walk()):
        if shown == _SHOWN_TASKS:
            tree.add(Text(f"… and {len(graph.nodes) - shown} more tasks; --json has them all", style="dim"))
            break
        parent = branches[node.parent.index] if node.parent else tree
        branches[node.index] = parent.add(_task(node, critical, runs.get(node.task.id)))
    return tree


def _head(graph: PlanGraph) -> Text:
    plan = graph.plan
    facts = [plain(plan.id) or "a plan", counted(len(plan.tasks), "task")]
    if plan.version:
        facts.insert(1, f"version {plan.version}")
    if levels := max((node.level for node in graph.nodes), default=0):
        facts.append(counted(levels, "level"))
    return Text.assemble((plain(plan.goal) or "(no goal)", "bold"), "\n", (" · ".join(facts), "dim"))


def _task(node: Node, critical: Collection[str], run: work_pb2.TaskRun | None) -> Text:
    task = node.task
    facts: list[str] = []
    if node.level:
        facts.append(f"level {node.level}")
    if node.after:
        facts.append("after: " + ", ".join(other.number for other in node.after))
    if task.capability:
        facts.append(f"needs {plain(task.capability)}")
    if not node.children:
        flows = (("takes", task.inputs), ("gives", task.outputs))
        facts += [f"{word} {', '.join(plain(one.name) for one in group)}" for word, group in flows if group]
    origin = _origin(task)
    if origin and not (node.parent and origin == _origin(node.parent.task)):
        facts.append(origin)
    if task.id in critical:
        facts.append("on the critical path")
    facts += [f"only if “{plain(guard.text)}”" for guard in task.guards]
    facts += [f"demanded “{plain(requirement.text)}”" for requirement in task.requirements]
    facts += _approval(task)
    if task.error:
        facts.append(f"failed: {plain(task.error)}")
    far = standing(task, run)
    mark = "" if far.word == PENDING else (f"{far.mark} ", far.style)
    text = Text.assemble(mark, (f"{node.number} ", "cyan"), (plain(task.goal) or plain(task.id), "bold" if node.children else ""))
    if facts:
        text.append("\n" + " · ".join(facts), style="dim")
    if work := " · ".join(_work(task, far, run)):
        text.append(f"\n{work}", style=far.style)
    return text


def _approval(task: plan_pb2.Task) -> list[str]:
    if task.approved_by:
        return [f"approved by {plain(task.approved_by)}"]
    return ["needs approval"] if task.needs_approval and task.state != plan_pb2.TASK_STATE_AWAITING_APPROVAL else []


def _work(task: plan_pb2.Task, far: Standing, run: work_pb2.TaskRun | None) -> Iterator[str]:
    """Who works on a task or did, and what it waits for."""
    if far.word in {RUNNING, WAITING, AWAITING_APPROVAL}:
        yield far.word
    if tried := " → ".join(workers(run)):
        yield f"by {tried}"
    if run is not None and len(run.attempts) > 1:
        yield counted(len(run.attempts), "attempt")
    reason = why(task, run)
    if reason and reason != plain(task.error):
        yield reason
    if spent := cost(run):
        yield spent


def _origin(task: plan_pb2.Task) -> str:
    origin = task.origin
    match origin.source:
        case plan_pb2.TASK_SOURCE_METHOD:
            return f"from method {plain(origin.method_id)}"
        case plan_pb2.TASK_SOURCE_UNSPECIFIED:
            return ""
        case _:
            source = enum_word(plan_pb2.TaskSource, origin.source, "TASK_SOURCE_")
            words = ", ".join(f"“{plain(found.text)}”" for found in origin.spans[:2])
            return f"from the {source}" + (f" {words}" if words and source == "clause" else "")
