"""Notes refusals that are security events, of whatever inside refuses: authentication, authorization or the servicer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from genesis_server.resilience.errors import GenesisError
from genesis_server.rpc.context import known_caller
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.refusals import Events, note_refusal
from genesis_server.security.authorization import is_open


class SecurityInterceptor(Layer):
    """Sees the errors of everything inside it and lets them pass; methods open to anyone pass unseen."""

    def __init__(self, events: Events) -> None:
        """Note in `events`."""
        self._events = events

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Run, and note how it is refused."""
        if is_open(method):
            return inner

        async def unary(request: Any, context: Context) -> Any:
            try:
                return await inner(request, context)
            except GenesisError as error:
                note_refusal(self._events, error, known_caller(), method=method, peer=context.peer())
                raise

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Run, and note how it is refused."""
        if is_open(method):
            return inner

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            try:
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        yield answer
            except GenesisError as error:
                note_refusal(self._events, error, known_caller(), method=method, peer=context.peer())
                raise

        return stream
