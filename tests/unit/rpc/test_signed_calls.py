"""Signed calls over a real server with the whole chain: only the very bytes that were signed get in, once."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import uvloop
from agent_calls import authorization, key
from edge_server import Edge, MemoryDocuments, NotedEvents, failure, serving

from genesis._signing import Signer
from genesis.v1 import agent_service_pb2 as pb
from genesis.v1 import agent_service_pb2_grpc, orchestrator_service_pb2
from genesis_server.resilience.errors import SecurityError
from genesis_server.rpc import deserialisation
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.deserialisation import SizeBounds
from genesis_server.rpc.interceptors.authentication import AuthenticationInterceptor
from genesis_server.rpc.interceptors.authorization import AuthorizationInterceptor
from genesis_server.rpc.interceptors.limits import Limits
from genesis_server.security.agent_keys import AgentKey, AgentKeys
from genesis_server.security.agent_signatures import SignatureVerifier
from genesis_server.security.authentication import AuthenticationOptions, Authenticator
from genesis_server.security.nonces import Nonces

HEARTBEAT, DEREGISTER, WORK = (f"/genesis.v1.AgentService/{name}" for name in ("Heartbeat", "Deregister", "Work"))
KEY, NEW_KEY = key(id="k1"), key(id="k2")
BEAT = pb.HeartbeatRequest(session_id="ses_1", load=0.5)


class FakeAgents(agent_service_pb2_grpc.AgentServiceServicer):
    """Remembers who called."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self.error: Exception | None = None

    def _called(self) -> None:
        caller = current_caller()
        self.callers.append(f"{caller.tenant}/{caller.subject}/{','.join(sorted(caller.roles))}")
        if self.error is not None:
            raise self.error

    async def Heartbeat(self, request: Any, context: Any) -> pb.HeartbeatResponse:  # noqa: N802
        self._called()
        return pb.HeartbeatResponse()

    Register = Deregister = List = Heartbeat

    async def Work(self, requests: Any, context: Any) -> AsyncIterator[pb.WorkResponse]:  # noqa: N802
        self._called()
        yield pb.WorkResponse(move=pb.WorkMove())
        async for _ in requests:
            yield pb.WorkResponse(move=pb.WorkMove())


class World:
    """A server, its agents, and what it noted."""

    def __init__(self) -> None:
        self.agents = FakeAgents()
        self.noted = NotedEvents()
        self.documents = MemoryDocuments()
        self.numbers: Iterator[int] = itertools.count(1)

    @asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator[Edge]:
        known, documents = AgentKeys([KEY, NEW_KEY]), self.documents
        nonces: Any = Nonces(documents)  # pyright: ignore[reportArgumentType]
        authenticator = Authenticator(
            AuthenticationOptions(anonymous=True),
            wall_clock=time.time,
            clock=time.monotonic,
            signatures=SignatureVerifier(lambda: known, nonces, now=time.time),
        )
        async with serving(
            authentication=AuthenticationInterceptor(authenticator),
            authorization=AuthorizationInterceptor(),
            services=[(agent_service_pb2_grpc.add_AgentServiceServicer_to_server, self.agents)],
            events=self.noted,
            documents=documents,
            **options,
        ) as edge:
            yield edge

    def signed(self, method: str, body: bytes = b"", *, by: AgentKey = KEY, at: float = 0.0) -> list[tuple[str, str]]:
        nonce = f"{next(self.numbers):022}"
        return [("authorization", authorization(by, body, method=method, time=time.time() + at, nonce=nonce))]

    def kinds(self) -> list[tuple[str, str | None, str]]:
        return [(event["kind"], event["tenant"], event["actor"]) for event in self.noted.noted]


def call(edge: Edge, method: str, body: bytes, metadata: Any) -> Any:
    """The very bytes, so that a test may change them."""
    return edge.channel.unary_unary(method)(body, metadata=metadata, timeout=10)


