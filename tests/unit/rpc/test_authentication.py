"""Who calls, over real connections: tokens, TLS, client certificates, and certificates that are replaced while serving."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import jwt
import pytest
from edge_server import Failure, failure

from genesis_server.model.caller import Caller
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.interceptors.authentication import AuthenticationInterceptor
from genesis_server.rpc.interceptors.correlation import CorrelationInterceptor
from genesis_server.rpc.interceptors.errors import ErrorMapper, ErrorsInterceptor
from genesis_server.rpc.interceptors.layered import LayeredHandlers
from genesis_server.rpc.methods import HEALTH_SERVICE
from genesis_server.rpc.tls import ServerTls
from genesis_server.security.authentication import AuthenticationOptions, Authenticator
from genesis_server.security.certificates import parse_identities
from genesis_server.security.tls import TlsFiles

SECRET = "a shared secret of at least 32 bytes"
IDENTITIES = parse_identities(
    '[[identities]]\nname = "spiffe://example.org/planner"\ntenant = "ops"\nroles = ["agent"]\n'
    '[[identities]]\nname = "*.clients.example.org"\ntenant = "acme"\nroles = ["client"]\n',
    "identities.toml",
)
TOKENS = AuthenticationOptions(secret=SECRET, algorithms=("HS256",))
CERTIFICATES = AuthenticationOptions(certificates=IDENTITIES)
SERVICE = "genesis.v1.OrchestratorService"


def bearer(**claims: Any) -> list[tuple[str, str]]:
    good = {"sub": "ann", "tenant": "acme", "roles": ["client"], "exp": time.time() + 3600}
    return [("authorization", f"Bearer {jwt.encode({**good, **claims}, SECRET, algorithm='HS256')}")]


def told(caller: Caller | None) -> bytes:
    return f"{caller.tenant}/{caller.subject}/{','.join(sorted(caller.roles))}".encode() if caller else b"nobody"


def caller_or_nobody() -> Caller | None:
    try:
        return current_caller()
    except LookupError:
        return None


async def _unary(request: Any, context: Any) -> bytes:
    return told(caller_or_nobody())


async def _stream(request: Any, context: Any) -> AsyncIterator[bytes]:
    for _ in range(2):
        yield told(current_caller())


class Client:
    """Calls each kind of method and tells whom the server took it for."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    async def call(self, method: str = f"/{SERVICE}/Plan", metadata: Any = ()) -> str:
        return (await self.channel.unary_unary(method)(b"", metadata=metadata, timeout=10)).decode()

    async def fails(self, method: str = f"/{SERVICE}/Plan", metadata: Any = ()) -> Failure:
        return await failure(self.call(method, metadata))


@asynccontextmanager
async def serving(options: AuthenticationOptions, tls: ServerTls | None = None) -> AsyncIterator[int]:
    """The port of a server whose methods answer with the caller."""
    authenticator = Authenticator(options, wall_clock=time.time, clock=time.monotonic)
    handlers: dict[str, Any] = {
        f"/{SERVICE}/Plan": grpc.unary_unary_rpc_method_handler(_unary),
        f"/{SERVICE}/PlanStream": grpc.unary_stream_rpc_method_handler(_stream),
        f"/{SERVICE}/Route": grpc.stream_unary_rpc_method_handler(_unary),
        f"/{SERVICE}/Validate": grpc.stream_stream_rpc_method_handler(_stream),
        f"/{HEALTH_SERVICE}/Check": grpc.unary_unary_rpc_method_handler(_unary),
        f"/{HEALTH_SERVICE}/List": grpc.unary_unary_rpc_method_handler(_unary),
        f"/{HEALTH_SERVICE}/Watch": grpc.unary_stream_rpc_method_handler(_open_stream),
    }
    layers = [CorrelationInterceptor(), ErrorsInterceptor(ErrorMapper()), AuthenticationInterceptor(authenticator)]
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((LayeredHandlers(handlers, layers=layers, around_unknown=layers[:2]),))
    address = "127.0.0.1:0"
    port = server.add_insecure_port(address) if tls is None else server.add_secure_port(address, tls.credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def _open_stream(request: Any, context: Any) -> AsyncIterator[bytes]:
    yield told(caller_or_nobody())


@asynccontextmanager
async def plain(options: AuthenticationOptions) -> AsyncIterator[Client]:
    async with serving(options) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Client(channel)


async def test_every_kind_of_method_knows_the_tokens_caller() -> None:
    async with plain(TOKENS) as client:
        ann, metadata = "acme/ann/client", bearer()
        assert await client.call(metadata=metadata) == ann
        assert [answer.decode() async for answer in client.channel.unary_stream(f"/{SERVICE}/PlanStream")(b"", metadata=metadata)] == [
            ann
        ] * 2
        assert (await client.channel.stream_unary(f"/{SERVICE}/Route")(iter([b""]), metadata=metadata)).decode() == ann
        answers = client.channel.stream_stream(f"/{SERVICE}/Validate")(iter([b""]), metadata=metadata)
        assert [answer.decode() async for answer in answers] == [ann] * 2


async def test_one_call_never_sees_the_caller_of_another() -> None:
    async with plain(TOKENS) as client:
        for number in range(5):
            assert await client.call(metadata=bearer(sub=f"s{number}", tenant=f"t{number}")) == f"t{number}/s{number}/client"
        assert (await client.fails()).reason == "CREDENTIALS_MISSING"


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ([], "CREDENTIALS_MISSING"),
        ([("authorization", "Bearer nonsense")], "CREDENTIALS_INVALID"),
        ([("authorization", "Basic abc")], "CREDENTIALS_INVALID"),
        (bearer(exp=time.time() - 60), "CREDENTIALS_EXPIRED"),
        (bearer(tenant=None), "CREDENTIALS_INVALID"),
    ],
)
async def test_bad_credentials_are_unauthenticated_with_the_reason(metadata: list[tuple[str, str]], reason: str) -> None:
    async with plain(TOKENS) as client:
        error = await client.fails(metadata=metadata)
        assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)
        assert dict(error.info.metadata)["category"] == "security"
        stream = client.channel.unary_stream(f"/{SERVICE}/PlanStream")(b"", metadata=metadata)

        async def read() -> list[bytes]:
            return [answer async for answer in stream]

        assert (await failure(read())).reason == reason


