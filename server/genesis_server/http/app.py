"""What the HTTP edge answers: `/health`, `/livez`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

HealthReport = Callable[[], Awaitable[Mapping[str, Any]]]
"""Makes the JSON of `/health`; its "status" is "healthy", "degraded" or "unhealthy"."""
Expose = Callable[[str], tuple[bytes, str]]
"""Makes an exposition and its content type from an Accept header."""

_NO_CACHE = {"cache-control": "no-store"}
_log = logging.getLogger(__name__)


def make_app(*, health: HealthReport, ready: Callable[[], bool], expose: Expose) -> Starlette:
    """The application over these three parts."""

    async def get_health(request: Request) -> Response:
        """How the server is; 503 when it is unhealthy, so that simple probes need not read the body."""
        del request
        report = await health()
        return JSONResponse(report, status_code=503 if report.get("status") == "unhealthy" else 200, headers=_NO_CACHE)

    async def get_livez(request: Request) -> Response:
        """The process answers; no dependency is asked."""
        del request
        return PlainTextResponse("ok\n", headers=_NO_CACHE)

    async def get_readyz(request: Request) -> Response:
        """Whether calls should come here."""
        del request
        return PlainTextResponse("ok\n", headers=_NO_CACHE) if ready() else PlainTextResponse("not ready\n", 503, headers=_NO_CACHE)

    async def get_metrics(request: Request) -> Response:
        """The metrics, as OpenMetrics with exemplars where the client asks for that."""
        # Some ten milliseconds of writing text, which calls need not wait for.
        body, content_type = await asyncio.to_thread(expose, request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    return Starlette(
        routes=[
            Route("/health", get_health),
            Route("/livez", get_livez),
            Route("/readyz", get_readyz),
            Route("/metrics", get_metrics),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


async def _refused(request: Request, error: Exception) -> Response:
    """A path that is not there, or a method it does not take."""
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "Internal Server Error"
    return JSONResponse({"error": detail, "paths": ["/health", "/livez", "/readyz", "/metrics"]}, status)


async def _failed(request: Request, error: Exception) -> Response:
    """A fault: its text stays in the log."""
    _log.error("unexpected %s at %s", type(error).__name__, request.url.path)
    return JSONResponse({"error": "a fault of the server; its log has the details"}, 500)
