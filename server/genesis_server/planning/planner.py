"""From a goal in words to a plan: the ladder without a language model.

HEURISTIC: the goal is split into actions; an action that has a method becomes a heading over the method's steps; for the others one
decision over all of them chooses entries of the catalogue (`composition`). A goal of one action that has neither method nor entry
falls to MINIMAL: one task for the goal as it stands. Pure and deterministic: the same goal on the same snapshots gives the same plan.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from genesis_server.agents.index import CatalogueIndex, Match
from genesis_server.model.catalogue import Artefact
from genesis_server.model.explanation import MAX_REJECTED_PER_ACTION, PlanExplanation, Rejected
from genesis_server.model.plan import EdgeOrigin, EdgeSource, Guard, Plan, Task, TaskConstraints, TaskOrigin, TaskSource
from genesis_server.model.provenance import DegradationLevel
from genesis_server.model.span import Span
from genesis_server.planning.actions import MAX_PER_ACTION, Action, split
from genesis_server.planning.catalogue_match import best_match
from genesis_server.planning.composition import Added, Composition, compose
from genesis_server.planning.condition_words import conditionals
from genesis_server.planning.dag import LimitError, TaskGraph
from genesis_server.planning.dataflow import connect_level
from genesis_server.planning.expansion import capabilities, expand, missing_capability
from genesis_server.planning.guarding import guards_of
from genesis_server.planning.joining import join_actions
from genesis_server.planning.lexicon import lexicon
from genesis_server.planning.methods import Method, MethodLibrary, MethodMatch
from genesis_server.planning.order import CycleError
from genesis_server.planning.task_ids import TaskIds
from genesis_server.planning.tokens import without_quotes
from genesis_server.resilience.errors import DecompositionError
from genesis_server.text.words import words

ALGORITHM = "3"
"""Raised when the planner makes another plan of the same goal on the same snapshots."""
MOST_WORDS = 0.5
"""Score from which a method of several actions need not have a step for each."""
SURELY = 1.0
"""Fit from which an entry surely answers an action."""
NOTHING_REJECTED = PlanExplanation()
ASKED_FOR = "the minimal level was asked for"
NOTHING_FITS = "no method, no further action and no catalogue entry fits the goal"
NOT_ENGLISH = "the goal is not in English, and no catalogue entry fits it"
ONLY_LOOKED_UP = "the goal is not in English: its words were only looked up in the catalogue"


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan with how it was made; the id and version are given where it is stored."""

    plan: Plan
    level: DegradationLevel
    level_reason: str
    """Why not a higher level, or why the words were not read, one sentence; empty at HEURISTIC for a goal in English."""
    explanation: PlanExplanation = NOTHING_REJECTED
    """Methods and entries that were considered and not taken."""


def plan_goal(
    goal: str,
    *,
    index: CatalogueIndex,
    methods: MethodLibrary,
    givens: tuple[Artefact, ...] = (),
    max_level: DegradationLevel = DegradationLevel.UNSPECIFIED,
) -> Draft:
    """Make a plan of a goal with the entries of `index`; `givens` are artefacts that are there already.

    An action of its own gets a task of its own; one that only says how an earlier one is done, or refers back to it and has the same
    entry, joins its task. Raises DecompositionError EMPTY_GOAL when the goal has no word, that is no letter
    and no digit of any script: blanks, punctuation, control characters and emoji alone say nothing that could be done.
    """
    if not _has_word(goal):
        raise DecompositionError("EMPTY_GOAL", "the goal has no word; say in at least one word what is to be done", facts={"field": "goal"})
    if max_level is DegradationLevel.MINIMAL:
        return _minimal(goal, ASKED_FOR)
    drafting = _Drafting(goal, index, methods, givens)
    try:
        graph = drafting.graph()
    except LimitError as error:
        return _minimal(goal, f"a plan at the heuristic level would be too large: {error}")
    if graph is None:
        return _minimal(goal, NOTHING_FITS if drafting.english else NOT_ENGLISH, read=drafting.actions[0])
    reason = "" if drafting.english else ONLY_LOOKED_UP
    return Draft(graph.freeze(), DegradationLevel.HEURISTIC, reason, PlanExplanation(tuple(drafting.rejected)))


