"""Details that were lost on the way: they stand in the words a task answers, but in no task that answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genesis_server.model.plan import TaskSource
from genesis_server.model.validation import Finding, FindingKind, Principle, Redescribe, Severity
from genesis_server.text.words import word_texts
from genesis_server.validation.elements import Detail, DetailKind, terms_of
from genesis_server.validation.findings import listed
from genesis_server.validation.graph import PlanGraph

MAX_TASKS = 1_000
"""In larger plans nothing is looked for."""


def lost_details(graph: PlanGraph, details: Sequence[Detail]) -> Iterator[Finding]:
    """For each task made from a clause the numbers, dates and quotations of the clause that no task made from it has."""
    rows = [row for row in graph.work if _is_clause(graph, row)] if len(graph.work) <= MAX_TASKS else []
    said = {row: _terms(graph, row) for row in rows}
    lost: dict[int, list[Detail]] = {}
    for detail in details if rows else ():
        answering = [row for row in rows if _answers(graph, row, detail)]
        if detail.kind is not DetailKind.NAME and answering and not any(detail.terms <= said[row] for row in answering):
            lost.setdefault(answering[0], []).append(detail)
    for row, missing in lost.items():
        name, goal = graph.tasks.ids[row], graph.tasks.goals[row]
        yield Finding(
            FindingKind.UNCOVERED_ELEMENT,
            Principle.COMPLETENESS,
            Severity.WARNING,
            f"task '{name}' lost {listed(detail.span.text for detail in missing)} of the words it answers; say it in its goal",
            spans=tuple(detail.span for detail in missing),
            task_ids=(name,),
            fix=Redescribe(name, f"{goal} ({', '.join(detail.span.text for detail in missing)})"),
        )


def _is_clause(graph: PlanGraph, row: int) -> bool:
    origin = graph.tasks.origins.get(row)
    return origin is not None and origin.source is TaskSource.CLAUSE


def _answers(graph: PlanGraph, row: int, detail: Detail) -> bool:
    return any(span.start <= detail.span.start and detail.span.end <= span.end for span in graph.tasks.origins[row].spans)


def _terms(graph: PlanGraph, row: int) -> frozenset[str]:
    tasks = graph.tasks
    outputs = " ".join(artefact.name for artefact in tasks.outputs.get(row, ()))
    text = f"{tasks.goals[row]} {tasks.acceptances.get(row, '')} {tasks.notes.get(row, '')} {outputs}"
    return frozenset(map(terms_of, word_texts(text)))
