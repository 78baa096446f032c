"""From a goal in words to a plan: the ladder without a language model.

HEURISTIC: the goal is split into actions; an action that has a method becomes a heading over the method's steps, any other a task,
with the catalogue entry that answers it. A goal of one action that has neither method nor entry falls to MINIMAL: one task for the
goal as it stands. Pure and deterministic: the same goal on the same snapshots gives the same plan.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from genesis_server.agents.index import CatalogueIndex, Match
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Plan, Task, TaskOrigin, TaskSource
from genesis_server.model.provenance import DegradationLevel
from genesis_server.model.span import Span
from genesis_server.planning.actions import Action, split
from genesis_server.planning.catalogue_match import best_match, helpers
from genesis_server.planning.dag import LimitError, TaskGraph
from genesis_server.planning.dataflow import connect_level
from genesis_server.planning.expansion import capabilities, expand
from genesis_server.planning.lexicon import lexicon
from genesis_server.planning.methods import Method, MethodLibrary, MethodMatch
from genesis_server.planning.task_ids import TaskIds
from genesis_server.planning.tokens import without_quotes
from genesis_server.resilience.errors import DecompositionError

ASKED_FOR = "the minimal level was asked for"
NOTHING_FITS = "no method, no further action and no catalogue entry fits the goal"
NOT_ENGLISH = "the goal is not in English, and no catalogue entry fits it"


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan with how it was made; the id and version are given where it is stored."""

    plan: Plan
    level: DegradationLevel
    level_reason: str
    """Why not a higher level, one sentence; empty at HEURISTIC."""


def plan_goal(
    goal: str,
    *,
    index: CatalogueIndex,
    methods: MethodLibrary,
    givens: tuple[Artefact, ...] = (),
    max_level: DegradationLevel = DegradationLevel.UNSPECIFIED,
) -> Draft:
    """Make a plan of a goal with the entries of `index`; `givens` are artefacts that are there already.

    A goal of n ≥ 2 actions gets at least n tasks. Raises DecompositionError EMPTY_GOAL when the goal has no word, that is no letter
    and no digit of any script: blanks, punctuation, control characters and emoji alone say nothing that could be done.
    """
    if not _has_word(goal):
        raise DecompositionError("EMPTY_GOAL", "the goal has no word; say in at least one word what is to be done", facts={"field": "goal"})
    if max_level is DegradationLevel.MINIMAL:
        return _minimal(goal, ASKED_FOR)
    try:
        graph = _Drafting(goal, index, methods, givens).graph()
    except LimitError as error:
        return _minimal(goal, f"a plan at the heuristic level would be too large: {error}")
    if graph is None:
        return _minimal(goal, NOTHING_FITS if lexicon().is_english(goal) else NOT_ENGLISH)
    return Draft(graph.freeze(), DegradationLevel.HEURISTIC, "")


