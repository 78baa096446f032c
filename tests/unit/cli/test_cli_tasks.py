"""`genesis tasks`, `genesis artefact`, `genesis approve`, `genesis budget`, `genesis plans dispatch`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_server import FakeServer
from google.protobuf import json_format

from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis.v1 import plan_pb2, update_pb2, work_pb2


@pytest.fixture
def served(fake: FakeServer, stored: pb2.GetPlanResponse) -> FakeServer:
    """A server that has the plan."""
    stored.artefacts[0].artefact.value.string_value = "--- a\n+++ b"
    fake.on("GetPlan", stored)
    fake.on("UpdatePlan", update_pb2.UpdatePlanResponse(plan_id="plan_1", version=2, state=plan_pb2.PLAN_STATE_ACTIVE))
    return fake


def _words(text: str) -> str:
    return " ".join(text.split())


def test_tasks_are_listed_with_state_agent_attempts_reason_and_cost(served: FakeServer, run) -> None:
    """By their numbers; headings are no work."""
    result = run("tasks", "plan_1")
    assert result.exit_code == 0, result.output
    text = _words(result.stdout)
    for words in ("1.1", "Write the code", "✓ done", "quick → steady", "0.02 USD", "▶ running", "40 % testing", "(steady)", "given up"):
        assert words in text, text
    assert "Build it" not in text


def test_dead_letters_alone(served: FakeServer, run) -> None:
    """For who has to look after them; also when there are none."""
    text = _words(run("tasks", "plan_1", "--dead").stdout)
    assert "Tell the customers" in text
    assert "Deploy" not in text
    answer = json.loads(run("tasks", "plan_1", "--dead", "--json").stdout)
    assert [one["taskId"] for one in answer["runs"]] == ["d"]
    assert [one["id"] for one in answer["plan"]["tasks"]] == ["d"]
    served.on("GetPlan", pb2.GetPlanResponse(plan=plan_pb2.Plan(id="plan_1")))
    assert "no such task" in run("tasks", "plan_1", "--dead").stdout


def test_what_needs_a_dead_letter_is_listed_with_it(served: FakeServer, run) -> None:
    """It will not be done either, and says why."""
    behind = plan_pb2.Task(id="e", goal="Bill them", state=plan_pb2.TASK_STATE_CANCELLED, error="needs d, which failed")
    cancelled = plan_pb2.Task(id="f", goal="Rest", state=plan_pb2.TASK_STATE_CANCELLED)
    served.on("GetPlan", pb2.GetPlanResponse(plan=plan_pb2.Plan(id="plan_1", tasks=[behind, cancelled])))
    text = _words(run("tasks", "plan_1", "--dead").stdout)
    assert "needs d, which failed" in text
    assert "Rest" not in text


@pytest.mark.parametrize("name", ["a", "1.1"])
def test_one_task_shows_every_attempt_and_what_it_put_out(served: FakeServer, run, name: str) -> None:
    """By id or number."""
    text = _words(run("tasks", "plan_1", name).stdout)
    for words in (
        "1.1 Write the code · done",
        "id a · needs code.write",
        "routed to quick",
        "quick failed 22:13:20 UTC 1 s",
        "the disk is full",
        "steady done 22:13:22 UTC 2.5 s 0.02 USD",
        "s3://bucket/report.csv (text/csv)",
    ):
        assert words in text, text
    answer = json_format.ParseDict(json.loads(run("tasks", "plan_1", name, "--json").stdout), pb2.GetPlanResponse())
    assert [one.task_id for one in answer.runs] == ["a"]
    assert len(answer.runs[0].attempts) == 2
    assert answer.dispatch.priority == 7


@pytest.mark.parametrize(
    ("task", "words"),
    [("c", "waits: steady does 2 of 2 tasks no attempt yet"), ("d", "given up: all 3 attempts failed"), ("h1", "no attempt yet")],
)
def test_one_task_says_why_nobody_works_on_it(served: FakeServer, run, task: str, words: str) -> None:
    """Or that it was given up."""
    assert words in _words(run("tasks", "plan_1", task).stdout)


def test_who_approved_a_task_is_told(served: FakeServer, stored: pb2.GetPlanResponse, run) -> None:
    """In its details and in the tree."""
    stored.plan.tasks[1].approved_by = "ada"
    stored.plan.tasks[2].needs_approval = True
    assert "approved by ada" in run("tasks", "plan_1", "a").stdout
    text = _words(run("plans", "get", "plan_1").stdout)
    assert "approved by ada" in text
    assert "needs approval" in text


def test_a_stored_plan_shows_its_work_budget_and_artefacts(served: FakeServer, run) -> None:
    """In the tree of `genesis plans get`."""
    text = _words(run("plans", "get", "plan_1").stdout)
    for words in (
        "▶ 1.2",
        "running · by quick · 40 % testing",
        "by quick → steady · 2 attempts",
        "2 artefacts: patch, report",
        "0.03 USD of",
    ):
        assert words in text, text


def test_artefacts_are_listed_with_their_place(served: FakeServer, run) -> None:
    """A value by its size, a reference by URI and hash."""
    text = _words(run("artefact", "plan_1").stdout)
    assert "1.1 patch text here, 9 bytes" in text
    assert "ab" * 32 in text
    assert "nothing was put out yet" in run("artefact", "plan_1", "1.2").stdout
    assert not served.asked("GetPlan")[0].include_artefact_contents
    assert len(json.loads(run("artefact", "plan_1", "--json").stdout)["artefacts"]) == 2


def test_a_value_is_printed_or_written_as_it_is(served: FakeServer, stored: pb2.GetPlanResponse, run, tmp_path: Path) -> None:
    """A text bare, everything else as JSON; with --json the contract's form."""
    assert run("artefact", "plan_1", "1.1", "patch").stdout == "--- a\n+++ b\n"
    assert served.asked("GetPlan")[0].include_artefact_contents
    file = tmp_path / "patch"
    assert run("artefact", "plan_1", "a", "patch", "-o", str(file)).exit_code == 0
    assert file.read_text() == "--- a\n+++ b\n"
    assert json.loads(run("artefact", "plan_1", "a", "patch", "--json").stdout)["artefact"]["value"] == "--- a\n+++ b"
    json_format.ParseDict({"passed": 3, "names": ["ä"]}, stored.artefacts[0].artefact.value)
    assert json.loads(run("artefact", "plan_1", "a", "patch").stdout) == {"passed": 3, "names": ["ä"]}


