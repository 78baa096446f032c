"""A worker on its stream: it gets tasks, acknowledges and reports, and nothing of it stays behind when it goes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from edge_server import NO_WAIT, Edge, NotedEvents, failure, serving, stream_failure
from google.rpc import error_details_pb2
from work_cases import BUILDER, TAKEN, FakeDispatcher, FakeStream, assigned

from genesis.v1 import agent_service_pb2 as pb
from genesis.v1 import agent_service_pb2_grpc as pb_grpc
from genesis.v1 import work_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.roster import Roster
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.caller import Caller, Role
from genesis_server.model.work import LeaseNoticeKind, Report
from genesis_server.orchestration.dispatching.answers import Move, Notice, Reported
from genesis_server.orchestration.orchestrator import Call
from genesis_server.resilience.errors import ResourceError, SecurityError
from genesis_server.rpc import work
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.agents import AgentServicer
from genesis_server.rpc.convert import agent_to_proto
from genesis_server.rpc.paging import PageTokens
from genesis_server.rpc.reports import ReportAnswers
from genesis_server.rpc.server import Drain
from genesis_server.rpc.work import OwnSessions, WorkParts, serve_work
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.storage.base import Store
from genesis_server.storage.opening import open_store

NOW = 1_010.0
DECLARED = CatalogueIndex(make_catalogue([BUILDER], ()))
BUILD = Caller("acme", "build", frozenset({Role.AGENT}))
LEASE = work_pb2.LeaseToken(lease_id="lease-1", token=1)
DONE = work_pb2.ReportRequest(plan_id="p1", task_id="t1", lease=LEASE, done=work_pb2.ReportedDone())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: NOW)
    yield opened
    await opened.close()


@dataclass
class House:
    """A server with its dispatcher, and a client."""

    edge: Edge
    stub: pb_grpc.AgentServiceStub
    dispatcher: FakeDispatcher
    roster: Roster
    events: NotedEvents
    parts: WorkParts

    async def worker(self) -> str:
        """A session of the builder."""
        return (await self.roster.register("acme", BUILDER)).id

    async def open(self, *, slots: int = 2, held: tuple[str, ...] = ()) -> tuple[Any, FakeStream]:
        """An open stream, on both sides."""
        call = self.stub.Work()
        await call.write(pb.WorkRequest(open=pb.WorkOpen(session_id=await self.worker(), slots=slots, held_lease_ids=held)))
        return call, await asyncio.wait_for(self.dispatcher.streams.get(), 5)


@asynccontextmanager
async def house(
    store: Store, *, caller: Caller = BUILD, max_work_streams: int = 100, drain: Drain = NO_WAIT, has_key: bool = False
) -> AsyncIterator[House]:
    dispatcher, events = FakeDispatcher(), NotedEvents()
    admission = Admission(max_concurrent=1, max_work_streams=max_work_streams)
    numbers = iter(range(1_000_000))
    roster = Roster(
        store,
        declared=lambda: DECLARED,
        lease_seconds=30,
        clock=lambda: 0.0,
        now=lambda: NOW,
        new_id=lambda: f"ses_{next(numbers)}",
    )
    identity = AgentIdentity(lambda _tenant, _agent: has_key)
    parts = WorkParts(
        dispatcher=dispatcher,
        sessions=OwnSessions(roster=roster, identity=identity),
        reports=ReportAnswers(dispatcher=dispatcher, identity=identity),
        events=events,
        admission=admission,
        now=lambda: NOW,
        redact=lambda text: text.replace("secret", "•"),
    )
    servicer = AgentServicer(roster=roster, identity=identity, work=parts, tokens=PageTokens(b"k" * 32), lease_seconds=30)
    service = (pb_grpc.add_AgentServiceServicer_to_server, servicer)
    async with serving(caller=caller, services=[service], admission=admission, events=events, drain=drain) as edge:
        async with asyncio.timeout(20):
            yield House(edge, pb_grpc.AgentServiceStub(edge.channel), dispatcher, roster, events, parts)


def report(number: int) -> pb.WorkRequest:
    lease = work_pb2.LeaseToken(lease_id=f"lease-{number}", token=number)
    return pb.WorkRequest(report=work_pb2.ReportRequest(plan_id="p1", task_id=f"t{number}", lease=lease, done=work_pb2.ReportedDone()))


async def ended(call: Any) -> grpc.StatusCode:
    """Read to the end."""
    while await call.read() is not grpc.aio.EOF:
        pass
    return await call.code()


async def test_a_worker_gets_a_task_acknowledges_it_and_is_told_what_became_of_its_report(store: Store) -> None:
    async with house(store) as home:
        call, stream = await home.open(held=("lease-0",))
        assert stream.opened == (2, ("lease-0",))
        stream.said.put_nowait(assigned(1))
        got = (await call.read()).assignment
        assert (got.plan_id, got.task.id, got.lease, got.inputs[0].value.number_value) == ("p1", "t1", LEASE, 1)
        assert got.time_left.ToTimedelta().total_seconds() == 50
        await call.write(pb.WorkRequest(acknowledge=pb.WorkAcknowledgement(lease_id="lease-1")))
        await call.write(pb.WorkRequest(slots=pb.WorkSlots(slots=3)))
        await call.write(pb.WorkRequest(report=DONE))
        answer = (await call.read()).reported
        assert (answer.lease_id, answer.accepted.plan_version, answer.accepted.next) == ("lease-1", 2, "b is ready")
        assert stream.told == ["lease-1", 3]
        assert [agent for _, agent in home.dispatcher.reports] == ["build"]
        stream.said.put_nowait(Notice("lease-1", LeaseNoticeKind.CANCELLED, "the plan was cancelled"))
        assert (await call.read()).notice == pb.LeaseNotice(
            lease_id="lease-1", kind=pb.LEASE_NOTICE_KIND_CANCELLED, message="the plan was cancelled"
        )
        await call.done_writing()
        assert await ended(call) is grpc.StatusCode.OK
        await stream.closed.wait()


async def test_a_refused_report_comes_back_with_the_details_of_a_unary_error_and_the_stream_goes_on(store: Store) -> None:
    async def refuse(told: Report) -> Reported:
        raise SecurityError("LEASE_FOREIGN", "the lease is another agent's: secret", facts={"task_id": told.task_id})

    async with house(store) as home:
        call, _ = await home.open()
        home.dispatcher.answer = refuse
        await call.write(report(1))
        refused = (await call.read()).reported.refused
        info = error_details_pb2.ErrorInfo()
        refused.details[0].Unpack(info)
        assert (refused.code, refused.message) == (grpc.StatusCode.PERMISSION_DENIED.value[0], "the lease is another agent's: •")
        assert (info.reason, info.metadata["task_id"]) == ("LEASE_FOREIGN", "t1")
        assert [(event["kind"], event["actor"], event["facts"]["method"]) for event in home.events.noted] == [
            ("LEASE_FOREIGN", "build", "genesis.v1.AgentService/Work")
        ]
        home.dispatcher.answer = None
        await call.write(report(2))
        assert (await call.read()).reported.accepted.plan_version == 2


async def test_a_fault_while_a_report_is_taken_says_nothing_of_itself(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(told: Report) -> Reported:
        raise KeyError("a password")

    async with house(store) as home:
        call, _ = await home.open()
        home.dispatcher.answer = fail
        await call.write(report(1))
        refused = (await call.read()).reported.refused
        assert refused.code == grpc.StatusCode.INTERNAL.value[0]
        assert "password" not in refused.message
        assert "unexpected KeyError while a report was taken" in caplog.text


async def test_a_report_without_a_lease_is_not_an_agents_to_make(store: Store) -> None:
    async with house(store) as home:
        call, _ = await home.open()
        await call.write(pb.WorkRequest(report=work_pb2.ReportRequest(plan_id="p1", task_id="t1", done=work_pb2.ReportedDone())))
        refused = (await call.read()).reported.refused
        assert refused.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
        assert home.dispatcher.reports == []


async def test_reports_are_answered_as_they_finish_and_only_so_many_are_taken_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MAX_REPORTS", 2)
    gates = {f"t{number}": asyncio.Event() for number in range(3)}
    at_once: list[int] = [0]

    async def wait(told: Report) -> Reported:
        at_once.append(at_once[-1] + 1)
        await gates[told.task_id].wait()
        at_once.append(at_once[-1] - 1)
        return TAKEN

    async with house(store) as home:
        home.dispatcher.answer = wait
        call, stream = await home.open()
        for number in range(3):
            await call.write(report(number))
        # What comes behind a report that has no place yet is not read.
        await call.write(pb.WorkRequest(slots=pb.WorkSlots(slots=1)))
        for _ in range(2):
            await home.dispatcher.arrived.acquire()
        gates["t1"].set()
        assert (await call.read()).reported.lease_id == "lease-1"
        gates["t2"].set()
        assert (await call.read()).reported.lease_id == "lease-2"
        gates["t0"].set()
        assert (await call.read()).reported.lease_id == "lease-0"
        await call.done_writing()
        assert await ended(call) is grpc.StatusCode.OK
        assert (stream.told, max(at_once)) == ([1], 2)


async def test_of_a_worker_that_does_not_listen_no_more_is_taken_than_it_has_answers_to_hear(store: Store) -> None:
    async def requests() -> AsyncIterator[pb.WorkRequest]:
        yield pb.WorkRequest(open=pb.WorkOpen(session_id=session.id, slots=1))
        for number in range(200):
            yield report(number)

    async with house(store) as home:
        session = await home.roster.register("acme", BUILDER)
        async with aclosing(serve_work(home.parts, requests(), Call(BUILD, "c"), peer="ipv4:127.0.0.1:1")) as responses:
            heard = [await anext(responses)]
            for _ in range(2_000):
                await asyncio.sleep(0)
            assert len(home.dispatcher.reports) == work.MAX_REPORTS
            heard += [response async for response in responses]
    assert sorted(one.reported.lease_id for one in heard) == sorted(f"lease-{number}" for number in range(200))


async def test_a_stream_that_does_not_say_whose_it_is_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "OPEN_SECONDS", 0.02)
    async with house(store) as home:
        refused = await stream_failure(home.stub.Work())
        assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_a_worker_that_says_no_more_still_hears_what_became_of_its_reports(store: Store) -> None:
    gate = asyncio.Event()

    async def wait(told: Report) -> Reported:
        await gate.wait()
        return TAKEN

    async with house(store) as home:
        home.dispatcher.answer = wait
        call, stream = await home.open()
        await call.write(report(1))
        await call.done_writing()
        await home.dispatcher.arrived.acquire()
        gate.set()
        assert (await call.read()).reported.HasField("accepted")
        assert await ended(call) is grpc.StatusCode.OK
        await stream.closed.wait()


async def test_a_server_that_is_about_to_stop_sends_its_workers_elsewhere_and_loses_no_report(store: Store) -> None:
    gate = asyncio.Event()

    async def wait(told: Report) -> Reported:
        await gate.wait()
        return TAKEN

    async with house(store, drain=Drain(lame_duck_seconds=0, refuse_seconds=0, grace_seconds=10)) as home:
        home.dispatcher.answer = wait
        call, stream = await home.open()
        await call.write(report(1))
        await home.dispatcher.arrived.acquire()
        stopping = asyncio.ensure_future(home.edge.server.stop())
        assert (await call.read()).WhichOneof("message") == "move"
        stream.said.put_nowait(assigned(2))
        gate.set()
        assert (await call.read()).reported.lease_id == "lease-1"
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
        assert stream.closed.is_set()
        await stopping


async def test_a_worker_that_has_not_said_who_it_is_does_not_hold_a_stop_up(store: Store) -> None:
    async with house(store, drain=Drain(lame_duck_seconds=0, refuse_seconds=0, grace_seconds=10)) as home:
        call = home.stub.Work()
        await call.wait_for_connection()
        while home.edge.admission._in_flight == 0:  # noqa: ASYNC110  (the call is on its way)
            await asyncio.sleep(0)
        stopping = asyncio.ensure_future(home.edge.server.stop())
        assert (await call.read()).WhichOneof("message") == "move"
        assert await ended(call) is grpc.StatusCode.OK
        await stopping


async def test_a_stream_ends_when_another_one_of_its_session_takes_over(store: Store) -> None:
    async with house(store) as home:
        call, stream = await home.open()
        stream.said.put_nowait(Move())
        assert (await call.read()).WhichOneof("message") == "move"
        assert await ended(call) is grpc.StatusCode.OK


def tasks_of_streams() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "_Stream." in repr(task.get_coro())]


@pytest.mark.parametrize("way", ["cancels", "is cut off"])
async def test_a_worker_that_disappears_leaves_nothing_behind(store: Store, way: str) -> None:
    """Also not what it reported meanwhile; warnings about tasks would fail the test."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    cancelled = asyncio.Event()

    async def wait(told: Report) -> Reported:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return TAKEN

    async with house(store) as home:
        home.dispatcher.answer = wait
        call, stream = await home.open()
        await call.write(report(1))
        await home.dispatcher.arrived.acquire()
        assert tasks_of_streams()
        if way == "cancels":
            call.cancel()
        else:
            await home.edge.channel.close()
        await stream.closed.wait()
        await cancelled.wait()
        await asyncio.gather(*tasks_of_streams(), return_exceptions=True)
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("way", ["ends", "cancels", "moves"])
async def test_a_stream_that_is_over_leaves_nothing_to_the_garbage_collector(store: Store, way: str) -> None:
    """Workers come and go all the time: what is kept of each adds up from one look of the collector to the next."""

    def streams() -> int:
        return sum(isinstance(one, FakeStream) or type(one).__name__ == "_Stream" for one in gc.get_objects())

    began = streams()
    async with house(store) as home:
        call, stream = await home.open()
        assert streams() == began + 2
        await call.write(report(1))
        await call.read()
        if way == "ends":
            await call.done_writing()
            await ended(call)
        elif way == "cancels":
            call.cancel()
        else:
            stream.said.put_nowait(Move())
            await ended(call)
        await stream.closed.wait()
        del stream
    assert streams() == began


