"""Conditions of actions as guards of tasks: whose output decides, and under which name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genesis_server.model.plan import Guard, TaskKind
from genesis_server.planning.actions import Action, Condition
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.guards import name_among


def guards_of(action: Action, tasks: Sequence[str], graph: TaskGraph) -> tuple[Guard, ...]:
    """The guards of an action; `tasks` are the ids of the tasks of the actions before it.

    The artefact is the output of the deciding task that the condition's words mean, else the words themselves. Below a heading the
    task decides that has such an output, else the last one.
    """
    return tuple(_guard(condition, tasks, graph) for condition in action.guards)


def _guard(condition: Condition, tasks: Sequence[str], graph: TaskGraph) -> Guard:
    guard = Guard("", condition.artefact, condition.operator, condition.value, condition.text, condition.span)
    if condition.decider is None or condition.decider >= len(tasks):
        return guard
    leaves = _leaves(tasks[condition.decider], graph)
    for task_id in reversed(leaves):
        name = _output(condition.artefact, [output.name for output in graph.task(task_id).outputs], alone=len(leaves) == 1)
        if name is not None:
            return replace(guard, task_id=task_id, artefact=name)
    return replace(guard, task_id=leaves[-1])


def _output(artefact: str, names: list[str], *, alone: bool) -> str | None:
    if artefact:
        return name_among(artefact, names)
    return names[0] if alone and len(names) == 1 else None


def _leaves(task_id: str, graph: TaskGraph) -> list[str]:
    """A task, or those below a heading, each after what it waits for."""
    if graph.task(task_id).kind is not TaskKind.COMPOUND:
        return [task_id]
    return [leaf for child in graph.in_order(task_id) for leaf in _leaves(child, graph)]
