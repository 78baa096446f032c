"""The facts rules may read: the catalogue of their names and types, and their values for one task and one candidate.

A fact can be missing: a task without a deadline has no `task.deadline_seconds`. Empty text counts as missing, an empty set does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from genesis_server.model.routing import Fact

FactValue: TypeAlias = "str | float | bool | frozenset[str]"
"""Instants and dates are seconds since the epoch (a date: of its midnight, UTC)."""

FIRST_MOMENT = -62_135_596_800.0
"""The year 1 begins, UTC; what is earlier cannot be written."""
END_OF_TIME = 253_402_300_800.0
"""The year 9999 has ended, UTC."""

MISSING = "missing"
"""How a missing fact is shown."""


class FactType(StrEnum):
    """What a fact's value is."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DATE = "date"
    TEXTS = "set of text"


class Fold(StrEnum):
    """What is done to a text before it is compared with the fact's."""

    NONE = "none"
    LOWER = "lower case"
    STEM = "stem"


@dataclass(frozen=True, slots=True)
class FactKind:
    """One entry of the catalogue."""

    name: str
    type: FactType
    meaning: str
    choices: tuple[str, ...] = ()
    """The only values of a text; empty: any."""
    ordered: bool = False
    """Whether the choices stand in ascending order, so that `<` means something."""
    lowest: float | None = None
    highest: float | None = None
    whole: bool = False
    """Whether the number has no decimals."""
    always: bool = False
    """Never missing."""
    fold: Fold = Fold.NONE

    @property
    def scope(self) -> str:
        """`task`, `plan`, `caller`, `time` or `agent`."""
        return self.name.partition(".")[0]


DATA_CLASSES = ("public", "internal", "confidential", "restricted")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _number(name: str, meaning: str, *, highest: float | None = None, whole: bool = False, always: bool = False) -> FactKind:
    return FactKind(name, FactType.NUMBER, meaning, lowest=0.0, highest=highest, whole=whole, always=always)


def _texts(name: str, meaning: str, *, fold: Fold = Fold.NONE) -> FactKind:
    return FactKind(name, FactType.TEXTS, meaning, always=True, fold=fold)


def _text(name: str, meaning: str, *, always: bool = False, fold: Fold = Fold.NONE) -> FactKind:
    return FactKind(name, FactType.TEXT, meaning, always=always, fold=fold)


def _data_class(name: str, meaning: str, *, always: bool) -> FactKind:
    return FactKind(name, FactType.TEXT, meaning, choices=DATA_CLASSES, ordered=True, always=always)


def _by_name(kinds: Iterable[FactKind]) -> Mapping[str, FactKind]:
    return {kind.name: kind for kind in kinds}


TASK_FACTS: Mapping[str, FactKind] = _by_name(
    [
        _text("task.id", "The task's id.", always=True),
        _text("task.goal", "What is to be done, in lower case.", fold=Fold.LOWER),
        _texts("task.words", "The stems of the goal's words without stop words; a word in a rule is stemmed too.", fold=Fold.STEM),
        _text("task.capability", "The skill's id or tool's name it asks for."),
        FactKind("task.kind", FactType.TEXT, "Work or heading.", choices=("primitive", "compound"), always=True),
        _number("task.difficulty", "0 trivial to 1 hard; 0.5 when the task says none.", highest=1.0, always=True),
        _number("task.depth", "How deep it stands in the plan's tree, from 1.", whole=True, always=True),
        _data_class("task.data_class", "The class of its data: its own, else the call's, else internal.", always=True),
        _number("task.max_cost", "What it may cost at most, in units of the currency."),
        _number("task.deadline_seconds", "When it must be done at the latest: seconds from the plan's start."),
        _number("task.expected_seconds", "How long it is said to take."),
        _texts("task.regions", "Regions its work may be done in, its own and the call's taken together; empty: any."),
        _texts("task.inputs", "Names of what it needs."),
        _texts("task.outputs", "Names of what it produces."),
        _texts("task.input_types", "Types of what it needs, in lower case.", fold=Fold.LOWER),
        _text("task.method", "Id of the method it came from."),
        _text("plan.goal", "The goal of the whole plan, in lower case.", fold=Fold.LOWER),
        _number("plan.task_count", "How many tasks the plan has, headings too.", whole=True, always=True),
        _number("plan.depth", "How deep the plan's tree is.", whole=True, always=True),
        _number("plan.budget", "What the whole call may cost, in units of the currency."),
        _number("plan.deadline_seconds", "When the whole plan must be done: seconds from its start."),
        _texts("plan.regions", "Regions the call allows; empty: any."),
        _number("plan.live_agents", "How many agents of the catalogue have a worker that is alive.", whole=True, always=True),
        _data_class("plan.data_class", "The class of the call's data, when it says one.", always=False),
        _text("caller.tenant", "The tenant of who calls."),
        _text("caller.subject", "Who calls."),
        _texts("caller.roles", "The roles of who calls: viewer, client, admin, agent."),
        FactKind("caller.anonymous", FactType.BOOLEAN, "Whether the caller showed no credentials."),
        FactKind("time.now", FactType.INSTANT, "The moment of the decision.", always=True),
        FactKind("time.date", FactType.DATE, "Its date, UTC.", always=True),
        _number("time.hour", "Its hour, 0 to 23, UTC.", highest=23.0, whole=True, always=True),
        FactKind("time.weekday", FactType.TEXT, "Its day of the week, UTC.", choices=WEEKDAYS, ordered=True, always=True),
    ]
)
"""What `when` may read."""

