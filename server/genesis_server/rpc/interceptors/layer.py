"""What the layers around calls share: wrapping a handler of any of the four kinds, once per method.

Handlers do not change after the start, so the wrapped handler is kept per method and no call pays for making it. What stands inside may
still return a handler of its own for one call (a traced one, a refusal): then a layer wraps again.

A streaming handler must be an async generator; `rpc/registration.py` checks that when services are added.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from genesis_server.rpc.methods import all_methods

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler

Context = grpc.aio.ServicerContext[Any, Any]
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]
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


class Layer(grpc.aio.ServerInterceptor):
    """An interceptor that wraps handlers; subclasses say how in `around_unary` and `around_stream`."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        """What must happen before the handler is looked for and the request is read, in the task that serves the call."""

    def stand_in(self, method: str, error: Exception | None) -> Handler | None:
        """What is served, inside this layer, where there is no handler or looking for it failed; None: this layer does not know."""
        del method, error
        return None

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Wrap the handler."""
        method = handler_call_details.method
        try:
            self.arrive(handler_call_details)
            handler = await continuation(handler_call_details)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:
            stand_in = self.stand_in(method, error)
            if stand_in is None:
                raise
            return stand_in
        return self.stand_in(method, None) if handler is None else self.wrap(method, handler)

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
        kept = self._wrapped.get(method)
        if kept is not None and kept[0] is handler:
            return kept[1]
        inner = behaviour(handler)
        around: Any = self.around_stream if handler.response_streaming else self.around_unary
        wrapped = replaced(handler, around(method, inner))
        # Names of methods that do not exist come from callers and must not fill the memory.
        if method in all_methods():
            self._wrapped[method] = (handler, wrapped)
        return wrapped


Check = Callable[[Context], None]
Entry = Callable[[Context], Awaitable[None]]


class CheckLayer(Layer):
    """A layer that looks at something before a call, without waiting, and then leaves it alone; subclasses say what in `check`.

    Never the outermost one: what it gives is no coroutine function, and gRPC runs such a handler in a thread.
    """

    def check(self, method: str) -> Check | None:
        """What to do before each call of `method`, in the task that serves it; None: nothing."""
        del method
        return None

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Do it, then run."""
        check = self.check(method)
        if check is None:
            return inner

        def unary(request: Any, context: Context) -> Awaitable[Any]:
            check(context)
            return inner(request, context)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Do it, then run."""
        check = self.check(method)
        if check is None:
            return inner

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            check(context)
            async with aclosing(inner(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return stream


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
