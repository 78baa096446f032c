"""A worker against a fake agent service: what agents' authors and their users notice."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from fake_agents import FakeAgents, FakeTime, assignment, at_work, serving, until
from google.protobuf.json_format import MessageToDict

import genesis
from genesis.v1 import agent_service_pb2 as pb2
from genesis.v1 import work_pb2
from genesis.worker import tracing


@pytest.fixture
async def fake() -> AsyncIterator[FakeAgents]:
    async with serving(FakeAgents()) as server:
        yield server


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def writer(**options: Any) -> genesis.Worker:
    """A worker whose one skill writes in capitals."""
    worker = genesis.Worker("writer", description="Writes documents.", **options)

    @worker.skill("docs.write", description="Write release notes", examples=["write the release notes"])
    def text(notes: str) -> str:
        return notes.upper()

    return worker


def holding(**options: Any) -> tuple[genesis.Worker, dict[str, genesis.TaskContext], list[str]]:
    """A worker whose tasks go on until they are cancelled or its event `go` is set, with their contexts and what was cancelled."""
    worker = genesis.Worker("writer", **options)
    contexts: dict[str, genesis.TaskContext] = {}
    cancelled: list[str] = []

    @worker.skill("docs.write")
    async def write(task: genesis.TaskContext) -> str:
        contexts[task.task.id] = task
        try:
            while task.task.goal != "go":  # noqa: ASYNC110 (told from outside)
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            cancelled.append(task.task.id)
            raise
        return "done"

    return worker, contexts, cancelled


def outputs(report: Any) -> dict[str, Any]:
    return {one.name: MessageToDict(one.value) for one in report.done.outputs}


async def test_ten_lines_make_an_agent_that_does_a_task(fake: FakeAgents) -> None:
    """It joins with its card, acknowledges, does the work, reports on the stream, and leaves."""
    async with writer(region="eu").running(fake.address):
        await until(lambda: fake.outboxes)
        fake.send(assignment(notes="hello"))
        await until(lambda: fake.reports)
    [card] = fake.cards
    assert (card.id, card.region, card.max_concurrent_tasks) == ("writer", "eu", 1)
    [skill] = card.skills
    assert (skill.id, list(skill.examples)) == ("docs.write", ["write the release notes"])
    assert [(one.name, one.type) for one in skill.inputs] == [("notes", "text")]
    assert [(one.name, one.type) for one in skill.outputs] == [("text", "text")]
    assert fake.acknowledged == ["lease-1"]
    [report] = fake.reports
    assert outputs(report) == {"text": "HELLO"}
    assert (report.plan_id, report.task_id, report.lease.token) == ("plan_1", "task_1", 1)
    assert not report.HasField("usage")
    assert fake.left == ["ses_1"]


@pytest.mark.parametrize(
    ("inputs", "error"),
    [({}, "input 'notes' is missing; there are: none"), ({"notes": 3}, "input 'notes' is a number, not a text")],
)
async def test_inputs_that_do_not_fit_fail_the_task_for_good(fake: FakeAgents, time: FakeTime, inputs: dict[str, Any], error: str) -> None:
    """The server is told which input, and does not try the agent again."""
    async with at_work(writer(), fake, time):
        fake.send(assignment(**inputs))
        await until(lambda: fake.reports)
    assert (fake.reports[0].failed.error, fake.reports[0].failed.permanent) == (error, True)


async def test_what_a_function_raises_decides_what_is_told(fake: FakeAgents, time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    """Declined, failed for good, or failed with type and message; the traceback stays in the worker's log."""
    worker = genesis.Worker("writer")

    @worker.skill("docs.write")
    def write(how: str) -> str:
        match how:
            case "decline":
                raise genesis.Decline("not mine")
            case "fail":
                raise genesis.TaskFailed("cannot", permanent=True)
            case "exit":
                raise SystemExit(3)
            case "strange":
                return object()  # type: ignore[return-value]
            case "nothing left":
                return next(iter(()))
            case _:
                raise ValueError("oops")

    async with at_work(worker, fake, time):
        for number, how in enumerate(["decline", "fail", "raise", "exit", "strange", "nothing left"], 1):
            fake.send(assignment(number, how=how))
            await until(lambda number=number: len(fake.reports) == number)
        fake.send(assignment(7, skill="other"))
        await until(lambda: len(fake.reports) == 7)
    declined, failed, raised, left, strange, stopped, other = fake.reports
    assert (declined.declined.reason, declined.declined.hand_back) == ("not mine", False)
    assert (failed.failed.error, failed.failed.permanent) == ("cannot", True)
    assert (raised.failed.error, raised.failed.permanent) == ("ValueError: oops", False)
    assert left.failed.error == "SystemExit: 3"
    assert strange.failed.permanent
    assert "cannot be sent" in strange.failed.error
    assert stopped.failed.error == "RuntimeError: the function raised StopIteration"
    assert (other.declined.reason, other.declined.hand_back) == ("the agent has no skill 'other'", False)
    assert "Traceback" in caplog.text


