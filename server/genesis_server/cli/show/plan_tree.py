"""A plan as a tree: every task with its number, its level, what it waits for and where it came from."""

from __future__ import annotations

from collections.abc import Collection

from rich.text import Text
from rich.tree import Tree

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.graph import Node, PlanGraph
from genesis_server.cli.text import counted, enum_word, plain

STATE_MARKS = {
    plan_pb2.TASK_STATE_DONE: ("✓ ", "green"),
    plan_pb2.TASK_STATE_FAILED: ("✗ ", "bold red"),
    plan_pb2.TASK_STATE_SKIPPED: ("» ", "dim"),
    plan_pb2.TASK_STATE_CANCELLED: ("- ", "dim"),
}
"""Mark and style of a task that has ended."""
_SHOWN_TASKS = 500


def plan_tree(graph: PlanGraph, critical: Collection[str] = ()) -> Tree:
    """The tree; `critical` are ids of the tasks that decide how long the whole takes."""
    tree = Tree(_head(graph), guide_style="dim")
    branches: dict[int, Tree] = {}
    for shown, node in enumerate(graph.walk()):
        if shown == _SHOWN_TASKS:
            tree.add(Text(f"… and {len(graph.nodes) - shown} more tasks; --json has them all", style="dim"))
            break
        parent = branches[node.parent.index] if node.parent else tree
        branches[node.index] = parent.add(_task(node, critical))
    return tree


def _head(graph: PlanGraph) -> Text:
    plan = graph.plan
    facts = [plain(plan.id) or "a plan", counted(len(plan.tasks), "task")]
    if plan.version:
        facts.insert(1, f"version {plan.version}")
    if levels := max((node.level for node in graph.nodes), default=0):
        facts.append(counted(levels, "level"))
    return Text.assemble((plain(plan.goal) or "(no goal)", "bold"), "\n", (" · ".join(facts), "dim"))


def _task(node: Node, critical: Collection[str]) -> Text:
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
    if task.error:
        facts.append(f"failed: {plain(task.error)}")
    words = plain(task.goal) or plain(task.id)
    text = Text.assemble(STATE_MARKS.get(task.state, ""), (f"{node.number} ", "cyan"), (words, "bold" if node.children else ""))
    if facts:
        text.append("\n" + " · ".join(facts), style="dim")
    return text


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
