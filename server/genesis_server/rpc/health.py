"""grpc.health.v1: what load balancers and probes ask.

"" and "readiness" and every service tell whether calls should come here; "liveness" tells only that the process answers, so that no
dependency and no drain gets it killed. grpcio's own asyncio servicer has no List, and its Watch is no async generator.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any, cast

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

LIVENESS = "liveness"
READINESS = "readiness"

# The published stubs lack the messages of List.
_pb2 = cast("Any", health_pb2)

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

_Context = grpc.aio.ServicerContext[Any, Any]


class HealthServicer(health_pb2_grpc.HealthServicer):
    """The state of one server; NOT_SERVING until it is said to be ready."""

    def __init__(self, services: Iterable[str]) -> None:
        """Tell the health of these services by full name."""
        self._names = ("", READINESS, *services)
        self._ready = False
        self._draining = False
        self._shut = False
        self._changed = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether calls should come here."""
        return self._ready and not self._draining and not self._shut

    def set_ready(self, ready: bool) -> None:  # noqa: FBT001
        """Say whether the server can serve; ignored once it drains."""
        if not self._draining:
            self._ready = ready
            self._tell()

    def set_shut(self, shut: bool) -> None:  # noqa: FBT001
        """Say whether an emergency keeps new work out, so that calls should go elsewhere."""
        if shut != self._shut:
            self._shut = shut
            self._tell()

    def enter_graceful_shutdown(self) -> None:
        """NOT_SERVING from now on, whatever is said later; liveness stays."""
        self._draining = True
        self._tell()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: _Context) -> health_pb2.HealthCheckResponse:
        """The state of a service; NOT_FOUND for a name that is none."""
        status = self._status(request.service)
        if status == _UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no service of this name; List tells which there are")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: Any, context: _Context) -> Any:
        """The state of every service."""
        del request, context
        names = (*self._names, LIVENESS)
        return _pb2.HealthListResponse(statuses={name: health_pb2.HealthCheckResponse(status=self._status(name)) for name in names})

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncGenerator[health_pb2.HealthCheckResponse, None]:
        """The state now and whenever it changes."""
        del context
        last: int | None = None
        while True:
            changed = self._changed
            status = self._status(request.service)
            if status != last:
                last = status
                yield health_pb2.HealthCheckResponse(status=status)
            await changed.wait()

    def _status(self, service: str) -> Any:
        if service == LIVENESS:
            return _SERVING
        if service not in self._names:
            return _UNKNOWN
        return _SERVING if self.ready else _NOT_SERVING

    def _tell(self) -> None:
        """Wake the watchers; those that come later wait for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()