async def work(edge: Edge, metadata: Any) -> int:
    """Open a stream, say two things, and count the answers.

    Nothing is written before the server has answered: grpcio's client hides how a call ended behind a write that fails meanwhile.
    """
    stream = edge.channel.stream_stream(
        WORK, request_serializer=pb.WorkRequest.SerializeToString, response_deserializer=pb.WorkResponse.FromString
    )(metadata=metadata, timeout=10)
    answers = [await stream.read()]
    for message in (pb.WorkRequest(open=pb.WorkOpen(session_id="ses_1")), pb.WorkRequest(slots=pb.WorkSlots(slots=2))):
        await stream.write(message)
        answers.append(await stream.read())
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    return len(answers)


@pytest.fixture
def world() -> World:
    return World()


async def whole_story(world: World) -> None:
    """A signed call gets in; a changed one, a repeated one, one for another method and a late one do not."""
    body = BEAT.SerializeToString()
    async with world.serving() as edge:
        good = world.signed(HEARTBEAT, body)
        await call(edge, HEARTBEAT, body, good)
        assert (await failure(call(edge, HEARTBEAT, body, good))).reason == "CREDENTIALS_REPLAYED"
        changed = pb.HeartbeatRequest(session_id="ses_2", load=0.5).SerializeToString()
        for method, sent, metadata in (
            (HEARTBEAT, changed, world.signed(HEARTBEAT, body)),
            (HEARTBEAT, body, world.signed(HEARTBEAT)),
            (DEREGISTER, body, world.signed(HEARTBEAT, body)),
            (HEARTBEAT, body, world.signed(HEARTBEAT, body, by=key(id="k1", secret="x" * 40))),
        ):
            error = await failure(call(edge, method, sent, metadata))
            assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID")
            assert dict(error.info.metadata).keys() == {"category", "correlation_id"}
        assert (await failure(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body, at=-70)))).reason == "CREDENTIALS_EXPIRED"
        await call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body, by=NEW_KEY))
        stream = world.signed(WORK)
        assert await work(edge, stream) == 3
        assert (await failure(work(edge, stream))).reason == "CREDENTIALS_REPLAYED"
        assert (await failure(work(edge, world.signed(HEARTBEAT)))).reason == "CREDENTIALS_INVALID"
    assert world.agents.callers == ["acme/builder/agent"] * 3
    assert world.kinds() == [
        (kind, "acme", "builder")
        for kind in (
            "CREDENTIALS_REPLAYED",
            *["CREDENTIALS_INVALID"] * 4,
            "CREDENTIALS_EXPIRED",
            "CREDENTIALS_REPLAYED",
            "CREDENTIALS_INVALID",
        )
    ]


async def test_only_what_was_signed_gets_in_and_only_once(world: World) -> None:
    await whole_story(world)


