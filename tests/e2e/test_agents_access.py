"""Who may work as whom: signed calls of agents on every method, replays, other agents, other tenants, over the wire."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

import genesis
from errors import Failure, failure
from genesis.admin.v1 import policy_service_pb2, policy_service_pb2_grpc
from genesis.v1 import (
    agent_service_pb2,
    agent_service_pb2_grpc,
    decision_pb2,
    orchestrator_service_pb2,
    orchestrator_service_pb2_grpc,
    update_pb2,
    work_pb2,
)
from servers import Server, running, start, stop
from test_access import certificate, secure
from tokens import SETTINGS, token
from workers import RawStream, RawWorker, apart, card, channels_to_both, done, eventually, plan_of, report_of, run_of, task

AGENTS, MAIN = "/genesis.v1.AgentService/", "/genesis.v1.OrchestratorService/"
SIGNED = ("Register", "Heartbeat", "Deregister", "Work", "Report")
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
Sign = Callable[[str, bytes], list[tuple[str, str]]]


@dataclass(frozen=True)
class Key:
    """A key of an agent, and what is wrong with the calls it signs."""

    tenant: str
    agent: str
    id: str
    secret: str = field(default_factory=lambda: secrets.token_hex(24))
    late_seconds: int = 0
    nonce: str = ""
    method: str = ""
    body: bytes | None = None

    def __call__(self, method: str, body: bytes) -> list[tuple[str, str]]:
        """The credentials of a call, worked out by the words of the documentation and nothing else."""
        now, nonce = int(time.time()) + self.late_seconds, self.nonce or secrets.token_urlsafe(18)
        digest = hashlib.sha256(body if self.body is None else self.body).hexdigest()
        lines = ("genesis-hmac-sha256", self.method or method, self.tenant, self.agent, self.id, str(now), nonce, digest)
        signature = hmac.new(self.secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        names = f"tenant={self.tenant},agent={self.agent},key={self.id},time={now},nonce={nonce},signature={signature}"
        return [("authorization", f"Genesis-HMAC-SHA256 {names}")]

    def toml(self) -> str:
        """As it stands in the file of keys."""
        return f'[[keys]]\ntenant = "{self.tenant}"\nagent = "{self.agent}"\nkey = "{self.id}"\nsecret = "{self.secret}"\n\n'


ALICE, ALICE_NEW = Key("acme", "alice", "old"), Key("acme", "alice", "new")
BOB, EVE, CAROL = Key("acme", "bob", "b1"), Key("other", "eve", "e1"), Key("acme", "carol", "env")
LOCKED = Key("default", "locked", "k1")


def bearer(role: str, tenant: str = "acme") -> Sign:
    """Credentials of somebody with a token."""
    return lambda _method, _body: [("authorization", f"Bearer {token(role, tenant=tenant)}")]


def nobody(_method: str, _body: bytes) -> list[tuple[str, str]]:
    """No credentials."""
    return []


@dataclass(frozen=True)
class House:
    """Two processes of one server that know keys, tokens and callers without credentials, and one channel to each."""

    server: Server
    keys: Path
    first: grpc.Channel
    second: grpc.Channel

    def client(self, tenant: str = "acme", role: str = "admin") -> genesis.Client:
        """A client with a token."""
        return genesis.connect(self.server.address, token=token(role, tenant=tenant))

    def events(self, tenant: str = "acme") -> list[policy_service_pb2.SecurityEvent]:
        """What its administrators read of their tenant."""
        with self.client(tenant) as client:
            return list(client.security_events())

    def count(self, kind: str, actor: str, tenant: str = "acme") -> int:
        """How often a thing happened, by the tenant's record."""
        return sum(one.count for one in self.events(tenant) if (one.kind, one.actor) == (kind, actor))

    def noted(self, kind: str, actor: str, *, before: int, times: int = 1, tenant: str = "acme") -> None:
        """Fails unless the tenant's record tells that it happened so many times more."""
        eventually(lambda: self.count(kind, actor, tenant) >= before + times)
        assert self.count(kind, actor, tenant) == before + times


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server of two processes: keys in a file and in the environment, tokens, and anybody where no key is."""
    folder = tmp_path_factory.mktemp("house")
    keys = folder / "keys.toml"
    keys.write_text("".join(key.toml() for key in (ALICE, BOB, EVE, LOCKED)))
    environment = {
        **SETTINGS,
        "GENESIS_WORKERS": "2",
        "GENESIS_AUTH_ANONYMOUS": "true",
        "GENESIS_AGENT_KEYS_FILE": str(keys),
        "GENESIS_AGENT_KEYS": f"acme/carol:{CAROL.id}={CAROL.secret}",
        "GENESIS_RELOAD_SECONDS": "0.1",
    }
    with running(folder, settings=environment) as server:
        first, second = channels_to_both(server)
        with first, second:
            yield House(server, keys, first, second)


@dataclass
class Scene:
    """Alice at work: a session, a stream, a lease of a task of her tenant's plan."""

    house: House
    alice: RawWorker
    stream: RawStream
    given: agent_service_pb2.WorkAssignment

    def state(self) -> tuple[Any, ...]:
        """Everything a refused call must leave as it is."""
        with self.house.client() as client:
            stored = client.get_plan(self.given.plan_id)
            here = {one.session_id for entry in client.agents() if entry.card.id == "alice" for one in entry.workers}
        return stored.plan.SerializeToString(deterministic=True), list(stored.runs), stored.balance.spent, here


