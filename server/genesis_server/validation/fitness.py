"""Who may do a task: the catalogue under a call's and a task's hard constraints, as far as a verdict needs to know."""

from __future__ import annotations

from collections.abc import Mapping

from genesis_server.agents.index import CatalogueIndex, Match, Offer
from genesis_server.model.catalogue import AgentCard, DataClass, Tool
from genesis_server.model.plan import TaskConstraints
from genesis_server.model.routing import RoutingConstraints, Target, TargetKind
from genesis_server.validation.graph import PlanGraph

_NO_CONSTRAINTS = TaskConstraints()


class Fitness:
    """The tasks of a plan against the offers of a catalogue."""

    def __init__(self, graph: PlanGraph, index: CatalogueIndex, constraints: RoutingConstraints, threshold: float) -> None:
        """Index the owners. `threshold` is the similarity from which words alone make an offer do for a task."""
        self._graph = graph
        self._index = index
        self._constraints = constraints
        self._threshold = threshold
        self._agents: Mapping[str, AgentCard] = {agent.id: agent for agent in index.catalogue.agents}
        self._tools: Mapping[str, Tool] = {tool.name: tool for tool in index.catalogue.tools}
        self._matches: dict[str, list[Match]] = {}
        self._fit: dict[tuple[str, str], list[Offer]] = {}

    def owner(self, target: Target) -> AgentCard | Tool | None:
        """The agent or tool a target names; None when there is none."""
        return self._tools.get(target.id) if target.kind is TargetKind.TOOL else self._agents.get(target.id)

    def by_capability(self, row: int) -> bool:
        """Whether the task's capability is offered, so that its words do not matter."""
        capability = self._graph.tasks.capabilities[row]
        return bool(capability and self._index.with_capability(capability))

    def offers(self, row: int) -> list[Offer]:
        """Offers that can do a task, constraints aside: those of its capability, else those near enough by words, best first."""
        if self.by_capability(row):
            return list(self._index.with_capability(self._graph.tasks.capabilities[row]))
        return [match.offer for match in self._match(row) if match.score >= self._threshold]

    def fit_offers(self, row: int) -> list[Offer]:
        """Offers that may do a task, constraints and all; found once for tasks that ask for the same and say no constraints."""
        tasks = self._graph.tasks
        key = (tasks.capabilities[row], "" if self.by_capability(row) else tasks.goals[row])
        if row not in tasks.constraints and key in self._fit:
            return self._fit[key]
        found = [offer for offer in self.offers(row) if not self.refusal(row, offer.owner)]
        if row not in tasks.constraints:
            self._fit[key] = found
        return found

    def similarity(self, row: int, target: Target) -> float:
        """The best similarity of a target's offers with a task's words, 0 to 1."""
        is_tool = target.kind is TargetKind.TOOL
        own = [match for match in self._match(row) if match.offer.target_id == target.id and (match.offer.skill is None) == is_tool]
        return own[0].score if own else 0.0

    def refusal(self, row: int, owner: AgentCard | Tool) -> str:
        """The hard constraint that keeps a task from an agent or tool, in words; empty when there is none.

        A tool has no region, which satisfies no region constraint, and may see whatever its caller sends it.
        """
        constraints = self._graph.tasks.constraints.get(row, _NO_CONSTRAINTS)
        name = owner.name if isinstance(owner, Tool) else owner.id
        if name in self._constraints.excluded_targets:
            return f"'{name}' is excluded by the request"
        region = "" if isinstance(owner, Tool) else owner.region
        for wanted in (self._constraints.regions, constraints.regions):
            if wanted and region not in wanted:
                return f"'{name}' runs in {region or 'no region'}, allowed are {', '.join(wanted)}"
        needed = (constraints.data_class or self._constraints.data_class or DataClass.UNSPECIFIED).effective
        if not isinstance(owner, Tool) and owner.max_data_class.effective < needed:
            return f"'{name}' may see {owner.max_data_class.effective.name} data at most, the task's are {needed.name}"
        return ""

    def alternative(self, row: int, load: Mapping[str, int]) -> Target | None:
        """A target that may do a task: the least loaded for its capacity, then the first in the catalogue (or best by words).

        `load` is how many tasks each agent has. Of an agent's models the one with the highest prior is taken, then the cheapest.
        """
        best = min(self.fit_offers(row), key=lambda offer: _load_share(offer, load), default=None)
        return _target(best) if best is not None else None

    def _match(self, row: int) -> list[Match]:
        text = self._graph.tasks.goals[row]
        if text not in self._matches:
            self._matches[text] = self._index.match(text)
        return self._matches[text]


def _load_share(offer: Offer, load: Mapping[str, int]) -> float:
    if isinstance(offer.owner, Tool):
        return 0.0
    return load.get(offer.owner.id, 0) / max(1, offer.owner.max_concurrent_tasks)


def _target(offer: Offer) -> Target:
    if isinstance(offer.owner, Tool):
        return Target(TargetKind.TOOL, offer.owner.name)
    models = offer.owner.models
    model = min(models, key=lambda m: (-m.success_prior, m.input_price.nanos + m.output_price.nanos)).id if models else ""
    return Target(TargetKind.AGENT, offer.owner.id, model, offer.capability)
