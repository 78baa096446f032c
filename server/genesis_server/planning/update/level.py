"""A level made anew by a method, with what is done there already as givens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Edge, EdgeKind, EdgeOrigin, EdgeSource, Plan, Task, TaskKind, TaskState
from genesis_server.planning.dag import TOP, TaskGraph
from genesis_server.planning.dataflow import Supply, feeds
from genesis_server.planning.expansion import expand
from genesis_server.planning.methods import MethodMatch
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.ids import next_id
from genesis_server.planning.update.supply import work_in


def remake(
    graph: TaskGraph,
    heading_id: str,
    match: MethodMatch,
    available: Mapping[str, str],
    *,
    facts: Sequence[str],
    replan: Replan,
    taken: AbstractSet[str],
) -> None:
    """Add the steps of a method below a heading, those aside that its tasks or the facts serve already; no id of `taken` is given.

    A task that is there serves a step when it asks for the same capability, or when everything the step puts out is put out there.
    Raises LimitError, CycleError and TaskGraphError as the graph does.
    """
    heading = graph.task(heading_id)
    there = [task for task in work_in(graph, graph.children(heading_id)) if task.state is TaskState.DONE or not task.state.ended]
    scratch = TaskGraph(heading.goal)
    expand(scratch, Task(heading_id, heading.goal, origin=heading.origin), match, available)
    by_capability = {replan.capability_of(task): task.id for task in there}
    _Remaking(graph, scratch.freeze(), there=there, by_capability=by_capability, facts=facts, taken=taken).run()


class _Remaking:
    """One method on its way into a graph."""

    def __init__(
        self,
        graph: TaskGraph,
        steps: Plan,
        *,
        there: Sequence[Task],
        by_capability: Mapping[str, str],
        facts: Sequence[str],
        taken: AbstractSet[str],
    ) -> None:
        self._graph = graph
        self._steps = steps
        self._there = there
        self._given = Supply(Artefact(name) for name in facts)
        self._by_capability = by_capability
        self._taken = taken
        self._now: dict[str, str | None] = {steps.tasks[0].id: steps.tasks[0].id}
        """For each step the task that does it; None: a fact does."""

    def run(self) -> None:
        """Add what is missing, with its edges."""
        added: list[str] = []
        headings = {step.parent_id for step in self._steps.tasks}
        served = {step.id: self._server(step) for step in self._steps.tasks if step.id not in headings}
        needed = {parent for step in served if served[step] == _NOBODY for parent in self._above(step)}
        for step in self._steps.tasks[1:]:
            found = served.get(step.id, _NOBODY)
            if found != _NOBODY or (step.id in headings and step.id not in needed):
                self._now[step.id] = found or None
                if found and step.needs_approval and not self._graph.task(found).state.ended:
                    self._graph.replace_task(replace(self._graph.task(found), needs_approval=True))
                continue
            parent = self._now[step.parent_id]
            taken = self._taken | {task.id for task in self._graph.tasks()}
            new_id = step.id if step.id not in taken else next_id(step.id, taken)
            self._now[step.id] = self._graph.add_task(replace(step, id=new_id), parent or TOP).id
            added.append(new_id)
        for edge in self._steps.edges:
            self._connect(edge, added)
        self._feed(added)

    def _server(self, step: Task) -> str | None:
        """The task that serves a step, None when facts do, _NOBODY when it is to be done."""
        if step.capability and step.capability in self._by_capability:
            return self._by_capability[step.capability]
        if not step.outputs:
            return _NOBODY
        if not self._given.missing(step.outputs):
            return None
        for task in self._there:
            if all(any(feeds(output, one) for output in task.outputs) for one in step.outputs):
                return task.id
        return _NOBODY

    def _above(self, step_id: str) -> list[str]:
        parents = {step.id: step.parent_id for step in self._steps.tasks}
        found: list[str] = []
        while step_id:
            found.append(step_id)
            step_id = parents[step_id]
        return found

    def _connect(self, edge: Edge, added: Sequence[str]) -> None:
        """An edge of the method, where its later end is new."""
        earlier, later = self._now[edge.from_id], self._now[edge.to_id]
        if earlier is not None and later is not None and later in added and earlier != later:
            self._graph.add_edge(earlier, later, edge.kind, edge.artefact, edge.origin)

    def _feed(self, added: Sequence[str]) -> None:
        """Make the new work wait for the work there was, where it needs what that puts out."""
        for task in [self._graph.task(one) for one in added]:
            if task.kind is TaskKind.COMPOUND:
                continue
            for other in self._there:
                flow = next((output for output in other.outputs if any(feeds(output, one) for one in task.inputs)), None)
                if flow is not None:
                    origin = EdgeOrigin(EdgeSource.ARTEFACT, flow.name)
                    self._graph.add_edge(other.id, task.id, EdgeKind.DATA, flow.name, origin)


_NOBODY = ""
