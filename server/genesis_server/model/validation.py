"""The judgement of a plan and its routing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from genesis_server.model.plan import Edge, Task
from genesis_server.model.routing import Target
from genesis_server.model.span import Span


class Principle(IntEnum):
    """What a plan is judged by."""

    UNSPECIFIED = 0
    STRUCTURE = 1
    SOLVABILITY = 2
    COMPLETENESS = 3
    NON_REDUNDANCY = 4
    ROUTING = 5


class Severity(IntEnum):
    """How bad a finding is; an error fails its principle."""

    UNSPECIFIED = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


class FindingKind(IntEnum):
    """What was found; the contract says what each means."""

    UNSPECIFIED = 0
    CYCLE = 1
    SELF_DEPENDENCY = 2
    DANGLING_REFERENCE = 3
    DUPLICATE_TASK_ID = 4
    DUPLICATE_EDGE = 5
    INPUT_NOT_READY = 6
    PARENT_CYCLE = 7
    TOO_DEEP = 8
    TOO_MANY_TASKS = 9
    EMPTY_PLAN = 10
    REDUNDANT_EDGE = 11
    UNSOLVABLE_TASK = 12
    UNKNOWN_TARGET = 13
    UNFIT_TARGET = 14
    UNASSIGNED_TASK = 15
    UNCOVERED_ELEMENT = 16
    REPEATED_TASK = 17
    OVERLOAD = 18
    OVER_BUDGET = 19
    OVER_DEADLINE = 20
    SUBSUMED_TASK = 21
    """Everything it puts out another task puts out too."""
    UNUSED_OUTPUT = 22
    """Nobody needs what it puts out, and it covers nothing of the goal."""
    REPEATED_GOAL = 23
    """A task that says again what the goal says, where the goal names two or more actions."""
    FORBIDDEN_DATA_CLASS = 24
    UNHEALTHY_TARGET = 25


@dataclass(frozen=True, slots=True)
class Reallocate:
    """Give a task to another target."""

    task_id: str
    target: Target


@dataclass(frozen=True, slots=True)
class DropTask:
    """Take a task out; what waited for it waits for what it waited for."""

    task_id: str


@dataclass(frozen=True, slots=True)
class DropEdge:
    """Take an edge out."""

    edge: Edge


@dataclass(frozen=True, slots=True)
class AddTask:
    """Put a task in, with edges to and from tasks that are there."""

    task: Task
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Redescribe:
    """Give a task another goal text."""

    task_id: str
    goal: str


@dataclass(frozen=True, slots=True)
class SplitTask:
    """Put tasks in the place of one: the first waits for what it waited for, what waited for it waits for the last."""

    task_id: str
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...] = ()
    """Between the new tasks."""


@dataclass(frozen=True, slots=True)
class MergeTasks:
    """Make one of several: `task_id` stays, with the goal given and the inputs, outputs and edges of all."""

    task_id: str
    merged_ids: tuple[str, ...]
    goal: str


Fix = Reallocate | DropTask | DropEdge | AddTask | Redescribe | SplitTask | MergeTasks


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, with where, and what would mend it."""

    kind: FindingKind
    principle: Principle
    severity: Severity
    message: str
    spans: tuple[Span, ...] = ()
    task_ids: tuple[str, ...] = ()
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A check that was not made, and why."""

    principle: Principle
    reason: str


@dataclass(frozen=True, slots=True)
class QualityTerms:
    """The terms of the quality score, each 0 to 1; the contract says how each is normalised."""

    success: float = 0.0
    quality: float = 0.0
    cost: float = 0.0
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """The shape of a plan in time, as if every task started as soon as it can."""

    levels: tuple[tuple[str, ...], ...]
    level_count: int
    critical_path: tuple[str, ...]
    makespan_seconds: float
    max_parallelism: int
    average_parallelism: float
    redundant_edges_checked: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement; None means not judged."""

    passed: bool
    structure_passed: bool
    solvability_passed: bool | None
    completeness_passed: bool | None
    non_redundancy_passed: bool | None
    routing_passed: bool | None
    quality_score: float
    quality_terms: QualityTerms
    findings: tuple[Finding, ...]
    """Worst first, at most 1 000."""
    finding_count: int
    not_judged: tuple[NotJudged, ...]
    schedule: Schedule | None
    """None when the structure has a circle."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair that was made."""

    round: int
    finding: Finding
    fix: Fix
