"""A language model's draft of a plan, and how it becomes one.

The draft is data from outside: every name is checked against the catalogue, every text cleaned and cut, every order tried on the graph.
What can be put right is put right and noted; what cannot be trusted is refused with a sentence that says why, and the plan is then made
by the heuristic level. Pure: the same draft on the same catalogue gives the same plan.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import Brief, DraftedTask, ModelAnswer, ModelDraft
from genesis_server.model.plan import Edge, EdgeOrigin, EdgeSource, Plan, Task, TaskOrigin, TaskSource
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.dataflow import connect_level
from genesis_server.planning.model_spans import spans_of
from genesis_server.planning.order import CycleError
from genesis_server.planning.task_ids import TaskIds

MAX_DRAFT_TASKS = 200
MAX_TASK_TEXT = 500
MAX_NAME = 100
MAX_ARTEFACTS = 20
MAX_WRONG_SHARE = 0.5
"""A draft most of whose named capabilities nobody has was made for another catalogue."""
MAX_DROPPED_SHARE = 0.25
"""A draft with more of its links than that in circles has no order to follow."""
# Invisible characters that words are written with; all others, such as those that turn the direction of writing, are taken out.
_JOINERS = "\u200c\u200d"


class DraftModel(Protocol):
    """A language model that drafts plans; the room llm implements it."""

    async def draft(self, brief: Brief, *, seconds: float) -> ModelAnswer:
        """Answer within `seconds`, with a draft or with the reason why there is none; raises nothing that a model could cause."""
        ...


class UnusableDraftError(ValueError):
    """A draft that cannot be put right; the message goes on after "the language model's draft"."""


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A plan made from a draft."""

    plan: Plan
    notes: tuple[str, ...] = ()
    """What was put right, one sentence each."""


def plan_from_draft(goal: str, draft: ModelDraft, *, index: CatalogueIndex, givens: tuple[Artefact, ...] = ()) -> ModelPlan:
    """The plan of a draft. Raises UnusableDraftError.

    Tasks keep the draft's order and get ids of their own. Links to tasks that are not there and of a task to itself are left out; so are
    links that close a circle, of which those that go against the draft's own order are left out first.
    """
    return _Making(goal, index, givens).plan(draft.tasks)


