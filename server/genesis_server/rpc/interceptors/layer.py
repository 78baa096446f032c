"""What the layers around calls share: wrapping a handler of any of the four kinds.

Handlers do not change after the start, so each is wrapped once, before the first call (`layered.py`); no call pays for it.

A streaming handler must be an async generator; `rpc/registration.py` checks that when services are added.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler

Context = grpc.aio.ServicerContext[Any, Any]
Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncGenerator[Any, None]]


def behaviour(handler: Handler) -> Any:
    """The function of a handler, of whichever kind it is."""
    return (
        (handler.stream_stream if handler.request_streaming else handler.unary_stream)
        if handler.response_streaming
        else (handler.stream_unary if handler.request_streaming else handler.unary_unary)
    )


def replaced(handler: Handler, function: Any, *, deserialiser: Any = None, serialiser: Any = None) -> Handler:
    """The same kind of handler with another function, and other (de)serialisers when they are given."""
    if handler.response_streaming:
        make: Any = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
    else:
        make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    return make(function, deserialiser or handler.request_deserializer, serialiser or handler.response_serializer)


class Layer:
    """Wraps handlers; subclasses say how in `around_unary` and `around_stream`."""

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        """What must happen before the request is read, in the task that serves the call. Must not raise."""

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """The function to call instead of `inner`, for methods with one answer."""
        del method
        return inner

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """The function to call instead of `inner`, for methods with a stream of answers."""
        del method
        return inner

    def wrap(self, method: str, handler: Handler) -> Handler:
        """`handler` inside this layer."""
        around: Any = self.around_stream if handler.response_streaming else self.around_unary
        return replaced(handler, around(method, behaviour(handler)))


Entry = Callable[[Context], Awaitable[None]]


class EntryLayer(Layer):
    """A layer that does something before a call and then leaves it alone; subclasses say what in `entry`."""

    def entry(self, method: str) -> Entry | None:
        """What to do before each call of `method`, in the task that serves it; None: nothing."""
        del method
        return None

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Do it, then run."""
        enter = self.entry(method)
        if enter is None:
            return inner

        async def unary(request: Any, context: Context) -> Any:
            await enter(context)
            return await inner(request, context)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Do it, then run."""
        enter = self.entry(method)
        if enter is None:
            return inner

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            await enter(context)
            async with aclosing(inner(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return stream