async def test_the_context_tells_of_the_task_and_takes_what_it_used(fake: FakeAgents, time: FakeTime) -> None:
    """Plan, attempt, time left, expectation, trace; usage adds up."""
    worker = genesis.Worker("writer")
    seen: list[Any] = []

    @worker.skill("docs.write")
    def write(task: genesis.TaskContext) -> dict[str, Any]:
        seen.extend([task.plan_id, task.goal, task.attempt, task.time_left(), task.expected.tokens, task.correlation_id, task.skill_id])
        seen.append(task.traceparent[:2])
        task.usage(cost="0.7 EUR", tokens=5)
        task.usage(cost="0.6 EUR")
        with pytest.raises(ValueError, match="EUR"):
            task.usage(cost="1 USD")
        return {"text": genesis.Reference("s3://x/y", "0" * 64, "text/plain"), "more": 1}

    async with at_work(worker, fake, time):
        fake.send(assignment(time_left=60))
        await until(lambda: fake.reports)
    assert seen == ["plan_1", "release", 1, 60.0, 7, "c0ffee", "docs.write", "00"]
    [report] = fake.reports
    assert (report.usage.cost.currency_code, report.usage.cost.units, report.usage.cost.nanos) == ("EUR", 1, 300_000_000)
    assert report.usage.tokens == 5
    plain, reference = report.done.outputs
    assert (plain.name, reference.name, reference.reference.uri) == ("more", "text", "s3://x/y")


async def test_progress_goes_out_soon_but_not_more_than_twice_a_second(fake: FakeAgents, time: FakeTime) -> None:
    """Before the next regular sign of life; the last word counts."""
    worker, contexts, _ = holding(max_concurrent_tasks=2)
    async with at_work(worker, fake, time):
        fake.send(assignment())
        await until(lambda: contexts)
        await until(lambda: time.sleepers)
        contexts["task_1"].progress(0.25, "reading")
        contexts["task_1"].progress(7, "w" * 600)
        await asyncio.sleep(0.01)
        assert fake.beats == []
        await time.pass_by(0.5)
        await until(lambda: fake.beats)
        [beat] = fake.beats
        [told] = beat.progress
        assert (told.task_id, told.fraction, told.message, told.lease.token) == ("task_1", 1.0, "w" * 500, 1)
        assert beat.load == 0.5
        await until(lambda: time.waits(10))
        await time.pass_by(9.0)
        assert len(fake.beats) == 1
        await time.pass_by(1.0)
        await until(lambda: len(fake.beats) == 2)
        assert not fake.beats[1].progress


async def test_a_notice_cancels_an_async_task_and_frees_its_slot(fake: FakeAgents, time: FakeTime) -> None:
    """Nothing is reported of it, and the next task runs."""
    worker, contexts, cancelled = holding()
    async with at_work(worker, fake, time):
        for number, kind in enumerate(["LOST", "CANCELLED"], 1):
            fake.send(assignment(number))
            await until(lambda number=number: len(contexts) == number)
            fake.notice(number, kind)
            await until(lambda number=number: len(cancelled) == number)
        fake.notice(9, "LOST")
        fake.send(assignment(3))
        await until(lambda: len(contexts) == 3)
        assert fake.reports == []
        assert contexts["task_1"].cancelled


async def test_a_function_in_a_thread_sees_that_it_is_cancelled_and_keeps_its_slot_until_it_ends(fake: FakeAgents, time: FakeTime) -> None:
    """The server is told how many slots are left meanwhile; the late result is dropped."""
    worker = genesis.Worker("writer", max_concurrent_tasks=2)
    begun, go = threading.Event(), threading.Event()
    seen: list[bool] = []

    @worker.skill("docs.write")
    def write(task: genesis.TaskContext) -> str:
        begun.set()
        seen.append(task.cancelled.wait(10))
        go.wait(10)
        return "late"

    async with at_work(worker, fake, time):
        fake.send(assignment())
        await until(begun.is_set)
        fake.notice(1, "CANCELLED")
        await until(lambda: seen)
        await until(lambda: [message.slots.slots for message in fake.said if message.HasField("slots")] == [1])
        go.set()
        await until(lambda: [message.slots.slots for message in fake.said if message.HasField("slots")] == [1, 2])
        assert fake.reports == []


