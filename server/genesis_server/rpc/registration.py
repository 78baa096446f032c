"""Takes in services as their generated `add_…_to_server` functions hand them over, and makes their handlers safe.

Every request deserialiser is wrapped, serialisers let bytes pass, and a streaming handler that is no async generator is refused:
the layers around it could neither trace nor close it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genesis_server.rpc.deserialisation import SizeBounds, passing_serialiser, safe_deserialiser
from genesis_server.rpc.interceptors.layer import Handler, behaviour, replaced

AddFunction = Callable[[Any, Any], None]
"""A generated function: `add_OrchestratorServiceServicer_to_server(servicer, server)`."""
Service = tuple[AddFunction, object]


class _Collector:
    """Stands in for a server while services are added."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Handler]] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[object]) -> None:
        """Generated code adds the same handlers twice; the registered ones are taken."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        """Keep the handlers."""
        self.services[service_name] = dict(method_handlers)


def collect(services: Sequence[Service], bounds: SizeBounds) -> tuple[dict[str, Handler], list[str]]:
    """Safe handlers by full name of the method, and the services' full names. Raises TypeError for a handler that cannot be served."""
    collector = _Collector()
    for add, servicer in services:
        add(servicer, collector)
    handlers = {
        method: _safe(method, handler, bounds)
        for service, methods in collector.services.items()
        for method, handler in ((f"/{service}/{name}", handler) for name, handler in methods.items())
    }
    return handlers, list(collector.services)


def _safe(method: str, handler: Handler, bounds: SizeBounds) -> Handler:
    function = behaviour(handler)
    if handler.response_streaming and not inspect.isasyncgenfunction(function):
        message = f"the handler of {method} must be an async generator (`async def` with `yield`)"
        raise TypeError(message)
    if not handler.response_streaming and not inspect.iscoroutinefunction(function):
        message = f"the handler of {method} must be a coroutine function (`async def`)"
        raise TypeError(message)
    return replaced(
        handler,
        function,
        deserialiser=safe_deserialiser(method, handler.request_deserializer or bytes, bounds),
        serialiser=passing_serialiser(handler.response_serializer or bytes),
    )