@pytest.fixture(scope="module")
def scene(house: House) -> Iterator[Scene]:
    """Alice works."""
    alice = RawWorker(house.first, card("alice", "alices.craft"), ALICE)
    with alice.working() as stream, house.client() as client:
        plan_id = plan_of(client, task("craft", "alices.craft"))
        yield Scene(house, alice, stream, stream.take())
        client.update_plan(plan_id, cancel=True)


def request_of(method: str, scene: Scene) -> Any:
    """A request of the method that would work if Alice signed it."""
    session = scene.alice.session
    return {
        "Register": lambda: agent_service_pb2.RegisterRequest(card=scene.alice.card),
        "Heartbeat": lambda: agent_service_pb2.HeartbeatRequest(session_id=session, load=0.9),
        "Deregister": lambda: agent_service_pb2.DeregisterRequest(session_id=session),
        "Work": lambda: agent_service_pb2.WorkRequest(open=agent_service_pb2.WorkOpen(session_id=session, slots=1)),
        "Report": lambda: report_of(scene.given, done=done()),
        "List": agent_service_pb2.AgentServiceListRequest,
    }[method]()


def call(channel: grpc.Channel, method: str, request: Any, sign: Sign, **more: Any) -> Any:
    """Make a call; for a stream, its first answer. Raises grpc.RpcError."""
    if method == "Work":
        metadata = sign(f"{AGENTS}Work", b"")
        stream = agent_service_pb2_grpc.AgentServiceStub(channel).Work(iter([request]), metadata=metadata, timeout=10)
        return next(stream, None)
    if method in {"Register", "Heartbeat", "Deregister", "List"}:
        unary = getattr(agent_service_pb2_grpc.AgentServiceStub(channel), method)
        return unary(request, metadata=sign(AGENTS + method, request.SerializeToString()), timeout=10, **more)
    unary = getattr(orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel), method)
    return unary(request, metadata=sign(MAIN + method, request.SerializeToString()), timeout=10, **more)


def outcome(channel: grpc.Channel, method: str, request: Any, sign: Sign) -> str:
    """OK, or the reason a call is refused for."""
    try:
        call(channel, method, request, sign)
    except grpc.RpcError as error:
        return failure(error).reason
    return "OK"