async def test_a_task_whose_time_is_over_is_cancelled_and_left_to_the_server(fake: FakeAgents, time: FakeTime) -> None:
    """No report; the lease stays named as held until the server ends it, so that the attempt counts."""
    worker, contexts, cancelled = holding()
    async with at_work(worker, fake, time) as engine:
        fake.send(assignment(time_left=3))
        await until(lambda: contexts)
        await time.pass_by(3)
        await until(lambda: cancelled)
        assert engine._leases.ids == ["lease-1"]
        fake.notice(1, "LOST")
        await until(lambda: not engine._leases.ids)
        assert fake.reports == []


async def test_pause_and_resume_reach_the_task(fake: FakeAgents, time: FakeTime) -> None:
    """As a flag, and the task goes on by itself."""
    worker, contexts, cancelled = holding()
    async with at_work(worker, fake, time):
        fake.send(assignment())
        await until(lambda: contexts)
        fake.notice(1, "PAUSED")
        await until(lambda: contexts["task_1"].paused)
        fake.notice(1, "RESUMED")
        await until(lambda: not contexts["task_1"].paused)
        assert not cancelled


async def test_fifty_tasks_run_at_once_and_the_next_is_handed_back(fake: FakeAgents, time: FakeTime) -> None:
    """Never more tasks than slots, whatever the server sends; each is done once."""
    worker = genesis.Worker("writer", max_concurrent_tasks=50)
    gate = threading.Event()
    running: set[int] = set()

    @worker.skill("docs.write")
    def write(number: int) -> int:
        running.add(number)
        gate.wait(10)
        return number

    async with at_work(worker, fake, time):
        assert fake.opened[0].slots == 50
        for number in range(1, 52):
            fake.send(assignment(number, number=number))
        await until(lambda: len(running) == 50 and fake.reports)
        [over] = fake.reports
        assert (over.task_id, over.declined.hand_back) == ("task_51", True)
        gate.set()
        await until(lambda: len(fake.reports) == 51)
    done = {report.task_id: outputs(report) for report in fake.reports[1:]}
    assert done == {f"task_{number}": {"text": number} for number in range(1, 51)}


async def test_inputs_that_cannot_be_read_fail_the_task_and_not_the_worker(fake: FakeAgents, time: FakeTime) -> None:
    """Whatever a server sends, the other tasks go on."""
    odd = assignment(1)
    odd.inputs.add(name="notes").value.number_value = float("nan")
    async with at_work(writer(), fake, time):
        fake.send(odd)
        fake.send(assignment(2, notes="b"))
        await until(lambda: len(fake.reports) == 2)
    failed, done = sorted(fake.reports, key=lambda report: report.task_id)
    assert failed.failed.permanent
    assert "cannot be read" in failed.failed.error
    assert outputs(done) == {"text": "B"}


async def test_a_lease_that_comes_again_is_acknowledged_again_and_not_done_twice(fake: FakeAgents, time: FakeTime) -> None:
    """A server that is not sure may say it twice."""
    worker, contexts, _ = holding(max_concurrent_tasks=2)
    async with at_work(worker, fake, time):
        fake.send(assignment())
        fake.send(assignment())
        await until(lambda: len(fake.acknowledged) == 2)
        assert len(contexts) == 1
        assert fake.reports == []


@pytest.mark.parametrize("how", ["move", "break"])
async def test_a_stream_that_ends_is_followed_by_another_with_the_held_leases(fake: FakeAgents, time: FakeTime, how: str) -> None:
    """The task goes on, and its result goes to the new stream."""
    worker, contexts, cancelled = holding()
    async with at_work(worker, fake, time):
        fake.send(assignment())
        await until(lambda: contexts)
        if how == "move":
            fake.outboxes[-1].put_nowait(pb2.WorkResponse(move=pb2.WorkMove()))
        else:
            fake.break_stream()
            await until(lambda: len(time.sleepers) > 1)
            await asyncio.sleep(0.01)
            await time.pass_by(0.2)
        await until(lambda: len(fake.outboxes) == 2)
        assert list(fake.opened[1].held_lease_ids) == ["lease-1"]
        assert fake.opened[1].session_id == "ses_1"
        contexts["task_1"].task.goal = "go"
        await until(lambda: fake.reports)
        assert not cancelled
    assert outputs(fake.reports[0]) == {"text": "done"}


