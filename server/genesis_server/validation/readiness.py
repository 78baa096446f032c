"""Whether what a task needs is there when it starts.

A task's input is looked for among the outputs of the plan's other primitive tasks, by name and type. Nobody produces it: it comes
from outside. A producer comes before: fine. Otherwise the task may start without it: an error when a producer may run at the same
time, a warning when every producer comes later, since then the input may well come from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genesis_server.model.catalogue import Artefact
from genesis_server.model.validation import Finding, FindingKind, Principle, Severity
from genesis_server.validation.findings import listed
from genesis_server.validation.flow import Flow
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.reach import QUESTIONS_AT_ONCE, Reach

MAX_QUESTIONS = 16 * QUESTIONS_AT_ONCE
"""Inputs that no task directly before produces; beyond this many the rest is not judged."""


def types_fit(needed: Artefact, produced: Artefact) -> bool:
    """Whether one artefact can serve as another of its name: types equal without regard to case, or one of them open."""
    return not needed.type or not produced.type or needed.type.casefold() == produced.type.casefold()


class Readiness:
    """The inputs of a plan's tasks against its outputs."""

    def __init__(self, graph: PlanGraph) -> None:
        """Find the inputs that some other task produces and no task directly before does."""
        self._graph = graph
        work = set(graph.work) if graph.tasks.outputs and graph.tasks.inputs else set[int]()
        by_name: dict[str, list[tuple[int, Artefact]]] = {}
        for row, artefacts in graph.tasks.outputs.items():
            for artefact in artefacts if row in work else ():
                by_name.setdefault(artefact.name, []).append((row, artefact))
        self._questions: list[tuple[int, Artefact, list[int]]] = []
        if not by_name:
            return
        before = _directly_before(graph)
        for row, artefacts in graph.tasks.inputs.items():
            for artefact in artefacts if row in work else ():
                producers = list(dict.fromkeys(p for p, made in by_name.get(artefact.name, ()) if p != row and types_fit(artefact, made)))
                if producers and before.get(row, set()).isdisjoint(producers):
                    self._questions.append((row, artefact, producers))

    @property
    def unjudged(self) -> int:
        """How many inputs are beyond what is looked at."""
        return max(0, len(self._questions) - MAX_QUESTIONS)

    def findings(self, flow: Flow, order: Sequence[int]) -> Iterator[Finding]:
        """Inputs that are not ready."""
        asked = self._questions[:MAX_QUESTIONS]
        if not asked:
            return
        reach = Reach(flow, order)
        ready = reach.reached([(producers, [row]) for row, _, producers in asked])
        missing = [question for question, (is_ready,) in zip(asked, ready, strict=True) if not is_ready]
        later = reach.reached([([row], producers) for row, _, producers in missing])
        ids = self._graph.tasks.ids
        for (row, artefact, producers), comes_later in zip(missing, later, strict=True):
            apart = [producer for producer, after in zip(producers, comes_later, strict=True) if not after]
            names = [ids[producer] for producer in apart or producers]
            if apart:
                message = f"task '{ids[row]}' needs '{artefact.name}' but does not wait for {listed(names)}, which produces it; add an edge"
            else:
                message = (
                    f"task '{ids[row]}' needs '{artefact.name}', which only comes later, from {listed(names)}; "
                    "turn the order round, or give the artefact another name if it comes from outside"
                )
            yield Finding(
                FindingKind.INPUT_NOT_READY,
                Principle.STRUCTURE,
                Severity.ERROR if apart else Severity.WARNING,
                message,
                task_ids=(ids[row], *names[:10]),
            )


def _directly_before(graph: PlanGraph) -> dict[int, set[int]]:
    before: dict[int, set[int]] = {}
    for source, target in zip(graph.sources.tolist(), graph.targets.tolist(), strict=True):
        before.setdefault(target, set()).add(source)
    return before
