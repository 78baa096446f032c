"""Genesis: the control plane of multi-agent systems, from Python.

    import genesis

    with genesis.connect("127.0.0.1:50051") as client:
        answer = client.orchestrate("Release the new billing feature", budget="40 USD")
        for route in answer.routes:
            print(route.task_id, route.assignment.target.id, route.assignment.reason)

`genesis.aio.connect` gives the same client for asyncio. Messages are those of the contract, in `genesis.v1`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genesis import aio
    from genesis._signing import agent_signature
    from genesis.aio import AsyncClient
    from genesis.client import Client, connect
    from genesis.errors import (
        Aborted,
        AlreadyExists,
        Cancelled,
        DataLoss,
        DeadlineExceeded,
        FailedPrecondition,
        FieldViolation,
        GenesisError,
        Internal,
        InvalidArgument,
        NotFound,
        OutOfRange,
        PermissionDenied,
        ResourceExhausted,
        Unauthenticated,
        Unavailable,
        Unimplemented,
        Unknown,
    )
    from genesis.options import RunBudget
    from genesis.reference import Reference
    from genesis.retry import Retry
    from genesis.worker import Decline, Signal, TaskContext, TaskFailed, Worker

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AsyncClient",
    "Cancelled",
    "Client",
    "DataLoss",
    "DeadlineExceeded",
    "Decline",
    "FailedPrecondition",
    "FieldViolation",
    "GenesisError",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "Reference",
    "ResourceExhausted",
    "Retry",
    "RunBudget",
    "Signal",
    "TaskContext",
    "TaskFailed",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "Worker",
    "agent_signature",
    "aio",
    "connect",
]

_HOMES = {
    "AsyncClient": "aio",
    "Client": "client",
    "Decline": "worker",
    "Reference": "reference",
    "Retry": "retry",
    "RunBudget": "options",
    "Signal": "worker",
    "TaskContext": "worker",
    "TaskFailed": "worker",
    "Worker": "worker",
    "agent_signature": "_signing",
    "aio": "",
    "connect": "client",
}


def __getattr__(name: str) -> Any:
    # Whoever needs the messages alone (`genesis.v1`) does not pay for gRPC.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "errors")
    value = getattr(import_module(f"{__name__}.{home}"), name) if home else import_module(f"{__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
