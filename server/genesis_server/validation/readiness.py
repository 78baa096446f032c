"""Whether what a task needs is there when it starts.

A task's input is looked for among the outputs of the plan's other primitive tasks, by name and type. Nobody produces it: it comes
from outside. A producer comes before: fine. Otherwise the task may start without it: an error when a producer may run at the same
time, a warning when every producer comes later, since then the input may well come from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from genesis_server.model.catalogue import Artefact
from genesis_server.model.validation import Finding, FindingKind, Principle, Severity
from genesis_server.validation.findings import listed
from genesis_server.validation.flow import Flow
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.reach import QUESTIONS_AT_ONCE, Reach

MAX_QUESTIONS = 16 * QUESTIONS_AT_ONCE
"""Inputs that no task directly before produces; beyond this many the rest is not judged."""
MAX_PAIRS = 1_000_000
"""Such an input and a task that produces it make a pair; beyond this many the rest is not judged."""


def types_fit(needed: Artefact, produced: Artefact) -> bool:
    """Whether one artefact can serve as another of its name: types equal without regard to case, or one of them open."""
    return not needed.type or not produced.type or needed.type.casefold() == produced.type.casefold()


class Readiness:
    """The inputs of a plan's tasks against its outputs."""

    def __init__(self, graph: PlanGraph) -> None:
        """Find the inputs that some other task produces and no task directly before does, as far as the bounds reach."""
        self._graph = graph
        self._questions: list[tuple[int, Artefact, list[int]]] = []
        self.unjudged = 0
        """How many inputs are beyond what is looked at."""
        work = set(graph.work) if graph.tasks.outputs and graph.tasks.inputs else set[int]()
        makers: dict[str, dict[int, list[Artefact]]] = {}
        for row, artefacts in graph.tasks.outputs.items():
            for artefact in artefacts if row in work else ():
                makers.setdefault(artefact.name, {}).setdefault(row, []).append(artefact)
        if not makers:
            return
        before = _directly_before(graph)
        pairs = 0
        for row, artefacts in graph.tasks.inputs.items():
            for artefact in artefacts if row in work else ():
                made = makers.get(artefact.name, {})
                if not made or _any_makes(artefact, made, before[row]):
                    continue
                if pairs + len(made) > MAX_PAIRS or len(self._questions) == MAX_QUESTIONS:
                    self.unjudged += 1
                    continue
                pairs += len(made)
                producers = [maker for maker, outputs in made.items() if maker != row and _makes(artefact, outputs)]
                if producers:
                    self._questions.append((row, artefact, producers))

    def findings(self, flow: Flow, order: Sequence[int]) -> Iterator[Finding]:
        """Inputs that are not ready."""
        asked = self._questions
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


def _makes(needed: Artefact, outputs: Iterable[Artefact]) -> bool:
    for made in outputs:  # noqa: SIM110  (any() takes twice the time)
        if types_fit(needed, made):
            return True
    return False


def _any_makes(needed: Artefact, makers: Mapping[int, Iterable[Artefact]], rows: AbstractSet[int]) -> bool:
    """Whether one of some rows makes what is needed; goes through whichever are fewer, the makers or the rows."""
    fewer, more = (rows, makers) if len(rows) < len(makers) else (makers, rows)
    for row in fewer:  # noqa: SIM110
        if row in more and _makes(needed, makers[row]):
            return True
    return False


def _directly_before(graph: PlanGraph) -> dict[int, set[int]]:
    """For each row with inputs the rows directly before it."""
    before: dict[int, set[int]] = {row: set() for row in graph.tasks.inputs}
    for source, target in zip(graph.sources.tolist(), graph.targets.tolist(), strict=True):
        if target in before:
            before[target].add(source)
    return before