class _Drafting:
    """One goal on its way to a graph."""

    def __init__(self, goal: str, index: CatalogueIndex, methods: MethodLibrary, givens: tuple[Artefact, ...]) -> None:
        self.goal = goal
        self.index = index
        self.methods = methods
        self.givens = givens
        self._entries: dict[str, Match | None] = {}
        self._fitting: dict[str, MethodMatch | None] = {}
        self._usable: dict[str, dict[str, str] | None] = {}

    def graph(self) -> TaskGraph | None:
        """The graph at the heuristic level; None when nothing fits."""
        actions = split(self.goal)
        ready = self._methods_of(actions)
        whole = self._method(self.goal) if not any(ready) else None
        if whole is not None and sum(1 for _ in whole.method.leaves()) >= len(actions):
            return self._build([_whole(self.goal)], [whole], [None])
        matches = [None if found else self._entry(action.core) for action, found in zip(actions, ready, strict=True)]
        if len(actions) == 1 and not any(ready) and matches[0] is None:
            matches = [self._entry(self.goal)]
            if matches[0] is None:
                return None
        return self._build(actions, ready, matches)

    def _methods_of(self, actions: Sequence[Action]) -> list[MethodMatch | None]:
        """The method of each action; an action that carries on what the same method does already has none."""
        found: list[MethodMatch | None] = []
        under_way: list[frozenset[str]] = []
        for place, action in enumerate(actions):
            earlier = frozenset[str]().union(*(under_way[other] for other in action.after if other < place))
            match = self._method(action.core)
            if match is not None and match.method.id in earlier:
                match = None
            found.append(match)
            under_way.append(earlier | {match.method.id} if match is not None else earlier)
        return found

    def _entry(self, text: str) -> Match | None:
        """The catalogue entry that answers a text."""
        if text not in self._entries:
            self._entries[text] = best_match(text, self.index)
        return self._entries[text]

    def _method(self, text: str) -> MethodMatch | None:
        """The best method that fits a text and whose every step somebody can do."""
        if text not in self._fitting:
            ranked = self.methods.match(without_quotes(text))
            self._fitting[text] = next((match for match in ranked if self._capabilities(match.method) is not None), None)
        return self._fitting[text]

    def _capabilities(self, method: Method) -> dict[str, str] | None:
        if method.id not in self._usable:
            self._usable[method.id] = capabilities(method, self.index)
        return self._usable[method.id]

    def _build(self, actions: Sequence[Action], ready: Sequence[MethodMatch | None], matches: Sequence[Match | None]) -> TaskGraph:
        graph = TaskGraph(self.goal)
        ids = TaskIds(self.goal)
        added = helpers(matches, self.goal, self.index, self.givens)
        for helper in reversed(added):
            graph.add_task(self._helper(helper, ids))
        places = [self._add(graph, ids, action, found, match) for action, found, match in zip(actions, ready, matches, strict=True)]
        for place, action in enumerate(actions):
            for earlier in action.after:
                graph.add_edge(places[earlier], places[place])
        connect_level(graph, givens=self.givens)
        return graph

    def _add(self, graph: TaskGraph, ids: TaskIds, action: Action, found: MethodMatch | None, match: Match | None) -> str:
        task_id = ids.of(action.text)
        if found is not None:
            origin = TaskOrigin(TaskSource.METHOD, method_id=found.method.id, spans=action.spans, match_score=found.score)
            heading = Task(id=task_id, goal=action.text, origin=origin)
            return expand(graph, heading, found, self._capabilities(found.method) or {}).id
        if match is None:
            return graph.add_task(Task(id=task_id, goal=action.text, origin=TaskOrigin(TaskSource.CLAUSE, spans=action.spans))).id
        offer = match.offer
        origin = TaskOrigin(TaskSource.CLAUSE, spans=action.spans, catalogue_entry=offer.capability, match_score=match.score)
        task = Task(id=task_id, goal=action.text, capability=offer.capability, inputs=offer.inputs, outputs=offer.outputs, origin=origin)
        return graph.add_task(task).id

    def _helper(self, match: Match, ids: TaskIds) -> Task:
        offer = match.offer
        name = offer.skill.name if offer.skill is not None and offer.skill.name else offer.capability
        produces = ", ".join(output.name for output in offer.outputs)
        origin = TaskOrigin(TaskSource.CATALOGUE, catalogue_entry=offer.capability, match_score=match.score)
        goal = f"{name}, which produces {produces}"
        return Task(id=ids.of(goal), goal=goal, capability=offer.capability, inputs=offer.inputs, outputs=offer.outputs, origin=origin)


def _minimal(goal: str, reason: str) -> Draft:
    """One task for the whole goal."""
    whole = _whole(goal)
    graph = TaskGraph(goal)
    graph.add_task(Task(id=TaskIds(goal).of(whole.text), goal=whole.text, origin=TaskOrigin(TaskSource.GOAL, spans=whole.spans)))
    return Draft(graph.freeze(), DegradationLevel.MINIMAL, reason)


def _whole(goal: str) -> Action:
    """The goal as one action."""
    text = goal.strip()
    start = goal.index(text)
    return Action(text, text, (Span(start, start + len(text), text),))


def _has_word(goal: str) -> bool:
    """Whether a goal has a letter or a digit of any script."""
    return any(unicodedata.category(character)[0] in "LN" for character in goal)
