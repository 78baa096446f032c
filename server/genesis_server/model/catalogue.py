"""Who can do what: agents with skills and models, and plain tools."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from genesis_server.model.money import Money

DEFAULT_SKILL_SECONDS = 60.0
DEFAULT_TOOL_SECONDS = 1.0
DEFAULT_SUCCESS_PRIOR = 0.7


class DataClass(IntEnum):
    """How sensitive data is; an agent cleared for one class may see all below it."""

    UNSPECIFIED = 0
    PUBLIC = 1
    INTERNAL = 2
    CONFIDENTIAL = 3
    RESTRICTED = 4

    @property
    def effective(self) -> DataClass:
        """Itself, or INTERNAL when nothing was said."""
        return DataClass.INTERNAL if self is DataClass.UNSPECIFIED else self


@dataclass(frozen=True, slots=True)
class Artefact:
    """A named and typed value that flows from one task to another."""

    name: str
    type: str = ""
    """Compared without regard to case; empty matches any type."""


@dataclass(frozen=True, slots=True)
class Model:
    """A language model with its price and a prior of its success."""

    id: str
    input_price: Money = Money()
    """Price of a million input tokens."""
    output_price: Money = Money()
    """Price of a million output tokens."""
    success_prior: float = DEFAULT_SUCCESS_PRIOR
    """Probability that a task of middling difficulty succeeds on it, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Something an agent can do; its id is the capability tasks ask for."""

    id: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    inputs: tuple[Artefact, ...] = ()
    outputs: tuple[Artefact, ...] = ()
    expected_seconds: float = DEFAULT_SKILL_SECONDS


@dataclass(frozen=True, slots=True)
class AgentCard:
    """An agent as it presents itself."""

    id: str
    skills: tuple[Skill, ...]
    name: str = ""
    description: str = ""
    version: str = ""
    models: tuple[Model, ...] = ()
    """Models it can run on; none: it costs nothing per task."""
    max_concurrent_tasks: int = 1
    region: str = ""
    """Empty: anywhere, which satisfies no region constraint."""
    max_data_class: DataClass = DataClass.INTERNAL
    live: bool = False
    """Whether a worker of it is alive; the server says so, never a caller."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A plain function somebody can call; its name is the capability tasks ask for."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    inputs: tuple[Artefact, ...] = ()
    outputs: tuple[Artefact, ...] = ()
    cost_per_call: Money = Money()
    expected_seconds: float = DEFAULT_TOOL_SECONDS


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An immutable set of agents and tools; ids and names are unique in it."""

    agents: tuple[AgentCard, ...] = ()
    tools: tuple[Tool, ...] = ()
    snapshot_id: str = ""
    """Derived from the content: equal catalogues have equal ids."""
