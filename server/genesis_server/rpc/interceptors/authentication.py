"""Finds out who calls, before anything else of the call is looked at.

A signature covers the request's bytes, which only the deserialiser sees: they are kept for the calls that are signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import grpc

from genesis_server.rpc.context import metadata_of, set_caller
from genesis_server.rpc.deserialisation import keep_body, take_body
from genesis_server.rpc.interceptors.layer import Context, Entry, EntryLayer
from genesis_server.rpc.methods import takes_stream
from genesis_server.security.agent_signatures import is_signature
from genesis_server.security.authentication import Authenticator
from genesis_server.security.authorization import is_open

_HEADER = "authorization"
_NAMES = "x509_subject_alternative_name"


class AuthenticationInterceptor(EntryLayer):
    """Sets the caller of each call; raises SecurityError from inside the handler. Methods open to anyone pass unseen."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Ask `authenticator`."""
        super().__init__()
        self._authenticator = authenticator

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        """Have the request's bytes kept when the call is signed."""
        header = _authorization(details.invocation_metadata)
        if header is not None and is_signature(header) and not takes_stream(details.method):
            keep_body()

    def entry(self, method: str) -> Entry | None:
        """Authenticate, unless the method is open to anyone."""
        return None if is_open(method) else partial(self._authenticate, method, streams=takes_stream(method))

    async def _authenticate(self, method: str, context: Context, *, streams: bool) -> None:
        header = _authorization(metadata_of(context))
        # With a client CA on the listener, gRPC has verified the certificate before any call runs.
        certified = context.auth_context().get(_NAMES, ()) if self._authenticator.takes_certificates else ()
        names = [name.decode("utf-8", "replace") for name in certified]
        body = b"" if streams else take_body()
        set_caller(await self._authenticator.authenticate(header, names, method=method, body=body))


def _authorization(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    for key, value in metadata:
        if key == _HEADER:
            return str(value)
    return None
