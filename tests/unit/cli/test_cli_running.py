"""`genesis run` and `genesis plans watch --runs`."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from fake_server import FakeServer, Refusal
from google.protobuf import json_format
from rich.console import Console

import genesis
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis.v1 import plan_pb2, update_pb2, work_pb2
from genesis_server.cli import following
from genesis_server.cli.following import follow
from genesis_server.cli.picture import RunPicture
from genesis_server.cli.session import Session


def _changes(state: plan_pb2.PlanState) -> list[Any]:
    """One task is handed out and done, then the plan ends."""
    run = work_pb2.TaskRun(task_id="c")
    run.attempts.add(number=1, agent_id="steady", outcome=work_pb2.ATTEMPT_OUTCOME_RUNNING)
    first = update_pb2.WatchPlanResponse(version=1, state=plan_pb2.PLAN_STATE_ACTIVE, runs=[run])
    done = work_pb2.TaskRun(task_id="c")
    done.attempts.add(number=1, agent_id="steady", outcome=work_pb2.ATTEMPT_OUTCOME_DONE)
    last = update_pb2.WatchPlanResponse(version=2, state=state, runs=[done])
    last.diff.changed_tasks.add(id="c", goal="Deploy", parent_id="h2", state=plan_pb2.TASK_STATE_DONE)
    return [first, last]


@pytest.fixture
def served(fake: FakeServer, stored: pb2.GetPlanResponse, orchestrated: pb2.OrchestrateResponse) -> FakeServer:
    """A server that takes a goal and carries it out."""
    fake.on("Orchestrate", orchestrated)
    fake.on("GetPlan", stored)
    fake.on("WatchPlan", _changes(plan_pb2.PLAN_STATE_DONE))
    return fake


def test_a_goal_is_handed_over_and_watched_line_by_line(served: FakeServer, run) -> None:
    """Exit code 0 when the plan is done; every limit goes to the server."""
    result = run(
        "run", "Release it", "--budget", "0.50USD", "--tokens", "9", "--max-tasks", "8", "--max-time", "10m", "--priority", "7",
        "--region", "eu", "--request-id", "r",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    [request] = served.asked("Orchestrate")
    assert json_format.MessageToDict(request.run_budget) == {
        "cost": {"currencyCode": "USD", "nanos": 500_000_000}, "tokens": "9", "tasks": 8, "time": "600s",
    }  # fmt: skip
    assert request.dispatch.priority == 7
    assert request.constraints.regions == ["eu"]
    assert request.request_id == "r"
    for words in (
        "2.1 Deploy goes to steady",
        "2.1 Deploy done by steady",
        "the plan is done",
        "plan_1 done · 5 attempts · 0.03 USD · 1 given up: see",
    ):
        assert words in result.stdout, result.stdout
    assert served.asked("WatchPlan")[0].include_runs


@pytest.mark.parametrize("state", [plan_pb2.PLAN_STATE_FAILED, plan_pb2.PLAN_STATE_CANCELLED])
def test_a_plan_that_is_not_done_is_exit_code_1(served: FakeServer, run, state: plan_pb2.PlanState) -> None:
    """A script can tell; without limits none are sent."""
    served.on("WatchPlan", _changes(state))
    assert run("run", "Release it").exit_code == 1
    [request] = served.asked("Orchestrate")
    assert not request.HasField("run_budget")
    assert request.HasField("dispatch")
    assert not request.dispatch.HasField("priority")


def test_json_is_the_stored_plan_at_the_end(served: FakeServer, run) -> None:
    """With runs, budget and what was put out; nothing else on stdout."""
    result = run("run", "Release it", "--json")
    assert result.exit_code == 0
    assert len(json_format.ParseDict(json.loads(result.stdout), pb2.GetPlanResponse()).runs) == 4
    assert served.asked("GetPlan")[-1].include_artefact_contents


def test_without_a_watch_the_answer_is_shown_and_the_plan_left_to_the_server(served: FakeServer, run) -> None:
    """With how to see more."""
    result = run("run", "Release it", "--no-watch")
    assert result.exit_code == 0
    assert "Assignments" in result.stdout
    assert "genesis plans watch plan_1 --runs" in " ".join(result.stderr.split())
    assert not served.asked("WatchPlan")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run"], "Missing argument"),
        (["run", "x", "--budget", "plenty"], "no amount of money"),
        (["run", "x", "--max-time", "soon"], "no time span"),
        (["run", "x", "--priority", "10"], "less than or equal to 9"),
        (["run", "x", "--tokens", "-1"], "greater than"),
    ],
)
def test_wrong_input_is_exit_code_2_and_nothing_is_sent(served: FakeServer, run, args: list[str], words: str) -> None:
    """With what is wrong."""
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.stderr.split())
    assert not served.requests


def test_a_stored_plan_is_watched_with_its_work(served: FakeServer, run) -> None:
    """With --json every message of the server, a line each."""
    assert "2.1 Deploy done by steady" in run("plans", "watch", "plan_1", "--runs").stdout
    lines = run("plans", "watch", "plan_1", "--runs", "--json").stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["1", "2"]
    assert served.asked("WatchPlan")[1].include_runs


def test_a_plan_that_has_ended_is_shown_and_not_watched(served: FakeServer, stored: pb2.GetPlanResponse, run) -> None:
    """There is nothing to wait for."""
    stored.plan.state = plan_pb2.PLAN_STATE_DONE
    assert run("plans", "watch", "plan_1", "--runs").exit_code == 0
    assert not served.asked("WatchPlan")


def test_a_stream_that_breaks_off_is_taken_up_where_it_was(served: FakeServer, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server was away for a moment."""
    monkeypatch.setattr(following, "_PAUSE", 0.0)
    first, last = _changes(plan_pb2.PLAN_STATE_DONE)
    first.version = 2
    last.version = 3
    served.on("WatchPlan", [first, Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "an hour is over", "")], [last])
    assert run("plans", "watch", "plan_1", "--runs").exit_code == 0
    assert [request.after_version for request in served.asked("WatchPlan")] == [1, 2]


