"""Outputs that another task makes too, and outputs that nobody needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from genesis_server.text.words import stem_set
from genesis_server.validation.graph import PlanGraph


def subsumed_tasks(graph: PlanGraph, told: Collection[int]) -> Iterator[tuple[int, int]]:
    """Pairs of a row and another of the same capability and inputs that puts out all the first does, and more.

    `told`: rows that something was said about already.
    """
    tasks = graph.tasks
    by_work: dict[tuple[str, frozenset[str]], list[int]] = {}
    for row in graph.work if tasks.outputs else ():
        if row in tasks.outputs and tasks.capabilities[row]:
            key = (tasks.capabilities[row], frozenset(needed.name for needed in tasks.inputs.get(row, ())))
            by_work.setdefault(key, []).append(row)
    for rows in by_work.values():
        made = {row: frozenset(artefact.name for artefact in tasks.outputs[row]) for row in rows}
        largest = max(rows, key=lambda row: (len(made[row]), -row))
        for row in rows:
            if row not in told and made[row] < made[largest]:
                yield row, largest


def unused_outputs(graph: PlanGraph, goal: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of tasks whose outputs nobody takes, after which nothing comes, and whose words the goal does not have.

    Without a goal nothing can be said, and what a task's origin says it answers is of the goal.
    """
    tasks = graph.tasks
    if not tasks.outputs or not goal.strip() or len(graph.work) < 2:
        return
    needed = {artefact.name for wanted in tasks.inputs.values() for artefact in wanted}
    flows = set(graph.edges.artefacts)
    waited_for = set(graph.sources.tolist())
    asked: frozenset[str] | None = None
    for row in graph.work:
        names = [artefact.name for artefact in tasks.outputs.get(row, ())]
        origin = tasks.origins.get(row)
        if (
            not names
            or row in waited_for
            or (origin is not None and origin.spans)
            or any(name in needed or name in flows for name in names)
        ):
            continue
        asked = stem_set(goal) if asked is None else asked
        if asked.isdisjoint(stem_set(f"{tasks.goals[row]} {' '.join(names)}")):
            yield row, names
