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
MAX_UPDATES_PER_PLAN = 10
MAX_NEW_TASKS_PER_UPDATE = 20
DEFAULT_DIFFICULTY = 0.5
DEFAULT_ATTEMPTS = 3
DEFAULT_ATTEMPTS_PER_AGENT = 2
DEFAULT_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 60.0


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
    MODEL = 5
    """A language model's draft."""
    EDIT = 6
    """A caller's edit of the plan."""


class EdgeKind(IntEnum):
    """Why one task waits for another."""

    UNSPECIFIED = 0
    DATA = 1
    ORDER = 2


class EdgeSource(IntEnum):
    """What gave an edge."""

    UNSPECIFIED = 0
    METHOD = 1
    CUE = 2
    """Words of the goal that say the order: "then", "before"."""
    REFERENCE = 3
    """Words of the goal that refer back: "it", "the report"."""
    ARTEFACT = 4
    """One produces what the other needs."""
    MODEL = 5
    """A language model's draft."""
    EDIT = 6
    """A caller's edit or a repair."""


class TaskState(IntEnum):
    """How far a task has come."""

    UNSPECIFIED = 0
    PENDING = 1
    DONE = 2
    FAILED = 3
    SKIPPED = 4
    """A guard excludes it; what waits for it need not wait any more."""
    CANCELLED = 5
    AWAITING_APPROVAL = 6
    """It could be worked on, and waits for somebody's approval."""

    @property
    def ended(self) -> bool:
        """Whether it will not be worked on again."""
        # Asked of every task at every step; a set of enum members would be hashed anew each time.
        return self is TaskState.DONE or self is TaskState.FAILED or self is TaskState.SKIPPED or self is TaskState.CANCELLED


class PlanState(IntEnum):
    """How far a plan has come."""

    UNSPECIFIED = 0
    ACTIVE = 1
    PAUSED = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5


class GuardOperator(IntEnum):
    """How an output is compared with a guard's value."""

    UNSPECIFIED = 0
    EQUAL = 1
    NOT_EQUAL = 2
    LESS = 3
    AT_MOST = 4
    GREATER = 5
    AT_LEAST = 6
    CONTAINS = 7
    IS_TRUE = 8
    IS_FALSE = 9


class RequirementKind(IntEnum):
    """What a goal demands of a task."""

    UNSPECIFIED = 0
    MUST = 1
    """"must", "make sure"."""
    ONLY = 2
    EXCEPT = 3
    """"except", "without", "but not"."""
    AT_MOST = 4
    """"at most 5", "under 200 $"."""
    AT_LEAST = 5
    BY = 6
    """"by Friday", "before noon", "within 2 hours"."""


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
    """Method, for METHOD."""
    spans: tuple[Span, ...] = ()
    catalogue_entry: str = ""
    match_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition under which a task is done at all, on what an earlier task put out."""

    task_id: str
    """Whose outputs decide."""
    artefact: str
    """Name of the output; empty: any output that `value` can be compared with."""
    operator: GuardOperator
    value: str = ""
    """Compared as a number when both sides are one, else as words without regard to case; empty for IS_TRUE and IS_FALSE."""
    text: str = ""
    """The condition in the goal's words."""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something the goal demands of a task beyond doing it."""

    kind: RequirementKind
    text: str
    """In the goal's words: "under 200 $"."""
    amount: float | None = None
    unit: str = ""
    """Of the amount: "$", "kg", "hours"."""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class EdgeOrigin:
    """What gave an edge."""

    source: EdgeSource
    text: str = ""
    """The cue or the referring words as they stand in the goal, the artefact's name or the method's id."""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a task is tried before another method, a repair or giving up."""

    max_attempts: int = 0
    """Over all agents; 0: DEFAULT_ATTEMPTS."""
    max_attempts_per_agent: int = 0
    """0: DEFAULT_ATTEMPTS_PER_AGENT."""
    initial_backoff_seconds: float | None = None
    """Before the second attempt; doubles with each further one, up to MAX_BACKOFF_SECONDS. None: DEFAULT_BACKOFF_SECONDS."""


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
    guards: tuple[Guard, ...] = ()
    """All must hold; one that does not makes the task SKIPPED."""
    requirements: tuple[Requirement, ...] = ()
    state: TaskState = TaskState.PENDING
    error: str = ""
    """Why it failed, or which failed task it needs, when it was cancelled for that."""
    retry: RetryPolicy = RetryPolicy()
    timeout_seconds: float | None = None
    """The longest one attempt may take; None: the server's default."""
    needs_approval: bool = False
    approved_by: str = ""
    """Who approved it; empty while nobody did."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`to_id` starts when `from_id` is done."""

    from_id: str
    to_id: str
    kind: EdgeKind = EdgeKind.ORDER
    artefact: str = ""
    """What flows, for data edges."""
    origin: EdgeOrigin | None = None


@dataclass(frozen=True, slots=True)
class PlanCounters:
    """Counters over a plan's lifetime."""

    tasks_created: int = 0
    updates: int = 0
    """Events that re-planned something; at most MAX_UPDATES_PER_PLAN."""


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
    state: PlanState = PlanState.ACTIVE
    hopeless: tuple[str, ...] = ()
    """Tasks that were needed and failed with nothing left to take their place, in the order they failed."""
