"""Where the language model is, and what is counted on the way."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model behind an OpenAI-compatible API."""

    url: str
    """Base URL; `/chat/completions` is appended."""
    model: str
    api_key: str = field(default="", repr=False)
    max_output_tokens: int
    """Most tokens the model may write for one answer."""


@dataclass(slots=True)
class Spent:
    """What one question used up so far, failed tries included."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
