"""Two processes of one server: an agent that keeps failing is kept out by both, and let in again by both; workers move between them."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

import grpc
import pytest

import genesis
from errors import failure
from genesis.admin.v1 import policy_service_pb2, policy_service_pb2_grpc
from genesis.v1 import (
    agent_service_pb2,
    agent_service_pb2_grpc,
    orchestrator_service_pb2,
    orchestrator_service_pb2_grpc,
    plan_pb2,
    work_pb2,
)
from servers import Server, running
from workers import RawStream, RawWorker, card, channels_to_both, done, ended, eventually, failed, metrics, plan_of, report_of, run_of, task

CLOSED, OPEN = policy_service_pb2.BREAKER_STATE_CLOSED, policy_service_pb2.BREAKER_STATE_OPEN
PLAN_DONE = plan_pb2.PLAN_STATE_DONE
BREAKER_SECONDS = 60


@dataclass(frozen=True)
class Pair:
    """Both processes of a server."""

    server: Server
    channels: tuple[grpc.Channel, grpc.Channel]
    client: genesis.Client

    def breaker(self, process: int, agent_id: str) -> policy_service_pb2.AgentBreaker:
        """An agent's breaker as a process lists it; one without a state when it lists none."""
        stub = policy_service_pb2_grpc.PolicyServiceStub(self.channels[process])
        listed = stub.ListBreakers(policy_service_pb2.ListBreakersRequest(), timeout=10).breakers
        return next((one for one in listed if one.agent_id == agent_id), policy_service_pb2.AgentBreaker())

    def component(self, process: int, agent_id: str) -> orchestrator_service_pb2.ComponentHealth | None:
        """What Health says of an agent."""
        stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub(self.channels[process])
        components = stub.Health(orchestrator_service_pb2.HealthRequest(), timeout=10).components
        return next((one for one in components if one.name == f"agent:{agent_id}"), None)

    def main(self, process: int) -> orchestrator_service_pb2_grpc.OrchestratorServiceStub:
        """The main service of a process."""
        return orchestrator_service_pb2_grpc.OrchestratorServiceStub(self.channels[process])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A server of two processes."""
    settings = {"GENESIS_WORKERS": "2", "GENESIS_REROUTE_SECONDS": "0.3"}
    with running(tmp_path_factory.mktemp("pair"), settings=settings) as server:
        first, second = channels_to_both(server)
        with first, second, genesis.connect(server.address) as client:
            yield Pair(server, (first, second), client)


def test_five_faults_in_a_row_keep_an_agent_out_on_both_processes_until_somebody_lets_it_in(pair: Pair) -> None:
    flaky = RawWorker(pair.channels[0], card("flaky", "valve.turning"))
    solid = RawWorker(pair.channels[1], card("solid", "valve.turning"))
    once = plan_pb2.RetryPolicy(max_attempts=1)
    with flaky.working() as stream:
        waiting = plan_of(pair.client, task("turn", "valve.turning"), dispatch=False)
        assert pair.component(0, "flaky") is None
        for number in range(5):
            plan_of(pair.client, task("turn", "valve.turning", retry=once))
            stream.report(stream.take(), failed=failed(f"the valve is stuck {number}"))
        for process in (0, 1):
            found = eventually(lambda process=process: (one := pair.breaker(process, "flaky")).state == OPEN and one)
            assert "stuck 4" in found.reason
            waits = found.retry_time.ToDatetime() - found.opened_time.ToDatetime()
            assert waits.total_seconds() == pytest.approx(BREAKER_SECONDS, abs=1)
            assert abs(found.opened_time.seconds - time.time()) < 30
            health = eventually(lambda process=process: pair.component(process, "flaky"))
            assert (health.breaker_state, health.status) == ("open", orchestrator_service_pb2.HEALTH_STATUS_DEGRADED)
            assert "stuck 4" in health.breaker_reason
            assert health.opened_time.seconds == found.opened_time.seconds
            assert health.retry_time.seconds == found.retry_time.seconds
            shown = metrics(pair.server, process)
            assert shown['genesis_breaker_state{breaker="agent:flaky"}'] == 2
            assert shown['genesis_breaker_transitions_total{breaker="agent:flaky",to="open"}'] >= 1

        pair.client.update_plan(waiting, dispatch=True)
        assert stream.hears_nothing(0.3)
        run = eventually(lambda: (one := run_of(pair.client, waiting, "turn")).waiting_for and one)
        assert run.waiting_for == work_pb2.WAITING_FOR_BREAKER
        with solid.working() as other:
            given = other.take()
            assert given.plan_id == waiting
            other.report(given, done=done())
            assert ended(pair.client, waiting).plan.state == PLAN_DONE
            routed = pair.client.orchestrate("valve.turning")
            assert {route.assignment.target.id for route in routed.routes} == {"solid"}
            assert pair.client.get_decision(routed.provenance.decision_id, replay=True).replay.same

        answer = pair.client.reset_breaker("flaky", "the valve was oiled")
        assert answer.breaker.state == CLOSED
        for process in (0, 1):
            eventually(lambda process=process: pair.breaker(process, "flaky").state == CLOSED)
            eventually(lambda process=process: pair.component(process, "flaky") is None)
            eventually(lambda process=process: metrics(pair.server, process)['genesis_breaker_state{breaker="agent:flaky"}'] == 0)
        plan_id = plan_of(pair.client, task("turn", "valve.turning"))
        given = stream.take()
        stream.report(given, done=done())
        assert ended(pair.client, plan_id).plan.state == PLAN_DONE


def test_success_between_faults_and_declining_open_nothing(pair: Pair) -> None:
    worker = RawWorker(pair.channels[0], card("moody", "mood.swinging"))
    once = plan_pb2.RetryPolicy(max_attempts=1)
    with worker.working() as stream:
        for number in range(9):
            plan_of(pair.client, task("swing", "mood.swinging", retry=once))
            stream.report(stream.take(), **({"done": done()} if number == 4 else {"failed": failed()}))
        for _ in range(6):
            plan_of(pair.client, task("swing", "mood.swinging"))
            stream.report(stream.take(), declined=work_pb2.ReportedDeclined(reason="not today"))
        assert pair.breaker(0, "moody").state == CLOSED


def test_reports_of_work_done_elsewhere_count_for_the_breaker_too(pair: Pair) -> None:
    plan_id = plan_of(pair.client, task("far", "faraway.place"), dispatch=False)
    for _ in range(5):
        pair.client.report(plan_id, "far", failed="no answer", agent_id="distant")
    eventually(lambda: pair.breaker(1, "distant").state == OPEN)
    pair.client.reset_breaker("distant", "the line works again")


def test_a_breaker_nobody_has_cannot_be_reset_and_a_reset_needs_a_cause(pair: Pair) -> None:
    with pytest.raises(genesis.NotFound) as caught:
        pair.client.reset_breaker("nobody at all", "why not")
    assert caught.value.reason == "BREAKER_NOT_FOUND"
    with pytest.raises(genesis.InvalidArgument):
        pair.client.reset_breaker("flaky", "")


# Work between two processes.


def test_work_handed_out_by_one_process_is_reported_to_the_other(pair: Pair) -> None:
    worker = RawWorker(pair.channels[0], card("walker", "bridge.crossing", slots=2))
    with worker.working(slots=2) as stream:
        plan_id = plan_of(pair.client, *(task(f"t{number}", "bridge.crossing") for number in range(4)))
        for _ in range(4):
            given = stream.take()
            answer = pair.main(1).Report(report_of(given, done=done()), timeout=10)
            assert (answer.duplicate, answer.task_state) == (False, plan_pb2.TASK_STATE_DONE)
            assert pair.main(0).Report(report_of(given, done=done()), timeout=10).duplicate
        stored = ended(pair.client, plan_id)
    assert stored.plan.state == PLAN_DONE
    assert [len(run.attempts) for run in stored.runs] == [1] * 4
    assert stored.balance.spent.tasks == 4


def test_workers_at_both_processes_share_a_plan_and_no_task_is_handed_out_twice(pair: Pair) -> None:
    workers = [RawWorker(channel, card("crew", "crew.rowing")) for channel in pair.channels]
    with workers[0].working() as first, workers[1].working() as second:
        plan_id = plan_of(pair.client, *(task(f"t{number}", "crew.rowing") for number in range(12)))
        held = [stream.take() for stream in (first, second)]
        taken = [given.task.id for given in held]
        for stream, given in zip((first, second), held, strict=True):
            stream.report(given, done=done())
        with ThreadPoolExecutor(2) as pool:
            taken += [one for found in pool.map(rows, (first, second)) for one in found]
        stored = ended(pair.client, plan_id)
    assert stored.plan.state == PLAN_DONE
    assert sorted(taken) == sorted(one.id for one in stored.plan.tasks)
    assert [len(run.attempts) for run in stored.runs] == [1] * 12
    assert stored.balance.spent.tasks == 12


def rows(stream: RawStream) -> list[str]:
    """Do tasks until none comes for a while; which."""
    taken = []
    with contextlib.suppress(queue.Empty):
        while True:
            given = stream.take(1.0)
            taken.append(given.task.id)
            stream.report(given, done=done())
    return taken


def test_the_other_process_sees_a_change_in_a_tenth_of_a_second(pair: Pair) -> None:
    """Measured from the answer of one process to the arrival of the work at the other."""
    worker = RawWorker(pair.channels[1], card("runner", "relay.running"))
    delays = []
    with worker.working() as stream:
        for _ in range(10):
            ids = [f"t{number}" for number in range(2)]
            plan_id = plan_of(pair.client, *(task(one, "relay.running") for one in ids), edges=[("t0", "t1")])
            given = stream.take()
            pair.main(0).Report(report_of(given, done=done()), timeout=10)
            begin = time.monotonic()
            following = stream.take()
            delays.append(time.monotonic() - begin)
            stream.report(following, done=done())
            assert ended(pair.client, plan_id).plan.state == PLAN_DONE
    print(f"seen by the other process after: median {median(delays) * 1000:.0f} ms, most {max(delays) * 1000:.0f} ms")
    assert median(delays) < 0.5


def test_a_worker_moves_to_the_other_process_with_what_it_holds(pair: Pair) -> None:
    """As after a broken connection: at once, before the other process can have heard of the lease."""
    for number in range(5):
        worker = RawWorker(pair.channels[0], card("nomad", "tent.pitching", slots=2)).join()
        stream = worker.open(slots=2)
        plan_id = plan_of(pair.client, task("one", "tent.pitching"), task("two", "tent.pitching"))
        held, dropped = stream.take(), stream.take()
        stream.close()
        other = worker.open(slots=2, held=[held.lease.lease_id], channel=pair.channels[1])
        again = other.take()
        assert (again.task.id, again.lease.token > dropped.lease.token) == (dropped.task.id, True)
        assert other.report(held, done=done()).WhichOneof("result") == "accepted", number
        other.report(again, done=done())
        stored = ended(pair.client, plan_id)
        assert stored.plan.state == PLAN_DONE
        assert stored.balance.spent.tasks == 2
        other.close()
        worker.leave()


def test_an_older_stream_ends_wherever_it_is_and_gets_no_more_work(pair: Pair) -> None:
    """A connection may be dead for one side only: what is handed out there would be lost, and speak against the agent."""
    worker = RawWorker(pair.channels[0], card("doubled", "mirror.facing")).join()
    older = worker.open()
    newer = worker.open(channel=pair.channels[1])
    heard = older.hear()
    assert heard is not None
    assert heard.WhichOneof("message") == "move"
    assert older.hear() is None
    for _ in range(3):
        plan_id = plan_of(pair.client, task("face", "mirror.facing"))
        newer.report(newer.take(), done=done())
        stored = ended(pair.client, plan_id)
        assert [len(run.attempts) for run in stored.runs] == [1]
    newer.close()
    worker.leave()


def test_a_worker_that_left_at_one_process_is_gone_at_the_other(pair: Pair) -> None:
    worker = RawWorker(pair.channels[0], card("leaver", "door.closing")).join()
    stub = agent_service_pb2_grpc.AgentServiceStub(pair.channels[1])

    def there() -> bool:
        agents = stub.List(agent_service_pb2.AgentServiceListRequest(skill_id="door.closing"), timeout=10).agents
        return any(entry.workers for entry in agents)

    eventually(there)
    stream: RawStream = worker.open(channel=pair.channels[1])
    worker.leave()
    eventually(lambda: not there())
    late = worker.open(channel=pair.channels[1])
    with pytest.raises(grpc.RpcError) as caught:
        late.hear()
    assert failure(caught.value).reason == "SESSION_NOT_FOUND"
    stream.close()
