"""Plans that agents carry out, over the wire: work goes out, values flow, everything is told, nothing breaks on what is wrong."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator

import grpc
import pytest

import genesis
from errors import failure
from genesis.v1 import agent_service_pb2, orchestrator_service_pb2_grpc, plan_pb2, work_pb2
from servers import Server, running
from workers import (
    FAST,
    RawStream,
    RawWorker,
    artefact,
    at_work,
    card,
    done,
    ended,
    eventually,
    failed,
    metrics,
    plan_of,
    report_of,
    run_of,
    state_of,
    task,
)

DONE, FAILED, SKIPPED = plan_pb2.TASK_STATE_DONE, plan_pb2.TASK_STATE_FAILED, plan_pb2.TASK_STATE_SKIPPED
PLAN_DONE, PLAN_FAILED = plan_pb2.PLAN_STATE_DONE, plan_pb2.PLAN_STATE_FAILED
RUNNING = work_pb2.ATTEMPT_OUTCOME_RUNNING
NUMBER = {"name": "count", "type": "number"}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that soon gives the tasks of silent workers to others, and knows no agents but those that join."""
    folder = tmp_path_factory.mktemp("impatient")
    with running(folder, settings=FAST) as server:
        yield server


@pytest.fixture(scope="module")
def client(impatient: Server) -> Iterator[genesis.Client]:
    """Its client."""
    with genesis.connect(impatient.address) as connected:
        yield connected


@pytest.fixture(scope="module")
def channel(impatient: Server) -> Iterator[grpc.Channel]:
    """A channel to it."""
    with impatient.channel() as opened:
        yield opened


def refused(reported: agent_service_pb2.WorkReported) -> tuple[int, str]:
    """Status and reason of a report that was not taken."""
    from google.rpc import error_details_pb2

    info = error_details_pb2.ErrorInfo()
    assert reported.WhichOneof("result") == "refused", reported
    reported.refused.details[0].Unpack(info)
    return reported.refused.code, info.reason


def broken(stream: RawStream) -> tuple[grpc.StatusCode, str]:
    """How a stream fails, whatever came before."""
    try:
        while stream.hear() is not None:
            pass
    except grpc.RpcError as error:
        found = failure(error)
    else:
        pytest.fail("the stream ended without an error")
    return found.code, found.reason


# Joined, dispatched, done.


