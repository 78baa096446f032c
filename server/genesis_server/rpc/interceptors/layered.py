"""Handlers inside their layers, as gRPC finds them.

gRPC sends every call through a coroutine of each interceptor before it looks for the handler. Here each handler is wrapped once in all
layers, so that a call is a look into a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import grpc

from genesis_server.rpc.interceptors.errors import raising_handler, unknown_method
from genesis_server.rpc.interceptors.layer import Handler, Layer


class LayeredHandlers(grpc.GenericRpcHandler):
    """The handlers of a server inside its layers; a method that does not exist has one that says so."""

    def __init__(self, handlers: Mapping[str, Handler], *, layers: Sequence[Layer], around_unknown: Sequence[Layer] = ()) -> None:
        """Wrap the `handlers` by full name of the method.

        Args:
            handlers: what is served.
            layers: outermost first.
            around_unknown: those of the layers that calls to other methods meet.
        """
        self._arrivals = tuple(layer.arrive for layer in layers if type(layer).arrive is not Layer.arrive)
        self._handlers = {method: _inside(layers, method, handler) for method, handler in handlers.items()}
        self._around_unknown = tuple(around_unknown)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """The handler of a call, in the task that serves it."""
        for arrive in self._arrivals:
            arrive(handler_call_details)
        method = handler_call_details.method
        # Names of methods that do not exist come from callers and must not fill the memory.
        return self._handlers.get(method) or _inside(self._around_unknown, method, raising_handler(unknown_method(method)))


def _inside(layers: Sequence[Layer], method: str, handler: Handler) -> Handler:
    for layer in reversed(layers):
        handler = layer.wrap(method, handler)
    return handler