async def test_a_server_that_moves_everybody_again_and_again_is_not_stormed(fake: FakeAgents, time: FakeTime) -> None:
    """Only the first move is followed at once."""
    async with at_work(writer(), fake, time):
        for number in range(1, 3):
            await until(lambda number=number: len(fake.outboxes) == number)
            fake.outboxes[-1].put_nowait(pb2.WorkResponse(move=pb2.WorkMove()))
        await asyncio.sleep(0.02)
        assert len(fake.outboxes) == 2
        await time.pass_by(1)
        await until(lambda: len(fake.outboxes) == 3)


async def test_a_restart_of_the_server_costs_no_task(time: FakeTime) -> None:
    """A result that came while it was away is told when it is back, until it is answered."""
    worker, contexts, cancelled = holding()
    first, second = FakeAgents(), FakeAgents(known={"ses_1"})
    async with serving(first):
        port = int(first.address.rpartition(":")[2])
        stack = at_work(worker, first, time)
        await stack.__aenter__()
        first.send(assignment())
        await until(lambda: contexts)
    contexts["task_1"].task.goal = "go"
    await asyncio.sleep(0.05)
    async with serving(second, port):
        async with asyncio.timeout(10):
            while not second.unary and not second.reports:
                await time.pass_by(0.3)
                await asyncio.sleep(0.005)
        [report] = second.unary or second.reports
        assert (report.task_id, outputs(report)) == ("task_1", {"text": "done"})
        # The next try to open a stream may have to wait as well.
        async with asyncio.timeout(10):
            while not second.outboxes:
                await time.pass_by(0.3)
                await asyncio.sleep(0.005)
        await stack.__aexit__(None, None, None)
    assert not cancelled


async def test_a_lost_session_drops_its_tasks_and_joins_again(fake: FakeAgents, time: FakeTime) -> None:
    """The leases are others' by now."""
    worker, contexts, cancelled = holding()
    async with at_work(worker, fake, time):
        fake.send(assignment())
        await until(lambda: contexts)
        fake.known.clear()
        await time.pass_by(10)
        await until(lambda: len(fake.sessions) == 2)
        await until(lambda: len(fake.outboxes) == 2)
        assert cancelled == ["task_1"]
        assert list(fake.opened[-1].held_lease_ids) == []
        fake.send(assignment(2))
        await until(lambda: len(contexts) == 2)
    assert all(not report.HasField("done") for report in fake.reports)


async def test_a_session_that_is_lost_while_the_worker_stops_is_not_opened_again(fake: FakeAgents, time: FakeTime) -> None:
    """The server would take it for a worker that lives."""
    worker, contexts, _ = holding()
    async with at_work(worker, fake, time) as engine:
        fake.send(assignment())
        await until(lambda: contexts)
        engine.stop()
        fake.known.clear()
        await time.pass_by(10)
        await until(lambda: fake.left)
    assert fake.sessions == ["ses_1"]


