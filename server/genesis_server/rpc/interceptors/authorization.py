"""Checks the caller's roles against the table of permissions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from genesis_server.rpc.context import current_caller
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.methods import all_methods
from genesis_server.security.authorization import authorize, check_table, is_open


class AuthorizationInterceptor(Layer):
    """Lets calls pass whose caller holds a role of the method; stands inside authentication."""

    def __init__(self) -> None:
        """Compare the table with the descriptors. Raises ValueError naming every method one of them lacks."""
        super().__init__()
        check_table(all_methods())

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Check, then run."""
        if is_open(method):
            return inner

        async def unary(request: Any, context: Context) -> Any:
            authorize(current_caller(), method)
            return await inner(request, context)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Check, then run."""
        if is_open(method):
            return inner

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            authorize(current_caller(), method)
            async with aclosing(inner(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return stream