class _Drafting:
    """One goal on its way to a graph."""

    def __init__(self, goal: str, index: CatalogueIndex, methods: MethodLibrary, givens: tuple[Artefact, ...]) -> None:
        self.goal = goal
        self.index = index
        self.methods = methods
        self.givens = givens
        self.rejected: list[Rejected] = []
        self.english = lexicon().is_english(goal)
        self.actions = split(goal)
        self._fitting: dict[str, MethodMatch | None] = {}
        self._usable: dict[str, dict[str, str] | None] = {}

    def graph(self) -> TaskGraph | None:
        """The graph at the heuristic level; None when nothing fits."""
        actions = self.actions
        ready = self._methods_of(actions)
        # What a goal says of its parts no method of the whole knows: conditions would be lost, and the order it asks for.
        whole = self._method(self.goal) if not any(ready) and not any(map(_is_told_apart, actions)) else None
        if whole is not None and self._does_all(whole, actions):
            together = replace(_whole(self.goal, actions), guards=())
            self._reject_methods([together], [whole])
            return self._build([together], [whole], Composition((None,), (None,), (), (), ()))
        self._reject_methods(actions, ready)
        open_actions = [place for place, found in enumerate(ready) if found is None]
        composed = compose(self.goal, actions, open_actions, self.index, givens=self.givens)
        self.rejected.extend(composed.rejected)
        if len(actions) == 1 and not any(ready) and composed.matches[0] is None:
            match = best_match(self.goal, self.index)
            if match is None:
                return None
            composed = replace(composed, matches=(match,))
        return self._build(actions, ready, composed)

    def _does_all(self, whole: MethodMatch, actions: Sequence[Action]) -> bool:
        """Whether a method does each of several actions: it has as many steps, and one for what the catalogue surely answers each with.

        A method that accounts for most words of the goal is not asked for the latter.
        """
        if sum(1 for _ in whole.method.leaves()) < len(actions):
            return False
        if len(actions) == 1 or whole.score >= MOST_WORDS:
            return True
        steps = (self._capabilities(whole.method) or {}).values()
        matches = compose(self.goal, actions, range(len(actions)), self.index, givens=self.givens).matches
        return all(match is None or match.score < SURELY or match.offer.capability in steps for match in matches)

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

    def _reject_methods(self, actions: Sequence[Action], ready: Sequence[MethodMatch | None]) -> None:
        """Note the methods that fit an action and were not taken."""
        for action, taken in zip(actions, ready, strict=True):
            others = [
                match for match in self.methods.match(without_quotes(action.core)) if taken is None or match.method.id != taken.method.id
            ]
            for match in others[:MAX_REJECTED_PER_ACTION]:
                self.rejected.append(
                    Rejected(TaskSource.METHOD, match.method.id, match.score, self._why_not(match, taken), action.spans[0])
                )

    def _why_not(self, match: MethodMatch, taken: MethodMatch | None) -> str:
        lacking = missing_capability(match.method, self.index) if self._capabilities(match.method) is None else ""
        if lacking:
            return f"nobody in the catalogue can do {lacking}"
        return "an action before it does it already" if taken is None else f"{taken.method.id} fits better"

    def _method(self, text: str) -> MethodMatch | None:
        """The best method that fits a text and whose every step somebody can do; the words of methods are English."""
        if not self.english:
            return None
        if text not in self._fitting:
            ranked = self.methods.match(without_quotes(text))
            self._fitting[text] = next((match for match in ranked if self._capabilities(match.method) is not None), None)
        return self._fitting[text]

    def _capabilities(self, method: Method) -> dict[str, str] | None:
        if method.id not in self._usable:
            self._usable[method.id] = capabilities(method, self.index)
        return self._usable[method.id]

    def _build(self, actions: Sequence[Action], ready: Sequence[MethodMatch | None], composed: Composition) -> TaskGraph:
        graph = TaskGraph(self.goal)
        ids = TaskIds(self.goal)
        left = [place for place, joined in enumerate(composed.joins) if joined is None]
        actions, now = join_actions(actions, composed.joins)
        before = {place: graph.add_task(self._helper(one, ids)).id for place, one in _placed(composed.added) if not one.behind}
        places: list[str] = []
        for place, action in zip(left, actions, strict=True):
            task = _task(ids.of(action.text), action, guards_of(action, places, graph))
            places.append(self._add(graph, task, ready[place], composed.matches[place], words=_unconditional(action)))
        behind = {place: graph.add_task(self._helper(one, ids)).id for place, one in _placed(composed.added) if one.behind}
        for place, action in enumerate(actions):
            for earlier, why in zip(action.after, action.why_after, strict=True):
                graph.add_edge(places[earlier], places[place], origin=why)
        added = before | behind
        for link in composed.links:
            before_it, after_it = (places[now[end]] if end >= 0 else added[-1 - end] for end in (link.earlier, link.later))
            with suppress(CycleError):
                graph.add_edge(before_it, after_it, origin=EdgeOrigin(EdgeSource.ARTEFACT, link.things))
        connect_level(graph, givens=self.givens)
        return graph

    def _add(self, graph: TaskGraph, task: Task, found: MethodMatch | None, match: Match | None, *, words: str) -> str:
        """Add a task with the steps of its method, which say its `words`, or with the entry that answers it."""
        origin = task.origin or TaskOrigin(TaskSource.CLAUSE)
        if found is not None:
            origin = replace(origin, source=TaskSource.METHOD, method_id=found.method.id, match_score=found.score)
            return expand(
                graph, replace(task, expected_seconds=None, origin=origin), found, self._capabilities(found.method) or {}, words=words
            ).id
        if match is None:
            return graph.add_task(task).id
        offer = match.offer
        origin = replace(origin, catalogue_entry=offer.capability, match_score=match.score)
        return graph.add_task(replace(task, capability=offer.capability, inputs=offer.inputs, outputs=offer.outputs, origin=origin)).id

    def _helper(self, added: Added, ids: TaskIds) -> Task:
        match = added.match
        offer = match.offer
        name = offer.skill.name if offer.skill is not None and offer.skill.name else offer.capability
        produces = ", ".join(output.name for output in offer.outputs)
        origin = TaskOrigin(TaskSource.CATALOGUE, catalogue_entry=offer.capability, match_score=match.score)
        goal = f"{name}, which produces {produces}" if produces else name
        return Task(id=ids.of(goal), goal=goal, capability=offer.capability, inputs=offer.inputs, outputs=offer.outputs, origin=origin)


