"""A goal as a hierarchical task graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from genesis_server.model.catalogue import Artefact, DataClass
from genesis_server.model.money import Money
from genesis_server.model.span import Span

MAX_DEPTH = 5
MAX_TASKS_PER_PLAN = 1_000
MAX_GOAL_LENGTH = 5_000
DEFAULT_DIFFICULTY = 0.5


class TaskKind(IntEnum):
    """Whether a task is work or a heading."""

    UNSPECIFIED = 0
    PRIMITIVE = 1
    COMPOUND = 2


class TaskSource(IntEnum):
    """What gave a task."""

    UNSPECIFIED = 0
    METHOD = 1
    CLAUSE = 2
    CATALOGUE = 3
    GOAL = 4


class EdgeKind(IntEnum):
    """Why one task waits for another."""

    UNSPECIFIED = 0
    DATA = 1
    ORDER = 2


@dataclass(frozen=True, slots=True)
class TaskConstraints:
    """What a target must satisfy to get a task."""

    regions: tuple[str, ...] = ()
    """Regions the work may be done in; empty: any."""
    data_class: DataClass = DataClass.UNSPECIFIED
    max_cost: Money | None = None
    deadline_seconds: float | None = None
    """Expected end at the latest, counted from the plan's start."""


@dataclass(frozen=True, slots=True)
class TaskOrigin:
    """Where a task came from."""

    source: TaskSource
    method_id: str = ""
    spans: tuple[Span, ...] = ()
    catalogue_entry: str = ""
    match_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a plan."""

    id: str
    goal: str
    kind: TaskKind = TaskKind.PRIMITIVE
    capability: str = ""
    """A skill's id or a tool's name; empty: the router goes by the goal's words."""
    inputs: tuple[Artefact, ...] = ()
    outputs: tuple[Artefact, ...] = ()
    acceptance: str = ""
    difficulty: float | None = None
    """0 (trivial) to 1 (hard); None means 0.5."""
    expected_seconds: float | None = None
    """None: taken from the capability."""
    constraints: TaskConstraints = TaskConstraints()
    parent_id: str = ""
    depth: int = 1
    origin: TaskOrigin | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """`to_id` starts when `from_id` is done."""

    from_id: str
    to_id: str
    kind: EdgeKind = EdgeKind.ORDER
    artefact: str = ""
    """What flows, for data edges."""


@dataclass(frozen=True, slots=True)
class PlanCounters:
    """Counters over a plan's lifetime."""

    tasks_created: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A tree of tasks with dependencies."""

    goal: str
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...] = ()
    id: str = ""
    version: int = 0
    create_time: float = 0.0
    """Seconds since the epoch; 0: not stored."""
    counters: PlanCounters = PlanCounters()
