"""A method made into tasks: the steps below a heading, with the edges of their artefacts and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import EdgeKind, RetryPolicy, Task, TaskKind, TaskOrigin, TaskSource
from genesis_server.planning.catalogue_match import best_match
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.methods import Method, MethodMatch, Step

LONGEST_QUOTE = 200
SUBSTITUTE = 0.3
GOAL = "{goal}"


def capabilities(method: Method, index: CatalogueIndex) -> dict[str, str] | None:
    """For each capability the method asks for the one the catalogue has; None when it lacks any.

    The catalogue has it under the same id, or it has an entry of its own for it that answers the step's words from SUBSTITUTE on.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for step in method.leaves():
        if step.capability in found:
            continue
        if index.with_capability(step.capability):
            found[step.capability] = step.capability
            taken.add(step.capability)
            continue
        match = best_match(f"{step.capability} {step.goal.replace(GOAL, '')}", index)
        if match is None or match.score < SUBSTITUTE or match.offer.capability in taken:
            return None
        found[step.capability] = match.offer.capability
        taken.add(match.offer.capability)
    return found


def missing_capability(method: Method, index: CatalogueIndex) -> str:
    """The first capability a method asks for under an id the catalogue does not have; empty when it has all."""
    return next((step.capability for step in method.leaves() if not index.with_capability(step.capability)), "")


def expand(graph: TaskGraph, heading: Task, match: MethodMatch, available: Mapping[str, str], *, words: str = "") -> Task:
    """Add `heading` with the steps of the method below it; return it. Raises LimitError, and adds nothing, when it gets too large.

    `words` are what the steps say of the goal; empty: all of the heading's.
    """
    method = match.method
    produced = [artefact for step in method.leaves() for artefact in step.outputs]
    consumed = {artefact.name for step in method.leaves() for artefact in step.inputs}
    with graph.transaction():
        top = graph.add_task(
            replace(
                heading,
                kind=TaskKind.COMPOUND,
                inputs=method.needs,
                outputs=tuple(artefact for artefact in produced if artefact.name not in consumed),
            )
        )
        spans = heading.origin.spans if heading.origin else ()
        origin = TaskOrigin(TaskSource.METHOD, method_id=method.id, spans=spans)
        expansion = _Expansion(graph, quoted(words or heading.goal), origin, available)
        for step in method.steps:
            expansion.add(step, top.id)
        _connect(graph, method.steps, top.id)
        _connect_artefacts(graph, method.steps, top.id)
    return top


def quoted(goal: str) -> str:
    """The words of a goal, short enough to stand in a step."""
    text = " ".join(goal.split())
    if len(text) > LONGEST_QUOTE:
        text = text[:LONGEST_QUOTE].rsplit(" ", 1)[0] + "…"
    return text


@dataclass(frozen=True, slots=True)
class _Expansion:
    """What all steps of one expansion share."""

    graph: TaskGraph
    words: str
    origin: TaskOrigin
    available: Mapping[str, str]

    def add(self, step: Step, parent_id: str) -> None:
        """Add a step and what stands below it."""
        task_id = f"{parent_id}.{step.id}"
        capability = self.available.get(step.capability, "")
        task = Task(
            id=task_id,
            goal=step.goal.replace(GOAL, self.words),
            kind=TaskKind.COMPOUND if step.steps else TaskKind.PRIMITIVE,
            capability=capability,
            inputs=_needed(step) if step.steps else step.inputs,
            outputs=tuple(output for leaf in step.leaves() for output in leaf.outputs),
            acceptance=step.acceptance,
            difficulty=step.difficulty,
            expected_seconds=step.expected_seconds,
            origin=replace(self.origin, catalogue_entry=capability),
            retry=RetryPolicy(max_attempts=step.max_attempts),
            timeout_seconds=step.timeout_seconds,
            needs_approval=step.needs_approval,
        )
        self.graph.add_task(task, parent_id)
        for child in step.steps:
            self.add(child, task_id)


def _needed(step: Step) -> tuple[Artefact, ...]:
    """What a heading needs from outside."""
    inside = {output.name for leaf in step.leaves() for output in leaf.outputs}
    needed = {artefact.name: artefact for leaf in step.leaves() for artefact in leaf.inputs if artefact.name not in inside}
    return tuple(needed.values())


def _connect(graph: TaskGraph, steps: tuple[Step, ...], parent_id: str) -> None:
    """The order the method states."""
    for step in steps:
        for earlier in step.after:
            graph.add_edge(f"{parent_id}.{earlier}", f"{parent_id}.{step.id}")
        _connect(graph, step.steps, f"{parent_id}.{step.id}")


def _connect_artefacts(graph: TaskGraph, steps: tuple[Step, ...], parent_id: str) -> None:
    """The producer of each artefact before its consumers, lifted to where they are siblings."""
    leaves = list(_places(steps, parent_id))
    producers = {output.name: task_id for task_id, step in leaves for output in step.outputs}
    for task_id, step in leaves:
        for needed in step.inputs:
            if needed.name in producers:
                graph.add_edge(producers[needed.name], task_id, EdgeKind.DATA, needed.name)


def _places(steps: tuple[Step, ...], parent_id: str) -> list[tuple[str, Step]]:
    found: list[tuple[str, Step]] = []
    for step in steps:
        task_id = f"{parent_id}.{step.id}"
        found.extend(_places(step.steps, task_id) if step.steps else [(task_id, step)])
    return found