def test_a_refused_watch_says_why(served: FakeServer, run) -> None:
    """As any other call."""
    served.on("WatchPlan", [Refusal(grpc.StatusCode.NOT_FOUND, "no such plan", "PLAN_NOT_FOUND")])
    result = run("plans", "watch", "plan_1", "--runs")
    assert result.exit_code == 4
    assert "PLAN_NOT_FOUND" in result.stderr


def test_a_server_that_stays_away_is_given_up(served: FakeServer, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, with where it was looked for."""
    monkeypatch.setattr(following, "_PAUSE", 0.0)
    monkeypatch.setattr(following, "_GIVE_UP_SECONDS", 0.0)
    served.on("WatchPlan", [Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "too slow", "")])
    assert run("plans", "watch", "plan_1", "--runs").exit_code == 5


def test_ctrl_c_ends_the_watching_and_not_the_plan(served: FakeServer, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to watch it again and how to end it."""

    class Interrupted(queue.SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setattr(following.queue, "SimpleQueue", Interrupted)
    result = run("run", "Release it")
    assert result.exit_code == 130
    said = " ".join(result.stderr.split())
    assert "the plan goes on" in said
    assert "genesis plans cancel plan_1" in said
    assert not served.asked("UpdatePlan")


class _Client:
    """Tells one change, and is silent then."""

    def __init__(self, *changes: update_pb2.WatchPlanResponse, stored: pb2.GetPlanResponse) -> None:
        self.changes, self.stored = changes, stored

    def watch_plan(self, plan_id: str, **_: Any) -> Iterator[update_pb2.WatchPlanResponse]:
        yield from self.changes
        queue.SimpleQueue[None]().get()

    def get_plan(self, plan_id: str) -> pb2.GetPlanResponse:
        return self.stored


def _clock(step: float) -> Callable[[], float]:
    now = 0.0

    def read() -> float:
        nonlocal now
        now += step
        return now

    return read


def test_following_ends_when_nothing_moves_any_more(stored: pb2.GetPlanResponse) -> None:
    """A task that runs, or waits for the time of its next attempt, keeps it going."""
    stored.runs[1].attempts[-1].outcome = work_pb2.ATTEMPT_OUTCOME_LOST
    client: Any = _Client(update_pb2.WatchPlanResponse(version=1), stored=stored)
    steps = list(follow(client, RunPicture.of(stored), idle_seconds=3.0, clock=_clock(2.0)))
    assert len(steps) == 1


def test_a_run_whose_budget_is_used_up_is_not_watched_for_ever(stored: pb2.GetPlanResponse) -> None:
    """A script would hang; as long as anything else can happen, it is watched."""
    for run in stored.runs:
        run.waiting_for = work_pb2.WAITING_FOR_BUDGET if not run.attempts else work_pb2.WAITING_FOR_UNSPECIFIED
    stored.runs.add(task_id="z", waiting_for=work_pb2.WAITING_FOR_BUDGET)
    assert not RunPicture.of(stored).cannot_pay()
    for run in stored.runs:
        for attempt in run.attempts:
            attempt.outcome = work_pb2.ATTEMPT_OUTCOME_DONE
    assert RunPicture.of(stored).cannot_pay()
    client: Any = _Client(update_pb2.WatchPlanResponse(version=1), stored=stored)
    assert len(list(follow(client, RunPicture.of(stored), while_it_can_pay=True, clock=_clock(2.0)))) == 1
    stored.runs[-1].waiting_for = work_pb2.WAITING_FOR_AGENT
    assert not RunPicture.of(stored).cannot_pay()


def test_tasks_that_came_get_their_numbers_from_the_stored_plan(stored: pb2.GetPlanResponse) -> None:
    """A difference does not tell the order."""
    change = update_pb2.WatchPlanResponse(version=2)
    change.diff.added_tasks.add(id="e", goal="Call them")
    newer = pb2.GetPlanResponse()
    newer.CopyFrom(stored)
    newer.plan.version, newer.plan.state = 2, plan_pb2.PLAN_STATE_DONE
    client: Any = _Client(change, stored=newer)
    [(before, after, told)] = follow(client, RunPicture.of(stored))
    assert (before.plan.version, after.plan, told) == (1, newer.plan, change)


def test_a_terminal_shows_the_tree_live_and_leaves_it_there(
    served: FakeServer, stored: pb2.GetPlanResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last picture stays on the screen."""
    from io import StringIO

    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=120, height=30, legacy_windows=False)
    session = Session(server=served.address)
    monkeypatch.setattr(Session, "out", console)
    with genesis.connect(served.address) as client:
        picture = following.show_until_end(session, client, "plan_1")
    assert picture.plan.state == plan_pb2.PLAN_STATE_DONE
    assert "\x1b[" in shown.getvalue()
    # What comes after the last line that was taken off the screen.
    left = shown.getvalue().rpartition("\x1b[2K")[2]
    assert "2.1" in left
    assert "done" in left
