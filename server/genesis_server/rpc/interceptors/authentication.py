"""Finds out who calls, before anything else of the call is looked at."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from genesis_server.rpc.context import set_caller
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.security.authentication import Authenticator
from genesis_server.security.authorization import is_open

_HEADER = "authorization"
_NAMES = "x509_subject_alternative_name"


class AuthenticationInterceptor(Layer):
    """Sets the caller of each call; raises SecurityError from inside the handler. Methods open to anyone pass unseen."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Ask `authenticator`."""
        super().__init__()
        self._authenticator = authenticator

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Authenticate, then run."""
        if is_open(method):
            return inner

        async def unary(request: Any, context: Context) -> Any:
            await self._authenticate(context)
            return await inner(request, context)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Authenticate, then run."""
        if is_open(method):
            return inner

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            await self._authenticate(context)
            async with aclosing(inner(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return stream

    async def _authenticate(self, context: Context) -> None:
        header = next((str(value) for key, value in context.invocation_metadata() or () if key == _HEADER), None)
        # With a client CA on the listener, gRPC has verified the certificate before any call runs.
        names = [name.decode("utf-8", "replace") for name in context.auth_context().get(_NAMES, ())]
        set_caller(await self._authenticator.authenticate(header, names))