def test_a_goal_is_carried_out_by_functions_that_joined_and_every_step_is_told(impatient: Server, client: genesis.Client) -> None:
    """Ten lines make an agent; the values of one task are the inputs of the next, and the watcher sees it live."""
    worker = genesis.Worker("librarian", description="Works with reports")

    @worker.skill("library.fetch", description="Fetch the report from the archive")
    def report(context: genesis.TaskContext) -> str:
        context.usage(tokens=10)
        return "an old report"

    @worker.skill("library.print", description="Print the report on paper")
    async def printed(report: str, context: genesis.TaskContext) -> str:
        context.usage(tokens=5)
        return f"{report}, printed"

    before = metrics(impatient)
    with at_work(worker, impatient.address):
        made = client.orchestrate(
            "Fetch the report from the archive, then print the report on paper", dispatch=True, run_budget={"tokens": 1000}
        )
        told = list(client.watch_plan(made.plan.id, runs=True, timeout=15))
    fetch, printing = (one.id for one in made.plan.tasks)
    assert {route.assignment.target.id for route in made.routes} == {"librarian"}
    assert told[-1].state == PLAN_DONE
    versions = [message.version for message in told]
    assert versions == sorted(versions)
    seen = {run.task_id: run for message in told for run in message.runs}
    assert {run.attempts[-1].outcome for run in seen.values()} == {work_pb2.ATTEMPT_OUTCOME_DONE}
    assert set(seen) == {fetch, printing}

    plan = client.get_plan(made.plan.id, contents=True)
    assert [one.state for one in plan.plan.tasks] == [DONE, DONE]
    assert {one.artefact.name: one.artefact.value.string_value for one in plan.artefacts} == {
        "report": "an old report",
        "printed": "an old report, printed",
    }
    assert {one.type for one in plan.artefacts} == {"text"}
    assert (plan.balance.spent.tokens, plan.balance.spent.tasks, plan.balance.reserved.tokens) == (15, 2, 0)
    assert plan.balance.limit.tokens == 1000
    for run in plan.runs:
        (attempt,) = run.attempts
        assert (attempt.agent_id, attempt.number) == ("librarian", 1)
        assert attempt.begin_time.ToNanoseconds() <= attempt.end_time.ToNanoseconds()
    assert client.get_plan(made.plan.id).artefacts[0].artefact.WhichOneof("content") is None

    after = metrics(impatient)

    def grew(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grew("genesis_tasks_dispatched_total") == 2
    assert grew("genesis_tasks_completed_total") == 2
    assert grew('genesis_task_attempts_total{outcome="DONE"}') == 2
    assert grew('genesis_reports_total{result="accepted"}') == 2
    assert grew("genesis_dispatch_delay_seconds_count") == 2


def test_the_numbers_of_who_is_there_and_what_is_held_follow(impatient: Server, client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("holder", "hold.it", slots=3))
    with worker.working(slots=3) as stream:
        plan_id = plan_of(client, task("one", "hold.it"), task("two", "hold.it"))
        given = [stream.take(), stream.take()]
        entry = next(entry for entry in client.agents() if entry.card.id == "holder")
        assert entry.state == agent_service_pb2.AGENT_STATE_LIVE
        assert (entry.running_tasks, [one.running_tasks for one in entry.workers]) == (2, [2])
        eventually(lambda: metrics(impatient)["genesis_leases"] == 2)
        assert metrics(impatient)["genesis_agents_live"] == 1
        worker.load = 0.75
        worker.beat(
            agent_service_pb2.LeaseProgress(plan_id=plan_id, task_id=given[0].task.id, lease=given[0].lease, fraction=0.5, message="half")
        )
        attempt = eventually(lambda: (found := run_of(client, plan_id, given[0].task.id).attempts[0]).progress and found)
        assert (attempt.progress, attempt.progress_message, attempt.outcome) == (0.5, "half", work_pb2.ATTEMPT_OUTCOME_RUNNING)
        assert next(entry for entry in client.agents() if entry.card.id == "holder").workers[0].load == 0.75
        for one in given:
            stream.report(one, done=done())
        assert ended(client, plan_id).plan.state == PLAN_DONE
    eventually(lambda: metrics(impatient)["genesis_leases"] == 0)
    eventually(lambda: metrics(impatient)["genesis_agents_live"] == 0)
    assert "holder" not in {entry.card.id for entry in client.agents()}


@pytest.mark.parametrize(("verdict", "next_task", "excluded"), [("passed", "ship", "tell"), ("failed", "tell", "ship")])
def test_what_a_worker_put_out_decides_the_conditions_of_the_goal(
    client: genesis.Client, channel: grpc.Channel, verdict: str, next_task: str, excluded: str
) -> None:
    """What follows "if" is judged on the worker's own output."""
    worker = RawWorker(channel, card("tester", "check.run", "check.ship", "check.tell"))
    passes = plan_pb2.Guard(task_id="run", artefact="verdict", operator=plan_pb2.GUARD_OPERATOR_IS_TRUE, text="if the tests pass")
    fails = plan_pb2.Guard(task_id="run", artefact="verdict", operator=plan_pb2.GUARD_OPERATOR_IS_FALSE, text="otherwise")
    with worker.working() as stream:
        plan_id = plan_of(
            client,
            task("run", "check.run", outputs=[artefact("verdict", "text")]),
            task("ship", "check.ship", guards=[passes]),
            task("tell", "check.tell", guards=[fails]),
            edges=[
                plan_pb2.Edge(from_task_id="run", to_task_id=one, kind=plan_pb2.EDGE_KIND_DATA, artefact="verdict")
                for one in ("ship", "tell")
            ],
        )
        stream.report(stream.take(), done=done(verdict=verdict))
        given = stream.take()
        assert given.task.id == next_task
        stream.report(given, done=done())
    assert ended(client, plan_id).plan.state == PLAN_DONE
    assert state_of(client, plan_id, excluded) == SKIPPED


def test_values_go_to_the_next_worker_by_value_and_by_reference(client: genesis.Client, channel: grpc.Channel) -> None:
    maker, user = RawWorker(channel, card("maker", "goods.make")), RawWorker(channel, card("user", "goods.use"))
    large = work_pb2.ArtefactReference(uri="s3://bucket/large.csv", sha256="ab" * 32, media_type="text/csv")
    data = [
        plan_pb2.Edge(from_task_id="make", to_task_id="use", kind=plan_pb2.EDGE_KIND_DATA, artefact=name) for name in ("count", "table")
    ]
    with maker.working() as makes, user.working() as uses:
        plan_id = plan_of(
            client,
            task("make", "goods.make", outputs=[NUMBER, artefact("table")]),
            task("use", "goods.use", inputs=[NUMBER, artefact("table")]),
            edges=data,
        )
        makes.report(makes.take(), done=done(count=3, table=large))
        given = uses.take()
        assert {one.name: one.WhichOneof("content") for one in given.inputs} == {"count": "value", "table": "reference"}
        assert {one.name: one for one in given.inputs}["table"].reference == large
        assert {one.name: one for one in given.inputs}["count"].value.number_value == 3
        uses.report(given, done=done())
    stored = ended(client, plan_id)
    assert {(one.artefact.name, one.artefact.WhichOneof("content"), one.size) for one in stored.artefacts} == {
        ("count", "value", 1),
        ("table", "reference", 0),
    }


def test_a_routing_made_while_agents_were_live_is_made_again_the_same(client: genesis.Client, channel: grpc.Channel) -> None:
    """Who was live, how busy and whose breaker was open belong to what a decision is replayed from."""
    good, bad = RawWorker(channel, card("steady", "twin.twining", slots=2)), RawWorker(channel, card("shaky", "twin.twining", slots=2))
    with good.working(slots=2), bad.working(slots=2):
        busy = plan_of(client, task("busy", "twin.twining"))
        for _ in range(5):
            client.report(busy, "busy", failed="it broke", agent_id="shaky")
        eventually(lambda: next(one for one in client.breakers() if one.agent_id == "shaky").state == 2)
        made = client.orchestrate("twin.twining", dispatch=True)
        assert {route.assignment.target.id for route in made.routes} == {"steady"}
        decision = client.get_decision(made.provenance.decision_id, replay=True)
        assert decision.replay.same, decision.replay
        client.update_plan(made.plan.id, cancel=True)
        client.update_plan(busy, cancel=True)
    again = client.get_decision(made.provenance.decision_id, replay=True)
    assert again.replay.same
    client.reset_breaker("shaky", "the test is over")


# What goes wrong with work.


def test_a_failed_task_is_tried_again_by_the_same_agent_and_then_given_up_with_every_attempt_told(
    impatient: Server, client: genesis.Client, channel: grpc.Channel
) -> None:
    before = metrics(impatient)
    with RawWorker(channel, card("clumsy", "fragile.glass")).working() as stream:
        plan_id = plan_of(client, task("glass", "fragile.glass"), task("after", "fragile.glass"), edges=[("glass", "after")])
        first = stream.report(stream.take(), failed=failed("no. 1")).accepted
        assert (first.task_state, first.next.startswith("tried again")) == (plan_pb2.TASK_STATE_PENDING, True)
        for number in (2, 3):
            last = stream.report(stream.take(), failed=failed(f"no. {number}")).accepted
        assert (last.task_state, last.plan_state) == (FAILED, PLAN_FAILED)
        assert "given up" in last.next
    run = run_of(client, plan_id, "glass")
    assert all(f"no. {number}" in run.dead_letter for number in (1, 2, 3))
    assert [attempt.number for attempt in run.attempts] == [1, 2, 3]
    assert {attempt.outcome for attempt in run.attempts} == {work_pb2.ATTEMPT_OUTCOME_FAILED}
    assert state_of(client, plan_id, "after") == plan_pb2.TASK_STATE_CANCELLED
    assert metrics(impatient)["genesis_dead_letters_total"] == before["genesis_dead_letters_total"] + 1


def test_what_one_agent_cannot_do_another_one_does(client: genesis.Client, channel: grpc.Channel) -> None:
    workers = {name: RawWorker(channel, card(name, "relay.baton")) for name in ("anna", "bert")}
    with workers["anna"].working() as anna, workers["bert"].working() as bert:
        plan_id = plan_of(client, task("baton", "relay.baton"))
        held = eventually(lambda: [one for one in run_of(client, plan_id, "baton").attempts if one.outcome == RUNNING])[0].agent_id
        mine, other = (anna, bert) if held == "anna" else (bert, anna)
        assert "gets it" in mine.report(mine.take(), failed=failed("I never can", permanent=True)).accepted.next
        given = other.take()
        assert given.attempt == 2
        other.report(given, done=done())
        assert ended(client, plan_id).plan.state == PLAN_DONE


def test_a_worker_that_falls_silent_loses_its_task_to_another_one_and_its_late_report_is_refused(
    impatient: Server, client: genesis.Client, channel: grpc.Channel
) -> None:
    silent = RawWorker(channel, card("silent", "quiet.quieting")).join()
    stream = silent.open()
    plan_id = plan_of(client, task("quiet", "quiet.quieting"))
    held = stream.take()
    worker = genesis.Worker("awake")
    worker.skill("quiet.quieting")(lambda: None)
    with at_work(worker, impatient.address):
        stored = ended(client, plan_id)
    assert stored.plan.state == PLAN_DONE
    run = run_of(client, plan_id, "quiet")
    assert [(attempt.agent_id, attempt.outcome) for attempt in run.attempts] == [
        ("silent", work_pb2.ATTEMPT_OUTCOME_LOST),
        ("awake", work_pb2.ATTEMPT_OUTCOME_DONE),
    ]
    with pytest.raises(genesis.FailedPrecondition) as caught:
        client.report(plan_id, "quiet", lease=held.lease, done={})
    assert caught.value.reason == "LEASE_LOST"
    assert run_of(client, plan_id, "quiet") == run
    stream.close()


def test_a_task_that_is_not_acknowledged_or_takes_too_long_or_is_declined_goes_on(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("sluggish", "slow.slowing"))
    with worker.working() as stream:
        slow = task("slow", "slow.slowing", retry=plan_pb2.RetryPolicy(max_attempts=9, max_attempts_per_agent=9))
        slow.retry.initial_backoff.FromMilliseconds(1)
        slow.timeout.FromMilliseconds(1_500)
        plan_id = plan_of(client, slow)
        stream.take(acknowledge=False)
        assert stream.notice().kind == agent_service_pb2.LEASE_NOTICE_KIND_LOST
        late = stream.take()
        assert late.time_left.ToTimedelta().total_seconds() <= 1.5
        assert stream.notice().kind == agent_service_pb2.LEASE_NOTICE_KIND_LOST
        handed = stream.take()
        answer = stream.report(handed, declined=work_pb2.ReportedDeclined(reason="not now", hand_back=True))
        assert answer.accepted.task_state == plan_pb2.TASK_STATE_PENDING
        given = stream.take()
        assert [late.lease.token, handed.lease.token, given.lease.token] == [2, 3, 4]
        stream.report(given, declined=work_pb2.ReportedDeclined(reason="never"))
        outcomes = eventually(lambda: len(run := run_of(client, plan_id, "slow").attempts) == 4 and [one.outcome for one in run])
        assert outcomes == [
            work_pb2.ATTEMPT_OUTCOME_LOST,
            work_pb2.ATTEMPT_OUTCOME_TIMED_OUT,
            work_pb2.ATTEMPT_OUTCOME_RETURNED,
            work_pb2.ATTEMPT_OUTCOME_DECLINED,
        ]
        assert stream.hears_nothing(0.5)


def test_a_report_is_taken_once_however_often_and_wherever_it_is_told(
    impatient: Server, client: genesis.Client, channel: grpc.Channel
) -> None:
    worker = RawWorker(channel, card("stutterer", "twice.told"))
    main = orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)
    with worker.working() as stream:
        plan_id = plan_of(client, task("twice", "twice.told", outputs=[NUMBER]), task("rest", "twice.told"), edges=[("twice", "rest")])
        given = stream.take()
        for value in ("many", math.nan, math.inf):
            code, reason = refused(stream.report(given, done=done(count=value)))
            assert (code, reason in {"OUTPUT_MISMATCH", "INVALID_FIELD"}) == (grpc.StatusCode.INVALID_ARGUMENT.value[0], True)
        assert refused(stream.report(given, done=done()))[1] == "OUTPUT_MISMATCH"
        before = metrics(impatient)
        first = stream.report(given, done=done(count=1)).accepted
        second = stream.report(given, done=done(count=1)).accepted
        third = main.Report(report_of(given, done=done(count=1)), timeout=10)
        assert [answer.duplicate for answer in (first, second, third)] == [False, True, True]
        assert {answer.plan_version for answer in (first, second)} == {first.plan_version}
        assert refused(stream.report(given, done=done(count=2)))[1] == "LEASE_LOST"
        assert refused(stream.report(given, failed=failed()))[1] == "LEASE_LOST"
        assert len(run_of(client, plan_id, "twice").attempts) == 1
        assert client.get_plan(plan_id).balance.spent.tasks == 1
        after = metrics(impatient)
        assert after['genesis_reports_total{result="duplicate"}'] - before['genesis_reports_total{result="duplicate"}'] == 2
        client.update_plan(plan_id, cancel=True)


