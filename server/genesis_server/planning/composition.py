"""Which entries of a catalogue answer a goal's actions: one decision over all of them together.

The choice maximises, over assignments of entries to actions, a sum that a beam of BEAM partial assignments searches in the order of
the actions (exact for two actions and a catalogue of CANDIDATES entries):

  for each action   its fit with its entry: words, kin and operation (`tool_graph`) and the index's retrieval score
  for each entry    - ENTRY_PRICE, once: an entry must explain more than the entries that are there already do
                    + the best it makes of one entry chosen before it: AFFINITY where it uses what that makes, AFFINITY x how much both
                      are about the same things where they do different things to them, - REPETITION x that where they do the same

An action that only says how an earlier one is done, or refers back to one with the same entry, joins its task; an action nothing
answers keeps a task without an entry. Then producers of what chosen entries need are added; where the only entry chosen says nothing
of inputs and outputs, the tool graph that names imply takes their place (`second_entry`). Entries that say nothing of them are linked
by their names: what works on the same thing keeps the order of the goal, a reading comes before the change it may decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from genesis_server.agents.index import CatalogueIndex, Match
from genesis_server.model.catalogue import Artefact
from genesis_server.model.explanation import MAX_REJECTED_PER_ACTION, Rejected
from genesis_server.model.plan import TaskSource
from genesis_server.planning.actions import Action
from genesis_server.planning.catalogue_match import THRESHOLD, helpers
from genesis_server.planning.operations import operations
from genesis_server.planning.second_entry import second_entry
from genesis_server.planning.tool_graph import FLOW, Entry, Fit, ToolGraph, tool_graph
from genesis_server.text.index import Scores

BEAM = 16
CANDIDATES = 6
ENTRY_PRICE = 0.4
AFFINITY = 0.7
REPETITION = 0.5
RETRIEVAL = 0.5
"""What the retrieval score counts beside the fit."""
EXAMPLED = 2.0
"""The same for entries with examples, which are the words of requests."""
BARE_THRESHOLD = 0.1
"""Retrieval score from which an entry without examples answers; its few words leave it less than THRESHOLD."""
UNANSWERED = -0.4
"""What it costs to leave an action without an entry that some entry answers."""
NEAR = 0.3
"""Share of the taken entry's fit from which a candidate that was not taken is told."""


@dataclass(frozen=True, slots=True)
class Link:
    """One composed task should wait for another for what their entries are."""

    earlier: int
    """Place of the action; -1, -2 and so on: the first, the second of `added`."""
    later: int
    things: str
    """What they share, in words."""


@dataclass(frozen=True, slots=True)
class Added:
    """An entry that no action names."""

    match: Match
    behind: bool = False
    """Whether it comes after the actions instead of before them."""