CANDIDATE_FACTS: Mapping[str, FactKind] = _by_name(
    [
        _text("agent.id", "The agent's id or the tool's name.", always=True),
        FactKind("agent.kind", FactType.TEXT, "Agent or tool.", choices=("agent", "tool"), always=True),
        _text("agent.version", "The agent's version."),
        _text("agent.region", "Where the agent works."),
        _data_class("agent.max_data_class", "The highest class the agent is cleared for; tools say none.", always=False),
        _text("agent.skill", "The skill the candidate would use; a tool's name."),
        _texts("agent.skills", "All skills of the agent."),
        _texts("agent.tags", "The tags of the skill it would use."),
        FactKind("agent.has_model", FactType.BOOLEAN, "Whether it runs on a language model.", always=True),
        _text("agent.model", "The model the candidate would run on."),
        _texts("agent.models", "All models of the agent."),
        _number("agent.max_concurrent_tasks", "How many tasks the agent takes at once; tools say none.", whole=True),
        _number("agent.input_price", "Price of a million input tokens of the model, in units of the currency."),
        _number("agent.output_price", "Price of a million output tokens of the model, in units of the currency."),
        _number("agent.call_price", "What one call of the tool costs, in units of the currency."),
        _number("agent.success_prior", "How likely a task of middling difficulty succeeds on the model.", highest=1.0),
        _number("agent.expected_seconds", "How long the skill or the tool is said to take.", always=True),
        FactKind("agent.live", FactType.BOOLEAN, "Whether a worker of the agent is alive; of a tool never.", always=True),
    ]
)
"""What `who` may read."""

FACTS: Mapping[str, FactKind] = {**TASK_FACTS, **CANDIDATE_FACTS}
"""Every fact by name."""

TASK_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(TASK_FACTS)}
CANDIDATE_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(CANDIDATE_FACTS)}
PLACES: Mapping[str, int] = {**TASK_PLACES, **CANDIDATE_PLACES}
"""Where each fact stands in `TaskFacts.values` or `CandidateFacts.values`."""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What is known of a task, its plan, who calls and when."""

    values: tuple[FactValue | None, ...]
    """In the order of TASK_FACTS; None: missing."""
    now: float
    """The moment of the decision, which validity goes by; seconds since the epoch."""

    @classmethod
    def of(cls, values: Mapping[str, FactValue | None], now: float) -> TaskFacts:
        """The facts named in `values`; all others are missing."""
        return cls(tuple([values.get(name) for name in TASK_FACTS]), now)

    def get(self, name: str) -> FactValue | None:
        """The value of a fact; None: missing. KeyError for no fact of a task."""
        return self.values[TASK_PLACES[name]]

    def without(self, names: Collection[str]) -> TaskFacts:
        """The same without some facts; when the decision is made stays known to the rules' validity."""
        return TaskFacts(tuple([None if name in names else value for name, value in zip(TASK_FACTS, self.values, strict=True)]), self.now)

    def replaced(self, values: Mapping[str, FactValue | None]) -> TaskFacts:
        """The same with other values for some facts, taken as they are."""
        mine = zip(TASK_FACTS, self.values, strict=True)
        return TaskFacts(tuple([values.get(name, value) for name, value in mine]), self.now)

    def shown(self) -> tuple[Fact, ...]:
        """All that are not missing, for people, in the catalogue's order."""
        named = zip(TASK_FACTS, self.values, strict=True)
        return tuple([Fact(name, text_of(name, value)) for name, value in named if value is not None])

    def fact(self, name: str) -> Fact:
        """One fact for people."""
        return Fact(name, text_of(name, self.get(name)))


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """What is known of a candidate: an agent with one of its skills and models, or a tool."""

    values: tuple[FactValue | None, ...]
    """In the order of CANDIDATE_FACTS; None: missing."""

    @classmethod
    def of(cls, values: Mapping[str, FactValue | None]) -> CandidateFacts:
        """The facts named in `values`; all others are missing."""
        return cls(tuple([values.get(name) for name in CANDIDATE_FACTS]))

    def get(self, name: str) -> FactValue | None:
        """The value of a fact; None: missing. KeyError for no fact of a candidate."""
        return self.values[CANDIDATE_PLACES[name]]


def text_of(name: str, value: FactValue | None) -> str:
    """A fact's value for people."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    kind = FACTS[name].type
    return format_instant(value) if kind is FactType.INSTANT else format_date(value) if kind is FactType.DATE else format_number(value)


def format_number(value: float) -> str:
    """The shortest decimal that reads back as the same number."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(float(value))


def format_instant(seconds: float) -> str:
    """An instant as RFC 3339, with decimals only where it has some."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat()
    return text.replace("+00:00", "Z")


def format_date(seconds: float) -> str:
    """The date of an instant, UTC."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def parse_instant(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 instant. ValueError for anything else, and for one without its offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    seconds = moment.timestamp() if moment is not None and moment.tzinfo is not None else FIRST_MOMENT - 1
    if not FIRST_MOMENT <= seconds < END_OF_TIME:
        raise ValueError(f"{text!r} is no instant; write it like 2026-01-31T09:00:00Z")
    return seconds


def parse_date(text: str) -> float:
    """Seconds since the epoch of a date's midnight, UTC. ValueError for anything else."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write it like 2026-01-31") from None
    return moment.timestamp()
