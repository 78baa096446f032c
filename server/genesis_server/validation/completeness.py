"""Do the tasks together cover the goal?

The completeness principle of Agent-Oriented Planning (arXiv 2410.02189), without a language model.

What a task's origin says it answers is covered: whoever made the plan read those words of the goal. For the rest the words of the
primitive tasks decide, and what the catalogue offers; headings cover nothing.

- An action of the goal is left out when the evidence for that adds up (evidence.py).
- A number or date is covered when all its parts stand in one task, a quotation, a name or a constraint when half of its words do, and
  the thing an action is about when any task, or the catalogue's description of a task's capability, has it (above 5 000 tasks: when
  they stand anywhere). What is not covered is told: a constraint as a warning; a number, date, quotation or name as one where the
  tasks say other details of the goal, else as a note, for then they leave details to the arguments of calls; a thing as a note, for
  another word may mean the same.
- A number, date or quotation that a task's clause has and the task lost is a warning (lost_details.py).
- A task that says again what a goal of two or more actions says covers nothing, and a plan of such tasks is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import TaskSource
from genesis_server.model.span import Span
from genesis_server.model.validation import Finding, FindingKind, Principle, Severity
from genesis_server.resilience.remembering import remembers_texts
from genesis_server.validation.additions import Additions
from genesis_server.validation.coverage import Coverage
from genesis_server.validation.elements import Action, Detail, DetailKind, GoalElements, goal_elements
from genesis_server.validation.evidence import Evidence
from genesis_server.validation.findings import listed
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.lost_details import lost_details
from genesis_server.validation.offered import Descriptions, Offered
from genesis_server.validation.policy import CompletenessPolicy
from genesis_server.validation.repeated_goal import repeated_goal, repeating_rows
from genesis_server.validation.vocabulary import default_vocabulary

QUOTES = "\"'“”‘’«»`"


def why_not_judged(graph: PlanGraph, goal: str) -> str:
    """The reason why completeness cannot be judged; empty when it can."""
    if not goal.strip():
        return "there is no goal to compare with; send one, or a plan that has one"
    origin = graph.tasks.origins.get(graph.work[0]) if len(graph.work) == 1 else None
    if origin is not None and origin.source is TaskSource.GOAL:
        return "the one task of this plan is the goal itself (the minimal level), so there is nothing to compare"
    return ""


def judge_completeness(graph: PlanGraph, goal: str, policy: CompletenessPolicy, index: CatalogueIndex | None = None) -> Iterator[Finding]:
    """Elements of the goal that no task covers, and tasks that only repeat it."""
    found = _elements(goal)
    offered = Offered(index) if index is not None and index.offers else None
    additions = Additions(graph, offered, policy.offered)
    repeating = repeating_rows(graph, goal, found, policy)
    if repeating:
        yield from repeated_goal(graph, repeating, found, additions)
        if len(repeating) == len(graph.work):
            return
    yield from lost_details(graph, found.details)
    open_elements = _open_elements(found, _answered(graph, len(goal)))
    coverage = Coverage(graph, _asked(replace(open_elements, details=found.details)), without=repeating)
    evidence = Evidence(coverage, offered, policy, too_few=len(graph.work) - len(repeating) < len(found.actions))
    missed: list[Action] = []
    for action in open_elements.actions:
        surplus = evidence.surplus(action)
        if surplus >= -policy.doubt:
            missed.append(action)
            yield _left_out(action, additions, wrong=surplus >= 0.0)
    loose = list(_loose(open_elements, missed, coverage, policy, _described(graph, index)))
    yield from _not_mentioned(loose, says_details=any(_is_said(detail, coverage, policy) for detail in found.details))


# Repairs judge a plan by the same goal again and again.
@remembers_texts(most=16)
def _elements(goal: str) -> GoalElements:
    return goal_elements(goal, default_vocabulary())


def _not_mentioned(loose: list[Detail], *, says_details: bool) -> Iterator[Finding]:
    """What no task mentions, as a warning and a note; `says_details`: whether the tasks say any detail of the goal."""
    parts: dict[Severity, list[Detail]] = {Severity.WARNING: [], Severity.INFO: []}
    for detail in loose:
        missed = detail.kind is DetailKind.CONSTRAINT or (detail.kind is not DetailKind.THING and says_details)
        parts[Severity.WARNING if missed else Severity.INFO].append(detail)
    for severity, details in parts.items():
        if details:
            yield Finding(
                FindingKind.UNCOVERED_ELEMENT,
                Principle.COMPLETENESS,
                severity,
                f"no task mentions {listed(detail.span.text.strip(QUOTES) for detail in details)} of the goal; "
                "say it in the task that needs it",
                spans=tuple(detail.span for detail in details),
            )


def _left_out(action: Action, additions: Additions, *, wrong: bool) -> Finding:
    fix, by_whom = additions.of_action(action)
    advice = f"add one{by_whom}" + ("" if wrong else ", or say it in the words of the goal")
    return Finding(
        FindingKind.UNCOVERED_ELEMENT,
        Principle.COMPLETENESS,
        Severity.ERROR if wrong else Severity.WARNING,
        f"no task seems to do this: “{action.span.text}”; {advice}",
        spans=(action.span,),
        fix=fix if wrong else None,
    )


def _asked(elements: GoalElements) -> set[str]:
    parts = [*elements.actions, *elements.details, *elements.constraints, *(thing for a in elements.actions for thing in a.things)]
    return {term for part in parts for term in part.terms}


def _loose(
    elements: GoalElements, missed: list[Action], coverage: Coverage, policy: CompletenessPolicy, described: frozenset[str]
) -> Iterator[Detail]:
    """Details, constraints and things of the goal that no task covers and that no missed action tells of."""
    supporting = default_vocabulary().supporting_verbs
    things = [thing for action in elements.actions if action.verb not in supporting for thing in action.things]
    told = [action.span for action in missed]
    for detail in sorted({*elements.details, *elements.constraints, *things}, key=lambda part: (part.span.start, part.span.end)):
        if any(span.start <= detail.span.start < span.end for span in told):
            continue
        if detail.kind is DetailKind.THING and detail.terms <= described:
            continue
        if not _is_said(detail, coverage, policy):
            yield detail


def _is_said(detail: Detail, coverage: Coverage, policy: CompletenessPolicy) -> bool:
    return coverage.best_share(detail.terms) >= (1.0 if detail.kind in _WHOLE else policy.named)


_WHOLE = frozenset({DetailKind.NUMBER, DetailKind.DATE, DetailKind.THING})


def _described(graph: PlanGraph, index: CatalogueIndex | None) -> frozenset[str]:
    """Stems of what the catalogue says about the capabilities the tasks name."""
    if index is None:
        return frozenset()
    named = {graph.tasks.capabilities[row] for row in graph.work}
    offers = [offer for capability in sorted(named) for offer in index.with_capability(capability)[:1]]
    descriptions = Descriptions(index)
    return frozenset[str]().union(*(descriptions.words(offer) for offer in offers))


def _answered(graph: PlanGraph, length: int) -> bytearray:
    """For each code point of the goal, whether the origin of a task that is work names it."""
    answered = bytearray(length)
    for row in graph.work if graph.tasks.origins else ():
        origin = graph.tasks.origins.get(row)
        for span in origin.spans if origin is not None else ():
            end = min(span.end, length)
            if span.start < end:
                answered[span.start : end] = b"\x01" * (end - span.start)
    return answered


def _open_elements(found: GoalElements, answered: bytearray) -> GoalElements:
    def is_open(span: Span) -> bool:
        return not all(answered[span.start : span.end])

    return GoalElements(
        tuple(action for action in found.actions if is_open(action.verb_span)),
        tuple(detail for detail in found.details if is_open(detail.span)),
        tuple(detail for detail in found.constraints if is_open(detail.span)),
    )
