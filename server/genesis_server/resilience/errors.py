"""The errors of the domain: types that carry their facts and know their category and reason.

    GenesisError
     ├─ DecompositionError   EMPTY_GOAL, TASK_ENDED, PLAN_ENDED, UPDATE_LIMIT, INVALID_EDIT, NOT_AWAITING_APPROVAL, NOT_APPROVED
     ├─ RoutingError         INVALID_PLAN, TOO_MANY_TASKS, INVALID_RULEBOOK, PLAN_NOT_ROUTED
     ├─ ValidationError      INVALID_FIELD, MALFORMED_MESSAGE, INVALID_PAGE_TOKEN, REQUEST_ID_REUSED, UNKNOWN_METHOD, OUTPUT_MISMATCH
     ├─ LlmError             MODEL_*, which stay inside the server: the plan is made without the model (llm/failures.py)
     ├─ NetworkError         SHUTTING_DOWN, DEPENDENCY_CIRCUIT_OPEN
     ├─ ResourceError        PLAN_NOT_FOUND, TASK_NOT_FOUND, DECISION_NOT_FOUND, DECISION_EXPIRED, RULEBOOK_NOT_FOUND,
     │                        SESSION_NOT_FOUND, BREAKER_NOT_FOUND, LEASE_LOST, BUDGET_EXHAUSTED,
     │                        VERSION_MISMATCH, OVERLOADED, STORAGE_FULL, STORAGE_UNAVAILABLE, ...
     └─ SecurityError        INJECTION_SUSPECTED, CREDENTIALS_*, PERMISSION_DENIED, AGENT_MISMATCH, LEASE_FOREIGN

Each reason is a value of `genesis.v1.ErrorReason` without its prefix; `rpc/status.py` turns it into a gRPC status.
A message says what is wrong and what to do, and never holds a secret or a path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field that breaks a constraint."""

    field: str
    """Path in the request, for example `plan.tasks[2].id`."""
    description: str
    rule: str = ""
    """Id of the constraint, for example `string.min_len`."""


class GenesisError(Exception):
    """A failure with a reason a program can act on."""

    category: ClassVar[str] = "resource"

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        facts: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after_seconds: float | None = None,
        quota_subject: str = "",
    ) -> None:
        """Keep the facts; `facts` go out as ErrorInfo metadata, `retry_after_seconds` as RetryInfo, `quota_subject` as QuotaFailure."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.facts = dict(facts or {})
        self.violations = tuple(violations)
        self.retry_after_seconds = retry_after_seconds
        self.quota_subject = quota_subject

    def __reduce__(self) -> tuple[Callable[..., GenesisError], tuple[object, ...]]:
        """Pickle with all facts, so that a child process can answer with an error."""
        return _rebuilt, (type(self), self.reason, self.message, self.facts, self.violations, self.retry_after_seconds, self.quota_subject)


def _rebuilt(  # noqa: PLR0917  (pickle passes by position)
    kind: type[GenesisError],
    reason: str,
    message: str,
    facts: Mapping[str, str],
    violations: Sequence[FieldViolation],
    retry_after_seconds: float | None,
    quota_subject: str,
) -> GenesisError:
    return kind(reason, message, facts=facts, violations=violations, retry_after_seconds=retry_after_seconds, quota_subject=quota_subject)


class DecompositionError(GenesisError):
    """A goal cannot be planned."""

    category = "decomposition"


class RoutingError(GenesisError):
    """A plan cannot be routed."""

    category = "routing"


class ValidationError(GenesisError):
    """A request is not what the contract says."""

    category = "validation"


class LlmError(GenesisError):
    """A language model failed."""

    category = "llm"


class NetworkError(GenesisError):
    """Something on the way failed."""

    category = "network"


class ResourceError(GenesisError):
    """Something is missing, full, too large or changed meanwhile."""

    category = "resource"


class SecurityError(GenesisError):
    """A caller may not do this, or a text looks like an attack."""

    category = "security"


CATEGORIES: tuple[type[GenesisError], ...] = (
    DecompositionError,
    RoutingError,
    ValidationError,
    LlmError,
    NetworkError,
    ResourceError,
    SecurityError,
)


def invalid_field(field: str, description: str, rule: str = "") -> ValidationError:
    """The error for one field that is wrong."""
    return ValidationError(
        "INVALID_FIELD",
        f"{field}: {description}",
        facts={"field": field},
        violations=[FieldViolation(field, description, rule)],
    )


def too_many_tasks(count: int, limit: int) -> RoutingError:
    """The error for a plan with more tasks than a method takes."""
    message = f"the plan has {count} tasks; this method takes {limit}"
    return RoutingError("TOO_MANY_TASKS", message, facts={"limit": str(limit), "count": str(count)})
