"""What is there for a task to work with, and what others need of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Task, TaskKind, TaskState
from genesis_server.planning.dag import TOP, TaskGraph
from genesis_server.planning.dataflow import Supply, feeds

_LOST = frozenset({TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED})


def line_above(graph: TaskGraph, task_id: str) -> list[str]:
    """A task and every heading above it, from the task up."""
    line: list[str] = []
    while task_id != TOP:
        line.append(task_id)
        task_id = graph.task(task_id).parent_id
    return line


def work_in(graph: TaskGraph, task_ids: Iterable[str]) -> list[Task]:
    """The tasks that are work, below these and themselves."""
    below = (graph.task(one) for task_id in task_ids for one in graph.subtree(task_id))
    return [task for task in below if task.kind is not TaskKind.COMPOUND]


def behind(graph: TaskGraph, task_ids: Iterable[str]) -> list[str]:
    """The tasks of one level that wait for one of these, directly or not, without these themselves."""
    start = list(task_ids)
    found = dict.fromkeys(start)
    queue = list(start)
    for one in queue:
        for edge in graph.after(one):
            if edge.to_id not in found:
                found[edge.to_id] = None
                queue.append(edge.to_id)
    return [one for one in found if one not in start]


def ahead(graph: TaskGraph, task_id: str) -> list[str]:
    """Everything that ends before a task may start: what it and the headings above it wait for, directly or not."""
    found: dict[str, None] = {}
    for one in line_above(graph, task_id):
        queue = [edge.from_id for edge in graph.before(one)]
        for other in queue:
            if other not in found:
                found[other] = None
                queue.extend(edge.from_id for edge in graph.before(other))
    return list(found)


def at_hand(graph: TaskGraph, task_id: str, facts: Iterable[str], given: Iterable[Artefact]) -> Supply:
    """What a task in this place can work with: facts, what is `given`, what is done, and what is produced before it."""
    supply = Supply([*(Artefact(name) for name in facts), *given])
    before = {task.id for task in work_in(graph, ahead(graph, task_id))}
    for task in work_in(graph, graph.children()):
        if task.state is TaskState.DONE or (task.id in before and task.state not in _LOST):
            supply.add(task.outputs)
    return supply


def duties(graph: TaskGraph, task_ids: Collection[str], facts: Iterable[str]) -> list[Artefact]:
    """What unfinished tasks behind these need of what these would have put out, and would get from nobody else."""
    given_up = work_in(graph, task_ids)
    gone = {task.id for task in given_up}
    outputs = [output for task in given_up if task.state is not TaskState.DONE for output in task.outputs]
    levels = [one for task_id in task_ids for one in line_above(graph, task_id)]
    consumers = work_in(graph, dict.fromkeys(other for one in levels for other in behind(graph, [one])))
    waiting = [task for task in consumers if not task.state.ended and task.id not in gone]
    supply = Supply(Artefact(name) for name in facts)
    for task in work_in(graph, graph.children()):
        if (task.id not in gone or task.state is TaskState.DONE) and task.state not in _LOST:
            supply.add(task.outputs)
    needed = [one for task in waiting for one in task.inputs if any(feeds(output, one) for output in outputs)]
    return supply.missing(dict.fromkeys(needed))


def serves(outputs: Sequence[Artefact], needed: Iterable[Artefact]) -> bool:
    """Whether these outputs are all that is needed."""
    return all(any(feeds(output, one) for output in outputs) for one in needed)
