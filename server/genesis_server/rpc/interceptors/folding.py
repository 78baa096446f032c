"""Neighbouring layers as one interceptor.

gRPC sends every call through a coroutine of each interceptor before it serves it. Layers that stand next to each other are folded into one,
so that a call passes one coroutine for all of them, and finds its wrapped handler in one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import grpc
import grpc.aio

from genesis_server.rpc.interceptors.layer import CheckLayer, Handler, Layer
from genesis_server.rpc.methods import all_methods


def folded(chain: Iterable[grpc.aio.ServerInterceptor]) -> list[grpc.aio.ServerInterceptor]:
    """The interceptors of a chain, outermost first, neighbouring layers as one; others stay as they are."""
    interceptors: list[grpc.aio.ServerInterceptor] = []
    neighbours: list[Layer] = []
    for one in chain:
        if isinstance(one, Layer):
            neighbours.append(one)
            continue
        if neighbours:
            interceptors.append(Fold(neighbours))
            neighbours = []
        interceptors.append(one)
    return [*interceptors, Fold(neighbours)] if neighbours else interceptors


class Fold(Layer):
    """Several layers as one."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        """Take the layers, outermost first."""
        super().__init__()
        if isinstance(layers[0], CheckLayer):
            raise TypeError(f"{type(layers[0]).__name__} cannot be the outermost layer: gRPC would run its handlers in threads")
        self._layers = tuple(layers)
        self._arrivals = tuple(layer.arrive for layer in layers if type(layer).arrive is not Layer.arrive)

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        """Let every layer know of the call."""
        for arrive in self._arrivals:
            arrive(details)

    def stand_in(self, method: str, error: Exception | None) -> Handler | None:
        """What the innermost layer that knows gives, inside those around it."""
        for place in reversed(range(len(self._layers))):
            handler = self._layers[place].stand_in(method, error)
            if handler is not None:
                return _inside(self._layers[:place], method, handler)
        return None

    def wrap(self, method: str, handler: Handler) -> Handler:
        """`handler` inside all layers."""
        kept = self._wrapped.get(method)
        if kept is not None and kept[0] is handler:
            return kept[1]
        wrapped = _inside(self._layers, method, handler)
        if method in all_methods():
            self._wrapped[method] = (handler, wrapped)
        return wrapped


def _inside(layers: Sequence[Layer], method: str, handler: Handler) -> Handler:
    for layer in reversed(layers):
        handler = layer.wrap(method, handler)
    return handler
