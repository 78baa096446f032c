"""Who may do a task: the catalogue under a call's and a task's hard constraints, as far as a verdict needs to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from genesis_server.agents.index import CatalogueIndex, Offer, names_of
from genesis_server.model.catalogue import AgentCard, DataClass, Tool
from genesis_server.model.plan import TaskConstraints
from genesis_server.model.routing import RoutingConstraints, Target, TargetKind
from genesis_server.text.index import Scores
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.offered import target_of

_NO_CONSTRAINTS = TaskConstraints()
_NO_OFFERS: Mapping[str, int] = MappingProxyType({})
_Wish = tuple[str, str, TaskConstraints | None]
"""An offered capability, else the words that decide; and the limits of a task's own."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class Fitness:
    """The tasks of a plan against the offers of a catalogue."""

    def __init__(
        self,
        graph: PlanGraph,
        index: CatalogueIndex,
        constraints: RoutingConstraints,
        threshold: float,
        *,
        load: Mapping[str, int],
        unjudged: frozenset[int],
        unhealthy: frozenset[str] = frozenset(),
    ) -> None:
        """Index the owners.

        Args:
            graph: the plan.
            index: the catalogue.
            constraints: the call's limits.
            threshold: the similarity from which words alone make an offer do for a task.
            load: how many tasks each agent has.
            unjudged: rows that nobody can do, or whose words are not compared, so that nobody is known for them.
            unhealthy: ids of agents and names of tools that are not well, and get nothing new.
        """
        self._graph = graph
        self._index = index
        self._constraints = constraints
        self._threshold = threshold
        self._load = load
        self._unjudged = unjudged
        self.unhealthy = unhealthy
        self._agents: Mapping[str, AgentCard] = {agent.id: agent for agent in index.catalogue.agents}
        self._tools: Mapping[str, Tool] = {tool.name: tool for tool in index.catalogue.tools}
        self._model_prices = {
            (agent.id, model.id): model.input_price.nanos + model.output_price.nanos
            for agent in index.catalogue.agents
            for model in reversed(agent.models)
        }
        self._offers_of: dict[tuple[str, bool], dict[str, int]] = {}
        for number, offer in enumerate(index.offers):
            self._offers_of.setdefault((offer.target_id, offer.skill is None), {})[offer.capability] = number
        self._scores: dict[str, Scores] = {}
        self._fit: dict[_Wish, list[Offer]] = {}
        self._alternatives: dict[_Wish, Target | None] = {}
        self._dearest: dict[_Wish, tuple[int, int]] = {}
        self._refusals: dict[_Wish, tuple[str, ...]] = {}

    def owner(self, target: Target) -> AgentCard | Tool | None:
        """The agent or tool a target names; None when there is none."""
        return self._tools.get(target.id) if target.kind is TargetKind.TOOL else self._agents.get(target.id)

    def model_price(self, target: Target) -> int | None:
        """The two prices of a target's model added up, in nanos; None when its agent has no such model, and for a tool."""
        return None if target.kind is TargetKind.TOOL else self._model_prices.get((target.id, target.model_id))

    def offers(self, target: Target, capability: str) -> bool:
        """Whether a target offers a capability."""
        return capability in self._offers_by(target)

    def _offers_by(self, target: Target) -> Mapping[str, int]:
        """Places of a target's offers, by capability."""
        return self._offers_of.get((target.id, target.kind is TargetKind.TOOL), _NO_OFFERS)

    def by_capability(self, row: int) -> bool:
        """Whether the task's capability is offered, so that its words do not matter."""
        capability = self._graph.tasks.capabilities[row]
        return bool(capability and self._index.numbers_with_capability(capability))

    def similarity(self, row: int, target: Target) -> float:
        """The best similarity of a target's offers with a task's words, 0 to 1."""
        return self.similarity_with(self._graph.tasks.goals[row], target)

    def similarity_with(self, text: str, target: Target) -> float:
        """The best similarity of a target's offers with a text, 0 to 1."""
        scores = _once(self._scores, text, lambda: self._index.scores(text))
        return max((float(scores[number]) for number in self._offers_by(target).values()), default=0.0)

    def refusal(self, row: int, owner: AgentCard | Tool) -> str:
        """The hard constraint that keeps a task from an agent or tool, data class aside, in words; empty when there is none.

        A tool has no region, which satisfies no region constraint.
        """
        constraints = self._graph.tasks.constraints.get(row, _NO_CONSTRAINTS)
        name = owner.name if isinstance(owner, Tool) else owner.id
        if self._constraints.excluded_targets and not self._constraints.excluded_targets.isdisjoint(names_of(owner)):
            return f"'{name}' is excluded by the request"
        region = "" if isinstance(owner, Tool) else owner.region
        for wanted in (self._constraints.regions, constraints.regions):
            if wanted and region not in wanted:
                return f"'{name}' runs in {region or 'no region'}, allowed are {', '.join(wanted)}"
        return ""

    def forbidden(self, row: int, owner: AgentCard | Tool) -> str:
        """Why an agent may not see a task's data, in words; empty when it may. A tool may see whatever its caller sends it."""
        constraints = self._graph.tasks.constraints.get(row, _NO_CONSTRAINTS)
        needed = (constraints.data_class or self._constraints.data_class or DataClass.UNSPECIFIED).effective
        if not isinstance(owner, Tool) and owner.max_data_class.effective < needed:
            return f"'{owner.id}' may see {owner.max_data_class.effective.name} data at most, the task's are {needed.name}"
        return ""

    def alternative(self, row: int) -> Target | None:
        """A target that may do a task: the least loaded for its capacity, then the first in the catalogue (or best by words).

        Of an agent's models the one with the highest prior is taken, then the cheapest.
        """
        return _once(self._alternatives, self._wish(row), lambda: self._least_loaded(self._fit_offers(row)))

    def another(self, row: int, agent_id: str) -> Target | None:
        """A target that may do a task instead of an agent and has room for it."""
        others = [
            o for o in self._fit_offers(row) if o.target_id != agent_id and (isinstance(o.owner, Tool) or _load_share(o, self._load) < 1)
        ]
        return self._least_loaded(others)

    def dearest_prices(self, row: int) -> tuple[int, int]:
        """The dearest model that may do a task, its two prices added up, and the dearest tool, both in nanos; 0 where none may."""
        return _once(self._dearest, self._wish(row), lambda: _dearest(self._fit_offers(row)))

    def refusals(self, row: int) -> tuple[str, ...]:
        """The hard constraints that keep a task from those who could do it, each once."""
        return _once(
            self._refusals, self._wish(row), lambda: tuple(dict.fromkeys(self._ruled_out(row, offer.owner) for offer in self._offers(row)))
        )

    def _wish(self, row: int) -> _Wish:
        """What a task asks for: rows that ask for the same get the same answers."""
        tasks = self._graph.tasks
        by_capability = self.by_capability(row)
        text = "" if by_capability else tasks.goals[row]
        return tasks.capabilities[row] if by_capability else "", text, tasks.constraints.get(row)

    def _offers(self, row: int) -> list[Offer]:
        """Offers that can do a task, constraints aside: those of its capability, else those near enough by words, best first."""
        if self.by_capability(row):
            return list(self._index.with_capability(self._graph.tasks.capabilities[row]))
        if row in self._unjudged:
            return []
        scores = self._similarities(row)
        near = np.flatnonzero((scores >= self._threshold) & (scores > 0))
        return [self._index.offers[number] for number in near[np.argsort(-scores[near], kind="stable")].tolist()]

    def _fit_offers(self, row: int) -> list[Offer]:
        """Offers that may do a task, constraints and all."""
        return _once(self._fit, self._wish(row), lambda: [offer for offer in self._offers(row) if not self._ruled_out(row, offer.owner)])

    def _ruled_out(self, row: int, owner: AgentCard | Tool) -> str:
        """Why an agent or tool may not get a task, in words; empty when it may."""
        name = owner.name if isinstance(owner, Tool) else owner.id
        unwell = f"'{name}' is not healthy" if name in self.unhealthy else ""
        return self.refusal(row, owner) or self.forbidden(row, owner) or unwell

    def _least_loaded(self, offers: Sequence[Offer]) -> Target | None:
        best = min(offers, key=lambda offer: _load_share(offer, self._load), default=None)
        return target_of(best) if best is not None else None

    def _similarities(self, row: int) -> Scores:
        text = self._graph.tasks.goals[row]
        return _once(self._scores, text, lambda: self._index.scores(text))


def _once(known: dict[_K, _V], key: _K, make: Callable[[], _V]) -> _V:
    if key not in known:
        known[key] = make()
    return known[key]


def _dearest(offers: Sequence[Offer]) -> tuple[int, int]:
    agents = {offer.owner.id: offer.owner for offer in offers if isinstance(offer.owner, AgentCard)}
    models = [model.input_price.nanos + model.output_price.nanos for agent in agents.values() for model in agent.models]
    calls = [offer.owner.cost_per_call.nanos for offer in offers if isinstance(offer.owner, Tool)]
    return max(models, default=0), max(calls, default=0)


def _load_share(offer: Offer, load: Mapping[str, int]) -> float:
    if isinstance(offer.owner, Tool):
        return 0.0
    return load.get(offer.owner.id, 0) / max(1, offer.owner.max_concurrent_tasks)
