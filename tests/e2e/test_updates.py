"""Plans that live: work done and failed, conditions, edits, pauses, limits, and everybody who watches, over the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

import genesis
from errors import failure
from genesis.v1 import (
    orchestrator_service_pb2,
    orchestrator_service_pb2_grpc,
    plan_pb2,
    update_pb2,
)
from servers import Server, running
from tokens import SETTINGS, token

Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub
GOAL = "Run the tests, and if they pass deploy it, otherwise notify the team"
PENDING, DONE, FAILED, SKIPPED, CANCELLED = (
    plan_pb2.TASK_STATE_PENDING,
    plan_pb2.TASK_STATE_DONE,
    plan_pb2.TASK_STATE_FAILED,
    plan_pb2.TASK_STATE_SKIPPED,
    plan_pb2.TASK_STATE_CANCELLED,
)
TWO_SOURCES = [
    {"name": "fetch_from_archive", "description": "Fetch the report from the archive", "outputs": [{"name": "report", "type": "report"}]},
    {"name": "fetch_from_mirror", "description": "Fetch the report from the mirror", "outputs": [{"name": "report", "type": "report"}]},
    {"name": "print_report", "description": "Print the report on paper", "inputs": [{"name": "report", "type": "report"}]},
]


@pytest.fixture
def client(server: Server) -> Iterator[genesis.Client]:
    """A client of the shared server."""
    with genesis.connect(server.address) as connected:
        yield connected


def fresh(client: genesis.Client) -> tuple[str, str, str, str]:
    """A fresh plan of the goal: its id, and the ids of its three tasks."""
    plan = client.orchestrate(GOAL).plan
    tests, deploy, notify = (task.id for task in plan.tasks)
    return plan.id, tests, deploy, notify


def states(client: genesis.Client, plan_id: str) -> dict[str, int]:
    """How far every task is."""
    return {task.id: task.state for task in client.get_plan(plan_id).plan.tasks}


def refused(call: Callable[[], object]) -> genesis.GenesisError:
    """How a call is refused."""
    with pytest.raises(genesis.GenesisError) as caught:
        call()
    return caught.value


def work(name: str) -> dict[str, object]:
    """An edit that puts a task in."""
    return {"add_task": {"id": name, "goal": "Write a report"}}


@pytest.mark.parametrize(("report", "passed"), [("passed", True), (True, True), ("failed", False), (False, False)])
def test_tests_that_pass_deploy_and_tests_that_fail_notify(client: genesis.Client, report: object, passed: bool) -> None:
    """What the condition excludes is skipped."""
    plan_id, tests, deploy, notify = fresh(client)
    answer = client.update_plan(plan_id, done=tests, outputs={"test_report": report})
    wanted, excluded = (deploy, notify) if passed else (notify, deploy)
    assert list(answer.ready_task_ids) == [wanted]
    assert not answer.undecided_guards
    assert states(client, plan_id) == {tests: DONE, wanted: PENDING, excluded: SKIPPED}
    assert not answer.replanned
    assert answer.counters.updates == 0
    assert client.update_plan(plan_id, done=wanted).state == plan_pb2.PLAN_STATE_DONE


def test_a_skipped_task_does_not_hold_up_what_waits_for_it(client: genesis.Client) -> None:
    plan_id, tests, deploy, notify = fresh(client)
    waits = [{"add_edge": {"from_task_id": before, "to_task_id": "report"}} for before in (deploy, notify)]
    added = client.update_plan(plan_id, edits=[work("report"), *waits])
    assert added.replanned
    assert [route.task_id for route in added.routes] == ["report"]
    assert added.routes[0].assignment.target.id
    client.update_plan(plan_id, done=tests, outputs={"test_report": "passed"})
    assert list(client.update_plan(plan_id, done=deploy).ready_task_ids) == ["report"]
    stored = client.get_plan(plan_id)
    assert {route.task_id for route in stored.routes} == {tests, deploy, notify, "report"}


def test_a_condition_nothing_decides_is_named_and_a_fact_decides_it(client: genesis.Client) -> None:
    plan_id, tests, deploy, notify = fresh(client)
    waiting = client.update_plan(plan_id, done=tests)
    assert not waiting.ready_task_ids
    assert [guard.task_id for guard in waiting.undecided_guards] == [deploy, notify]
    artefact = waiting.undecided_guards[0].artefact
    told = client.update_plan(plan_id, facts={artefact: "passed"})
    assert list(told.ready_task_ids) == [deploy]
    assert not told.undecided_guards


def test_a_task_that_failed_is_replaced_and_what_waited_for_it_waits_for_the_replacement(client: genesis.Client) -> None:
    made = client.orchestrate("Fetch the report from the archive and print it", catalogue=TWO_SOURCES)
    fetch, printing = (task.id for task in made.plan.tasks)
    answer = client.update_plan(made.plan.id, failed=fetch, error="the archive is on fire")
    assert [task.id for task in answer.diff.added_tasks] == [f"{fetch}~2"]
    assert [(task.id, task.state, task.error) for task in answer.diff.changed_tasks] == [(fetch, FAILED, "the archive is on fire")]
    assert [(edge.from_task_id, edge.to_task_id) for edge in answer.diff.added_edges] == [(f"{fetch}~2", printing)]
    assert [(edge.from_task_id, edge.to_task_id) for edge in answer.diff.removed_edges] == [(fetch, printing)]
    assert list(answer.ready_task_ids) == [f"{fetch}~2"]
    assert answer.replanned
    assert [(route.task_id, route.assignment.target.id) for route in answer.routes] == [(f"{fetch}~2", "fetch_from_mirror")]
    client.update_plan(made.plan.id, done=f"{fetch}~2", outputs={"report": "here"})
    assert client.update_plan(made.plan.id, done=printing).state == plan_pb2.PLAN_STATE_DONE


def test_work_nobody_else_can_do_fails_the_plan(client: genesis.Client) -> None:
    made = client.orchestrate("Fetch the report from the archive and print it", catalogue=TWO_SOURCES)
    fetch = made.plan.tasks[0].id
    client.update_plan(made.plan.id, failed=fetch)
    answer = client.update_plan(made.plan.id, failed=f"{fetch}~2")
    assert answer.state == plan_pb2.PLAN_STATE_FAILED
    assert not answer.ready_task_ids
    assert not answer.replanned


def test_who_saw_an_older_version_is_told_and_changes_nothing(client: genesis.Client) -> None:
    plan_id, tests, *_ = fresh(client)
    assert client.update_plan(plan_id, pause=True, version=1).version == 2
    error = refused(lambda: client.update_plan(plan_id, done=tests, version=1))
    assert isinstance(error, genesis.Aborted | genesis.FailedPrecondition)
    assert error.reason == "VERSION_MISMATCH"
    assert client.get_plan(plan_id).plan.version == 2
    assert states(client, plan_id)[tests] == PENDING


def test_telling_the_same_again_makes_no_version(client: genesis.Client) -> None:
    plan_id, tests, *_ = fresh(client)
    first = client.update_plan(plan_id, done=tests, outputs={"test_report": "passed", "count": 12})
    again = client.update_plan(plan_id, done=tests, outputs={"test_report": "passed", "count": 12})
    assert (first.version, again.version) == (2, 2)
    assert list(again.ready_task_ids) == list(first.ready_task_ids)
    assert refused(lambda: client.update_plan(plan_id, done=tests, outputs={"count": 13})).reason == "TASK_ENDED"


def test_a_repeated_request_happens_once(client: genesis.Client) -> None:
    plan_id, *_ = fresh(client)
    first = client.update_plan(plan_id, edits=[work("more")], request_id=f"{plan_id}-1")
    again = client.update_plan(plan_id, edits=[work("more")], request_id=f"{plan_id}-1")
    assert again == first
    assert client.get_plan(plan_id).plan.version == 2
    assert refused(lambda: client.update_plan(plan_id, cancel=True, request_id=f"{plan_id}-1")).reason == "REQUEST_ID_REUSED"


def test_the_eleventh_update_that_plans_anew_is_refused_and_other_events_are_not(client: genesis.Client) -> None:
    plan_id, tests, *_ = fresh(client)
    for number in range(10):
        answer = client.update_plan(plan_id, edits=[work(f"more-{number}")])
        assert answer.counters.updates == number + 1
    error = refused(lambda: client.update_plan(plan_id, edits=[work("too-much")]))
    assert isinstance(error, genesis.ResourceExhausted)
    assert error.reason == "UPDATE_LIMIT"
    assert error.metadata["limit"] == "10"
    assert client.get_plan(plan_id).plan.version == answer.version
    assert client.update_plan(plan_id, pause=True).state == plan_pb2.PLAN_STATE_PAUSED
    resumed = client.update_plan(plan_id, resume=True)
    assert client.update_plan(plan_id, done=tests).version == resumed.version + 1
    assert resumed.counters.updates == 10


def test_a_pause_hands_out_nothing_and_a_cancelled_plan_is_over(client: genesis.Client) -> None:
    plan_id, tests, deploy, notify = fresh(client)
    assert not client.update_plan(plan_id, pause=True).ready_task_ids
    assert list(client.update_plan(plan_id, resume=True).ready_task_ids) == [tests]
    client.update_plan(plan_id, done=tests)
    over = client.update_plan(plan_id, cancel=True)
    assert over.state == plan_pb2.PLAN_STATE_CANCELLED
    assert states(client, plan_id) == {tests: DONE, deploy: CANCELLED, notify: CANCELLED}
    assert refused(lambda: client.update_plan(plan_id, resume=True)).reason == "PLAN_ENDED"
    assert [summary.state for summary in client.list_plans() if summary.id == plan_id] == [plan_pb2.PLAN_STATE_CANCELLED]


def test_edits_happen_all_or_none(client: genesis.Client) -> None:
    plan_id, _tests, deploy, notify = fresh(client)
    before = client.get_plan(plan_id).plan
    circle = [
        work("more"),
        {"add_edge": {"from_task_id": deploy, "to_task_id": notify}},
        {"add_edge": {"from_task_id": notify, "to_task_id": deploy}},
    ]
    error = refused(lambda: client.update_plan(plan_id, edits=circle))
    assert error.reason == "INVALID_EDIT"
    assert error.metadata["field"] == "edit.edits[2]"
    assert client.get_plan(plan_id).plan == before
    removed = client.update_plan(plan_id, edits=[{"remove_task_id": notify}])
    assert list(removed.diff.removed_task_ids) == [notify]
    assert notify not in states(client, plan_id)


def test_what_is_wrong_with_an_event_is_told(client: genesis.Client, orchestrator: Stub) -> None:
    plan_id, tests, *_ = fresh(client)
    assert refused(lambda: client.update_plan("plan_nobody", pause=True)).reason == "PLAN_NOT_FOUND"
    assert refused(lambda: client.update_plan(plan_id, done="nothing")).reason == "TASK_NOT_FOUND"
    assert refused(lambda: client.update_plan(plan_id, edits=[])).reason == "INVALID_FIELD"
    assert refused(lambda: client.update_plan(plan_id, text="do it otherwise")).reason == "INVALID_FIELD"
    assert refused(lambda: client.update_plan(plan_id, done=tests, outputs={"log": "x" * 70_000})).reason == "INVALID_FIELD"
    with pytest.raises(grpc.RpcError) as caught:
        orchestrator.UpdatePlan(update_pb2.UpdatePlanRequest(plan_id=plan_id))
    assert failure(caught.value).reason == "INVALID_FIELD"
    assert client.get_plan(plan_id).plan.version == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_the_callers_mistake(client: genesis.Client, orchestrator: Stub, number: float) -> None:
    plan_id, tests, *_ = fresh(client)
    for field, request in (
        ("done.outputs", update_pb2.UpdatePlanRequest(plan_id=plan_id, done=update_pb2.TaskDone(task_id=tests))),
        ("information.facts", update_pb2.UpdatePlanRequest(plan_id=plan_id, information=update_pb2.Information())),
    ):
        values = request.done.outputs if request.HasField("done") else request.information.facts
        values["ratio"] = number
        with pytest.raises(grpc.RpcError) as caught:
            orchestrator.UpdatePlan(request)
        found = failure(caught.value)
        assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        assert list(found.fields) == [field]


def test_events_of_many_callers_at_once_all_arrive(client: genesis.Client) -> None:
    """Each is decided anew when another one was faster."""
    plan_id, *_ = fresh(client)
    names = [f"part-{number}" for number in range(8)]
    client.update_plan(plan_id, edits=[work(name) for name in names])
    with ThreadPoolExecutor(8) as pool:
        versions = {answer.version for answer in pool.map(lambda name: client.update_plan(plan_id, done=name), names)}
    assert versions == set(range(3, 11))
    assert {states(client, plan_id)[name] for name in names} == {DONE}


def test_a_watch_goes_on_where_it_stopped_and_ends_with_the_plan(client: genesis.Client) -> None:
    plan_id, tests, deploy, notify = fresh(client)
    client.update_plan(plan_id, done=tests, outputs={"test_report": "passed"})
    client.update_plan(plan_id, pause=True)
    seen: list[update_pb2.WatchPlanResponse] = []
    for change in client.watch_plan(plan_id):
        seen.append(change)
        if change.version == 3:
            break
    assert [change.version for change in seen] == [1, 2, 3]
    assert {task.id for task in seen[0].diff.added_tasks} == {tests, deploy, notify}
    assert list(seen[1].ready_task_ids) == [deploy]
    assert seen[2].state == plan_pb2.PLAN_STATE_PAUSED
    rest = client.watch_plan(plan_id, after_version=3)
    client.update_plan(plan_id, resume=True)
    assert next(rest).version == 4
    client.update_plan(plan_id, done=deploy)
    last = next(rest)
    assert (last.version, last.state) == (5, plan_pb2.PLAN_STATE_DONE)
    assert all(change.event and change.actor and change.time.seconds for change in [*seen, last])
    assert list(rest) == []
    assert [change.version for change in client.watch_plan(plan_id, after_version=4)] == [5]
    assert refused(lambda: list(client.watch_plan("plan_nobody"))).reason == "PLAN_NOT_FOUND"


def test_watchers_see_what_any_worker_writes(tmp_path: Path) -> None:
    """Each on a connection of its own, so that both processes watch and both write."""

    def connection(stack: ExitStack, server: Server, number: int) -> Stub:
        options = [("grpc.use_local_subchannel_pool", 1), ("tests.nr", number)]
        channel = stack.enter_context(grpc.insecure_channel(server.address, options=options))
        grpc.channel_ready_future(channel).result(timeout=10)
        return orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)

    with running(tmp_path, settings={"GENESIS_WORKERS": "2"}) as server, ExitStack() as stack:
        stubs = [connection(stack, server, number) for number in range(10)]
        plan_id = stubs[0].Orchestrate(orchestrator_service_pb2.OrchestrateRequest(goal=GOAL)).plan.id
        watches = [stub.WatchPlan(update_pb2.WatchPlanRequest(plan_id=plan_id, after_version=1), timeout=30) for stub in stubs]
        for number, stub in enumerate(stubs):
            event = {"resume": update_pb2.ResumePlan()} if number % 2 else {"pause": update_pb2.PausePlan()}
            stub.UpdatePlan(update_pb2.UpdatePlanRequest(plan_id=plan_id, **event))
            assert {next(watch).version for watch in watches} == {number + 2}
        stubs[0].UpdatePlan(update_pb2.UpdatePlanRequest(plan_id=plan_id, cancel=update_pb2.CancelPlan()))
        for watch in watches:
            assert [(change.version, change.state) for change in watch] == [(12, plan_pb2.PLAN_STATE_CANCELLED)]


def test_a_viewer_watches_and_may_not_update_and_a_strange_tenant_finds_no_plan(tmp_path: Path) -> None:
    with running(tmp_path, settings=SETTINGS) as server:
        with genesis.connect(server.address, token=token("client")) as ours:
            plan_id = ours.orchestrate(GOAL).plan.id
        with genesis.connect(server.address, token=token("viewer")) as viewer:
            assert next(viewer.watch_plan(plan_id)).version == 1
            error = refused(lambda: viewer.update_plan(plan_id, cancel=True))
            assert isinstance(error, genesis.PermissionDenied)
            assert error.metadata["required_role"] == "client"
        with genesis.connect(server.address, token=token("client", tenant="other")) as theirs:
            assert refused(lambda: theirs.update_plan(plan_id, cancel=True)).reason == "PLAN_NOT_FOUND"
            assert refused(lambda: list(theirs.watch_plan(plan_id))).reason == "PLAN_NOT_FOUND"
