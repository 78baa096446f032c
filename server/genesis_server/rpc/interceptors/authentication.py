"""Finds out who calls, before anything else of the call is looked at.

A signature covers the request's bytes, which only the deserialiser sees: they are kept for the calls that are signed.
"""

from __future__ import annotations

import grpc

from genesis_server.rpc.context import current_metadata, set_caller
from genesis_server.rpc.deserialisation import keep_body, take_body
from genesis_server.rpc.interceptors.layer import Context, Entry, EntryLayer
from genesis_server.rpc.methods import takes_stream
from genesis_server.security.agent_signatures import is_signature
from genesis_server.security.authentication import Authenticator
from genesis_server.security.authorization import is_open
from genesis_server.telemetry.names import METADATA_AUTHORIZATION

_NAMES = "x509_subject_alternative_name"


class AuthenticationInterceptor(EntryLayer):
    """Sets the caller of each call; raises SecurityError from inside the handler. Methods open to anyone pass unseen."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Ask `authenticator`."""
        self._authenticator = authenticator

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        """Have the request's bytes kept when the call is signed."""
        header = current_metadata().get(METADATA_AUTHORIZATION)
        if header is not None and is_signature(header) and not takes_stream(details.method):
            keep_body()

    def entry(self, method: str) -> Entry | None:
        """Authenticate, unless the method is open to anyone."""
        if is_open(method):
            return None
        authenticator, streams = self._authenticator, takes_stream(method)

        async def enter(context: Context) -> None:
            header = current_metadata().get(METADATA_AUTHORIZATION)
            body = b"" if streams else take_body()
            names = _certified_names(context) if authenticator.takes_certificates else ()
            set_caller(await authenticator.authenticate(header, names, method=method, body=body))

        return enter


def _certified_names(context: Context) -> list[str]:
    """The names in the client's certificate; with a client CA on the listener, gRPC has verified it before any call runs."""
    return [name.decode("utf-8", "replace") for name in context.auth_context().get(_NAMES, ())]