@dataclass(slots=True)
class _Making:
    """One draft on its way to a plan."""

    goal: str
    index: CatalogueIndex
    givens: tuple[Artefact, ...]
    notes: list[str] = field(default_factory=list[str])
    _by_plain_name: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def plan(self, tasks: Sequence[DraftedTask]) -> ModelPlan:
        if not tasks:
            raise UnusableDraftError("had no task")
        if len(tasks) > MAX_DRAFT_TASKS:
            raise UnusableDraftError(f"had {len(tasks)} tasks, more than {MAX_DRAFT_TASKS}")
        names = [clean(task.id, MAX_NAME) for task in tasks]
        if len(set(names)) < len(names):
            raise UnusableDraftError("gave two tasks the same id")
        capabilities = self._capabilities([clean(task.capability, MAX_NAME) for task in tasks])
        graph, ids = TaskGraph(self.goal), TaskIds(self.goal)
        placed: dict[str, str] = {}
        for name, task, capability in zip(names, tasks, capabilities, strict=True):
            placed[name] = graph.add_task(self._task(task, capability, ids)).id
        if not any(origin.spans for task_id in placed.values() if (origin := graph.task(task_id).origin) is not None):
            raise UnusableDraftError("answered no part of the goal")
        stated = self._link(graph, names, tasks, placed)
        connect_level(graph, givens=self.givens)
        plan = graph.freeze()
        return ModelPlan(replace(plan, edges=tuple(_with_origin(edge, stated) for edge in plan.edges)), tuple(self.notes))

    def _capabilities(self, wanted: Sequence[str]) -> list[str]:
        """The catalogue's name for each capability the draft names; empty where it has none."""
        found = [self._capability(name) for name in wanted]
        named = sum(1 for name in wanted if name)
        unknown = list(dict.fromkeys(name for name, known in zip(wanted, found, strict=True) if name and not known))
        missing = sum(1 for name, known in zip(wanted, found, strict=True) if name and not known)
        if missing > MAX_WRONG_SHARE * named:
            raise UnusableDraftError("named tools the catalogue does not have: " + _some(unknown))
        if unknown:
            self.notes.append("the draft named tools the catalogue does not have, which were left out: " + _some(unknown))
        return found

    def _capability(self, name: str) -> str:
        if not name or self.index.with_capability(name):
            return name
        if not self._by_plain_name:
            for offer in self.index.offers:
                self._by_plain_name.setdefault(_plain(offer.capability), set()).add(offer.capability)
        near = self._by_plain_name.get(_plain(name), set())
        return next(iter(near)) if len(near) == 1 else ""

    def _task(self, task: DraftedTask, capability: str, ids: TaskIds) -> Task:
        goal = clean(task.goal, MAX_TASK_TEXT)
        if not any(character.isalnum() for character in goal):
            raise UnusableDraftError("had a task without words")
        offers = self.index.with_capability(capability) if capability else ()
        inputs, outputs = (offers[0].inputs, offers[0].outputs) if offers else (_artefacts(task.inputs), _artefacts(task.outputs))
        spans = spans_of(self.goal, task.words, goal)
        origin = TaskOrigin(TaskSource.MODEL, spans=spans, catalogue_entry=capability)
        return Task(id=ids.of(goal), goal=goal, capability=capability, inputs=inputs, outputs=outputs, origin=origin)

    def _link(
        self, graph: TaskGraph, names: Sequence[str], tasks: Sequence[DraftedTask], placed: dict[str, str]
    ) -> frozenset[tuple[str, str]]:
        """Put the draft's links into the graph; those that got in, as pairs of ids."""
        place = {name: number for number, name in enumerate(names)}
        told = [(clean(earlier, MAX_NAME), later) for later, task in zip(names, tasks, strict=True) for earlier in task.after]
        links = [link for link in dict.fromkeys(told) if link[0] in place and link[0] != link[1]]
        if len(links) < len(set(told)):
            self.notes.append("the draft had links to tasks that are not there, or of a task to itself, which were left out")
        stated: set[tuple[str, str]] = set()
        dropped = 0
        for earlier, later in sorted(links, key=lambda link: place[link[0]] > place[link[1]]):
            try:
                graph.add_edge(placed[earlier], placed[later])
            except CycleError:
                dropped += 1
            else:
                stated.add((placed[earlier], placed[later]))
        if dropped > max(1.0, MAX_DROPPED_SHARE * len(links)):
            raise UnusableDraftError(f"had circles: {dropped} of its {len(links)} links close one")
        if dropped:
            self.notes.append(f"the draft had a circle, for which {dropped} of its {len(links)} links were left out")
        return frozenset(stated)


def _with_origin(edge: Edge, stated: frozenset[tuple[str, str]]) -> Edge:
    if (edge.from_id, edge.to_id) in stated:
        return replace(edge, origin=EdgeOrigin(EdgeSource.MODEL, text=edge.artefact))
    return edge if edge.origin is not None else replace(edge, origin=EdgeOrigin(EdgeSource.ARTEFACT, text=edge.artefact))


def clean(text: str, limit: int) -> str:
    """The text on one line, without what cannot be seen or sent, at most `limit` characters."""
    seen = "".join(
        character if character in _JOINERS else "" if kind == "Cf" else " " if kind[0] == "C" else character
        for character, kind in ((character, unicodedata.category(character)) for character in text[: 4 * limit])
    )
    return " ".join(seen.split())[:limit].strip()


def _artefacts(artefacts: Sequence[Artefact]) -> tuple[Artefact, ...]:
    cleaned = (Artefact(clean(artefact.name, MAX_NAME), clean(artefact.type, MAX_NAME)) for artefact in artefacts)
    return tuple(dict.fromkeys(artefact for artefact in cleaned if artefact.name))[:MAX_ARTEFACTS]


def _plain(name: str) -> str:
    """A name without case and separators."""
    return "".join(character for character in name.casefold() if character.isalnum())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