async def test_a_worker_that_goes_while_its_stream_is_opened_leaves_no_open_stream(store: Store) -> None:
    requests: asyncio.Queue[pb.WorkRequest] = asyncio.Queue()

    async def says() -> AsyncIterator[pb.WorkRequest]:
        while True:
            yield await requests.get()

    async with house(store) as home:
        call = Call(BUILD, "")
        handler = asyncio.ensure_future(anext(serve_work(home.parts, says(), call, peer="ipv4:127.0.0.1:1")))
        home.dispatcher.opening = handler.cancel
        requests.put_nowait(pb.WorkRequest(open=pb.WorkOpen(session_id=await home.worker(), slots=1)))
        with pytest.raises(asyncio.CancelledError):
            await handler
        assert home.dispatcher.streams.get_nowait().closed.is_set()


async def test_a_message_that_breaks_a_constraint_ends_the_stream(store: Store) -> None:
    async with house(store) as home:
        call, stream = await home.open()
        await call.write(pb.WorkRequest(acknowledge=pb.WorkAcknowledgement(lease_id="")))
        refused = await failure(ended(call))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        assert refused.info.metadata["field"] == "acknowledge.lease_id"
        await stream.closed.wait()


async def test_a_stream_begins_with_open_and_has_one(store: Store) -> None:
    async with house(store) as home:
        call = home.stub.Work()
        await call.write(pb.WorkRequest(slots=pb.WorkSlots(slots=1)))
        refused = await failure(ended(call))
        assert (refused.reason, refused.info.metadata["field"]) == ("INVALID_FIELD", "open")
        call, _ = await home.open()
        await call.write(pb.WorkRequest(open=pb.WorkOpen(session_id="ses_0")))
        refused = await failure(ended(call))
        assert (refused.reason, refused.info.metadata["field"]) == ("INVALID_FIELD", "open")


