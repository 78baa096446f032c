"""What decisions are made from: immutable views, swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from genesis_server.agents.index import CatalogueIndex
from genesis_server.flags.snapshot import ORCHESTRATION
from genesis_server.planning.methods import MethodLibrary
from genesis_server.routing.rules.loading import default_rulebook
from genesis_server.routing.rules.rulebook import Rulebook


class Flags(Protocol):
    """The flags as one subject sees them."""

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot they are from."""
        ...

    def enabled(self, key: str) -> bool:
        """Whether a flag is on. Raises ResourceError FLAG_NOT_FOUND."""
        ...

    @property
    def planner_off_reason(self) -> str:
        """Why plans are made at the minimal level; empty when they are not."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots in use at one moment."""

    agents: CatalogueIndex
    methods: MethodLibrary
    flags: Flags
    rulebook: Rulebook = field(default_factory=default_rulebook)
    load: Mapping[str, int] = field(default_factory=dict[str, int])
    """Tasks under way, by the id of the agent."""
    unhealthy: frozenset[str] = frozenset()
    """Agents that fail, so that nothing goes to them."""
    stores: bool = True
    """Whether plans and decisions are stored; an emergency flag may forbid it."""

    @property
    def minimal_reason(self) -> str:
        """Why plans are made at the minimal level; empty when they are not."""
        return self.flags.planner_off_reason

    @property
    def structural_only(self) -> bool:
        """Whether the validator looks at the structure only."""
        return not self.flags.enabled(ORCHESTRATION)
