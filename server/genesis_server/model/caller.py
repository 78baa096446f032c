"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; viewer is in client, client is in admin, agent stands apart."""

    VIEWER = "viewer"
    CLIENT = "client"
    ADMIN = "admin"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated identity; every stored key begins with its tenant."""

    tenant: str
    subject: str
    """Unique in the tenant: a token's subject, a certificate's name, or "anonymous"."""
    roles: frozenset[Role]
    anonymous: bool = False