async def test_a_stream_on_which_nothing_is_said_ends_well(store: Store) -> None:
    async with house(store) as home:
        call = home.stub.Work()
        await call.done_writing()
        assert await ended(call) is grpc.StatusCode.OK


async def test_a_fault_of_the_dispatcher_ends_the_stream_with_its_error(store: Store) -> None:
    async with house(store) as home:
        call, stream = await home.open()
        stream.said.put_nowait(ResourceError("STORAGE_UNAVAILABLE", "the store is away", retry_after_seconds=1))
        refused = await failure(ended(call))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")


async def test_a_stream_for_another_agents_session_is_refused_and_so_is_one_for_none(store: Store) -> None:
    async with house(store, caller=Caller("acme", "qa", frozenset({Role.AGENT}))) as home:
        for session_id, reason in ((await home.worker(), "AGENT_MISMATCH"), ("ses_x", "SESSION_NOT_FOUND")):
            call = home.stub.Work()
            await call.write(pb.WorkRequest(open=pb.WorkOpen(session_id=session_id, slots=1)))
            assert (await failure(ended(call))).reason == reason
        assert home.dispatcher.streams.empty()
        assert [event["kind"] for event in home.events.noted] == ["AGENT_MISMATCH"]


async def test_streams_of_workers_take_no_calls_place_and_have_a_bound_of_their_own(store: Store) -> None:
    async with house(store, max_work_streams=1) as home:
        call, _ = await home.open()
        second = home.stub.Work()
        refused = await failure(ended(second))
        assert (refused.reason, refused.info.metadata["limit"]) == ("OVERLOADED", "1")
        await home.stub.List(pb.AgentServiceListRequest())
        await call.done_writing()
        await ended(call)
        call, _ = await home.open()


