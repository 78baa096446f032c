"""Whom a flag is asked for: the subject of a call, and what rules may know of it."""

from __future__ import annotations

from collections.abc import Mapping

from genesis_server.model.caller import Caller
from genesis_server.model.flags import FlagContext, JsonValue

RESERVED = ("tenant", "caller", "environment")
"""Attributes that the server sets itself, so that nobody can claim to be somebody else."""


def own_key(caller: Caller) -> str:
    """What is drawn by percentage for a caller that names nobody else."""
    return f"{caller.tenant}/{caller.subject}"


def context_of(
    caller: Caller,
    *,
    environment: str,
    now: float,
    run_id: str = "",
    targeting_key: str = "",
    attributes: Mapping[str, JsonValue] | None = None,
) -> FlagContext:
    """The context of a call: drawn by percentage is `targeting_key`, else the run, else tenant and caller joined by a slash.

    `environment` is the value of GENESIS_ENV, `now` seconds since the epoch.
    """
    known: dict[str, JsonValue] = {"tenant": caller.tenant, "caller": caller.subject, "environment": environment}
    return FlagContext(targeting_key or run_id or own_key(caller), {**(attributes or {}), **known}, now)
