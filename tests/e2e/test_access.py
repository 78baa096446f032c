"""Who may do what: tokens, tenants, roles, TLS and limits, over the wire."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from errors import Failure, failure
from genesis.v1 import orchestrator_service_pb2, orchestrator_service_pb2_grpc
from servers import Server, free_port, running, start, stop

SECRET = "a secret of more than thirty-two bytes, for tests only"
SETTINGS = {"GENESIS_AUTH_JWT_SECRET": SECRET, "GENESIS_AUTH_JWT_AUDIENCE": "genesis", "GENESIS_AUTH_JWT_ISSUER": "tests"}
Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub


def token(*, tenant: str = "acme", roles: str = "client", secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    """A bearer token of the test issuer."""
    now = dt.datetime.now(dt.UTC)
    body = {"sub": "ann", "tenant": tenant, "roles": roles, "aud": "genesis", "iss": "tests", "exp": now + dt.timedelta(minutes=5)}
    return jwt.encode(body | claims, secret, algorithm)


def bearer(value: str) -> list[tuple[str, str]]:
    """Metadata with a token."""
    return [("authorization", f"Bearer {value}")]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants tokens."""
    with running(tmp_path_factory.mktemp("guarded"), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def stub(guarded: Server) -> Iterator[Stub]:
    """Its main service."""
    with guarded.channel() as channel:
        yield orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)


def plan(stub: Stub, metadata: list[tuple[str, str]]) -> orchestrator_service_pb2.PlanResponse:
    """Plan something as somebody."""
    return stub.Plan(orchestrator_service_pb2.PlanRequest(goal="write a report"), metadata=metadata, timeout=10)