def test_a_reference_is_shown_and_not_fetched(served: FakeServer, run, tmp_path: Path) -> None:
    """Only who put it there can say who may read it."""
    assert "s3://bucket/report.csv" in run("artefact", "plan_1", "a", "report").stdout
    result = run("artefact", "plan_1", "a", "report", "-o", str(tmp_path / "x"))
    assert result.exit_code == 2
    assert "lies elsewhere" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["tasks", "plan_1", "9.9"], "has no task '9.9'"),
        (["tasks", "plan_1", "a", "--dead"], "not both"),
        (["artefact", "plan_1", "zzz"], "has no task 'zzz'"),
        (["artefact", "plan_1", "a", "nothing"], "put out no 'nothing'; there is: patch, report"),
        (["artefact", "plan_1", "b", "x"], "nothing yet"),
        (["artefact", "plan_1", "-o", "f"], "writes one value"),
        (["budget", "plan_1", "--cost", "much"], "no amount of money"),
        (["budget", "plan_1", "--tokens", "-3"], "whole number"),
        (["budget", "plan_1", "--time", "soon"], "no time span"),
        (["plans", "dispatch", "plan_1", "--priority", "10"], "less than or equal to 9"),
    ],
)
def test_wrong_input_is_exit_code_2_with_what_to_do(served: FakeServer, run, args: list[str], words: str) -> None:
    """And nothing is changed."""
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert words in _words(result.stderr)
    assert not served.asked("UpdatePlan")


