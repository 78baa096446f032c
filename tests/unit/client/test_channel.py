"""How a server is reached: TLS, tokens, service config."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fake_server import FakeServer, running

import genesis
from genesis._channel import Target, is_loopback, service_config
from genesis._methods import HEALTH
from genesis.v1 import orchestrator_service_pb2 as pb2

PEM = serialization.Encoding.PEM


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    """A self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(PEM), private


@pytest.fixture
def mutual(pair: tuple[bytes, bytes]) -> Iterator[FakeServer]:
    credentials = grpc.ssl_server_credentials([(pair[1], pair[0])], pair[0], require_client_auth=True)
    with running(credentials) as server:
        server.on("Health", pb2.HealthResponse(server_version="1"))
        yield server


def test_mutual_tls_with_a_token_from_files(mutual: FakeServer, pair: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Certificates come as paths, and the token travels inside TLS."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(pair[0])
    key.write_bytes(pair[1])
    options: dict[str, Any] = {"root_certificates": certificate, "client_certificate": certificate, "client_key": key, "token": "secret"}
    with genesis.connect(mutual.address, **options) as client:
        assert client.health().server_version == "1"
    assert mutual.metadata[0]["authorization"] == "Bearer secret"


async def test_tls_with_asyncio_and_another_server_name(mutual: FakeServer, pair: tuple[bytes, bytes]) -> None:
    """Certificates come as bytes; the name is checked against `server_name`."""
    options: dict[str, Any] = {"root_certificates": pair[0], "client_certificate": pair[0], "client_key": pair[1], "retry": None}
    async with genesis.aio.connect(mutual.address, server_name="localhost", **options) as client:
        assert (await client.health()).server_version == "1"
    async with genesis.aio.connect(mutual.address, server_name="elsewhere", **options) as client:
        with pytest.raises(genesis.Unavailable):
            await client.health()


def test_a_client_without_certificate_is_not_let_in(mutual: FakeServer, pair: tuple[bytes, bytes]) -> None:
    """Mutual TLS means mutual."""
    with genesis.connect(mutual.address, root_certificates=pair[0], retry=None) as client, pytest.raises(genesis.Unavailable):
        client.health()


@pytest.mark.parametrize(
    "address",
    ["localhost:1", "LOCALHOST", "127.0.0.1:50051", "127.8.9.1", "[::1]:50051", "::1", "dns:///localhost:1", "dns:localhost:1",
     "ipv4:127.0.0.1:1,127.0.0.2:2", "ipv6:[::1]:1", "unix:/tmp/x", "unix:///tmp/x", "unix-abstract:x"],
)  # fmt: skip
def test_this_machine_is_recognised(address: str) -> None:
    """Tokens may travel in plain text here."""
    assert is_loopback(address)
    Target(address=address, token="t")


@pytest.mark.parametrize(
    "address",
    ["example.com:1", "10.0.0.1:50051", "dns:///example.com:1", "ipv4:127.0.0.1:1,10.0.0.1:1", "[2001:db8::1]:1", "localhost.example.com",
     "127.0.0.1.example.com:1", "dns://8.8.8.8/example.com:1"],
)  # fmt: skip
def test_a_token_is_not_sent_in_plain_text_to_another_machine(address: str) -> None:
    """A token on the wire is a token lost, unless somebody says it is fine."""
    assert not is_loopback(address)
    with pytest.raises(ValueError, match="plain text"):
        genesis.connect(address, token="t")
    Target(address=address, token="t", insecure_token=True)
    Target(address=address, token="t", tls=True)


@pytest.mark.parametrize("wrong", [{"client_key": b"k"}, {"client_certificate": b"c"}, {"tls": False, "root_certificates": b"r"}])
def test_half_specified_settings_are_refused(wrong: dict[str, Any]) -> None:
    """The mistake is named before the first call."""
    with pytest.raises(ValueError, match=r"give both|leave tls out"):
        genesis.connect("localhost:1", **wrong)


def test_the_service_config_says_what_the_documentation_says() -> None:
    """Five tries, 0.1 to 2 s, UNAVAILABLE only, throttled; round robin with health checks."""
    config = json.loads(service_config(genesis.Retry(), health_checking=True))
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]
    assert config["healthCheckConfig"] == {"serviceName": ""}
    [method] = config["methodConfig"]
    policy = method["retryPolicy"]
    assert (policy["maxAttempts"], policy["retryableStatusCodes"]) == (5, ["UNAVAILABLE"])
    assert (float(policy["initialBackoff"][:-1]), float(policy["maxBackoff"][:-1])) == (0.1, 2.0)
    assert config["retryThrottling"]["maxTokens"] == 10
    assert json.loads(service_config(None, health_checking=False)) == {"loadBalancingConfig": [{"round_robin": {}}]}


@pytest.mark.parametrize(
    "wrong", [{"attempts": 1}, {"attempts": 6}, {"initial_backoff": 0.001}, {"initial_backoff": 3.0}, {"multiplier": 0.0}]
)
def test_a_retry_policy_grpc_would_not_take_is_refused(wrong: dict[str, Any]) -> None:
    """Not silently ignored, as gRPC does."""
    with pytest.raises(ValueError, match=r"give 2 to 5|give an initial_backoff"):
        genesis.Retry(**wrong)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch, fake: FakeServer) -> None:
    """A company's proxy cannot reach the loopback."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    fake.on("Health", pb2.HealthResponse(server_version="1"))
    with genesis.connect(fake.address, retry=None) as client:
        assert client.health().server_version == "1"


def test_a_client_without_an_address_is_refused_at_once() -> None:
    """Not by gRPC at the first call, in its own words."""
    with pytest.raises(ValueError, match="address is empty"):
        genesis.connect(" ")


def test_secrets_are_not_in_the_text_of_a_target() -> None:
    """A target that is logged gives nothing away."""
    shown = repr(Target(address="h:1", token="tok-1", tls=True, client_key=b"key-1", client_certificate=b"c", metadata=(("k", "meta-1"),)))
    assert not any(secret in shown for secret in ("tok-1", "key-1", "meta-1"))


def test_no_call_is_without_a_deadline() -> None:
    """`timeout=None` means the default, at the client as at the call."""
    assert Target(address="h").call_timeout(HEALTH, {"timeout": None}) == HEALTH.timeout  # pyright: ignore[reportArgumentType]
    assert Target(address="h", timeout=7).call_timeout(HEALTH, {}) == 7
    assert Target(address="h", timeout=7).call_timeout(HEALTH, {"timeout": 1}) == 1


def test_a_server_that_is_back_is_found_before_a_lease_ends() -> None:
    """The default lease lasts 30 seconds; waits between tries to connect are much shorter."""
    assert dict(Target(address="h").options())["grpc.max_reconnect_backoff_ms"] <= 10_000


def test_the_default_waits_outlast_a_restart_of_the_server() -> None:
    """Which takes about two seconds: the tries go on longer, and the connection is tried again in between."""
    retry = genesis.Retry()
    waits = [min(retry.max_backoff, retry.initial_backoff * retry.multiplier**number) for number in range(retry.attempts - 1)]
    assert sum(waits) * 0.8 > 2.0
    assert dict(Target(address="h").options())["grpc.initial_reconnect_backoff_ms"] < 1000
