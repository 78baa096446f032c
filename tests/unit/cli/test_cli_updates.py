"""`genesis plans done | fail | tell | edit | pause | resume | cancel | watch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_server import FakeServer, Refusal
from google.protobuf import json_format

from genesis.v1 import plan_pb2, update_pb2


@pytest.fixture
def updated(fake: FakeServer, plan: plan_pb2.Plan) -> update_pb2.UpdatePlanResponse:
    """The answer the fake server gives: one task done, one failed and replaced, one waiting for a fact."""
    answer = update_pb2.UpdatePlanResponse(
        plan_id="plan_1", version=3, ready_task_ids=["c~2"], state=plan_pb2.PLAN_STATE_ACTIVE, replanned=True
    )
    answer.counters.updates = 2
    answer.diff.added_tasks.add(id="c~2", goal="Deploy by hand")
    answer.diff.changed_tasks.add(id="c", goal="Deploy", state=plan_pb2.TASK_STATE_FAILED, error="the disk is full")
    answer.diff.removed_task_ids.append("b")
    answer.diff.added_edges.add(from_task_id="c~2", to_task_id="d")
    answer.diff.removed_edges.add(from_task_id="c", to_task_id="d")
    answer.undecided_guards.add(task_id="d", text="if they agree", artefact="answer")
    fake.on("UpdatePlan", answer)
    return answer


@pytest.fixture
def edits(tmp_path: Path) -> Path:
    path = tmp_path / "edits.json"
    path.write_text('{"edits": [{"remove_task_id": "b"}, {"add_task": {"id": "e", "goal": "Test it"}}]}', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("args", "event"),
    [
        (["done", "plan_1", "a"], {"done": {"task_id": "a", "outputs": {}}}),
        (
            [
                "done",
                "plan_1",
                "a",
                "--output",
                "tests=passed",
                "--output",
                "count=3",
                "--output",
                'log=["x"]',
                "--output",
                "n=a=b",
                "--output",
                "ratio=NaN",
            ],
            {"done": {"task_id": "a", "outputs": {"tests": "passed", "count": 3.0, "log": ["x"], "n": "a=b", "ratio": "NaN"}}},
        ),
        (["fail", "plan_1", "a", "--error", "the disk is full"], {"failed": {"task_id": "a", "error": "the disk is full"}}),
        (["tell", "plan_1", "--fact", "open=true"], {"information": {"facts": {"open": True}}}),
        (
            ["tell", "plan_1", "--text", "in blue", "--about", "a", "--about", "b"],
            {"information": {"facts": {}, "task_ids": ["a", "b"], "text": "in blue"}},
        ),
        (["pause", "plan_1"], {"pause": {}}),
        (["resume", "plan_1"], {"resume": {}}),
        (["cancel", "plan_1"], {"cancel": {}}),
    ],
)
def test_each_command_tells_its_event(fake: FakeServer, updated, run, args: list[str], event: dict[str, Any]) -> None:
    """With the version that was seen and the request id, when they are given."""
    result = run("plans", *args, "--plan-version", "2", "--request-id", "mine")
    assert result.exit_code == 0, result.output
    [request] = fake.asked("UpdatePlan")
    told = json_format.MessageToDict(request, preserving_proto_field_name=True)
    assert told == {"plan_id": "plan_1", "version": "2", "request_id": "mine", **event}


def test_edits_come_from_a_file_or_a_pipe(fake: FakeServer, updated, run, edits: Path) -> None:
    """In the order they stand there."""
    assert run("plans", "edit", "plan_1", str(edits)).exit_code == 0
    assert run("plans", "edit", "plan_1", "-", stdin=edits.read_text()).exit_code == 0
    first, second = fake.asked("UpdatePlan")
    assert first.edit == second.edit
    assert [edit.WhichOneof("edit") for edit in first.edit.edits] == ["remove_task_id", "add_task"]
    assert len(first.request_id) == 36


def test_the_answer_shows_what_changed_what_is_ready_and_what_must_be_known(updated, run) -> None:
    """For a person."""
    text = " ".join(run("plans", "done", "plan_1", "a").stdout.split())
    for words in (
        "plan_1 version 3 · active · update 2 of 10", "+ c~2 Deploy by hand", "c Deploy (the disk is full)", "- b taken out",
        "+ c~2 → d", "- c → d", "ready: c~2", "waits d if they agree", "--fact answer=VALUE",
    ):  # fmt: skip
        assert words in text, text


def test_the_answer_in_json_is_the_contracts(updated, run) -> None:
    """For a program."""
    result = run("plans", "pause", "plan_1", "--json")
    assert json_format.ParseDict(json.loads(result.stdout), update_pb2.UpdatePlanResponse()) == updated


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["done", "plan_1", "a", "--output", "passed"], "give NAME=VALUE"),
        (["done", "plan_1", "a", "--output", "=1"], "give NAME=VALUE"),
        (["tell", "plan_1"], "at least one --fact"),
        (["tell", "plan_1", "--about", "a"], "at least one --fact"),
        (["tell", "plan_1", "--fact", "x=1e999"], "JSON"),
        (["tell", "plan_1", "--fact", "x=" + "[" * 50_000], "nested too deeply"),
        (["done", "plan_1"], "Missing argument"),
        (["pause", "plan_1", "--plan-version", "-1"], "greater than"),
        (["edit", "plan_1", "missing.json"], "No such file"),
        (["watch", "plan_1", "--after-version", "-1"], "greater than"),
    ],
)
def test_wrong_input_is_exit_code_2_and_nothing_is_sent(fake: FakeServer, updated, run, args: list[str], words: str) -> None:
    """With what is wrong and no stack trace."""
    result = run("plans", *args)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not fake.requests


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"edits": 3}', '{"edits": [3]}', '{"edits": [{"remove": "b"}]}', '{"edits": [null]}']
)
def test_a_file_that_holds_no_edits_is_exit_code_2(fake: FakeServer, updated, run, tmp_path: Path, content: str) -> None:
    """Whatever it holds instead."""
    file = tmp_path / "edits.json"
    file.write_text(content, encoding="utf-8")
    result = run("plans", "edit", "plan_1", str(file))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert not fake.requests


def test_a_refusal_is_one_line_with_its_reason_and_exit_code_4(fake: FakeServer, run) -> None:
    """And the number that finds it in the log."""
    fake.on("UpdatePlan", Refusal(grpc.StatusCode.ABORTED, "the plan has version 3, not 2", "VERSION_MISMATCH"))
    result = run("plans", "done", "plan_1", "a", "--plan-version", "2")
    assert result.exit_code == 4
    assert "VERSION_MISMATCH: the plan has version 3, not 2" in " ".join(result.stderr.split())
    assert "c0ffee" in result.stderr
    assert result.stdout == ""


def _changes(plan: plan_pb2.Plan) -> list[update_pb2.WatchPlanResponse]:
    first = update_pb2.WatchPlanResponse(version=1, event="made", state=plan_pb2.PLAN_STATE_ACTIVE, ready_task_ids=["a"])
    first.diff.added_tasks.extend(plan.tasks)
    second = update_pb2.WatchPlanResponse(version=2, event="cancelled", state=plan_pb2.PLAN_STATE_CANCELLED)
    second.diff.changed_tasks.add(id="a", goal="Write the code", state=plan_pb2.TASK_STATE_CANCELLED)
    for change in (first, second):
        change.time.seconds = 1_700_000_000
    return [first, second]


def test_a_watch_shows_each_version_and_ends_with_the_plan(fake: FakeServer, run, plan: plan_pb2.Plan) -> None:
    """The first one by its size, the others by what changed."""
    fake.on("WatchPlan", _changes(plan))
    result = run("plans", "watch", "plan_1", "--after-version", "0")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "version 1 22:13:20 UTC made · active 6 tasks ready: a version 2" in text
    assert "a Write the code (cancelled)" in text


def test_a_watch_in_json_is_one_line_a_version(fake: FakeServer, run, plan: plan_pb2.Plan) -> None:
    """So that a program reads it as it comes."""
    fake.on("WatchPlan", _changes(plan))
    lines = run("plans", "watch", "plan_1", "--after-version", "7", "--json").stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["1", "2"]
    assert fake.asked("WatchPlan")[0].after_version == 7


def test_a_watch_that_breaks_off_says_why(fake: FakeServer, run, plan: plan_pb2.Plan) -> None:
    """After what it had shown."""
    fake.on("WatchPlan", [_changes(plan)[0], Refusal(grpc.StatusCode.NOT_FOUND, "no such plan", "PLAN_NOT_FOUND")])
    result = run("plans", "watch", "plan_1")
    assert result.exit_code == 4
    assert "version 1" in result.stdout
    assert "PLAN_NOT_FOUND" in result.stderr
