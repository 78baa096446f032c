"""Do the tasks together cover the goal?

The completeness principle of Agent-Oriented Planning (arXiv 2410.02189), without a language model.

The rule. What a task's origin says it answers is covered: whoever made the plan read those words of the goal. For the rest the words
decide, those of the primitive tasks' goals, acceptances, capabilities and outputs, compared by stems:

- an action of the goal is left out when hardly any of the words that only this action has, few of all its words, and few of its
  details stand in any task (the shares are in data/validation.toml). That is an error when the plan has fewer tasks than the goal has
  actions, and a warning otherwise, since the plan may say it in other words. Verbs that support another action (confirm, ensure, use)
  do not need a task of their own.
- a number or date is covered when all its parts stand in one task, a quotation or a name when half of its words do (above 5 000 tasks:
  when they stand anywhere). Details that are not covered are one warning together: many sound plans leave them to the arguments of calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from genesis_server.model.plan import TaskSource
from genesis_server.model.span import Span
from genesis_server.model.validation import Finding, FindingKind, Principle, Severity
from genesis_server.validation.coverage import Coverage
from genesis_server.validation.elements import Action, Detail, DetailKind, GoalElements, goal_elements
from genesis_server.validation.findings import listed
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.policy import CompletenessPolicy
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


def judge_completeness(graph: PlanGraph, goal: str, policy: CompletenessPolicy) -> Iterator[Finding]:
    """Elements of the goal that no task covers."""
    found = goal_elements(goal, default_vocabulary())
    elements = _open_elements(found, _answered(graph, len(goal)))
    if not elements.actions and not elements.details:
        return
    asked = {term for element in (*elements.actions, *elements.details) for term in element.terms}
    coverage = Coverage(graph, asked)
    too_few = len(graph.work) < len(found.actions)
    missed = [action for action in elements.actions if _left_out(action, coverage, policy)]
    for action in missed:
        yield Finding(
            FindingKind.UNCOVERED_ELEMENT,
            Principle.COMPLETENESS,
            Severity.ERROR if too_few else Severity.WARNING,
            f"no task seems to do this: “{action.span.text}”; add one" + ("" if too_few else ", or say it in the words of the goal"),
            spans=(action.span,),
        )
    told = {detail for action in missed for detail in action.details}
    loose = [detail for detail in elements.details if detail not in told and not _covered(detail, coverage, policy)]
    if loose:
        yield Finding(
            FindingKind.UNCOVERED_ELEMENT,
            Principle.COMPLETENESS,
            Severity.WARNING,
            f"no task mentions {listed(detail.span.text.strip(QUOTES) for detail in loose)} of the goal; say it in the task that needs it",
            spans=tuple(detail.span for detail in loose),
        )


def _left_out(action: Action, coverage: Coverage, policy: CompletenessPolicy) -> bool:
    if action.verb in default_vocabulary().supporting_verbs or len(action.terms) < policy.fewest_words:
        return False
    terms_of_details = frozenset(term for detail in action.details for term in detail.terms)
    return (
        bool(action.own_terms)
        and coverage.share(action.own_terms) <= policy.own_words
        and coverage.share(action.terms) <= policy.all_words
        and (not terms_of_details or coverage.share(terms_of_details) <= policy.details)
    )


def _covered(detail: Detail, coverage: Coverage, policy: CompletenessPolicy) -> bool:
    needed = 1.0 if detail.kind in {DetailKind.NUMBER, DetailKind.DATE} else policy.named
    return coverage.best_share(detail.terms) >= needed


def _answered(graph: PlanGraph, length: int) -> bytearray:
    """For each code point of the goal, whether a task's origin names it."""
    answered = bytearray(length)
    for origin in graph.tasks.origins.values():
        for span in origin.spans:
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
    )