def test_texts_of_any_kind_and_length_come_through_or_are_refused_clearly(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("poet", "words.wordsing"))
    with worker.working() as stream:
        once = plan_pb2.RetryPolicy(max_attempts=1)
        plan_id = plan_of(client, task("odd", "words.wordsing", retry=once))
        given = stream.take()
        text = "naïve 日本語 🙂 \u202e reversed \x00 \x1b[31m end"
        stream.report(given, failed=failed(text))
        eventually(lambda: run_of(client, plan_id, given.task.id).dead_letter)
        assert run_of(client, plan_id, given.task.id).attempts[0].error == text
    other = plan_of(client, task("long", "words.wordsing", retry=once))
    with worker.working() as stream:
        given = stream.take()
        stream.say(report=report_of(given, failed=failed("x" * 1_000_000)))
        assert broken(stream) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        with pytest.raises(genesis.InvalidArgument) as caught:
            client.report(other, "long", lease=given.lease, failed="x" * 1_000_000)
        assert caught.value.field_violations[0].field == "failed.error"
        assert client.report(other, "long", lease=given.lease, failed="x" * 5_000).task_state == FAILED
    assert len(run_of(client, other, "long").dead_letter) <= 2_000


def test_outputs_beyond_the_bound_are_asked_for_by_reference(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("bulky", "bulk.bulking"))
    with worker.working() as stream:
        plan_id = plan_of(client, task("bulk", "bulk.bulking"))
        given = stream.take()
        answer = stream.report(given, done=done(text="x" * 70_000))
        assert refused(answer)[1] in {"INVALID_FIELD", "OUTPUT_MISMATCH"}
        assert "reference" in answer.refused.message or "URI" in answer.refused.message
        text = "ünïcödé 🙂 " * 1000
        assert stream.report(given, done=done(text=text)).accepted.task_state == DONE
    (kept,) = ended(client, plan_id).artefacts
    assert kept.artefact.value.string_value == text
    assert kept.size == len(json.dumps(text, ensure_ascii=False).encode())


