"""Every method of the contract while an emergency flag is set, as the table of modes says; and what was under way goes on as it should.

GENESIS_FLAGS_LONG=1 leaves work without writes for 15 s instead of 3.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import grpc
import pytest

import genesis
from errors import failure
from flag_asker import NO_LIMIT, boolean, until
from genesis.v1 import plan_pb2, work_pb2
from genesis_server.rpc.modes import TABLE, InMode
from servers import Server, running
from workers import RawStream, RawWorker, at_work, card, ended, eventually, plan_of, task

GOAL = "Water the plants and then feed the cat"
KEY = secrets.token_hex(24)
MODES = {
    "emergency_shutdown": (grpc.StatusCode.UNAVAILABLE, "EMERGENCY_SHUTDOWN"),
    "maintenance_mode": (grpc.StatusCode.UNAVAILABLE, "MAINTENANCE_MODE"),
    "read_only_mode": (grpc.StatusCode.FAILED_PRECONDITION, "READ_ONLY_MODE"),
}
SECONDS = 15 if os.environ.get("GENESIS_FLAGS_LONG") == "1" else 3
"""Longer than a lease of a worker lasts."""
WORKING = "craft.of.workers"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose one agent signs what it says."""
    settings = {"GENESIS_AGENT_KEYS": f"default/signer:k1={KEY}", "GENESIS_WORKER_LEASE_SECONDS": "2", **NO_LIMIT}
    with running(tmp_path_factory.mktemp("modes"), settings=settings) as server:
        yield server
        log = server.log.read_text()
        assert "Traceback" not in log
        assert '"level":"ERROR"' not in log


@pytest.fixture
def client(open_server: Server) -> Iterator[genesis.Client]:
    """Somebody at that server; no emergency flag is left set."""
    with genesis.connect(open_server.address, retry=None, health_checking=False) as connected:
        yield connected
        for key in MODES:
            connected.clear_emergency_flag(key, "the test is over")


@dataclass
class Scene:
    """What there was before the flag was set: each of it is good for one call."""

    server: Server
    client: genesis.Client
    worker: RawWorker
    stream: RawStream
    channel: grpc.Channel

    def __post_init__(self) -> None:
        client = self.client
        self.plan = client.orchestrate(GOAL).plan
        self.victim = client.orchestrate(GOAL).plan.id
        self.plan_id = plan_of(client, task("work", WORKING))
        self.given = self.stream.take()
        self.decision = next(iter(client.list_decisions())).id
        self.leaver = RawWorker(self.channel, card(f"leaver-{secrets.token_hex(4)}", "leaving")).join()
        self.key = f"own_{secrets.token_hex(4)}"
        client.put_flag(self.key, boolean(), "test")
        self.rulebook = client.get_rulebook().text

    def calls(self) -> dict[str, Callable[[], Any]]:
        """A sensible call of every method."""
        client, key = self.client, self.key
        return {
            "FlagAdminService/GetFlag": lambda: client.get_flag(key),
            "FlagAdminService/ListFlags": lambda: list(client.list_flags()),
            "FlagAdminService/PreviewFlag": lambda: client.preview_flag(key, percent=10),
            "FlagAdminService/PutFlag": lambda: client.put_flag(key, boolean("on"), "test"),
            "FlagAdminService/SetFlagWeight": lambda: client.set_flag_weight(key, 20, "test"),
            "FlagAdminService/EnableFlag": lambda: client.enable_flag(key, "test"),
            "FlagAdminService/DisableFlag": lambda: client.disable_flag(key, "test"),
            "FlagAdminService/DeleteFlag": lambda: client.delete_flag(key, "test"),
            "FlagAdminService/ListAuditEntries": lambda: list(client.audit_entries(key=key)),
            "PolicyService/ActivateRulebook": lambda: client.activate_rulebook("test", text=self.rulebook),
            "PolicyService/GetRulebook": client.get_rulebook,
            "PolicyService/LintRulebook": lambda: client.lint_rulebook(self.rulebook),
            "PolicyService/ListBreakers": lambda: list(client.breakers()),
            "PolicyService/ListRulebookChanges": lambda: list(client.rulebook_changes()),
            "PolicyService/ListSecurityEvents": lambda: list(client.security_events()),
            "PolicyService/PreviewRulebook": lambda: list(client.preview_rulebook(text=self.rulebook)),
            "PolicyService/ResetBreaker": lambda: client.reset_breaker("crafter", "test"),
            "AgentService/Heartbeat": self.worker.beat,
            "AgentService/List": lambda: list(client.agents()),
            "AgentService/Register": lambda: RawWorker(self.channel, card("newcomer", "coming")).join(),
            "AgentService/Work": self.open_stream,
            "AgentService/Deregister": self.leaver.leave,
            "OrchestratorService/Flag": lambda: client.flag("otel_enabled", targeting_key="ann"),
            "OrchestratorService/GetDecision": lambda: client.get_decision(self.decision),
            "OrchestratorService/GetPlan": lambda: client.get_plan(self.plan_id, contents=True),
            "OrchestratorService/Health": client.health,
            "OrchestratorService/ListDecisions": lambda: list(client.list_decisions()),
            "OrchestratorService/ListPlans": lambda: list(client.list_plans()),
            "OrchestratorService/Orchestrate": lambda: client.orchestrate(GOAL),
            "OrchestratorService/Plan": lambda: client.plan(GOAL),
            "OrchestratorService/PlanStream": lambda: list(client.plan_stream(GOAL)),
            "OrchestratorService/Route": lambda: client.route(self.plan),
            "OrchestratorService/Validate": lambda: client.validate(self.plan),
            "OrchestratorService/UpdatePlan": lambda: client.update_plan(self.plan.id, pause=True),
            "OrchestratorService/WatchPlan": lambda: next(iter(client.watch_plan(self.plan_id))),
            "OrchestratorService/Report": lambda: client.report(self.plan_id, "work", lease=self.given.lease, done={}),
            "OrchestratorService/DeletePlan": lambda: client.delete_plan(self.victim),
        }

    def open_stream(self) -> None:
        """Open a stream of work, which is taken when it is not refused within a moment."""
        stream = self.worker.open()
        try:
            message = stream.hear(1.0)
            assert message is None or message.WhichOneof("message") != "assignment"
        finally:
            stream.close()


