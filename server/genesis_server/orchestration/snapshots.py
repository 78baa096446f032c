"""What decisions are made from: immutable views, swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.snapshot import ORCHESTRATION, FlagSnapshot
from genesis_server.planning.methods import MethodLibrary
from genesis_server.routing.rules.loading import default_rulebook
from genesis_server.routing.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots in use at one moment."""

    agents: CatalogueIndex
    methods: MethodLibrary
    flags: FlagSnapshot
    rulebook: Rulebook = field(default_factory=default_rulebook)
    load: Mapping[str, int] = field(default_factory=dict[str, int])
    """Tasks under way, by the id of the agent."""
    unhealthy: frozenset[str] = frozenset()
    """Agents that fail, so that nothing goes to them."""

    @property
    def minimal_reason(self) -> str:
        """Why plans are made at the minimal level for everyone; empty when they are not."""
        return self.flags.planner_off_reason

    @property
    def structural_only(self) -> bool:
        """Whether the validator looks at the structure only."""
        return not self.flags.enabled(ORCHESTRATION)
