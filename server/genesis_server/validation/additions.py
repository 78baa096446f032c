"""Tasks that would do what a plan leaves out."""

from __future__ import annotations

from genesis_server.agents.index import Offer
from genesis_server.model.plan import Edge, EdgeKind, EdgeOrigin, EdgeSource, Task, TaskOrigin, TaskSource
from genesis_server.model.validation import AddTask
from genesis_server.text.words import stem
from genesis_server.validation.elements import Action
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.offered import Offered


class Additions:
    """Makes tasks for actions of the goal, from what the catalogue offers; without a catalogue their words alone say what to do."""

    def __init__(self, graph: PlanGraph, offered: Offered | None, threshold: float) -> None:
        """Make tasks for a plan.

        Args:
            graph: the plan.
            offered: the catalogue; None: there is none.
            threshold: the similarity from which an offer does for an action.
        """
        self._graph = graph
        self._offered = offered
        self._threshold = threshold
        self._taken: set[str] | None = None

    def of_action(self, action: Action) -> tuple[AddTask | None, str]:
        """A task that does an action, None when nobody offers it; and the end of a sentence that says who could do it."""
        if self._offered is None:
            return AddTask(self._task(action, None, 0.0)), ""
        best, score = self._doer(action)
        if best is None:
            near = next(iter(self._offered.nearest(action.span.text)), None)
            nearest = (
                f" (nearest is '{near[0].capability}' of '{near[0].target_id}', similar by {near[1]:.2f}, {self._threshold:.2f} are needed)"
                if near is not None
                else ""
            )
            return None, f" and bring an agent or tool for it: none of the catalogue fits{nearest}"
        task = self._task(action, best, score)
        return AddTask(task, self._edges(task)), f", '{best.capability}' of '{best.target_id}' could do it"

    def part(self, action: Action) -> Task:
        """A task that does one of several actions somebody put into one task."""
        best, score = self._doer(action) if self._offered is not None else (None, 0.0)
        return self._task(action, best, score)

    def _doer(self, action: Action) -> tuple[Offer | None, float]:
        """The offer for an action: the nearest that does what the verb says, else the nearest."""
        if self._offered is None:
            return None, 0.0
        text = action.span.text
        for found in (self._offered.doer(text, stem(action.verb)), next(iter(self._offered.nearest(text)), None)):
            if found is not None and found[1] >= self._threshold:
                return found
        return None, 0.0

    def _task(self, action: Action, offer: Offer | None, score: float) -> Task:
        origin = TaskOrigin(
            TaskSource.CLAUSE, spans=(action.span,), catalogue_entry=offer.capability if offer is not None else "", match_score=score
        )
        if offer is None:
            return Task(self._new_id(), action.span.text, origin=origin)
        return Task(
            self._new_id(), action.span.text, capability=offer.capability, inputs=offer.inputs, outputs=offer.outputs, origin=origin
        )

    def _edges(self, task: Task) -> tuple[Edge, ...]:
        """From the first task that makes each thing the new one needs."""
        makers: dict[str, str] = {}
        for row, made in self._graph.tasks.outputs.items():
            for artefact in made:
                makers.setdefault(artefact.name, self._graph.tasks.ids[row])
        return tuple(
            Edge(makers[needed.name], task.id, EdgeKind.DATA, needed.name, EdgeOrigin(EdgeSource.EDIT))
            for needed in task.inputs
            if needed.name in makers
        )

    def _new_id(self) -> str:
        if self._taken is None:
            self._taken = set(self._graph.tasks.ids)
        number = 1
        while f"added_{number}" in self._taken:
            number += 1
        self._taken.add(f"added_{number}")
        return f"added_{number}"