def answer(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    """Code and reason of a call."""
    try:
        call()
    except genesis.GenesisError as error:
        return error.code, error.reason
    except grpc.RpcError as error:
        found = failure(error)
        return found.code, found.reason
    return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("mode", MODES)
def test_every_method_answers_as_the_table_says(mode: str, client: genesis.Client, open_server: Server) -> None:
    """And all of them again when the flag is cleared; the log stays short."""
    with open_server.channel() as channel:
        worker = RawWorker(channel, card("crafter", WORKING))
        with worker.working() as stream:
            scene = Scene(open_server, client, worker, stream, channel)
            calls = scene.calls()
            emergency = {"FlagAdminService/SetEmergencyFlag", "FlagAdminService/ClearEmergencyFlag"}
            assert {f"/genesis.{'admin.' if name[0] in 'FP' else ''}v1.{name}" for name in {*calls, *emergency}} == set(TABLE)
            client.set_emergency_flag(mode, "test")
            lines = len(open_server.log.read_text().splitlines())
            begun, wrong, were_refused = time.monotonic(), list[str](), list[str]()
            for name, call in calls.items():
                method = f"/genesis.{'admin.' if name[0] in 'FP' else ''}v1.{name}"
                does = TABLE[method][mode != "emergency_shutdown"]
                expected = MODES[mode] if does is InMode.REFUSED else (grpc.StatusCode.OK, "")
                told = answer(call)
                if does is InMode.REFUSED and name not in {"AgentService/Work", "OrchestratorService/Report"}:
                    were_refused.append(name)
                # There is no breaker to reset, which is said where resetting is served.
                if told != expected and told[1] != ("" if expected[1] else "BREAKER_NOT_FOUND"):
                    wrong.append(f"{name}: {told} instead of {expected}")
            assert not wrong, "\n".join(wrong)
            assert answer(lambda: client.set_emergency_flag(mode, "again")) == (grpc.StatusCode.OK, "")
            if mode != "emergency_shutdown":
                assert not client.orchestrate(GOAL).stored
            until(lambda: time.monotonic() - begun > 2, 10)
            logged = len(open_server.log.read_text().splitlines()) - lines
            assert logged < 40 * (time.monotonic() - begun) + 100, "a log of so many lines hides what matters"
            assert answer(lambda: client.clear_emergency_flag(mode, "test")) == (grpc.StatusCode.OK, "")
            wrong = [f"{name}: {told}" for name in were_refused if (told := answer(calls[name]))[1] not in {"", "BREAKER_NOT_FOUND"}]
            assert not wrong
            if mode != "emergency_shutdown":
                client.report(scene.plan_id, "work", lease=scene.given.lease, done={})
            assert client.get_plan(scene.plan_id).plan.state == plan_pb2.PLAN_STATE_DONE


@pytest.mark.parametrize("mode", ["maintenance_mode", "read_only_mode"])
def test_work_that_is_under_way_outlives_a_time_without_writes(mode: str, client: genesis.Client, open_server: Server) -> None:
    """The worker signs its heartbeats, whose nonces are kept; it reports when it may, and the plan goes on to its end."""
    worker = genesis.Worker("signer")
    done: list[str] = []

    @worker.skill("signing.slowly")
    def slowly(context: genesis.TaskContext) -> None:
        time.sleep(0.4)
        done.append(f"{context.plan_id} {context.task.id}")

    with at_work(worker, open_server.address, agent_key=f"k1:{KEY}", tenant="default"):
        names = [f"step{number}" for number in range(5)]
        edges = list(pairwise(names))
        plan_id = plan_of(client, *(task(name, "signing.slowly") for name in names), edges=edges)
        seen: list[Any] = []
        watching = threading.Thread(target=watch, args=(client, plan_id, seen), daemon=True)
        watching.start()
        eventually(lambda: done)
        client.set_emergency_flag(mode, "test")
        lines = len(open_server.log.read_text().splitlines())
        before = [run.attempts for run in client.get_plan(plan_id).runs]
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert any(entry.workers for entry in client.agents() if entry.card.id == "signer"), "the worker was given up"
            time.sleep(0.2)
        assert [run.attempts for run in client.get_plan(plan_id).runs] == before
        logged = len(open_server.log.read_text().splitlines()) - lines
        client.clear_emergency_flag(mode, "test")
        stored = ended(client, plan_id)
        watching.join(10)
    print(f"{mode}: {logged} lines of the log in {SECONDS} s")
    assert logged < 50 * SECONDS
    assert stored.plan.state == plan_pb2.PLAN_STATE_DONE
    assert done == [f"{plan_id} {name}" for name in names], "each was done once, in order"
    assert all([attempt.outcome for attempt in run.attempts] == [work_pb2.ATTEMPT_OUTCOME_DONE] for run in stored.runs)
    assert seen[-1].state == plan_pb2.PLAN_STATE_DONE, "whoever watched since before saw the end"


def watch(client: genesis.Client, plan_id: str, seen: list[Any]) -> None:
    """Watch a plan to its end."""
    for answered in client.watch_plan(plan_id, timeout=60):
        seen.append(answered)
        if answered.state == plan_pb2.PLAN_STATE_DONE:
            return


def test_a_repeat_of_a_call_before_the_flag_gets_its_first_answer(client: genesis.Client) -> None:
    """A repeat of one that was refused is made when it may be."""
    first = client.orchestrate(GOAL, request_id="before-the-mode")
    change = client.put_flag("repeated", boolean(), "test", request_id="flag-before-the-mode").change
    for mode in ("maintenance_mode", "read_only_mode"):
        client.set_emergency_flag(mode, "test")
        repeat = client.orchestrate(GOAL, request_id="before-the-mode")
        assert (repeat.plan.id, repeat.stored) == (first.plan.id, True)
        unkept = client.orchestrate(GOAL, request_id=f"in-the-mode-{mode}")
        assert not unkept.stored
        assert answer(lambda: client.put_flag("repeated", boolean("on"), "late", request_id="in-the-mode")) == MODES[mode]
        client.clear_emergency_flag(mode, "test")
        assert client.orchestrate(GOAL, request_id=f"in-the-mode-{mode}").stored, "what was not kept is no answer for a day"
    assert client.put_flag("repeated", boolean(), "test", request_id="flag-before-the-mode").change == change
    assert client.put_flag("repeated", boolean("on"), "late", request_id="in-the-mode").change.version == 2


def test_agents_who_come_while_the_server_is_shut_wait_and_are_taken_afterwards(client: genesis.Client, open_server: Server) -> None:
    """The worker of the SDK needs nobody who starts it again."""
    client.set_emergency_flag("emergency_shutdown", "test")
    worker = genesis.Worker("latecomer")
    worker.skill("coming.late")(lambda: None)
    worker.start(open_server.address)
    try:
        time.sleep(1.0)
        assert not any(entry.card.id == "latecomer" for entry in client.agents())
        client.clear_emergency_flag("emergency_shutdown", "test")
        eventually(lambda: any(entry.card.id == "latecomer" and entry.workers for entry in client.agents()))
        assert ended(client, plan_of(client, task("late", "coming.late"))).plan.state == plan_pb2.PLAN_STATE_DONE
    finally:
        worker.stop(finish=False)