def test_a_value_that_was_too_large_to_send_is_no_empty_file(served: FakeServer, stored: pb2.GetPlanResponse, run) -> None:
    """Contents travel up to 4 MiB."""
    stored.artefacts[0].artefact.ClearField("value")
    result = run("artefact", "plan_1", "a", "patch")
    assert result.exit_code == 2
    assert "4 MiB" in result.stderr


@pytest.mark.parametrize(
    ("args", "refused", "comment"), [(["2.1"], False, ""), (["c", "--refuse", "--comment", "not on Fridays"], True, "not on Fridays")]
)
def test_approving_names_the_task_by_number_or_id(served: FakeServer, run, args: list[str], refused: bool, comment: str) -> None:
    """With the answer's view of what is ready."""
    result = run("approve", "plan_1", *args)
    assert result.exit_code == 0, result.output
    [request] = served.asked("UpdatePlan")
    assert request.approve == update_pb2.ApproveTask(task_id="c", refused=refused, comment=comment)
    assert "plan_1 version 2" in result.stdout


def test_a_budget_is_shown_with_bars(served: FakeServer, run) -> None:
    """And read alone when nothing is to change."""
    text = run("budget", "plan_1").stdout
    assert "0.03 USD of 0.25 USD, 0.01 USD set aside" in text
    assert "█" in text
    assert not served.asked("UpdatePlan")
    assert json.loads(run("budget", "plan_1", "--json").stdout)["limit"]["time"] == "600s"


def test_a_budget_changes_where_it_is_named_and_stays_elsewhere(served: FakeServer, run) -> None:
    """`none` takes a limit away."""
    answer = update_pb2.UpdatePlanResponse(plan_id="plan_1", version=2)
    answer.balance.exhausted.append("tokens")
    answer.balance.limit.tokens = 5
    served.on("UpdatePlan", answer)
    result = run("budget", "plan_1", "--cost", "0.50USD", "--tokens", "5", "--time", "none", "--tasks", "7", "--plan-version", "1")
    assert result.exit_code == 0, result.output
    [request] = served.asked("UpdatePlan")
    assert request.version == 1
    assert json_format.MessageToDict(request.budget) == {
        "cost": {"currencyCode": "USD", "nanos": 500_000_000}, "tokens": "5", "tasks": 7,
    }  # fmt: skip
    assert "exhausted" in result.stdout
    run("budget", "plan_1", "--tokens", "9")
    kept = served.asked("UpdatePlan")[1].budget
    assert (kept.cost.nanos, kept.time.seconds, kept.tokens) == (250_000_000, 600, 9)


def test_a_plan_without_a_run_has_no_budget_to_show(served: FakeServer, run) -> None:
    """With how to begin one."""
    served.on("GetPlan", pb2.GetPlanResponse(plan=plan_pb2.Plan(id="plan_1")))
    result = run("budget", "plan_1")
    assert result.exit_code == 2
    assert "genesis plans dispatch plan_1" in _words(result.stderr)


@pytest.mark.parametrize(("args", "priority"), [([], None), (["--priority", "0"], 0), (["--priority", "9"], 9)])
def test_a_stored_plan_is_handed_to_agents(served: FakeServer, run, args: list[str], priority: int | None) -> None:
    """With a priority or the server's."""
    assert run("plans", "dispatch", "plan_1", *args).exit_code == 0
    [request] = served.asked("UpdatePlan")
    assert request.dispatch == work_pb2.Dispatch(priority=priority)


def test_an_answer_tells_that_the_budget_is_exhausted_and_who_must_approve(served: FakeServer, run) -> None:
    """Whatever the event was."""
    answer = update_pb2.UpdatePlanResponse(plan_id="plan_1", version=2)
    answer.balance.exhausted.append("cost")
    answer.diff.changed_tasks.add(id="c", goal="Deploy", state=plan_pb2.TASK_STATE_AWAITING_APPROVAL)
    served.on("UpdatePlan", answer)
    text = _words(run("plans", "resume", "plan_1").stdout)
    assert "the budget is exhausted: cost" in text
    assert "? c Deploy (awaiting approval)" in text
