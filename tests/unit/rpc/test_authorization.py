"""Every method of the table over a real server: each role gets exactly what the table says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from edge_server import failure

from genesis_server.model.caller import Caller, Role
from genesis_server.rpc.context import set_caller
from genesis_server.rpc.interceptors.authorization import AuthorizationInterceptor
from genesis_server.rpc.interceptors.errors import ErrorMapper, ErrorsInterceptor
from genesis_server.rpc.interceptors.layer import Layer
from genesis_server.rpc.interceptors.layered import LayeredHandlers
from genesis_server.rpc.methods import all_methods
from genesis_server.security.authorization import ANYONE, PERMISSIONS, allowed_roles


class Being(Layer):
    """Stands for authentication: the roles of the metadata, nobody without."""

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        metadata = dict(details.invocation_metadata)
        if "roles" in metadata:
            set_caller(Caller("acme", "ann", frozenset(Role(role) for role in str(metadata["roles"]).split())))


async def _unary(request: Any, context: Any) -> bytes:
    return b"served"


async def _stream(request: Any, context: Any) -> AsyncIterator[bytes]:
    yield b"served"


MAKERS: dict[str, Any] = {
    "unary": lambda: grpc.unary_unary_rpc_method_handler(_unary),
    "server_stream": lambda: grpc.unary_stream_rpc_method_handler(_stream),
    "client_stream": lambda: grpc.stream_unary_rpc_method_handler(_unary),
    "bidi_stream": lambda: grpc.stream_stream_rpc_method_handler(_stream),
}


@asynccontextmanager
async def serving() -> AsyncIterator[grpc.aio.Channel]:
    """Every method there is, each answering "served"."""
    handlers = {method.full_name: MAKERS[method.kind]() for method in all_methods().values()}
    layers = [ErrorsInterceptor(ErrorMapper()), Being(), AuthorizationInterceptor()]
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((LayeredHandlers(handlers, layers=layers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


async def call(channel: grpc.aio.Channel, method: str, roles: str | None) -> bytes:
    metadata = [] if roles is None else [("roles", roles)]
    kind = all_methods()[method].kind
    if kind == "unary":
        return await channel.unary_unary(method)(b"", metadata=metadata)
    if kind == "server_stream":
        answers = channel.unary_stream(method)(b"", metadata=metadata)
    else:
        answers = channel.stream_stream(method)(iter([b""]), metadata=metadata)
    return b"".join([answer async for answer in answers])


@pytest.mark.parametrize("role", [*Role, None])
async def test_each_role_gets_exactly_its_methods(role: Role | None) -> None:
    async with serving() as channel:
        for method, least in PERMISSIONS.items():
            if least == ANYONE or (role is not None and isinstance(least, tuple) and role in allowed_roles(least)):
                assert await call(channel, method, role or "") == b"served", method
            else:
                error = await failure(call(channel, method, role or ""))
                assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"), method
                assert error.info.metadata["required_role"] == ",".join(least)
                assert error.info.metadata["roles"] == (role or "")


async def test_a_chain_without_authentication_lets_nobody_in() -> None:
    """A fault of the server is an internal error, never an open door."""
    async with serving() as channel:
        assert (await failure(call(channel, "/genesis.v1.OrchestratorService/Plan", None))).code is grpc.StatusCode.INTERNAL
        assert (await failure(call(channel, "/genesis.v1.OrchestratorService/PlanStream", None))).code is grpc.StatusCode.INTERNAL


def test_a_method_missing_in_the_table_stops_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesis_server.rpc.interceptors.authorization.all_methods", lambda: {**all_methods(), "/genesis.v1.X/New": None})
    with pytest.raises(ValueError, match=r"/genesis\.v1\.X/New has no entry"):
        AuthorizationInterceptor()
