"""Does the capability a task names fit its words?

A capability that is offered makes a task solvable whatever its words say. But when its description has next to nothing of the task's
words nor of the whole goal's, while another offer has, the wrong one was probably named: a warning that says which comes nearest.
A step of a method is not asked: its capability was chosen by whoever wrote the method, not by its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import TaskSource
from genesis_server.model.validation import Finding, FindingKind, Principle, Reallocate, Severity
from genesis_server.text.index import Scores
from genesis_server.text.words import stem_set
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.offered import AT_ONCE, Descriptions, scores_of, target_of
from genesis_server.validation.policy import SolvabilityPolicy

MAX_TASKS = 1_000
"""In larger plans no words are compared with those of named capabilities."""
SHARED_WORDS = 2
"""A task with so many words of the capability's description fits, and is not looked at more closely."""


def misfits(graph: PlanGraph, goal: str, index: CatalogueIndex, policy: SolvabilityPolicy) -> Iterator[Finding]:
    """Tasks whose words do not fit the capability they name, with the offer that comes nearest."""
    if len(graph.work) > MAX_TASKS:
        return
    tasks = graph.tasks
    named = {tasks.capabilities[row] for row in graph.work}
    descriptions = Descriptions(index)
    described = {capability: [descriptions.words(offer) for offer in index.with_capability(capability)] for capability in named}
    doubtful: list[int] = []
    for row in graph.work:
        offered, origin = described[tasks.capabilities[row]], tasks.origins.get(row)
        if not offered or (origin is not None and origin.source is TaskSource.METHOD):
            continue
        words = stem_set(tasks.goals[row])
        if words and all(len(words & of_offer) < SHARED_WORDS for of_offer in offered):
            doubtful.append(row)
    if not doubtful:
        return
    of_goal = index.scores(goal)
    fit_of_goal = {capability: _share(of_goal, index, capability) for capability in {tasks.capabilities[row] for row in doubtful}}
    for row, scores in _scored(doubtful, graph, index):
        capability = tasks.capabilities[row]
        if _share(scores, index, capability) + fit_of_goal[capability] >= policy.fit_by_words:
            continue
        best = int(scores.argmax())
        if scores[best] < policy.text_threshold:
            continue
        offer = index.offers[best]
        missing = ", ".join(f"'{word}'" for word in sorted(stem_set(tasks.goals[row]) & descriptions.words(offer))[:5])
        yield Finding(
            FindingKind.UNFIT_TARGET,
            Principle.SOLVABILITY,
            Severity.WARNING,
            f"task '{tasks.ids[row]}' names '{capability}', which has hardly a word of it or of the goal; the nearest is "
            f"'{offer.capability}' of '{offer.target_id}', similar by {scores[best]:.2f}, which has {missing}",
            task_ids=(tasks.ids[row],),
            fix=Reallocate(tasks.ids[row], target_of(offer)),
        )


def _scored(rows: Sequence[int], graph: PlanGraph, index: CatalogueIndex) -> Iterator[tuple[int, Scores]]:
    """Rows with the similarities of their words, which are let go of as soon as may be."""
    goals = graph.tasks.goals
    for some in [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]:
        scores = dict(scores_of([goals[row] for row in some], index))
        yield from ((row, scores[goals[row]]) for row in some)


def _share(scores: Scores, index: CatalogueIndex, capability: str) -> float:
    """The best similarity of the offers of a capability as a share of the best of all."""
    best = float(scores.max())
    return max([float(scores[number]) for number in index.numbers_with_capability(capability)]) / best if best > 0 else 0.0
