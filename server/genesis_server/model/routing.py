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


@dataclass(frozen=True, slots=True)
class RoutingConstraints:
    """Limits over a whole call."""

    budget: Money | None = None
    regions: tuple[str, ...] = ()
    data_class: DataClass = DataClass.UNSPECIFIED
    """Class of the data of every task that does not say its own."""
    deadline_seconds: float | None = None
    excluded_targets: frozenset[str] = frozenset()


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
class RouteExplanation:
    """The proof of one route."""

    level: ExplanationLevel
    candidates: tuple[Candidate, ...]
    decisive_difference: str
    tie_break: str
    feasible_count: int
    candidate_count: int


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
