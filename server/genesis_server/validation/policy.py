"""What the validator goes by: thresholds from data/validation.toml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesis_server.text.toml_file import read_toml

FILE_NAME = "validation.toml"
ALGORITHM = "3"
"""Raised when the same numbers would give another verdict."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Points = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=100)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SolvabilityPolicy(_Table):
    """When somebody can do a task."""

    text_threshold: Share
    fit_by_words: Share


class CompletenessPolicy(_Table):
    """When the tasks cover the goal."""

    left_out: Points
    left_out_by_words: Points
    offered: Share
    doubt: Share
    fewest_words: Count
    named: Share
    repeated: Share


class RedundancyPolicy(_Table):
    """When a task repeats another."""

    overlap: Share
    overlap_with_capability: Share
    sure: Share
    fewest_words: Count


class _File(_Table):
    solvability: SolvabilityPolicy
    completeness: CompletenessPolicy
    redundancy: RedundancyPolicy


@dataclass(frozen=True, slots=True)
class ValidationPolicy:
    """The validator's numbers."""

    version: str
    """Derived from the numbers and the algorithm."""
    solvability: SolvabilityPolicy
    completeness: CompletenessPolicy
    redundancy: RedundancyPolicy


def load_policy(text: str, file_name: str = FILE_NAME) -> ValidationPolicy:
    """The policy of a TOML text. Raises DataFileError with every mistake."""
    entries, _ = read_toml(text, file_name, _File)
    digest = blake2b(f"{ALGORITHM} {entries.model_dump_json()}".encode(), digest_size=6).hexdigest()
    return ValidationPolicy(f"validation_{digest}", entries.solvability, entries.completeness, entries.redundancy)


@lru_cache(maxsize=1)
def default_policy() -> ValidationPolicy:
    """The policy that ships."""
    return load_policy((files("genesis_server") / "data" / FILE_NAME).read_text("utf-8"))
