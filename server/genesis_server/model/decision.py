"""Recorded decisions: what was decided, from what, for whom, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from genesis_server.model.caller import Caller
from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import ModelDraft
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints


class DecisionKind(IntEnum):
    """What was decided."""

    UNSPECIFIED = 0
    PLAN = 1
    """A goal became a plan."""
    ROUTE = 2
    """The tasks of a plan got agents and tools."""


@dataclass(frozen=True, slots=True)
class PlanInput:
    """What a plan was made from, the snapshots aside."""

    goal: str
    givens: tuple[Artefact, ...] = ()
    max_level: DegradationLevel = DegradationLevel.UNSPECIFIED
    """The level that was tried without a language model; what flags and faults took away is taken away here too."""
    model_draft: ModelDraft | None = None
    """What a language model wrote, when it became the plan: a replay makes the plan of it again and never asks again."""


@dataclass(frozen=True, slots=True)
class RouteInput:
    """What a routing was made from, the snapshots aside."""

    constraints: RoutingConstraints
    seed: int = 0
    now: float = 0.0
    """The moment the rules saw, in seconds since the epoch."""
    load: Mapping[str, int] = field(default_factory=dict[str, int])
    """Tasks under way by the id of agent or tool, where the router was told of any."""
    unhealthy: frozenset[str] = frozenset()
    repaired: bool = False
    """Whether the plan was judged and repaired with the routing, as Orchestrate does."""
    structural_only: bool = False
    """Whether the validator looked at the structure only, when `repaired`."""
    draft: Plan | None = None
    """The plan before the repair, where that changed it; None: the routed plan itself."""


@dataclass(frozen=True, slots=True)
class DecisionHead:
    """What a list tells of a decision."""

    id: str
    kind: DecisionKind
    time: float
    """Seconds since the epoch."""
    expires: float
    """Until when it is kept."""
    plan_id: str
    """The plan it is about; empty when the plan came with the request and had no id."""
    goal: str
    caller: str
    """Who asked: the subject in the tenant."""
    provenance: Provenance
    task_count: int
    constraints: RoutingConstraints | None = None
    """For ROUTE."""
    target_ids: tuple[str, ...] = ()
    """Agents and tools that got a task, each once, sorted."""
    rule_ids: tuple[str, ...] = ()
    """Rules that fired for a task, each once, sorted."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with all that is needed to make it again, but for the snapshots, which are named here and stored once."""

    head: DecisionHead
    caller: Caller
    algorithm: str
    """What the code that decided calls itself; another one may decide otherwise."""
    routing_policy: str
    """Version of the router's numbers."""
    own_catalogue: bool
    """Whether the catalogue came with the request; it is then stored under the tenant."""
    explanation: ExplanationLevel
    """What was asked for at the time."""
    plan: Plan
    """The plan that was made, or that was routed, in the end."""
    planning: PlanInput | None = None
    """For PLAN."""
    asked: RouteInput | None = None
    """For ROUTE."""
    routing: Routing | None = None
    """For ROUTE: the result without explanations."""


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions are wanted; all that is given must hold."""

    plan_id: str = ""
    target_id: str = ""
    rule_id: str = ""
    kind: DecisionKind = DecisionKind.UNSPECIFIED
    start: float | None = None
    """Not before, seconds since the epoch."""
    end: float | None = None
    """Before."""

    def takes(self, head: DecisionHead) -> bool:
        """Whether a decision is one of them."""
        return (
            (not self.plan_id or head.plan_id == self.plan_id)
            and (not self.target_id or self.target_id in head.target_ids)
            and (not self.rule_id or self.rule_id in head.rule_ids)
            and self.kind in {DecisionKind.UNSPECIFIED, head.kind}
            and (self.start is None or head.time >= self.start)
            and (self.end is None or head.time < self.end)
        )
