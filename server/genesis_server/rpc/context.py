"""Who makes the call that runs.

The caller is a context variable, set by the authentication layer in the task that serves the call and read by everything
inside it. The call's ids, trace and method stand in `telemetry/context.py`, where the logs find them.
"""

from __future__ import annotations

from contextvars import ContextVar

from genesis_server.model.caller import Caller
from genesis_server.telemetry.context import NO_METADATA, Metadata, current_call

_caller: ContextVar[Caller | None] = ContextVar("genesis_caller", default=None)


def set_caller(caller: Caller) -> None:
    """Say who makes the call that runs in this task."""
    _caller.set(caller)


def current_metadata() -> Metadata:
    """What came with the call that runs."""
    call = current_call()
    return NO_METADATA if call is None else call.metadata


def known_caller() -> Caller | None:
    """Who calls; None where authentication has not run, or has refused the call."""
    return _caller.get()


def current_caller() -> Caller:
    """Who calls. Raises LookupError where authentication has not run, which is a fault of the server."""
    caller = _caller.get()
    if caller is None:
        message = "no caller is known here: the authentication layer has not run for this call"
        raise LookupError(message)
    return caller
