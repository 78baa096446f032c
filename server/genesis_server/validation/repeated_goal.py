"""Tasks that say again what the goal says, where that is two or more actions.

An action that takes up an earlier one with a like verb and a pronoun ("adjust the alarm, change it to 9 pm") is no second one. Beside
other tasks, a task that alone answers some of the goal, by its origin, is the one that does it and no repetition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from genesis_server.model.plan import Edge, EdgeKind, TaskSource
from genesis_server.model.span import Span
from genesis_server.model.validation import DropTask, Finding, FindingKind, Principle, Severity, SplitTask
from genesis_server.text.words import stem, stem_set
from genesis_server.validation.additions import Additions
from genesis_server.validation.elements import Action, GoalElements
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.policy import CompletenessPolicy
from genesis_server.validation.vocabulary import default_vocabulary

_SHORTEST = 0.5
"""A task repeats a goal only if it is at least this long in letters: what is shorter is not compared."""


def main_actions(found: GoalElements, fewest_words: int) -> list[Action]:
    """The actions that need a task of their own."""
    supporting = default_vocabulary().supporting_verbs
    actions: list[Action] = []
    for action in found.actions:
        says_enough = len(action.terms) >= fewest_words or bool(action.details)
        if action.verb not in supporting and says_enough and not _taken_up(action, actions):
            actions.append(action)
    return actions


def _taken_up(action: Action, earlier: list[Action]) -> bool:
    vocabulary = default_vocabulary()
    rest = action.span.text[action.verb_span.end - action.span.start :].split(maxsplit=1)
    if not rest or rest[0].lower().strip(".,;:!?") not in vocabulary.pronouns:
        return False
    return any(vocabulary.likeness(stem(action.verb), stem(other.verb)) for other in earlier)


def repeating_rows(graph: PlanGraph, goal: str, found: GoalElements, policy: CompletenessPolicy) -> frozenset[int]:
    """Rows of tasks whose words are those of the goal; none when the goal asks for one action only."""
    actions = main_actions(found, policy.fewest_words)
    if len(actions) < 2:
        return frozenset()
    verbs = {stem(action.verb) for action in actions}
    wanted = stem_set(goal)
    shortest = _SHORTEST * len(goal.strip())
    rows: list[int] = []
    for row in graph.work:
        text = graph.tasks.goals[row]
        if len(text) < shortest:
            continue
        said = stem_set(text)
        if verbs <= said and len(said & wanted) >= policy.repeated * max(len(said), len(wanted)):
            rows.append(row)
    if not rows or len(rows) == len(graph.work):
        return frozenset(rows)
    return frozenset(rows) - _sole_answers(graph, actions)


def _sole_answers(graph: PlanGraph, actions: list[Action]) -> frozenset[int]:
    """Rows of tasks that, by their origins, answer the verb of an action that no other task answers."""
    sole: set[int] = set()
    answers = {row: _spans(graph, row) for row in graph.work} if graph.tasks.origins else {}
    for action in actions:
        rows = [row for row, spans in answers.items() if any(span.start <= action.verb_span.start < span.end for span in spans)]
        if len(rows) == 1:
            sole.add(rows[0])
    return frozenset(sole)


def _spans(graph: PlanGraph, row: int) -> tuple[Span, ...]:
    """The words of the goal that a task answers; none when it is only the goal itself."""
    origin = graph.tasks.origins.get(row)
    return origin.spans if origin is not None and origin.source is not TaskSource.GOAL else ()


def repeated_goal(graph: PlanGraph, rows: frozenset[int], found: GoalElements, additions: Additions) -> Iterator[Finding]:
    """Each of these tasks: an error when the plan has no other, else a warning, since others do the work."""
    ids = graph.tasks.ids
    alone = len(rows) == len(graph.work)
    actions = found.actions
    for number, row in enumerate(sorted(rows)):
        name = ids[row]
        fix = DropTask(name)
        if alone and not number:
            parts = tuple(replace(additions.part(action), parent_id=graph.tasks.parent_ids[row]) for action in actions)
            fix = SplitTask(name, parts, tuple(Edge(a.id, b.id, EdgeKind.ORDER) for a, b in pairwise(parts)))
        yield Finding(
            FindingKind.REPEATED_GOAL,
            Principle.COMPLETENESS,
            Severity.ERROR if alone else Severity.WARNING,
            f"task '{name}' only repeats the goal, which asks for {len(actions)} actions; "
            + ("make a task of each" if alone else "drop it, the other tasks do the work"),
            spans=tuple(action.span for action in actions),
            task_ids=(name,),
            fix=fix,
        )