def test_it_is_the_same_on_the_loop_that_servers_run_on(world: World) -> None:
    """The request is read in the task that serves the call on uvloop too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole_story(world))


async def test_the_python_client_signs_as_the_server_checks(world: World) -> None:
    signer = Signer(tenant=KEY.tenant, agent=KEY.agent, key=KEY.id, secret=KEY.secret.decode())
    body = BEAT.SerializeToString()
    async with world.serving() as edge:
        await call(edge, HEARTBEAT, body, [("authorization", signer.header(HEARTBEAT, body))])
        assert await work(edge, [("authorization", signer.header(WORK, b""))]) == 3
    assert world.agents.callers == ["acme/builder/agent"] * 2


async def test_calls_side_by_side_never_mix_up_their_bytes(world: World) -> None:
    async with world.serving() as edge:
        bodies = [pb.HeartbeatRequest(session_id=f"ses_{number}").SerializeToString() for number in range(50)]
        await asyncio.gather(*(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body)) for body in bodies))
        swapped = zip(bodies, reversed(bodies), strict=True)
        errors = await asyncio.gather(*(failure(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, other))) for body, other in swapped))
    assert {error.reason for error in errors} == {"CREDENTIALS_INVALID"}
    assert len(world.agents.callers) == 50


async def test_a_sampled_call_is_refused_and_noted_alike(world: World) -> None:
    async with world.serving(sample_ratio=1.0) as edge:
        body = BEAT.SerializeToString()
        assert (await failure(call(edge, DEREGISTER, body, world.signed(HEARTBEAT, body)))).reason == "CREDENTIALS_INVALID"
        assert (await failure(work(edge, world.signed(HEARTBEAT)))).reason == "CREDENTIALS_INVALID"
    assert len(world.noted.noted) == 2


async def test_who_names_no_known_key_writes_into_nobodys_record(world: World) -> None:
    async with world.serving() as edge:
        await failure(call(edge, HEARTBEAT, b"", world.signed(HEARTBEAT, by=key("stranger"))))
        await failure(call(edge, HEARTBEAT, b"", [("authorization", "Genesis-HMAC-SHA256 nonsense")]))
    assert world.kinds() == [("CREDENTIALS_INVALID", None, "stranger"), ("CREDENTIALS_INVALID", None, "")]


async def test_an_agent_that_plans_or_lists_is_refused_and_noted(world: World) -> None:
    async with world.serving() as edge:
        plan = "/genesis.v1.OrchestratorService/Plan"
        body = orchestrator_service_pb2.PlanRequest(goal="Write").SerializeToString()
        error = await failure(call(edge, plan, body, world.signed(plan, body)))
        assert (error.reason, error.info.metadata["required_role"]) == ("PERMISSION_DENIED", "client")
        assert edge.service.calls == []
    ((kind, tenant, actor),) = world.kinds()
    assert (kind, tenant, actor) == ("PERMISSION_DENIED", "acme", "builder")


async def test_what_the_service_refuses_is_noted_with_the_caller_the_method_and_the_calls_id(world: World) -> None:
    world.agents.error = SecurityError("LEASE_FOREIGN", "the lease is another agent's", facts={"plan_id": "p"})
    async with world.serving() as edge:
        body = BEAT.SerializeToString()
        error = await failure(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body)))
        assert error.reason == "LEASE_FOREIGN"
        assert (await failure(work(edge, world.signed(WORK)))).reason == "LEASE_FOREIGN"
    unary, stream = (event["facts"] for event in world.noted.noted)
    assert (unary["plan_id"], unary["method"], stream["method"]) == ("p", HEARTBEAT[1:], WORK[1:])
    assert unary["correlation_id"] == error.info.metadata["correlation_id"]
    assert unary["peer"] in {"ipv4:127.0.0.1", "ipv6:%5B::1%5D"}


async def test_a_signed_request_that_cannot_be_read_says_what_is_wrong_with_it(world: World) -> None:
    async with world.serving(bounds=SizeBounds(default=1_000)) as edge:
        for body, reason in ((b"\xff\xff", "MALFORMED_MESSAGE"), (b"x" * 1_100, "MESSAGE_TOO_LARGE")):
            assert (await failure(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body)))).reason == reason
            assert (await failure(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, b"y")))).reason == "CREDENTIALS_INVALID"


async def test_the_bytes_of_unsigned_calls_are_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[None] = []
    keep = deserialisation.keep_body
    monkeypatch.setattr("genesis_server.rpc.interceptors.authentication.keep_body", lambda: (kept.append(None), keep()))
    async with world.serving() as edge:
        await call(edge, HEARTBEAT, BEAT.SerializeToString(), [])
        await call(edge, HEARTBEAT, BEAT.SerializeToString(), [("authorization", "Bearer x")])
        assert await work(edge, world.signed(WORK)) == 3
        assert kept == []
        body = BEAT.SerializeToString()
        await call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body))
    assert kept == [None]
    assert world.agents.callers[:2] == ["default/anonymous/admin,agent,client,viewer"] * 2


async def test_an_agents_calls_are_limited_together_however_each_is_signed(world: World) -> None:
    async with world.serving(limits=Limits(rate_per_second=0.001, rate_burst=2)) as edge:
        body = BEAT.SerializeToString()
        for _ in range(2):
            await call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body))
        assert (await failure(call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body)))).reason == "RATE_LIMITED"
        await call(edge, HEARTBEAT, body, world.signed(HEARTBEAT, body, by=NEW_KEY))


def test_kept_bytes_are_given_away_once() -> None:
    assert deserialisation.take_body() is None
    deserialisation.keep_body()
    read = deserialisation.safe_deserialiser("/m", pb.HeartbeatRequest.FromString, SizeBounds())
    read(BEAT.SerializeToString())
    assert deserialisation.take_body() == BEAT.SerializeToString()
    assert deserialisation.take_body() is None
