"""What the router goes by: weights, thresholds and expectations, from data/routing.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesis_server.model.plan import DEFAULT_DIFFICULTY
from genesis_server.text.toml_file import DataFileError, read_toml

FILE_NAME = "routing.toml"
ALGORITHM = "3"
"""Raised when the same numbers would give another decision."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Prior = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Table):
    """Weights of the parts of a score; they add up to 1."""

    skill_match: Share
    success: Share
    cost: Share


class LoadPolicy(_Table):
    """When load decides instead of the score."""

    near_best: Share


class MatchPolicy(_Table):
    """Who is a candidate, and how well a skill fits."""

    exact_floor: Share
    text_threshold: Share
    text_share_of_best: Share


class SuccessPolicy(_Table):
    """How likely a task succeeds."""

    difficulty_slope: float = Field(ge=0, le=100, allow_inf_nan=False)
    agent_without_models: Prior
    tool: Prior


class CostPolicy(_Table):
    """What a task costs, and what counts as cheap."""

    input_tokens_base: Tokens
    input_tokens_per_difficulty: Tokens
    output_tokens_base: Tokens
    output_tokens_per_difficulty: Tokens
    span: float = Field(gt=1, allow_inf_nan=False)
    smallest: float = Field(gt=0, allow_inf_nan=False)


class _File(_Table):
    weights: Weights
    load: LoadPolicy
    match: MatchPolicy
    success: SuccessPolicy
    cost: CostPolicy


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """The router's numbers."""

    version: str
    """Derived from the numbers and the algorithm."""
    weights: Weights
    load: LoadPolicy
    match: MatchPolicy
    success: SuccessPolicy
    cost: CostPolicy

    def expected_tokens(self, difficulty: float) -> tuple[int, int]:
        """Input and output tokens of a task of this difficulty (0 to 1)."""
        cost = self.cost
        return (
            round(cost.input_tokens_base + cost.input_tokens_per_difficulty * difficulty),
            round(cost.output_tokens_base + cost.output_tokens_per_difficulty * difficulty),
        )

    def odds_factor(self, difficulty: float) -> float:
        """By how much the odds of failure rise against a middling task."""
        return math.exp(self.success.difficulty_slope * (difficulty - DEFAULT_DIFFICULTY))


def load_policy(text: str, file_name: str = FILE_NAME) -> RoutingPolicy:
    """The policy of a TOML text. Raises DataFileError with every mistake."""
    entries, file = read_toml(text, file_name, _File)
    if not math.isclose(total := sum(entries.weights.model_dump().values()), 1.0, abs_tol=1e-9):
        raise DataFileError([file.mistake(("weights",), f"the weights add up to {total:g}; make it 1")])
    content = f"{ALGORITHM} {entries.model_dump_json()}"
    version = f"routing_{blake2b(content.encode(), digest_size=6).hexdigest()}"
    return RoutingPolicy(version, entries.weights, entries.load, entries.match, entries.success, entries.cost)


@lru_cache(maxsize=1)
def default_policy() -> RoutingPolicy:
    """The policy that ships."""
    return load_policy((files("genesis_server") / "data" / FILE_NAME).read_text("utf-8"))