async def test_a_server_that_is_away_is_spoken_of_once(fake: FakeAgents, time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    """And once more when it is back; not with every try."""
    async with at_work(writer(), fake, time):
        fake.beat_refused = (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")
        for beats in range(1, 4):
            await time.pass_by(10)
            await until(lambda beats=beats: len(fake.beats) >= beats)
            await asyncio.sleep(0.02)
        fake.beat_refused = None
        async with asyncio.timeout(10):
            while "answered again" not in caplog.text:
                await time.pass_by(10)
                await asyncio.sleep(0.005)
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [message.partition(":")[0] for message in warned] == ["no answer to a sign of life", "signs of life are answered again"]


async def test_a_worker_nobody_answers_lets_its_tasks_go_by_its_own_clock(fake: FakeAgents, time: FakeTime) -> None:
    """After the time a lease lasts, others may have them; where the server thinks otherwise, they are handed back."""
    worker, contexts, cancelled = holding()
    async with at_work(worker, fake, time):
        fake.send(assignment())
        await until(lambda: contexts)
        fake.beat_refused = (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")
        for beats in range(1, 4):
            await time.pass_by(10)
            await until(lambda beats=beats: len(fake.beats) >= beats)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(10):
            while not cancelled:
                await time.pass_by(1)
                await asyncio.sleep(0.005)
        assert time.now >= 1030.0
        assert contexts["task_1"].cancelled.is_set()
        await until(lambda: fake.reports)
    assert fake.reports[0].declined.hand_back


@pytest.mark.parametrize("first", [(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE"), "silence"])
async def test_a_report_is_told_until_it_is_answered(fake: FakeAgents, time: FakeTime, first: Any) -> None:
    """A disk that was full for a moment, or an answer that never came, loses no result."""
    fake.answers.append(first)
    async with at_work(writer(), fake, time):
        fake.send(assignment(notes="a"))
        await until(lambda: fake.reports)
        async with asyncio.timeout(10):
            while len(fake.reports) + len(fake.unary) < 2:
                await time.pass_by(5)
                await asyncio.sleep(0.005)
        assert outputs((fake.unary or fake.reports)[-1]) == {"text": "A"}


async def test_a_report_without_an_answer_on_a_stream_that_broke_is_told_by_a_call(fake: FakeAgents, time: FakeTime) -> None:
    """Nobody knows whether the server had it; telling it again does no harm."""
    fake.answers.append("silence")
    async with at_work(writer(), fake, time):
        fake.send(assignment(notes="a"))
        await until(lambda: fake.reports)
        fake.break_stream()
        await until(lambda: fake.unary)
    assert outputs(fake.unary[0]) == {"text": "A"}


async def test_a_worker_that_runs_stops_at_a_signal(fake: FakeAgents) -> None:
    """SIGTERM lets tasks finish; a farewell that nobody answers does not hold it up."""
    fake.deregister_refused = True
    running = asyncio.create_task(writer()._until_signalled(fake.address, {"retry": None}))
    await until(lambda: fake.outboxes)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await running
    assert fake.left == ["ses_1"]


async def test_a_function_that_is_cancelled_from_within_fails_its_task(fake: FakeAgents, time: FakeTime) -> None:
    """The server hears of it at once, not when the time is over."""
    worker = genesis.Worker("writer")

    @worker.skill("docs.write")
    async def write(page: genesis.Reference) -> str:
        raise asyncio.CancelledError

    given = assignment()
    given.inputs.add(name="page").reference.CopyFrom(work_pb2.ArtefactReference(uri="s3://x", sha256="0" * 64))
    async with at_work(worker, fake, time):
        fake.send(given)
        await until(lambda: fake.reports)
    assert fake.reports[0].failed.error == "the function was cancelled"


async def test_a_report_refused_for_good_is_not_told_again(fake: FakeAgents, time: FakeTime) -> None:
    """The lease was lost: the task is somebody else's."""
    fake.answers.append((grpc.StatusCode.FAILED_PRECONDITION, "LEASE_LOST"))
    async with at_work(writer(), fake, time) as engine:
        fake.send(assignment(notes="a"))
        await until(lambda: fake.reports)
        await until(lambda: not engine._leases.ids)
        await time.pass_by(60)
    assert len(fake.reports) == 1
    assert not fake.unary


async def test_outputs_the_server_finds_unfit_fail_the_task_with_its_words(fake: FakeAgents, time: FakeTime) -> None:
    """The agent's author reads what was wrong; the same agent need not try again."""
    fake.answers.append((grpc.StatusCode.INVALID_ARGUMENT, "OUTPUT_MISMATCH", "text is missing"))
    async with at_work(writer(), fake, time):
        fake.send(assignment(notes="a"))
        await until(lambda: len(fake.reports) == 2)
    assert (fake.reports[1].failed.error, fake.reports[1].failed.permanent) == ("text is missing", True)


async def test_a_graceful_stop_finishes_what_is_held_and_takes_nothing_new(fake: FakeAgents, time: FakeTime) -> None:
    """Slots are 0 meanwhile; then it says farewell."""
    worker, contexts, cancelled = holding(max_concurrent_tasks=2)
    async with at_work(worker, fake, time) as engine:
        fake.send(assignment())
        await until(lambda: contexts)
        engine.stop()
        await until(lambda: [message.slots.slots for message in fake.said if message.HasField("slots")] == [0])
        fake.send(assignment(2))
        await until(lambda: fake.reports)
        assert (fake.reports[0].task_id, fake.reports[0].declined.hand_back) == ("task_2", True)
        assert fake.left == []
        contexts["task_1"].task.goal = "go"
        await until(lambda: fake.left == ["ses_1"])
    assert outputs(fake.reports[1]) == {"text": "done"}
    assert not cancelled


@pytest.mark.parametrize("how", ["grace", "twice", "at once"])
async def test_a_stop_hands_back_what_does_not_finish(fake: FakeAgents, time: FakeTime, how: str) -> None:
    """After the grace time, at the second signal, or at once when asked to."""
    worker, contexts, cancelled = holding(grace=20)
    async with at_work(worker, fake, time) as engine:
        fake.send(assignment())
        await until(lambda: contexts)
        engine.stop(finish=how != "at once")
        if how == "twice":
            engine.stop()
        if how == "grace":
            await asyncio.sleep(0.02)
            await time.pass_by(19)
            assert not fake.reports
            await time.pass_by(1)
        await until(lambda: fake.left == ["ses_1"])
    assert cancelled == ["task_1"]
    [report] = fake.reports
    assert (report.declined.reason, report.declined.hand_back) == ("the worker stops", True)


async def test_a_worker_waits_for_a_server_that_is_not_there_yet(fake: FakeAgents, time: FakeTime) -> None:
    """Joining is tried again; what cannot get better is raised."""
    fake.register_refused = [(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")] * 2
    async with writer()._client(fake.address, {"retry": None}) as client:
        from genesis.worker.engine import Engine

        engine = Engine(client, writer().card, writer()._skills, grace=1, timing=time.timing())
        running = asyncio.create_task(engine.run())
        async with asyncio.timeout(10):
            while not engine.joined.is_set():
                await time.pass_by(0.1)
                await asyncio.sleep(0.005)
        engine.stop()
        await running
    assert len(fake.metadata) == 3
    fake.register_refused = [(grpc.StatusCode.PERMISSION_DENIED, "AGENT_MISMATCH")]
    with pytest.raises(genesis.PermissionDenied):
        async with writer().running(fake.address):
            pass


async def test_a_worker_in_a_thread_starts_and_stops(fake: FakeAgents) -> None:
    """For programs that are not asyncio; a refusal comes out of `stop`."""
    worker = writer()
    await asyncio.to_thread(worker.start, fake.address)
    with pytest.raises(RuntimeError, match="already"):
        worker.start(fake.address)
    await until(lambda: fake.outboxes)
    fake.send(assignment(notes="b"))
    await until(lambda: fake.reports)
    await asyncio.to_thread(worker.stop)
    worker.stop()
    assert fake.left == ["ses_1"]
    with pytest.raises(ValueError, match="no skill"):
        await asyncio.to_thread(genesis.Worker("empty").start, fake.address)


async def test_signed_calls_name_the_workers_agent(fake: FakeAgents) -> None:
    """The id need not be said twice."""
    async with writer().running(fake.address, agent_key="k1:hidden"):
        pass
    header = fake.metadata[0]["authorization"]
    assert header.startswith("Genesis-HMAC-SHA256 tenant=default,agent=writer,key=k1,time=")
    assert "hidden" not in header


async def test_a_span_continues_the_trace(fake: FakeAgents, time: FakeTime) -> None:
    """Functions in threads and on the loop run inside a span of the plan's trace."""
    from opentelemetry import trace

    worker = genesis.Worker("writer")
    seen: list[int] = []

    @worker.skill("a")
    def first() -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    @worker.skill("b")
    async def second() -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    async with at_work(worker, fake, time):
        for number, skill in enumerate(["a", "b"], 1):
            fake.send(assignment(number, skill=skill, outputs=()))
            await until(lambda number=number: len(fake.reports) == number)
    assert seen == [0x0AF7651916CD43DD8448EB211C80319C] * 2


def test_without_opentelemetry_a_function_just_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of what the client needs."""
    monkeypatch.setattr(tracing, "_installed", lambda: False)
    with tracing.span("x", ""):
        pass


def test_a_worker_is_refused_before_it_starts_when_it_makes_no_sense() -> None:
    """Two skills of one id, no slots, a parameter nothing can go to."""
    worker = writer()
    with pytest.raises(ValueError, match="twice"):
        worker.skill("docs.write")(lambda: None)
    with pytest.raises(ValueError, match="from 1"):
        genesis.Worker("a", max_concurrent_tasks=0)
    with pytest.raises(TypeError, match="by name"):
        worker.skill("x")(lambda *_: None)