def refusal(stub: Stub, metadata: list[tuple[str, str]]) -> Failure:
    """How a plan is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        plan(stub, metadata)
    return failure(caught.value)


def test_no_token_is_told_apart_from_a_bad_one(stub: Stub) -> None:
    missing = refusal(stub, [])
    assert (missing.code, missing.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_MISSING")
    assert missing.metadata["category"] == "security"


def test_an_expired_token_is_told_so(stub: Stub) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    found = refusal(stub, bearer(token(exp=past)))
    assert (found.code, found.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_EXPIRED")


@pytest.mark.parametrize(
    "value",
    [
        token(secret="another secret of more than thirty-two bytes as well"),
        token(aud="others"),
        token(iss="others"),
        jwt.encode({"sub": "ann", "tenant": "acme", "roles": "admin", "aud": "genesis", "iss": "tests"}, None, "none"),
        "no.token.atall",
        "",
    ],
    ids=["forged", "audience", "issuer", "algorithm none", "garbage", "empty"],
)
def test_a_token_that_is_not_ours_is_refused(stub: Stub, value: str) -> None:
    found = refusal(stub, bearer(value))
    assert found.code == grpc.StatusCode.UNAUTHENTICATED
    assert found.reason in {"CREDENTIALS_INVALID", "CREDENTIALS_MISSING"}
    assert value not in found.message or not value


def test_a_viewer_reads_and_may_not_plan(stub: Stub) -> None:
    viewer = bearer(token(roles="viewer"))
    assert stub.ListPlans(orchestrator_service_pb2.ListPlansRequest(), metadata=viewer) is not None
    found = refusal(stub, viewer)
    assert (found.code, found.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert found.metadata["required_role"] == "client"


def test_another_tenant_sees_and_changes_nothing(stub: Stub) -> None:
    ours, theirs = bearer(token()), bearer(token(tenant="other", roles="admin"))
    plan_id = plan(stub, ours).plan.id
    calls = (
        lambda: stub.GetPlan(orchestrator_service_pb2.GetPlanRequest(plan_id=plan_id), metadata=theirs),
        lambda: stub.DeletePlan(orchestrator_service_pb2.DeletePlanRequest(plan_id=plan_id), metadata=theirs),
        lambda: stub.Route(orchestrator_service_pb2.RouteRequest(plan_id=plan_id), metadata=theirs),
        lambda: stub.Validate(orchestrator_service_pb2.ValidateRequest(plan_id=plan_id), metadata=theirs),
    )
    for call in calls:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert failure(caught.value).reason == "PLAN_NOT_FOUND"
    assert plan_id not in {item.id for item in stub.ListPlans(orchestrator_service_pb2.ListPlansRequest(), metadata=theirs).plans}
    assert stub.GetPlan(orchestrator_service_pb2.GetPlanRequest(plan_id=plan_id), metadata=ours).plan.id == plan_id


def test_a_page_token_of_another_tenant_is_refused(stub: Stub) -> None:
    ours = bearer(token())
    for _ in range(2):
        plan(stub, ours)
    page = stub.ListPlans(orchestrator_service_pb2.ListPlansRequest(page_size=1), metadata=ours)
    request = orchestrator_service_pb2.ListPlansRequest(page_size=1, page_token=page.next_page_token)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ListPlans(request, metadata=bearer(token(tenant="other")))
    assert failure(caught.value).reason == "INVALID_PAGE_TOKEN"


def test_a_request_id_of_another_tenant_is_no_clash(stub: Stub) -> None:
    request = orchestrator_service_pb2.PlanRequest(goal="write a report", request_id="same")
    first = stub.Plan(request, metadata=bearer(token()))
    second = stub.Plan(request, metadata=bearer(token(tenant="other")))
    assert first.plan.id != second.plan.id


def test_probes_need_no_token(guarded: Server) -> None:
    with guarded.channel() as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="readiness"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_secret_never_stands_in_the_log(guarded: Server, stub: Stub) -> None:
    value = token()
    stub.Plan(orchestrator_service_pb2.PlanRequest(goal=f"use the token {value} to log in"), metadata=bearer(value))
    log = guarded.log.read_text()
    assert value not in log
    assert SECRET not in log


def test_too_many_calls_a_second_are_told_when_to_come_again(tmp_path: Path) -> None:
    settings = {"GENESIS_RATE_PER_SECOND": "5", "GENESIS_RATE_BURST": "5"}
    with running(tmp_path, settings=settings) as server, server.channel() as channel:
        stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)
        failures = []
        for _ in range(20):
            try:
                stub.Flag(orchestrator_service_pb2.FlagRequest())
            except grpc.RpcError as error:
                failures.append(failure(error))
        assert failures
        assert {(found.code, found.reason) for found in failures} == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")}
        assert all(found.retry_after and found.retry_after > 0 for found in failures)
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status


def test_too_many_calls_at_once_are_refused_and_the_rest_answered(tmp_path: Path) -> None:
    with running(tmp_path, settings={"GENESIS_MAX_CONCURRENT_CALLS": "1"}) as server, server.channel() as channel:
        stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)

        def call(_: int) -> str:
            try:
                plan(stub, [])
            except grpc.RpcError as error:
                return failure(error).reason
            return "OK"

        with ThreadPoolExecutor(16) as pool:
            outcomes = set(pool.map(call, range(200)))
        assert outcomes == {"OK", "OVERLOADED"}


def certificate(
    folder: Path, name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate in `folder`: NAME.crt and NAME.key; without an issuer it signs itself and may sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.UniformResourceIdentifier(f"spiffe://test/{name}"),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(private)
    (folder / f"{name}.key").chmod(0o600)
    return made, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, a server, a client, and a client of another authority."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = certificate(folder, "ca")
    certificate(folder, "server", authority)
    certificate(folder, "planner", authority)
    certificate(folder, "stranger", certificate(folder, "otherca"))
    return folder


def secure(address: str, folder: Path, client: str = "") -> grpc.Channel:
    """A TLS channel, with a client certificate when one is named."""
    key = (folder / f"{client}.key").read_bytes() if client else None
    chain = (folder / f"{client}.crt").read_bytes() if client else None
    return grpc.secure_channel(address, grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes(), key, chain))


def test_tls_serves_those_who_trust_it_and_nobody_in_plaintext(tmp_path: Path, certificates: Path) -> None:
    settings = {"GENESIS_TLS_CERTIFICATE": str(certificates / "server.crt"), "GENESIS_TLS_KEY": str(certificates / "server.key")}
    server = start(tmp_path, settings=settings, wait=False)
    try:
        with secure(server.address, certificates) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
            assert plan(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), []).stored
        with server.channel() as channel, pytest.raises(grpc.RpcError) as caught:
            plan(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), [])
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
    finally:
        assert stop(server) == 0


def test_mutual_tls_knows_its_clients_and_a_plain_port_answers_probes(tmp_path: Path, certificates: Path) -> None:
    mapping = tmp_path / "clients.toml"
    mapping.write_text('[[identities]]\nname = "spiffe://test/planner"\ntenant = "acme"\nroles = ["client"]\n')
    probes = f"127.0.0.1:{free_port()}"
    settings = {
        "GENESIS_TLS_CERTIFICATE": str(certificates / "server.crt"),
        "GENESIS_TLS_KEY": str(certificates / "server.key"),
        "GENESIS_TLS_CLIENT_CA": str(certificates / "ca.crt"),
        "GENESIS_AUTH_MTLS_FILE": str(mapping),
        "GENESIS_HEALTH_LISTEN": probes,
    }
    server = start(tmp_path, settings=settings, wait=False)
    try:
        with secure(server.address, certificates, "planner") as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
            assert plan(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), []).stored
        for client in ("", "stranger"):
            with secure(server.address, certificates, client) as channel, pytest.raises(grpc.RpcError) as caught:
                plan(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), [])
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
        with grpc.insecure_channel(probes) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            refused = refusal(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), [])
            assert refused.code == grpc.StatusCode.UNIMPLEMENTED
    finally:
        assert stop(server) == 0