# What a person does meanwhile.


def test_pause_resume_and_cancel_reach_the_function_that_works(impatient: Server, client: genesis.Client) -> None:
    worker = genesis.Worker("patient")
    began, paused, resumed, cancelled = (threading.Event() for _ in range(4))

    @worker.skill("long.longing")
    def long(context: genesis.TaskContext) -> None:
        began.set()
        eventually(lambda: context.paused)
        paused.set()
        eventually(lambda: not context.paused)
        resumed.set()
        context.cancelled.wait(10)
        cancelled.set()

    with at_work(worker, impatient.address):
        plan_id = plan_of(client, task("long", "long.longing"), task("later", "long.longing"), edges=[("long", "later")])
        assert began.wait(10)
        client.update_plan(plan_id, pause=True)
        assert paused.wait(5)
        client.update_plan(plan_id, resume=True)
        assert resumed.wait(5)
        client.update_plan(plan_id, cancel=True)
        assert cancelled.wait(5)
    assert run_of(client, plan_id, "long").attempts[0].outcome == work_pb2.ATTEMPT_OUTCOME_CANCELLED


def test_nothing_goes_out_while_a_plan_is_paused(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("idle", "rest.resting", slots=2))
    with worker.working(slots=2) as stream:
        plan_id = plan_of(client, task("one", "rest.resting"), task("two", "rest.resting"), edges=[("one", "two")])
        given = stream.take()
        client.update_plan(plan_id, pause=True)
        assert stream.notice().kind == agent_service_pb2.LEASE_NOTICE_KIND_PAUSED
        stream.report(given, done=done())
        assert stream.hears_nothing(0.3)
        client.update_plan(plan_id, resume=True)
        stream.report(stream.take(), done=done())
    assert ended(client, plan_id).plan.state == PLAN_DONE


