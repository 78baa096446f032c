"""What becomes known changes a plan: producers nobody needs any more, and tasks in new words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from genesis_server.agents.index import Match
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import EdgeKind, EdgeOrigin, EdgeSource, TaskKind, TaskOrigin, TaskSource, TaskState
from genesis_server.planning.catalogue_match import THRESHOLD
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.dataflow import everyday, feeds
from genesis_server.planning.order import CycleError
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.approval import approved_as
from genesis_server.planning.update.repair import reword
from genesis_server.planning.update.supply import duties, serves, work_in

_MADE_TO_FEED = frozenset({TaskSource.CATALOGUE, TaskSource.METHOD, TaskSource.MODEL})


def give_up_producers(graph: TaskGraph, facts: Mapping[str, Any]) -> list[str]:
    """Skip the unfinished tasks that are there only to produce what `facts` tell; their ids.

    That is a task all of whose outputs are told, that others wait to be fed by, and that the goal's words do not ask for themselves; then
    also what the catalogue gave only to feed such a task. A name that means nothing ("result") tells nothing.
    """
    names, _ = everyday()
    told = {name.casefold() for name, value in facts.items() if value is not None} - names
    given_up: list[str] = []
    for task in work_in(graph, graph.children()):
        made = task.origin is not None and task.origin.source in _MADE_TO_FEED
        is_told = bool(task.outputs) and {output.name.casefold() for output in task.outputs} <= told
        if made and is_told and not task.state.ended and duties(graph, [task.id], ()):
            given_up.append(task.id)
    for task_id in given_up:
        _skip(graph, task_id)
    # The list grows while it is gone through: what fed only what was given up is given up in turn.
    for task_id in given_up:
        for edge in graph.before(task_id):
            feeder = graph.task(edge.from_id)
            helps = feeder.origin is not None and feeder.origin.source is TaskSource.CATALOGUE
            if helps and not feeder.state.ended and edge.kind is EdgeKind.DATA and not duties(graph, [feeder.id], ()):
                _skip(graph, feeder.id)
                given_up.append(feeder.id)
    return given_up


def _skip(graph: TaskGraph, task_id: str) -> None:
    graph.replace_task(replace(graph.task(task_id), state=TaskState.SKIPPED))


def redescribe(graph: TaskGraph, task_id: str, text: str, *, facts: Sequence[str], replan: Replan) -> None:
    """Give a task new words.

    Work gets the entry of the catalogue that answers them best and still serves what waits for it; when none does it keeps its artefacts
    and has no capability, and the router goes by the words. What is left below a heading follows the method that fits the words; when
    none does it stays. Raises DecompositionError UPDATE_LIMIT when that brings too many tasks.
    """
    task = graph.task(task_id)
    if task.kind is TaskKind.COMPOUND:
        reword(graph, task_id, text, facts=facts, replan=replan)
        return
    needed = duties(graph, [task_id], facts)
    match = _answer(text, needed, replan)
    if match is None:
        new = replace(task, goal=text, capability="", expected_seconds=None, origin=TaskOrigin(TaskSource.EDIT))
        graph.replace_task(approved_as(new, task))
        return
    offer = match.offer
    origin = TaskOrigin(TaskSource.EDIT, catalogue_entry=offer.capability, match_score=match.score)
    new = replace(task, goal=text, capability=offer.capability, inputs=offer.inputs, outputs=offer.outputs, origin=origin)
    new = approved_as(new, task)
    graph.replace_task(new if offer.capability == task.capability else replace(new, expected_seconds=None))
    _reconnect(graph, task_id)


def _answer(text: str, needed: Iterable[Artefact], replan: Replan) -> Match | None:
    wanted = list(needed)
    able = (match for match in replan.index.match(text) if match.score >= THRESHOLD)
    return next((match for match in able if serves(match.offer.outputs, wanted)), None)


def _reconnect(graph: TaskGraph, task_id: str) -> None:
    """What flows to and from a task after its artefacts changed; what flows no more still comes in its order."""
    task = graph.task(task_id)
    for edge in graph.before(task_id):
        if edge.kind is EdgeKind.DATA and not _flows([Artefact(edge.artefact), *_outputs(graph, edge.from_id)], task.inputs):
            graph.remove_edge(edge.from_id, edge.to_id)
            graph.add_edge(edge.from_id, edge.to_id, EdgeKind.ORDER, origin=EdgeOrigin(EdgeSource.EDIT))
    for edge in graph.after(task_id):
        names = {output.name for output in task.outputs}
        if edge.kind is EdgeKind.DATA and edge.artefact not in names and not graph.task(edge.to_id).state.ended:
            flow = _flow(task.outputs, [one for other in work_in(graph, [edge.to_id]) for one in other.inputs])
            graph.remove_edge(edge.from_id, edge.to_id)
            kind = EdgeKind.ORDER if flow is None else EdgeKind.DATA
            graph.add_edge(edge.from_id, edge.to_id, kind, flow.name if flow else "", EdgeOrigin(EdgeSource.EDIT))
    for other in graph.children(task.parent_id):
        flow = _flow(_outputs(graph, other), task.inputs) if other != task_id else None
        if flow is not None:
            with suppress(CycleError):
                graph.add_edge(other, task_id, EdgeKind.DATA, flow.name, EdgeOrigin(EdgeSource.ARTEFACT, flow.name))


def _outputs(graph: TaskGraph, task_id: str) -> list[Artefact]:
    lost = {TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED}
    return [output for other in work_in(graph, [task_id]) if other.state not in lost for output in other.outputs]


def _flow(outputs: Iterable[Artefact], inputs: Collection[Artefact]) -> Artefact | None:
    return next((output for output in outputs if any(feeds(output, one) for one in inputs)), None)


def _flows(outputs: Iterable[Artefact], inputs: Collection[Artefact]) -> bool:
    return _flow(outputs, inputs) is not None