@dataclass(frozen=True, slots=True)
class Composition:
    """Entries for the actions of a goal."""

    matches: tuple[Match | None, ...]
    """For each action the entry that answers it; None: no entry does."""
    joins: tuple[int | None, ...]
    """For each action the earlier action whose task it belongs to; None: it has a task of its own."""
    added: tuple[Added, ...]
    """What is added for what it produces, each for those before it, or for what it tells."""
    links: tuple[Link, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Partial:
    """The first few actions with entries."""

    value: float
    chosen: tuple[int, ...]
    """Entries in the order they were first chosen."""
    places: tuple[int | None, ...]
    """For each action its entry."""


def compose(
    goal: str,
    actions: Sequence[Action],
    open_actions: Collection[int],
    index: CatalogueIndex,
    *,
    givens: Collection[Artefact] = (),
) -> Composition:
    """Entries for the `open_actions` (places in `actions`; the others have methods). Deterministic."""
    return _Composing(goal, actions, sorted(open_actions), index, givens).composition()


class _Composing:
    def __init__(
        self, goal: str, actions: Sequence[Action], places: Sequence[int], index: CatalogueIndex, givens: Collection[Artefact]
    ) -> None:
        self.goal = goal
        self.actions = actions
        self.places = places
        self.index = index
        self.givens = givens
        self.graph: ToolGraph = tool_graph(index)
        self.fits: dict[int, Fit] = {}
        self.scores: dict[int, Scores] = {}
        self.retrieved: dict[int, Scores] = {}
        self._near: dict[int, Scores] = {}
        self.context = self.graph.context(goal)
        for place in places:
            fit = self.graph.fit(actions[place].core, self.context)
            retrieved = self.graph.per_entry(index.scores(actions[place].core))
            self.fits[place], self.retrieved[place] = fit, retrieved
            self.scores[place] = fit.scores + np.where(self.graph.exampled, EXAMPLED, RETRIEVAL) * retrieved

    def composition(self) -> Composition:
        best = self._search()
        matches: list[Match | None] = [None] * len(self.actions)
        joins: list[int | None] = [None] * len(self.actions)
        first: dict[int, int] = {}
        for place, chosen in zip(self.places, best.places, strict=True):
            if chosen is None:
                continue
            if chosen in first and self._joins(place, first[chosen], chosen):
                joins[place] = first[chosen]
            else:
                first[chosen] = place
            matches[place] = self._match(place, chosen)
        self._join_the_rest(matches, joins)
        tasks = [
            (place, entry) for place, entry in zip(self.places, best.places, strict=True) if entry is not None and joins[place] is None
        ]
        added, links = self._added(matches, joins, tasks)
        return Composition(tuple(matches), tuple(joins), added, (*links, *self._links(tasks)), self._rejected(best))

    def _search(self) -> _Partial:
        beam = [_Partial(0.0, (), ())]
        for place in self.places:
            scores = self.scores[place]
            candidates = self._candidates(place)
            extended: list[_Partial] = []
            for partial in beam:
                for one in dict.fromkeys([*candidates, *(partial.chosen if candidates else ())]):
                    if one in partial.chosen:
                        if self._answers(place, self.graph.entries[one]):
                            extended.append(_Partial(partial.value + float(scores[one]), partial.chosen, (*partial.places, one)))
                        continue
                    gain = float(scores[one]) - ENTRY_PRICE + self._company(one, partial.chosen)
                    extended.append(_Partial(partial.value + gain, (*partial.chosen, one), (*partial.places, one)))
                cost = UNANSWERED if candidates else 0.0
                extended.append(_Partial(partial.value + cost, partial.chosen, (*partial.places, None)))
            extended.sort(key=lambda partial: (-partial.value, partial.chosen))
            beam = extended[:BEAM]
        return beam[0]

    def _candidates(self, place: int) -> list[int]:
        """The entries that fit an action best, of those that answer it at all."""
        scores = self.scores[place]
        ranked = (int(one) for one in np.argsort(-scores, kind="stable") if scores[one] > 0)
        return list(islice((one for one in ranked if self._answers(place, self.graph.entries[one])), CANDIDATES))

    def _answers(self, place: int, entry: Entry) -> bool:
        """Whether an entry answers an action: by its words alone, or by doing what is asked to a thing that is spoken of."""
        fit = self.fits[place]
        exampled = self.graph.exampled[entry.place]
        if self.retrieved[place][entry.place] >= (THRESHOLD if exampled else BARE_THRESHOLD):
            return True
        if exampled or fit.scores[entry.place] <= 0:
            return False
        if not any(fit.asked.get(name) == 1.0 for name in entry.operations):
            return False
        return not fit.own.isdisjoint(entry.things) or (bool(self.actions[place].after) and not entry.things.isdisjoint(self.context))

    def _company(self, one: int, chosen: Sequence[int]) -> float:
        """What an entry gains by those that are chosen already."""
        if not chosen:
            return 0.0
        near = self._affinities(one)
        does = self.graph.entries[one].operations
        return max(AFFINITY * FLOW if self.graph.flow(other, one) else self._beside(float(near[other]), does, other) for other in chosen)

    def _beside(self, near: float, does: frozenset[str], other: int) -> float:
        """What an entry gains by one that is about the same things: more for another operation on them, less for the same."""
        return AFFINITY * near if does.isdisjoint(self.graph.entries[other].operations) else -REPETITION * near

    def _affinities(self, one: int) -> Scores:
        if one not in self._near:
            self._near[one] = self.graph.affinities(one)
        return self._near[one]

    def _joins(self, place: int, earlier: int, entry: int) -> bool:
        """Whether an action with the same entry as an earlier one is no work of its own."""
        action = self.actions[place]
        if action.guards != self.actions[earlier].guards:
            return False
        if operations().supports(action.core):
            return True
        fit = self.fits[place]
        found = self.graph.entries[entry]
        if not any(fit.asked.get(name) == 1.0 for name in found.operations):
            return False
        return earlier in action.after or (fit.own.isdisjoint(found.things) and not operations().introduces(action.core))

    def _join_the_rest(self, matches: list[Match | None], joins: list[int | None]) -> None:
        """Let an action that nothing answers join the last one before it that it says more of."""
        last: int | None = None
        for place in self.places:
            if matches[place] is not None:
                last = place if joins[place] is None else joins[place]
            elif last is not None and self.actions[place].guards == self.actions[last].guards and self._says_more(place, matches[last]):
                joins[place] = last

    def _says_more(self, place: int, match: Match | None) -> bool:
        """Whether an action says how another one is done, or does the same to something that was spoken of."""
        text = self.actions[place].core
        words = operations()
        if words.supports(text):
            return True
        if words.introduces(text) or match is None:
            return False
        doing = self.graph.entry_of(match.offer.capability).operations
        return any(self.fits[place].asked.get(name) == 1.0 for name in doing)

    def _match(self, place: int, entry: int) -> Match:
        return Match(self.graph.entries[entry].offer, min(1.0, float(self.scores[place][entry])))

    def _added(
        self, matches: Sequence[Match | None], joins: Sequence[int | None], tasks: Sequence[tuple[int, int]]
    ) -> tuple[tuple[Added, ...], list[Link]]:
        """Entries no action names; `tasks` are the places and entries of actions that join none."""
        needed = tuple(Added(match) for match in helpers(matches, self.goal, self.index, self.givens))
        alone = len({entry for _, entry in tasks}) == 1 and len(self.places) == len(self.actions)
        if needed or not alone or any(matches[place] is None and joins[place] is None for place in self.places):
            return needed, []
        only = tasks[0][1]
        over_goal = np.max([self.scores[place] for place in self.places], axis=0)
        other = second_entry(self.graph, only, " ".join(self.actions[place].core for place in self.places), over_goal)
        if other is None:
            return needed, []
        match = Match(self.graph.entries[other.place].offer, min(1.0, float(over_goal[other.place])))
        things = self.graph.shared(only, other.place)
        links = [Link(place, -1, things) if other.behind else Link(-1, place, things) for place, _ in tasks]
        return (Added(match, other.behind),), links

    def _links(self, tasks: Sequence[tuple[int, int]]) -> list[Link]:
        """What does different things to the same thing is done in the order in which the goal tells it."""
        links: list[Link] = []
        for number, (place, later) in enumerate(tasks):
            if not self.graph.entries[later].silent:
                continue
            near = self._affinities(later)
            before = [task for task in tasks[:number] if task[1] != later and self.graph.entries[task[1]].silent]
            about = next(((other, entry) for other, entry in reversed(before) if near[entry] > 0), None)
            if about is not None:
                links.append(Link(about[0], place, self.graph.shared(about[1], later)))
            elif before and before[-1] == tasks[number - 1] and self._in_turn(before[-1][1], later):
                links.append(Link(before[-1][0], place, self.graph.named_things(before[-1][1])))
        return links

    def _in_turn(self, earlier: int, later: int) -> bool:
        """What is read just before something is changed may decide it; what closes follows on what was done just before it."""
        reading, change = self.graph.entries[earlier], self.graph.entries[later]
        return (reading.reads and not change.reads) or change.closes

    def _rejected(self, best: _Partial) -> tuple[Rejected, ...]:
        """Candidates that came near the entry that was taken."""
        told: list[Rejected] = []
        for place, chosen in zip(self.places, best.places, strict=True):
            scores = self.scores[place]
            least = NEAR * float(scores[chosen]) if chosen is not None else 0.0
            order = np.argsort(-scores, kind="stable")[: MAX_REJECTED_PER_ACTION + 1]
            others = [int(one) for one in order if one != chosen and scores[one] > 0 and scores[one] >= least]
            for one in others[:MAX_REJECTED_PER_ACTION]:
                entry = self.graph.entries[one]
                told.append(
                    Rejected(
                        TaskSource.CATALOGUE,
                        entry.offer.capability,
                        round(float(scores[one]), 6),
                        self._reason(place, one, chosen),
                        self.actions[place].spans[0],
                    )
                )
        return tuple(told)

    def _reason(self, place: int, one: int, chosen: int | None) -> str:
        if chosen is None:
            return "too little of it is spoken of"
        name = self.graph.entries[chosen].offer.capability
        if self.scores[place][one] > self.scores[place][chosen]:
            return f"{name} goes better with the rest of the plan"
        return f"{name} fits better"