def test_a_task_that_needs_approval_waits_for_somebody_and_goes_on_or_fails(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("careful", "ask.asking"))
    with worker.working() as stream:
        for refuse in (False, True):
            plan_id = plan_of(client, task("ask", "ask.asking", needs_approval=True))
            eventually(lambda plan_id=plan_id: state_of(client, plan_id, "ask") == plan_pb2.TASK_STATE_AWAITING_APPROVAL)
            assert run_of(client, plan_id, "ask").waiting_for == work_pb2.WAITING_FOR_APPROVAL
            assert stream.hears_nothing(0.3)
            if refuse:
                client.update_plan(plan_id, refuse="ask", comment="too risky")
                stored = ended(client, plan_id)
                assert stored.plan.state == PLAN_FAILED
                assert "too risky" in stored.plan.tasks[0].error
            else:
                client.update_plan(plan_id, approve="ask", comment="go")
                given = stream.take()
                assert given.task.approved_by == "anonymous"
                stream.report(given, done=done())
                assert ended(client, plan_id).plan.state == PLAN_DONE
            with pytest.raises(genesis.FailedPrecondition) as caught:
                client.update_plan(plan_id, approve="ask")
            assert caught.value.reason in {"NOT_AWAITING_APPROVAL", "PLAN_ENDED", "TASK_ENDED"}