async def test_health_asks_for_nothing() -> None:
    async with plain(TOKENS) as client:
        assert await client.call("/grpc.health.v1.Health/Check") == "nobody"
        answers = client.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        assert [answer async for answer in answers] == [b"nobody"]


async def test_an_unknown_method_is_unknown_and_not_unauthenticated() -> None:
    async with plain(TOKENS) as client:
        assert (await client.fails(f"/{SERVICE}/Nothing")).code is grpc.StatusCode.UNIMPLEMENTED


async def test_anonymous_callers_administer_the_default_tenant() -> None:
    async with plain(AuthenticationOptions(anonymous=True)) as client:
        assert await client.call() == "default/anonymous/admin,agent,client,viewer"


def tls(ca: Any, *, clients: bool = False, name: str = "server") -> tuple[ServerTls, Path, Path]:
    certificate, key = ca.issue(name)
    return ServerTls(TlsFiles(certificate, key, ca.path if clients else None, now=time.time)), certificate, key


def trusting(ca: Any, pair: tuple[Path, Path] | None = None) -> grpc.ChannelCredentials:
    certificate, key = (None, None) if pair is None else (pair[0].read_bytes(), pair[1].read_bytes())
    return grpc.ssl_channel_credentials(ca.path.read_bytes(), key, certificate)


@asynccontextmanager
async def secure(port: int, credentials: grpc.ChannelCredentials, **options: Any) -> AsyncIterator[Client]:
    # Without it, channels with the same target share a connection, and with it the certificate shown.
    arguments = [("grpc.use_local_subchannel_pool", 1), *options.items()]
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials, options=arguments) as channel:
        yield Client(channel)


async def test_a_token_over_tls_is_a_caller(ca: Any) -> None:
    credentials, _, _ = tls(ca)
    async with serving(TOKENS, credentials) as port, secure(port, trusting(ca)) as client:
        assert await client.call(metadata=bearer()) == "acme/ann/client"
        assert (await client.fails()).reason == "CREDENTIALS_MISSING"


@pytest.mark.parametrize(
    ("names", "caller"),
    [
        (("spiffe://example.org/planner",), "ops/spiffe://example.org/planner/agent"),
        (("web.clients.example.org",), "acme/web.clients.example.org/client"),
    ],
)
async def test_a_client_certificate_is_a_caller(ca: Any, names: tuple[str, ...], caller: str) -> None:
    credentials, _, _ = tls(ca, clients=True)
    pair = ca.issue("client", names=names)
    async with serving(CERTIFICATES, credentials) as port, secure(port, trusting(ca, pair)) as client:
        assert await client.call() == caller


async def test_a_good_certificate_of_a_stranger_is_unauthenticated(ca: Any) -> None:
    credentials, _, _ = tls(ca, clients=True)
    async with serving(CERTIFICATES, credentials) as port, secure(port, trusting(ca, ca.issue("client", names=("x.org",)))) as client:
        assert (await client.fails()).reason == "CREDENTIALS_INVALID"


async def test_a_missing_expired_or_foreign_client_certificate_gets_no_connection(ca: Any, tmp_path: Path) -> None:
    credentials, _, _ = tls(ca, clients=True)
    foreign = type(ca)(tmp_path, "foreign")
    names = ("web.clients.example.org",)
    async with serving(CERTIFICATES, credentials) as port:
        for pair in (None, ca.issue("late", names=names, last_day=-1), foreign.issue("stranger", names=names)):
            async with secure(port, trusting(ca, pair)) as client:
                assert (await client.fails()).code is grpc.StatusCode.UNAVAILABLE


async def test_a_replaced_certificate_serves_new_connections_and_leaves_open_ones(ca: Any, tmp_path: Path) -> None:
    credentials, certificate, key = tls(ca)
    other = type(ca)(tmp_path, "other")
    async with serving(TOKENS, credentials) as port, secure(port, trusting(ca)) as before:
        assert await before.call(metadata=bearer()) == "acme/ann/client"
        async with secure(port, trusting(other)) as too_early:
            assert (await too_early.fails(metadata=bearer())).code is grpc.StatusCode.UNAVAILABLE
        new_certificate, new_key = other.issue("renewed")
        new_certificate.rename(certificate)
        new_key.rename(key)
        assert credentials.poll()
        assert not credentials.poll()
        async with secure(port, trusting(other)) as after:
            assert await after.call(metadata=bearer()) == "acme/ann/client"
        async with secure(port, trusting(ca)) as late:
            assert (await late.fails(metadata=bearer())).code is grpc.StatusCode.UNAVAILABLE
        assert await before.call(metadata=bearer()) == "acme/ann/client"