def refusal(channel: grpc.Channel, method: str, request: Any, sign: Sign) -> Failure:
    """How a call is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, method, request, sign)
    return failure(caught.value)


# Keys.


def test_keys_of_the_file_and_of_the_environment_open_the_door_of_both_processes(house: House) -> None:
    for key in (ALICE, CAROL, EVE):
        for channel in (house.first, house.second):
            worker = RawWorker(channel, card(key.agent, "front.door"), key).join()
            worker.beat()
            worker.leave()


def test_the_worker_of_the_sdk_signs_all_it_does(house: House) -> None:
    """Registration, stream, reports and farewell, with nothing but the key given."""
    worker = genesis.Worker("carol")
    worker.skill("carols.craft")(lambda: None)
    with house.client() as client:
        worker.start(house.server.address, agent_key=f"{CAROL.id}:{CAROL.secret}", tenant="acme")
        try:
            eventually(lambda: any(entry.card.id == "carol" and entry.workers for entry in client.agents()))
            plan_id = plan_of(client, task("craft", "carols.craft"))
            eventually(lambda: client.get_plan(plan_id).plan.state == 3)
        finally:
            worker.stop()
        eventually(lambda: not any(entry.card.id == "carol" for entry in client.agents()))


def test_a_key_is_exchanged_while_the_server_runs_and_nobody_notices(house: House) -> None:
    """Both keys are good for a time; then the old one is not, and the session goes on with the new one."""
    before = house.keys.read_text()
    worker = RawWorker(house.first, card("bob", "locks.change"), BOB).join()
    newer, beat = Key("acme", "bob", "b2"), agent_service_pb2.HeartbeatRequest(session_id=worker.session)

    def takes(key: Key) -> bool:
        found = {outcome(channel, "Heartbeat", beat, key) for channel in (house.first, house.second)}
        assert found <= {"OK", "CREDENTIALS_INVALID"}
        return found == {"OK"}

    try:
        assert not takes(newer)
        house.keys.write_text(before + newer.toml())
        eventually(lambda: takes(newer))
        assert takes(BOB)
        house.keys.write_text(before.replace(BOB.toml(), "") + newer.toml())
        eventually(lambda: not takes(BOB))
        assert takes(newer)
        eventually(lambda: {outcome(channel, "Heartbeat", beat, BOB) for channel in (house.first, house.second)} == {"CREDENTIALS_INVALID"})
        house.keys.write_text("[[keys]]\ntenant = 7\n")
        time.sleep(0.5)
        assert takes(newer), "a broken file must not lock anybody out"
    finally:
        house.keys.write_text(before)
        eventually(lambda: takes(BOB))
        worker.sign = BOB
        worker.leave()


@pytest.mark.parametrize(
    ("bad", "reason", "is_noted"),
    [
        (replace(ALICE, secret="x" * 40), "CREDENTIALS_INVALID", True),
        (replace(ALICE, id="unknown"), "CREDENTIALS_INVALID", False),
        (replace(ALICE, agent="mallory"), "CREDENTIALS_INVALID", False),
        (replace(ALICE, tenant="other"), "CREDENTIALS_INVALID", False),
        (replace(ALICE, body=b"other"), "CREDENTIALS_INVALID", True),
        (replace(ALICE, late_seconds=-75), "CREDENTIALS_EXPIRED", True),
        (replace(ALICE, late_seconds=75), "CREDENTIALS_EXPIRED", True),
        (replace(ALICE, method=f"{AGENTS}List"), "CREDENTIALS_INVALID", True),
    ],
    ids=["secret", "unknown key", "unknown agent", "other tenant", "changed body", "stale", "early", "other method"],
)
def test_a_call_that_is_not_signed_as_it_should_is_refused_and_changes_nothing(
    scene: Scene, bad: Key, reason: str, *, is_noted: bool
) -> None:
    house = scene.house
    before, known, others = scene.state(), house.count(reason, bad.agent), house.events("other")
    for method in SIGNED:
        found = refusal(house.first, method, request_of(method, scene), bad)
        assert (found.code, found.reason) == (UNAUTHENTICATED, reason), method
        assert found.metadata["category"] == "security"
        assert bad.secret not in found.message
    assert scene.state() == before
    if is_noted:
        house.noted(reason, bad.agent, before=known, times=len(SIGNED))
    assert house.count(reason, "mallory") == 0
    assert house.events("other") == others


def test_a_signed_call_is_good_once_whichever_process_it_comes_to(scene: Scene) -> None:
    """What was overheard is worth nothing, not even at the other process."""
    house, known = scene.house, scene.house.count("CREDENTIALS_REPLAYED", "alice")
    # None of these ends what others need; who signed them used the nonce up all the same.
    requests = {
        "Register": request_of("Register", scene),
        "Heartbeat": request_of("Heartbeat", scene),
        "Deregister": agent_service_pb2.DeregisterRequest(session_id="ses_none"),
        "Work": agent_service_pb2.WorkRequest(open=agent_service_pb2.WorkOpen(session_id="ses_none")),
        "Report": replace_token(request_of("Report", scene)),
        "List": agent_service_pb2.AgentServiceListRequest(),
    }
    for method, request in requests.items():
        sign = replace(ALICE, nonce=secrets.token_urlsafe(18))
        assert outcome(house.first, method, request, sign) in {"OK", "SESSION_NOT_FOUND", "LEASE_FOREIGN", "PERMISSION_DENIED"}
        if method == "Register":
            (extra,) = eventually(lambda: scene.state()[-1] - {scene.alice.session})
            RawWorker(house.first, scene.alice.card, ALICE, extra).leave()
            eventually(lambda: scene.state()[-1] == {scene.alice.session})
        before = scene.state()
        for channel in (house.first, house.second):
            found = refusal(channel, method, request, sign)
            assert (found.code, found.reason) == (UNAUTHENTICATED, "CREDENTIALS_REPLAYED"), method
        assert scene.state() == before
    house.noted("CREDENTIALS_REPLAYED", "alice", before=known, times=2 * len(requests))


def replace_token(report: work_pb2.ReportRequest) -> work_pb2.ReportRequest:
    """The report with a fencing token that was never given."""
    changed = work_pb2.ReportRequest()
    changed.CopyFrom(report)
    changed.lease.token += 1
    return changed


# Other agents, other tenants.


def test_an_agent_cannot_act_for_another_one_of_its_tenant(scene: Scene) -> None:
    house, before = scene.house, scene.state()
    known = {reason: house.count(reason, "bob") for reason in ("AGENT_MISMATCH", "LEASE_FOREIGN")}
    for method in SIGNED:
        found = refusal(house.second, method, request_of(method, scene), BOB)
        assert (found.code, found.reason) == (DENIED, "LEASE_FOREIGN" if method == "Report" else "AGENT_MISMATCH"), method
    assert scene.state() == before
    house.noted("AGENT_MISMATCH", "bob", before=known["AGENT_MISMATCH"], times=4)
    house.noted("LEASE_FOREIGN", "bob", before=known["LEASE_FOREIGN"])
    assert not [one for one in house.events("other") if one.actor == "bob"]


def test_an_agent_of_another_tenant_finds_nothing_to_act_on(scene: Scene) -> None:
    house, before, known = scene.house, scene.state(), scene.house.count("AGENT_MISMATCH", "eve", "other")
    wanted = {"Register": (DENIED, "AGENT_MISMATCH"), "Report": (grpc.StatusCode.NOT_FOUND, "PLAN_NOT_FOUND")}
    for method in SIGNED:
        found = refusal(house.first, method, request_of(method, scene), EVE)
        assert (found.code, found.reason) == wanted.get(method, (grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")), method
    assert scene.state() == before
    house.noted("AGENT_MISMATCH", "eve", before=known, tenant="other")
    assert not [one for one in house.events() if one.actor == "eve"]


def test_an_agent_reports_its_own_leases_only_also_on_its_own_stream(scene: Scene) -> None:
    before, known = scene.state(), scene.house.count("LEASE_FOREIGN", "bob")
    bob = RawWorker(scene.house.first, card("bob", "bobs.craft"), BOB)
    with bob.working() as stream:
        stream.say(report=report_of(scene.given, done=done()))
        refused = stream.hear().reported.refused
        assert refused.code == DENIED.value[0]
        stream.say(report=work_pb2.ReportRequest(plan_id=scene.given.plan_id, task_id="craft", done=done()))
        assert stream.hear().reported.refused.code == DENIED.value[0]
        before_leaving = scene.state()
    assert before_leaving[:3] == before[:3]
    scene.house.noted("LEASE_FOREIGN", "bob", before=known)
    forged = refusal(scene.house.first, "Report", replace_token(request_of("Report", scene)), ALICE)
    assert (forged.code, forged.reason) == (DENIED, "LEASE_FOREIGN")
    loose = refusal(scene.house.first, "Report", work_pb2.ReportRequest(plan_id=scene.given.plan_id, task_id="craft", done=done()), ALICE)
    assert (loose.code, loose.reason) == (DENIED, "PERMISSION_DENIED")
    assert scene.state() == before


def test_people_cannot_act_as_agents(scene: Scene) -> None:
    before = scene.state()
    for method in ("Register", "Heartbeat", "Deregister", "Work"):
        for role in ("viewer", "client", "admin"):
            found = refusal(scene.house.first, method, request_of(method, scene), bearer(role))
            assert (found.code, found.reason) == (DENIED, "PERMISSION_DENIED"), (method, role)
    assert scene.state() == before


def test_agents_cannot_act_as_people(house: House) -> None:
    known = house.count("PERMISSION_DENIED", "carol")
    calls = {
        "Plan": orchestrator_service_pb2.PlanRequest(goal="x"),
        "Orchestrate": orchestrator_service_pb2.OrchestrateRequest(goal="x"),
        "GetPlan": orchestrator_service_pb2.GetPlanRequest(plan_id="x"),
        "ListPlans": orchestrator_service_pb2.ListPlansRequest(),
        "DeletePlan": orchestrator_service_pb2.DeletePlanRequest(plan_id="x"),
        "Route": orchestrator_service_pb2.RouteRequest(plan_id="x"),
        "Validate": orchestrator_service_pb2.ValidateRequest(plan_id="x"),
        "UpdatePlan": update_pb2.UpdatePlanRequest(plan_id="x", cancel=update_pb2.CancelPlan()),
        "GetDecision": decision_pb2.GetDecisionRequest(decision_id="x"),
        "ListDecisions": decision_pb2.ListDecisionsRequest(),
        "Flag": orchestrator_service_pb2.FlagRequest(),
        "Health": orchestrator_service_pb2.HealthRequest(),
        "List": agent_service_pb2.AgentServiceListRequest(),
    }
    for method, request in calls.items():
        found = refusal(house.first, method, request, CAROL)
        assert (found.code, found.reason) == (DENIED, "PERMISSION_DENIED"), method
    house.noted("PERMISSION_DENIED", "carol", before=known, times=len(calls))


def test_agents_read_no_breakers_and_no_security_events(house: House) -> None:
    stub = policy_service_pb2_grpc.PolicyServiceStub(house.first)
    for name, request in (
        ("ListBreakers", policy_service_pb2.ListBreakersRequest()),
        ("ResetBreaker", policy_service_pb2.ResetBreakerRequest(agent_id="alice", cause="I want to")),
        ("ListSecurityEvents", policy_service_pb2.ListSecurityEventsRequest()),
    ):
        for sign in (ALICE, bearer("client"), bearer("viewer")):
            metadata = sign(f"/genesis.admin.v1.PolicyService/{name}", request.SerializeToString())
            with pytest.raises(grpc.RpcError) as caught:
                getattr(stub, name)(request, metadata=metadata, timeout=10)
            assert failure(caught.value).reason == "PERMISSION_DENIED"


def test_who_has_no_credentials_acts_for_agents_without_a_key_only(house: House) -> None:
    free = RawWorker(house.first, card("free", "free.craft"), nobody).join()
    free.beat()
    free.leave()
    locked = RawWorker(house.first, card("locked", "locked.craft"), LOCKED).join()
    for request, method in (
        (agent_service_pb2.RegisterRequest(card=locked.card), "Register"),
        (agent_service_pb2.HeartbeatRequest(session_id=locked.session), "Heartbeat"),
        (agent_service_pb2.DeregisterRequest(session_id=locked.session), "Deregister"),
        (agent_service_pb2.WorkRequest(open=agent_service_pb2.WorkOpen(session_id=locked.session)), "Work"),
    ):
        found = refusal(house.second, method, request, nobody)
        assert (found.code, found.reason) == (DENIED, "AGENT_MISMATCH")
        assert "sign" in found.message
    locked.beat()
    locked.leave()
    house.noted("AGENT_MISMATCH", "anonymous", before=0, times=4, tenant="default")


def test_a_token_with_the_role_agent_is_an_agent_of_its_own_name_only(house: House) -> None:
    named: Sign = lambda _method, _body: [("authorization", f"Bearer {token('agent', subject='dora')}")]  # noqa: E731
    dora = RawWorker(house.first, card("dora", "doras.craft"), named).join()
    dora.beat()
    dora.leave()
    found = refusal(house.first, "Register", agent_service_pb2.RegisterRequest(card=card("alice", "x.y")), named)
    assert (found.code, found.reason) == (DENIED, "AGENT_MISMATCH")


def test_each_tenant_reads_its_own_security_events_a_page_at_a_time(scene: Scene) -> None:
    house = scene.house
    for key in (ALICE, EVE):
        refusal(house.first, "Heartbeat", request_of("Heartbeat", scene), replace(key, secret="y" * 40))
    eventually(lambda: any(one.actor == "eve" for one in house.events("other")))
    eventually(lambda: any(one.actor == "alice" and one.kind == "CREDENTIALS_INVALID" for one in house.events()))
    assert {one.actor for one in house.events("other")} == {"eve"}
    assert "eve" not in {one.actor for one in house.events()}
    assert house.events("third") == []
    mine = house.events()
    assert all(one.id and one.message and one.count >= 1 and one.time.seconds for one in mine)
    assert [one.time.ToNanoseconds() for one in mine] == sorted((one.time.ToNanoseconds() for one in mine), reverse=True)
    with house.client() as client:
        assert [one.id for one in client.security_events(page_size=1)][: len(mine)] == [one.id for one in mine]
    text = "".join(str(one) for one in mine)
    assert not any(key.secret in text for key in (ALICE, BOB, CAROL))
    assert not any(key.secret in house.server.log.read_text() for key in (ALICE, BOB, CAROL, EVE, LOCKED))


def test_a_lease_of_the_past_is_refused_and_noted(house: House) -> None:
    bob = RawWorker(house.first, card("bob", "lapse.lapsing"), BOB)
    known = house.count("LEASE_LOST", "bob")
    with bob.working() as stream, house.client() as client:
        plan_id = plan_of(client, task("lapse", "lapse.lapsing"))
        given = stream.take()
        client.update_plan(plan_id, cancel=True)
        assert stream.notice().kind == agent_service_pb2.LEASE_NOTICE_KIND_CANCELLED
        found = refusal(house.second, "Report", report_of(given, done=done()), BOB)
        assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LEASE_LOST")
        assert run_of(client, plan_id, "lapse").attempts[0].outcome == work_pb2.ATTEMPT_OUTCOME_CANCELLED
    house.noted("LEASE_LOST", "bob", before=known)


def test_a_client_certificate_with_the_role_agent_works_as_the_agent_it_names(tmp_path: Path) -> None:
    authority = certificate(tmp_path, "ca")
    for name in ("server", "robot", "planner"):
        certificate(tmp_path, name, authority)
    mapping = tmp_path / "clients.toml"
    mapping.write_text(
        '[[identities]]\nname = "spiffe://test/robot"\ntenant = "acme"\nroles = ["agent"]\n\n'
        '[[identities]]\nname = "spiffe://test/planner"\ntenant = "acme"\nroles = ["client"]\n'
    )
    settings = {
        "GENESIS_TLS_CERTIFICATE": str(tmp_path / "server.crt"),
        "GENESIS_TLS_KEY": str(tmp_path / "server.key"),
        "GENESIS_TLS_CLIENT_CA": str(tmp_path / "ca.crt"),
        "GENESIS_AUTH_MTLS_FILE": str(mapping),
        "GENESIS_AGENT_KEYS": f"acme/carol:{CAROL.id}={CAROL.secret}",
    }
    server = start(tmp_path, settings=settings, wait=False)
    try:
        with secure(server.address, tmp_path, "robot") as robots, secure(server.address, tmp_path, "planner") as people:
            grpc.channel_ready_future(robots).result(timeout=30)
            robot = RawWorker(robots, card("spiffe://test/robot", "robots.craft"), nobody)
            main = orchestrator_service_pb2_grpc.OrchestratorServiceStub(people)
            with robot.working() as stream:
                request = orchestrator_service_pb2.OrchestrateRequest(goal="robots.craft", dispatch=work_pb2.Dispatch())
                made = main.Orchestrate(request, timeout=10)
                for _ in made.plan.tasks:
                    stream.report(stream.take(), done=done())
                state = main.GetPlan(orchestrator_service_pb2.GetPlanRequest(plan_id=made.plan.id), timeout=10).plan.state
                assert state == 3
                stranger = agent_service_pb2.RegisterRequest(card=card("other", "robots.craft"))
                assert refusal(robots, "Register", stranger, nobody).reason == "AGENT_MISMATCH"
                assert refusal(people, "Register", stranger, nobody).reason == "PERMISSION_DENIED"
                assert refusal(robots, "Plan", orchestrator_service_pb2.PlanRequest(goal="x"), nobody).reason == "PERMISSION_DENIED"
            # A signature says more than the certificate of a proxy that many agents share.
            RawWorker(robots, card("carol", "carols.craft"), CAROL).join().leave()
    finally:
        assert stop(server) == 0


def test_without_credentials_nothing_of_the_agents_service_is_served_where_they_are_asked_for(tmp_path: Path) -> None:
    settings = {**SETTINGS, "GENESIS_AGENT_KEYS": f"acme/carol:{CAROL.id}={CAROL.secret}"}
    requests = {
        "Register": agent_service_pb2.RegisterRequest(card=card("carol", "x.y")),
        "Heartbeat": agent_service_pb2.HeartbeatRequest(session_id="x"),
        "Deregister": agent_service_pb2.DeregisterRequest(session_id="x"),
        "Work": agent_service_pb2.WorkRequest(open=agent_service_pb2.WorkOpen(session_id="x")),
        "List": agent_service_pb2.AgentServiceListRequest(),
        "Report": work_pb2.ReportRequest(plan_id="x", task_id="x", done=work_pb2.ReportedDone()),
    }
    with running(tmp_path, settings=settings) as server, apart(server.address) as channel:
        for method, request in requests.items():
            found = refusal(channel, method, request, nobody)
            assert (found.code, found.reason) == (UNAUTHENTICATED, "CREDENTIALS_MISSING"), method
        RawWorker(channel, card("carol", "x.y"), CAROL).join().leave()
