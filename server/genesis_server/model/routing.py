"""Who does what, at what cost, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from genesis_server.model.catalogue import DataClass
from genesis_server.model.money import Money


class ExplanationLevel(IntEnum):
    """How much of the proof an answer carries."""

    UNSPECIFIED = 0
    NONE = 1
    SUMMARY = 2
    FULL = 3


class TargetKind(IntEnum):
    """What kind of thing does a task."""

    UNSPECIFIED = 0
    AGENT = 1
    TOOL = 2


class UnassignedReason(IntEnum):
    """A hard constraint that refused a candidate."""

    UNSPECIFIED = 0
    NO_CAPABILITY = 1
    REGION = 2
    DATA_CLASS = 3
    UNHEALTHY = 4
    BUDGET = 5
    DEADLINE = 6
    EXCLUDED = 7
    RULE = 8
    """A rule of the rulebook denies it or requires others."""


class RuleEffect(IntEnum):
    """What a rule does with the candidates it is about."""

    UNSPECIFIED = 0
    ALLOW = 1
    """Denials and requirements of lower priority do not touch them."""
    DENY = 2
    """They get no such task."""
    REQUIRE = 3
    """Nobody else gets such a task."""
    PREFER = 4
    """They go before all others that are feasible."""
    WEIGHT = 5
    """Their score changes by the rule's weight."""


@dataclass(frozen=True, slots=True)
class RoutingConstraints:
    """Limits over a whole call."""

    budget: Money | None = None
    regions: tuple[str, ...] = ()
    data_class: DataClass = DataClass.UNSPECIFIED
    """Class of the data of every task that does not say its own."""
    deadline_seconds: float | None = None
    excluded_targets: frozenset[str] = frozenset()
    sticky_key: str = ""
    """Calls with the same key go to the same one of candidates that are about as good; empty: the less loaded of two."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who does a task."""

    kind: TargetKind
    id: str
    """The agent's id or the tool's name."""
    model_id: str = ""
    skill_id: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A choice of target with what is expected of it."""

    target: Target
    score: float
    expected_success: float
    expected_cost: Money
    expected_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class NearestMiss:
    """A candidate that nearly made it."""

    target: Target
    failed: tuple[UnassignedReason, ...]
    missing: str


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Why nobody does a task."""

    reason: UnassignedReason
    message: str
    nearest_miss: NearestMiss | None = None


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """The parts of a score, each 0 (bad) to 1 (good)."""

    skill_match: float
    success: float
    cost: float
    load: float
    rules: float = 0.0
    """What weight rules add to the score, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate for a task."""

    target: Target
    score: float
    parts: ScoreParts
    expected_cost: Money
    failed: tuple[UnassignedReason, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact a decision was made from, as the rules see it."""

    name: str
    """For example `task.data_class`."""
    value: str


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule whose condition held."""

    rule_id: str
    effect: RuleEffect
    priority: int
    explanation: str
    """The rule's template filled in."""
    facts: tuple[Fact, ...] = ()
    """The facts its condition read."""
    candidate_count: int = 0
    """How many candidates of the task it is about."""


@dataclass(frozen=True, slots=True)
class BlockedRule:
    """A rule whose condition did not hold, with the fact that kept it from it."""

    rule_id: str
    effect: RuleEffect
    priority: int
    fact: Fact
    needed: str
    """The condition on that fact, for example `>= 0.7`."""


@dataclass(frozen=True, slots=True)
class LoadChoice:
    """How load or a sticky key chose among candidates that are about as good."""

    near_best: tuple[Target, ...]
    compared: tuple[Target, ...]
    """The two drawn, or the one the key names."""
    text: str


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What would have changed the decision."""

    text: str
    """For example "would have gone to plan with large-1 if task.max_cost >= 0.40 USD"."""
    change: str
    """The change alone."""
    target: Target | None
    """Who would have got the task; None: nobody."""


@dataclass(frozen=True, slots=True)
class DecisiveSet:
    """The facts and rules whose deletion together changes the decision, while that of no proper part of them does."""

    facts: tuple[str, ...]
    rules: tuple[str, ...]
    without: Target | None
    """Who would get the task without them; None: nobody."""


@dataclass(frozen=True, slots=True)
class RouteExplanation:
    """The proof of one route."""

    level: ExplanationLevel
    candidates: tuple[Candidate, ...]
    decisive_difference: str
    tie_break: str
    feasible_count: int
    candidate_count: int
    facts: tuple[Fact, ...] = ()
    fired: tuple[FiredRule, ...] = ()
    """Highest priority first."""
    blocked: tuple[BlockedRule, ...] = ()
    """At SUMMARY the one that would have changed the decision, if any; at FULL all."""
    load: LoadChoice | None = None
    counterfactuals: tuple[Counterfactual, ...] = ()
    decisive: DecisiveSet | None = None
    """At FULL only."""


@dataclass(frozen=True, slots=True)
class TaskRoute:
    """The route of one task: exactly one of `assignment` and `unassigned`."""

    task_id: str
    assignment: Assignment | None = None
    unassigned: Unassigned | None = None
    explanation: RouteExplanation | None = None

    def __post_init__(self) -> None:
        """Refuse a route that says both or nothing."""
        if (self.assignment is None) == (self.unassigned is None):
            raise ValueError(f"the route of {self.task_id!r} needs an assignment or the reason why there is none")


@dataclass(frozen=True, slots=True)
class BudgetSummary:
    """Money over a whole routing."""

    expected_total: Money
    cheapest_feasible_total: Money
    limit: Money | None
    met: bool


@dataclass(frozen=True, slots=True)
class Routing:
    """One route for each primitive task, in the plan's order."""

    routes: tuple[TaskRoute, ...]
    budget: BudgetSummary