def test_a_plan_that_is_edited_while_it_runs_goes_on_with_what_is_new(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("flexible", "flex.flexing", slots=2))
    with worker.working(slots=2) as stream:
        plan_id = plan_of(client, task("one", "flex.flexing"), task("two", "flex.flexing"), edges=[("one", "two")])
        one = stream.take()
        client.update_plan(plan_id, edits=[{"remove_task_id": "one"}])
        notice = stream.notice()
        assert (notice.kind, notice.lease_id) == (agent_service_pb2.LEASE_NOTICE_KIND_CANCELLED, one.lease.lease_id)
        two = stream.take()
        assert two.task.id == "two"
        assert refused(stream.report(one, done=done()))[1] in {"LEASE_LOST", "TASK_NOT_FOUND"}
        stream.report(two, done=done())
    assert ended(client, plan_id).plan.state == PLAN_DONE


def test_a_deleted_plan_takes_its_leases_with_it(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("orphan", "gone.goneing"))
    with worker.working() as stream:
        plan_id = plan_of(client, task("gone", "gone.goneing"))
        given = stream.take()
        client.delete_plan(plan_id)
        assert stream.notice().kind == agent_service_pb2.LEASE_NOTICE_KIND_CANCELLED
        assert refused(stream.report(given, done=done()))[1] == "PLAN_NOT_FOUND"
        other = plan_of(client, task("next", "gone.goneing"))
        stream.report(stream.take(), done=done())
        assert ended(client, other).plan.state == PLAN_DONE


