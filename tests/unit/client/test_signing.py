"""Signed calls: the text that is signed, and that no signature is sent twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_server import FakeServer, Refusal
from hypothesis import given
from hypothesis import strategies as st

import genesis
from genesis._channel import Target
from genesis._methods import HEALTH
from genesis._signing import Signer
from genesis._tries import Tries
from genesis.v1 import agent_service_pb2 as agents_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2

QUICK = genesis.Retry(initial_backoff=0.01, max_backoff=0.02)
DOWN = Refusal(grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN")
VECTORS = Path(__file__).resolve().parents[2] / "conformance" / "signing.json"
GIVEN: dict[str, Any] = {
    "method": "/genesis.v1.AgentService/Register",
    "tenant": "default",
    "agent": "writer",
    "key": "k1",
    "time": 1_800_000_000,
    "nonce": "AAECAwQFBgcICQoLDA0ODw",
}


def fields(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    assert scheme == "Genesis-HMAC-SHA256"
    return dict(part.split("=", 1) for part in rest.split(","))


def expected(secret: str, method: str, body: bytes, told: dict[str, str]) -> str:
    """The signature from the documented text, by hand."""
    text = (
        "genesis-hmac-sha256\n" + method + "\n" + told["tenant"] + "\n" + told["agent"] + "\n" + told["key"] + "\n"
        + told["time"] + "\n" + told["nonce"] + "\n" + hashlib.sha256(body).hexdigest()
    )  # fmt: skip
    return hmac.new(secret.encode("utf-8"), text.encode("utf-8"), "sha256").hexdigest()


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text()))
def test_the_vectors(vector: dict[str, Any]) -> None:
    """What clients in other languages must get as well."""
    given = {name: value for name, value in vector.items() if name not in {"secret", "body_base64", "signature"}}
    body = base64.b64decode(vector["body_base64"])
    assert genesis.agent_signature(vector["secret"], **given, body=body) == vector["signature"]
    told = {name: str(value) for name, value in given.items()}
    assert expected(vector["secret"], vector["method"], body, told) == vector["signature"]


def test_the_example_of_the_documents() -> None:
    """What docs/agents.md works out is what the client sends."""
    told: dict[str, Any] = {
        "method": "/genesis.v1.AgentService/Heartbeat",
        "tenant": "acme",
        "agent": "build/linux:x86",
        "key": "2026-11",
        "time": 1_795_000_000,
        "nonce": "AAECAwQFBgcICQoLDA0ODw",
    }
    signature = genesis.agent_signature("an example secret, never use it 1", **told, body=bytes.fromhex("0a06736573735f31"))
    assert signature == "be334fe3428b8feaf76112ff865f85893d097bc73110c5c3216516d912e58951"


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_another_body_has_another_signature(one: bytes, other: bytes) -> None:
    """Nobody can put other bytes behind a signature."""
    same = genesis.agent_signature("s", **GIVEN, body=one) == genesis.agent_signature("s", **GIVEN, body=other)
    assert same == (one == other)


def test_every_try_of_a_signed_call_has_its_own_signature(fake: FakeServer) -> None:
    """A server takes each once; the repeat is safe all the same, for the request is the same."""
    replayed = Refusal(grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIALS_REPLAYED")
    fake.on("Orchestrate", DOWN, replayed, pb2.OrchestrateResponse(stored=True))
    with genesis.connect(fake.address, retry=QUICK, agent_key="k1:top:secret", agent="writer", tenant="acme") as client:
        assert client.orchestrate("a").stored
    assert len({request.request_id for request in fake.asked("Orchestrate")}) == 1
    told = [fields(metadata["authorization"]) for metadata in fake.metadata]
    assert len(told) == len({one["nonce"] for one in told}) == 3
    body = fake.asked("Orchestrate")[0].SerializeToString()
    for one in told:
        assert (one["tenant"], one["agent"], one["key"]) == ("acme", "writer", "k1")
        assert one["signature"] == expected("top:secret", "/genesis.v1.OrchestratorService/Orchestrate", body, one)
        assert len(one["nonce"]) >= 22


async def test_signed_streams_and_the_asynchronous_client_do_the_same(fake: FakeServer) -> None:
    """A stream is opened again until it has said something; one of requests is signed without body."""
    fake.on("PlanStream", [DOWN], [pb2.PlanStreamResponse(sequence=1), DOWN])
    fake.on("Health", DOWN, pb2.HealthResponse(server_version="1"))
    fake.on("AgentsWork", [agents_pb2.WorkResponse(move=agents_pb2.WorkMove())])

    async def nothing() -> Any:
        yield agents_pb2.WorkRequest(open=agents_pb2.WorkOpen(session_id="s"))

    async with genesis.aio.connect(fake.address, retry=QUICK, agent_key="k1:s", agent="writer") as client:
        events = client.plan_stream("a")
        assert (await anext(events)).sequence == 1
        with pytest.raises(genesis.Unavailable):
            await anext(events)
        assert (await client.health()).server_version == "1"
        assert [message.HasField("move") async for message in client.work(nothing())] == [True]
    told = fields(fake.metadata[-1]["authorization"])
    assert told["signature"] == expected("s", "/genesis.v1.AgentService/Work", b"", told)
    with genesis.connect(fake.address, retry=QUICK, agent_key="k1:s", agent="writer") as blocking:
        fake.on("PlanStream", [DOWN], [pb2.PlanStreamResponse(sequence=2)])
        assert [event.sequence for event in blocking.plan_stream("a")] == [2]
        opening = [agents_pb2.WorkRequest(open=agents_pb2.WorkOpen(session_id="s"))]
        assert [message.HasField("move") for message in blocking.work(opening)] == [True]


def test_grpc_itself_does_not_repeat_signed_calls() -> None:
    """It would send the same signature, and be refused as a replay."""
    options = dict(Target(address="h", agent_key="k:s", agent="a").options())
    assert options["grpc.enable_retries"] == 0
    assert "methodConfig" not in json.loads(options["grpc.service_config"])
    assert "methodConfig" in json.loads(dict(Target(address="h").options())["grpc.service_config"])


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"agent_key": "k:s"}, "agent_key needs the agent"),
        ({"agent": "writer"}, "agent_key needs the agent"),
        ({"agent_key": "k", "agent": "a"}, "key-id:secret"),
        ({"agent_key": ":s", "agent": "a"}, "key-id:secret"),
        ({"agent_key": "k:s", "agent": "a,b"}, "without blanks"),
        ({"agent_key": "k:s", "agent": "a", "tenant": ""}, "without blanks"),
        ({"agent_key": "k:s", "agent": "a", "token": "t"}, "one of the two"),
    ],
)
def test_half_a_key_is_refused(wrong: dict[str, Any], text: str) -> None:
    """Before the first call, and without naming the secret."""
    with pytest.raises(ValueError, match=text):
        genesis.connect("localhost:1", **wrong)


def test_the_secret_is_in_no_text() -> None:
    """A target or signer that is logged gives nothing away."""
    target = Target(address="h", agent_key="k:hidden", agent="a")
    assert "hidden" not in repr(target) + repr(target.signer())
    assert "hidden" not in Signer.of("k:hidden", agent="a", tenant="t").header("/m", b"")


def test_tries_wait_as_the_policy_says_and_end_with_the_deadline() -> None:
    """Growing waits, longer when the server asks for it; other errors are told at once."""
    now = [0.0]
    tries = Tries(genesis.Retry(), 10.0, clock=lambda: now[0], uniform=lambda _, high: high)
    assert tries.wait_after(genesis.Unavailable("no")) == pytest.approx(0.12)
    assert tries.wait_after(genesis.Unavailable("no", retry_after=2.5)) == 2.5
    now[0] = 9.5
    assert tries.time_left() == pytest.approx(0.5)
    assert tries.wait_after(genesis.Unavailable("no")) is None
    for error in (genesis.NotFound("no"), genesis.Unauthenticated("no", reason="CREDENTIALS_INVALID")):
        assert Tries(genesis.Retry(), 10.0).wait_after(error) is None
    ended = Tries(genesis.Retry(attempts=2), 100.0)
    assert ended.wait_after(genesis.Unavailable("no")) is not None
    assert ended.wait_after(genesis.Unavailable("no")) is None
    assert Target(address="h").tries(HEALTH, {}).wait_after(genesis.Unavailable("no")) is None
