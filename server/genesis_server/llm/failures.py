"""How asking a language model fails, in the words that provenance, metrics and the breaker use."""

from __future__ import annotations

from enum import StrEnum

from genesis_server.resilience.errors import LlmError


class Failure(StrEnum):
    """What went wrong; the values are metric labels."""

    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    """No connection, a broken one, or a server error."""
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    """The endpoint does not take the request: key, model name, quota, size."""
    UNUSABLE = "unusable"
    """An answer came and was no draft."""
    CIRCUIT_OPEN = "circuit_open"


class ModelCallError(LlmError):
    """One call to the model failed; it stays inside the server, the plan is then made without the model.

    The message is the middle of a sentence and holds nothing that the endpoint said: endpoints repeat keys and prompts in their errors.
    """

    def __init__(
        self, failure: Failure, why: str, *, is_fault: bool, is_retryable: bool = False, retry_after_seconds: float | None = None
    ) -> None:
        """Keep the facts; `is_fault`: it speaks against the endpoint, `is_retryable`: the same call may work a moment later."""
        super().__init__(f"MODEL_{failure.name}", why, retry_after_seconds=retry_after_seconds)
        self.failure = failure
        self.is_fault = is_fault
        self.is_retryable = is_retryable


def is_fault(error: Exception) -> bool:
    """Whether an error speaks against the endpoint: the breaker's question."""
    return isinstance(error, ModelCallError) and error.is_fault


def is_retryable(error: Exception) -> bool:
    """Whether the same call may work a moment later: the retries' question."""
    return isinstance(error, ModelCallError) and error.is_retryable