# What is wrong on a stream.


def test_a_stream_says_first_whose_it_is_and_says_it_once(channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("rude", "rude.rudeing")).join()
    stream = RawStream(channel)
    stream.say(slots=agent_service_pb2.WorkSlots(slots=1))
    assert broken(stream) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    stream = worker.open()
    stream.say(open=agent_service_pb2.WorkOpen(session_id=worker.session))
    assert broken(stream) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    stream = RawStream(channel)
    stream.say()
    assert broken(stream) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    stream = RawStream(channel)
    stream.say(open=agent_service_pb2.WorkOpen(session_id="ses_unknown"))
    assert broken(stream) == (grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")
    worker.leave()
    for call in (worker.beat, worker.leave):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert failure(caught.value).reason == "SESSION_NOT_FOUND"


def test_bytes_that_are_no_message_and_messages_that_are_too_large_end_the_stream_alone(
    impatient: Server, client: genesis.Client, channel: grpc.Channel
) -> None:
    method = "/genesis.v1.AgentService/Work"
    for body, reason in (
        *((bad, "MALFORMED_MESSAGE") for bad in (b"\xff\xff\xff", b"\x0a\x02\xff\xfe")),
        (bytes(5 << 20), "MESSAGE_TOO_LARGE"),
    ):
        call = channel.stream_stream(method)(iter([body]), timeout=10)
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
        assert failure(caught.value).reason == reason
    worker = RawWorker(channel, card("sound", "sound.sounding"))
    with worker.working() as stream:
        plan_id = plan_of(client, task("sound", "sound.sounding"))
        stream.report(stream.take(), done=done())
        assert ended(client, plan_id).plan.state == PLAN_DONE
    assert '"unexpected' not in impatient.log.read_text()


def test_leases_nobody_knows_are_over_and_disturb_nobody(client: genesis.Client, channel: grpc.Channel) -> None:
    """A worker that says it holds 100 000 leases of its dreams is told so, and gets work afterwards."""
    worker = RawWorker(channel, card("dreamer", "dream.dreaming"))
    with worker.working(held=[f"lse_{number:06}" for number in range(100_000)]) as stream:
        stream.say(acknowledge=agent_service_pb2.WorkAcknowledgement(lease_id="lse_unknown"))
        for _ in range(100):
            assert stream.notice().kind == agent_service_pb2.LEASE_NOTICE_KIND_LOST
        again = worker.open()
        plan_id = plan_of(client, task("dream", "dream.dreaming"))
        again.report(again.take(), done=done())
        assert ended(client, plan_id).plan.state == PLAN_DONE
        assert broken(worker.open(held=["x"] * 100_001)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


def test_a_stream_that_opens_again_goes_on_with_what_it_holds_and_the_older_one_ends(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("phoenix", "rise.riseing", slots=2)).join()
    first = worker.open(slots=2)
    plan_id = plan_of(client, task("one", "rise.riseing"), task("two", "rise.riseing"))
    held, dropped = first.take(), first.take()
    second = worker.open(slots=2, held=[held.lease.lease_id])
    assert first.hear().WhichOneof("message") == "move"
    again = second.take()
    assert (again.task.id, again.lease.token > dropped.lease.token) == (dropped.task.id, True)
    assert refused(second.report(dropped, done=done()))[1] == "LEASE_LOST"
    second.report(held, done=done())
    second.report(again, done=done())
    stored = ended(client, plan_id)
    assert stored.plan.state == PLAN_DONE
    attempts = {run.task_id: [attempt.outcome for attempt in run.attempts] for run in stored.runs}
    assert attempts[dropped.task.id] == [work_pb2.ATTEMPT_OUTCOME_RETURNED, work_pb2.ATTEMPT_OUTCOME_DONE]
    assert stored.balance.spent.tasks == 2
    worker.leave()


def test_more_than_the_card_allows_is_never_handed_out(client: genesis.Client, channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("modest", "few.fewing", slots=2))
    with worker.working(slots=100_000) as stream:
        plan_id = plan_of(client, *(task(f"t{number}", "few.fewing") for number in range(4)))
        given = [stream.take(), stream.take()]
        assert stream.hears_nothing(0.3)
        waits = [run for run in client.get_plan(plan_id).runs if run.waiting_for]
        assert [run.waiting_for for run in waits] == [work_pb2.WAITING_FOR_SLOT] * 2
        stream.say(slots=agent_service_pb2.WorkSlots(slots=0))
        for one in given:
            stream.report(one, done=done())
        assert stream.hears_nothing(0.2)
        stream.say(slots=agent_service_pb2.WorkSlots(slots=1))
        stream.report(stream.take(), done=done())
        stream.report(stream.take(), done=done())
    assert ended(client, plan_id).plan.state == PLAN_DONE


def test_tasks_nobody_there_can_do_wait_and_say_so(client: genesis.Client, channel: grpc.Channel) -> None:
    plan_id = plan_of(client, task("lonely", "hermit.craft"))
    run = eventually(lambda: (found := run_of(client, plan_id, "lonely")).waiting_for and found)
    assert run.waiting_for == work_pb2.WAITING_FOR_AGENT
    assert run.waiting_message
    with RawWorker(channel, card("hermit", "hermit.craft")).working() as stream:
        stream.report(stream.take(), done=done())
    assert ended(client, plan_id).plan.state == PLAN_DONE


def test_a_plan_with_a_catalogue_of_its_own_cannot_be_handed_to_agents(client: genesis.Client) -> None:
    made = client.orchestrate("Fetch the report", catalogue=[{"name": "fetch", "description": "Fetch the report"}])
    with pytest.raises(genesis.FailedPrecondition) as caught:
        client.update_plan(made.plan.id, dispatch=True)
    assert caught.value.reason == "PLAN_NOT_ROUTED"
    with pytest.raises(genesis.InvalidArgument):
        client.orchestrate("Fetch the report", catalogue=[{"name": "fetch"}], dispatch=True)


def test_a_card_that_is_wrong_is_refused_field_by_field(channel: grpc.Channel) -> None:
    worker = RawWorker(channel, card("", "a.skill"))
    with pytest.raises(grpc.RpcError) as caught:
        worker.join()
    found = failure(caught.value)
    assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "card.id" in found.fields


def test_what_proves_that_a_worker_holds_a_task_never_stands_in_the_log(impatient: Server) -> None:
    assert "lse_" not in impatient.log.read_text()