def test_a_stream_that_comes_just_as_the_server_closes_is_told_so_once_like_the_others() -> None:
    admission, told = Admission(max_concurrent=1), list[str]()
    with admission.work(lambda: told.append("early")):
        admission.close()
        with admission.work(lambda: told.append("late")):
            admission.close()
    assert told == ["early", "late"]


async def test_a_worker_joins_beats_and_leaves(store: Store) -> None:
    async with house(store) as home:
        joined = await home.stub.Register(pb.RegisterRequest(card=agent_to_proto(BUILDER)))
        assert (joined.heartbeat_interval.seconds, joined.lease_duration.seconds) == (10, 30)
        await home.stub.Heartbeat(pb.HeartbeatRequest(session_id=joined.session_id, load=0.5))
        assert home.dispatcher.progressed == []
        told = pb.LeaseProgress(plan_id="p1", task_id="t1", lease=LEASE, fraction=0.25, message="half of half")
        answer = await home.stub.Heartbeat(pb.HeartbeatRequest(session_id=joined.session_id, load=0.5, progress=[told]))
        assert answer.lease_duration.seconds == 30
        [(tenant, agent, [progress])] = home.dispatcher.progressed
        assert (tenant, agent, progress.lease.token, progress.fraction, progress.message) == ("acme", "build", 1, 0.25, "half of half")
        home.dispatcher.held = {joined.session_id: 2}
        [entry] = (await home.stub.List(pb.AgentServiceListRequest())).agents
        assert (entry.state, entry.running_tasks, entry.card.id) == (pb.AGENT_STATE_LIVE, 2, "build")
        [worker] = entry.workers
        assert (worker.session_id, worker.load, worker.running_tasks, worker.join_time.seconds) == (joined.session_id, 0.5, 2, 1010)
        await home.stub.Deregister(pb.DeregisterRequest(session_id=joined.session_id))
        [entry] = (await home.stub.List(pb.AgentServiceListRequest())).agents
        assert (entry.state, len(entry.workers)) == (pb.AGENT_STATE_DECLARED, 0)
        gone = await failure(home.stub.Heartbeat(pb.HeartbeatRequest(session_id=joined.session_id)))
        assert gone.reason == "SESSION_NOT_FOUND"


