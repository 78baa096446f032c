"""A server in front of the server that loses calls, holds them, or asks for patience, as the call's metadata say.

| metadata | what happens |
| --- | --- |
| `x-fault-id` | the tries are counted under this name |
| `x-fail-first: N` | the first N tries are answered UNAVAILABLE and never reach the server |
| `x-lose-first: N` | the first N tries reach the server, and its answer is thrown away for an UNAVAILABLE |
| `x-patience-ms: N` | with either of them: the push-back in the trailers |
| `x-hang: 1` | the call is held until the client gives up |
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import grpc

Context = grpc.aio.ServicerContext[bytes, bytes]


def _as_it_is(data: bytes) -> bytes:
    return data


class Faults(grpc.GenericRpcHandler):
    """Passes every call on, whatever its type, and counts."""

    def __init__(self, upstream: grpc.aio.Channel) -> None:
        """Begin with no tries."""
        self._upstream = upstream
        self.tries: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The handler of a call: bytes in, bytes out."""
        metadata = {key: value for key, value in handler_call_details.invocation_metadata if isinstance(value, str)}

        async def handle(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            async for answer in self._pass_on(handler_call_details.method, metadata, requests, context):
                yield answer

        return grpc.stream_stream_rpc_method_handler(handle, _as_it_is, _as_it_is)  # type: ignore[arg-type]

    async def _pass_on(
        self, method: str, metadata: Mapping[str, str], requests: AsyncIterator[bytes], context: Context
    ) -> AsyncIterator[bytes]:
        name = metadata.get("x-fault-id", "")
        self.tries[name] += 1
        fail = self.tries[name] <= int(metadata.get("x-fail-first", "0"))
        lose = self.tries[name] <= int(metadata.get("x-lose-first", "0"))
        if metadata.get("x-hang"):
            await self._hang(name)
        if fail:
            await self._unavailable(metadata, context)
        own = ("x-f", "x-lose", "x-patience", "x-hang", "grpc-", "user-agent", ":", "te", "content-type")
        kept = [(key, value) for key, value in metadata.items() if not key.startswith(own)]
        call = self._upstream.stream_stream(method, _as_it_is, _as_it_is)(requests, metadata=kept, timeout=context.time_remaining())
        try:
            async for answer in call:
                if not lose:
                    yield answer
        except grpc.aio.AioRpcError as error:
            context.set_trailing_metadata(tuple(error.trailing_metadata() or ()))
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        if lose:
            await self._unavailable(metadata, context)

    async def _hang(self, name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up[name] += 1

    @staticmethod
    async def _unavailable(metadata: Mapping[str, str], context: Context) -> None:
        patience = metadata.get("x-patience-ms")
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the call was lost", (("grpc-retry-pushback-ms", patience),) if patience else ())


async def serving(address: str, upstream: str, ready: Callable[[Faults], Awaitable[None]]) -> None:
    """Serve on `address` while `ready` runs."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]
    async with grpc.aio.insecure_channel(upstream, options=options) as channel:
        faults = Faults(channel)
        server = grpc.aio.server(handlers=[faults], options=options)
        server.add_insecure_port(address)
        await server.start()
        try:
            await ready(faults)
        finally:
            await server.stop(0)
