"""How an answer was made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from genesis_server.model.money import Money
from genesis_server.model.span import Span


class DegradationLevel(IntEnum):
    """The ladder; higher is better."""

    UNSPECIFIED = 0
    MINIMAL = 1
    HEURISTIC = 2
    LLM = 3


@dataclass(frozen=True, slots=True)
class PhaseDuration:
    """Time spent in one phase."""

    phase: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TripwireHit:
    """A text that looks like an instruction to a language model."""

    family: str
    field: str
    span: Span


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a language model was asked and what it cost."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: Money | None = None
    """None: the price of the model is not known."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Enough to compare two answers and to find this one in logs and traces."""

    level: DegradationLevel
    level_reason: str = ""
    agents_snapshot_id: str = ""
    methods_snapshot_id: str = ""
    flags_snapshot_id: str = ""
    policy_version: str = ""
    seed: int = 0
    correlation_id: str = ""
    phases: tuple[PhaseDuration, ...] = ()
    server_version: str = ""
    tripwire_hits: tuple[TripwireHit, ...] = ()
    rulebook_version: str = ""
    decision_id: str = ""
    """The recorded decision, for GetDecision; empty when it was not recorded."""
    model_use: ModelUse | None = None
    """None: no language model was asked."""
