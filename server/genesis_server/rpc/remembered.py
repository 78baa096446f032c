"""What is stored under a request id: the claim of who makes the answer, then the answer itself, a response's bytes or an error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from genesis_server.resilience.errors import CATEGORIES, FieldViolation, GenesisError

_TYPES = {kind.category: kind for kind in CATEGORIES}


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody makes the answer to the request with this digest."""

    digest: str
    """SHA-256 of the request, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the request with this digest was answered."""

    digest: str
    response: bytes = b""
    error: GenesisError | None = None


def encode(entry: Claim | Answer) -> bytes:
    """One line of JSON, then the response's bytes."""
    head: dict[str, Any] = {"digest": entry.digest, "done": isinstance(entry, Answer)}
    if isinstance(entry, Claim):
        return json.dumps(head).encode()
    if entry.error is not None:
        head["error"] = {
            "category": entry.error.category,
            "reason": entry.error.reason,
            "message": entry.error.message,
            "facts": entry.error.facts,
            "violations": [[v.field, v.description, v.rule] for v in entry.error.violations],
        }
    return json.dumps(head).encode() + b"\n" + entry.response


def decode(value: bytes) -> Claim | Answer:
    """What `encode` wrote."""
    line, _, response = value.partition(b"\n")
    head = json.loads(line)
    if not head["done"]:
        return Claim(head["digest"])
    told = head.get("error")
    if told is None:
        return Answer(head["digest"], response)
    kind = _TYPES.get(told["category"], GenesisError)
    violations = [FieldViolation(*violation) for violation in told["violations"]]
    return Answer(head["digest"], error=kind(told["reason"], told["message"], facts=told["facts"], violations=violations))