def _task(task_id: str, action: Action, guards: tuple[Guard, ...]) -> Task:
    """An action as a task that nobody is found for yet."""
    return Task(
        id=task_id,
        goal=action.text,
        expected_seconds=action.expected_seconds,
        constraints=TaskConstraints(deadline_seconds=action.deadline_seconds),
        origin=TaskOrigin(TaskSource.CLAUSE, spans=action.spans),
        guards=guards,
        requirements=action.requirements,
    )


def _unconditional(action: Action) -> str:
    """What an action says without its conditions, which its guards say."""
    text = action.text
    for guard in action.guards:
        text = text.strip(" .,;").removeprefix(guard.text).removesuffix(guard.text).strip(" ,;") or text
    return text


def _placed(added: Sequence[Added]) -> list[tuple[int, Added]]:
    """What is added with its places, the last first: each produces for those before it."""
    return list(reversed(list(enumerate(added))))


def _minimal(goal: str, reason: str, *, read: Action | None = None) -> Draft:
    """One task for the whole goal; what was `read` of its one action besides the words, conditions and demands, stays with it."""
    whole = _whole(goal, [read] if read is not None else [])
    graph = TaskGraph(goal)
    task = _task(TaskIds(goal).of(whole.text), whole, guards_of(whole, (), graph))
    graph.add_task(replace(task, origin=TaskOrigin(TaskSource.GOAL, spans=whole.spans)))
    return Draft(graph.freeze(), DegradationLevel.MINIMAL, reason)


def _is_told_apart(action: Action) -> bool:
    """Whether the goal says when an action is due: under a condition, or in an order of its own.

    "Notify us when they fail" is no such condition: it tells of every time, and belongs to what a method does.
    """
    times = conditionals().time_markers
    conditions = [guard for guard in action.guards if not times.length_at([word.text for word in words(guard.text)], 0)]
    return bool(conditions) or any(origin.source is EdgeSource.CUE for origin in action.why_after)


def _whole(goal: str, actions: Sequence[Action]) -> Action:
    """The goal as one action, with what is demanded of its actions; what only one of several is told stays out of it."""
    text = goal.strip()
    start = goal.index(text)
    whole = Action(text, text, (Span(start, start + len(text), text),))
    if len(actions) == 1:
        return replace(actions[0], text=text, core=text, spans=whole.spans)
    demands = dict.fromkeys(one for action in actions for one in action.requirements)
    return replace(whole, requirements=tuple(demands)[:MAX_PER_ACTION], deadline_seconds=_last_deadline(actions))


def _last_deadline(actions: Sequence[Action]) -> float | None:
    """When the last of several actions is due; None when one that nothing waits for has no deadline."""
    waited_for = {other for action in actions for other in action.after}
    last = [action.deadline_seconds for place, action in enumerate(actions) if place not in waited_for]
    due = [deadline for deadline in last if deadline is not None]
    return max(due) if due and len(due) == len(last) else None


def _has_word(goal: str) -> bool:
    """Whether a goal has a letter or a digit of any script."""
    return any(unicodedata.category(character)[0] in "LN" for character in goal)
