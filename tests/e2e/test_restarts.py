"""Servers that stop in the middle of work: it goes on, and nothing is lost or done twice."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

import genesis
from genesis.v1 import agent_service_pb2, plan_pb2, work_pb2
from servers import Server, start, stop
from workers import RawWorker, at_work, card, done, ended, eventually, plan_of, run_of, task


def again(server: Server, folder: Path) -> Server:
    """The same server, started once more."""
    return start(folder, settings={"GENESIS_LISTEN": server.address, "GENESIS_HTTP_LISTEN": server.http})


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["drained", "killed"])
def test_work_goes_on_over_a_restart_and_is_done_once(tmp_path: Path, how: signal.Signals) -> None:
    """The function never notices; what it reports meanwhile is told when a server answers again."""
    server = start(tmp_path)
    worker = genesis.Worker("steadfast", max_concurrent_tasks=2)
    begun: list[tuple[str, int]] = []
    go_on, cancelled = threading.Event(), threading.Event()

    @worker.skill("steady.lasting")
    def lasting(context: genesis.TaskContext) -> dict[str, str]:
        begun.append((context.task.id, context.attempt))
        go_on.wait(60)
        if context.cancelled:
            cancelled.set()
        return {"result": context.task.id}

    try:
        with genesis.connect(server.address) as client, at_work(worker, server.address):
            plan_id = plan_of(
                client,
                *(task(one, "steady.lasting") for one in ("t0", "t1", "t2")),
                edges=[("t0", "t2"), ("t1", "t2")],
                run_budget={"tasks": 3},
            )
            eventually(lambda: len(begun) == 2)
            with server.channel() as channel:
                stranger = RawWorker(channel, card("stranger", "strange.thing"))
                stranger.join()
                stream = stranger.open()
                if how is signal.SIGTERM:
                    server.process.send_signal(how)
                    told = stream.hear()
                    assert told is not None
                    assert told.WhichOneof("message") == "move"
                else:
                    server.process.kill()
                server.process.wait(timeout=30)
            assert how is signal.SIGKILL or server.process.returncode == 0
            go_on.set()
            server = again(server, tmp_path)
            stored = ended(client, plan_id, 30)
        assert stored.plan.state == plan_pb2.PLAN_STATE_DONE
        assert sorted(begun) == [("t0", 1), ("t1", 1), ("t2", 1)]
        assert not cancelled.is_set()
        assert [[attempt.outcome for attempt in run.attempts] for run in stored.runs] == [[work_pb2.ATTEMPT_OUTCOME_DONE]] * 3
        assert stored.balance.spent.tasks == 3
        assert {one.task_id: one.artefact.value.string_value for one in stored.artefacts} == {one: one for one in ("t0", "t1", "t2")}
    finally:
        go_on.set()
        stop(server)


def test_a_worker_that_is_back_before_the_server_knows_its_plans_keeps_what_it_holds(tmp_path: Path) -> None:
    """Many plans are read at the start; whoever returns at once must not lose his lease for that."""
    server = start(tmp_path)
    try:
        with genesis.connect(server.address) as client:
            for _ in range(30):
                plan_of(client, task("t0", "nobodys.business"))
            with server.channel() as channel:
                worker = RawWorker(channel, card("early", "early.rising")).join()
                stream = worker.open()
                plan_id = plan_of(client, task("rise", "early.rising"))
                held = stream.take()
            server.process.kill()
            server.process.wait(timeout=30)
            settings = {"GENESIS_LISTEN": server.address, "GENESIS_HTTP_LISTEN": server.http}
            server = start(tmp_path, settings=settings, wait=False)
            with server.channel() as channel:
                worker.channel = channel
                eventually(lambda: _answers(client), 30)
                stream = worker.open(held=[held.lease.lease_id])
                assert stream.hears_nothing(0.5)
                assert run_of(client, plan_id, "rise").attempts[0].outcome == work_pb2.ATTEMPT_OUTCOME_RUNNING
                assert stream.report(held, done=done()).accepted.plan_state == plan_pb2.PLAN_STATE_DONE
                plan_id = plan_of(client, task("rise", "early.rising"))
                stream.report(stream.take(), done=done())
                ended(client, plan_id)
                stream.say(slots=agent_service_pb2.WorkSlots(slots=0))
    finally:
        stop(server)


def _answers(client: genesis.Client) -> bool:
    try:
        return bool(client.health(timeout=1).server_version)
    except genesis.GenesisError:
        time.sleep(0.02)
        return False