@pytest.mark.parametrize("caller", [Caller("acme", "qa", frozenset({Role.AGENT})), Caller("acme", "ann", frozenset({Role.CLIENT}))])
async def test_nobody_joins_beats_or_leaves_for_another_agent(store: Store, caller: Caller) -> None:
    async with house(store, caller=caller) as home:
        session_id = await home.worker()
        for refused in (
            home.stub.Register(pb.RegisterRequest(card=agent_to_proto(BUILDER))),
            home.stub.Heartbeat(pb.HeartbeatRequest(session_id=session_id)),
            home.stub.Deregister(pb.DeregisterRequest(session_id=session_id)),
        ):
            assert (await failure(refused)).reason == "AGENT_MISMATCH"
        assert (await home.roster.session("acme", session_id)).beats == 0


async def test_who_has_no_credentials_plays_no_agent_that_has_a_key(store: Store) -> None:
    anonymous = Caller("acme", "anonymous", frozenset({Role.CLIENT, Role.AGENT}), anonymous=True)
    async with house(store, caller=anonymous) as home:
        call, _ = await home.open()
        await call.write(report(1))
        assert (await call.read()).reported.HasField("accepted")
    async with house(store, caller=anonymous, has_key=True) as home:
        assert (await failure(home.stub.Heartbeat(pb.HeartbeatRequest(session_id="ses_0")))).reason == "AGENT_MISMATCH"


async def test_another_agent_that_repeats_a_registration_does_not_get_its_session(store: Store) -> None:
    request = pb.RegisterRequest(request_id="r1", card=agent_to_proto(BUILDER))
    async with house(store) as home:
        first = await home.stub.Register(request)
        assert await home.stub.Register(request) == first
        remembered = home.edge.documents
    async with house(store, caller=Caller("acme", "qa", frozenset({Role.AGENT}))) as home:
        home.edge.documents.entries.update(remembered.entries)
        assert (await failure(home.stub.Register(request))).reason == "REQUEST_ID_REUSED"


async def test_a_card_with_a_skill_twice_is_refused_with_its_place(store: Store) -> None:
    card = agent_to_proto(BUILDER)
    card.skills.append(card.skills[0])
    async with house(store) as home:
        refused = await failure(home.stub.Register(pb.RegisterRequest(card=card)))
        assert (refused.reason, refused.info.metadata["field"]) == ("INVALID_FIELD", "card.skills[1].id")
