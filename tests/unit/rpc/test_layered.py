"""Each handler stands inside all layers, in their order, from the start."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import grpc
import grpc.aio
import pytest

from genesis_server.resilience.errors import ValidationError
from genesis_server.rpc.interceptors.layer import Context, Entry, EntryLayer, Handler, Layer, Stream, Unary
from genesis_server.rpc.interceptors.layered import LayeredHandlers
from genesis_server.rpc.methods import HEALTH_METHOD


class Named(Layer):
    """Tells when it is passed."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self.told, self.wraps = name, told, 0

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        self.told.append(f"{self.name} arrives")

    def around_unary(self, method: str, inner: Unary) -> Unary:
        self.wraps += 1

        async def unary(request: Any, context: Context) -> Any:
            self.told.append(self.name)
            return await inner(request, context)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            self.told.append(self.name)
            async for answer in inner(request, context):
                yield answer

        return stream


async def echo(request: Any, context: Any) -> Any:
    return request


HANDLER = cast("Handler", grpc.unary_unary_rpc_method_handler(echo))


def asked(handlers: LayeredHandlers, method: str = HEALTH_METHOD) -> Any:
    return handlers.service(cast("grpc.HandlerCallDetails", SimpleNamespace(method=method, invocation_metadata=())))


async def test_layers_are_passed_in_their_order_and_wrap_a_handler_once() -> None:
    told: list[str] = []
    layers = [Named("outer", told), Named("inner", told)]
    handlers = LayeredHandlers({HEALTH_METHOD: HANDLER}, layers=layers)
    first = asked(handlers)
    assert await first.unary_unary("hello", None) == "hello"
    assert told == ["outer arrives", "inner arrives", "outer", "inner"]
    assert asked(handlers) is first
    assert [layer.wraps for layer in layers] == [1, 1]


async def test_a_method_that_does_not_exist_meets_only_the_layers_that_are_meant_for_it() -> None:
    """It is counted and logged, and meets no authentication."""
    told: list[str] = []
    outer, inner = Named("outer", told), Named("inner", told)
    handlers = LayeredHandlers({HEALTH_METHOD: HANDLER}, layers=[outer, inner], around_unknown=[outer])
    handler = asked(handlers, "/nobody/knows")
    assert told == ["outer arrives", "inner arrives"]
    with pytest.raises(ValidationError, match="there is no such method"):
        await anext(handler.stream_stream(None, None))
    assert told[2:] == ["outer"]


async def test_an_entry_that_fails_keeps_the_call_from_its_handler() -> None:
    class Refusing(EntryLayer):
        def entry(self, method: str) -> Entry | None:
            return self.refuse if method == HEALTH_METHOD else None

        async def refuse(self, context: Context) -> None:
            raise PermissionError

    handlers = LayeredHandlers({HEALTH_METHOD: HANDLER, "/other": HANDLER}, layers=[Refusing()])
    with pytest.raises(PermissionError):
        await asked(handlers).unary_unary("hello", None)
    assert await asked(handlers, "/other").unary_unary("hello", None) == "hello"
