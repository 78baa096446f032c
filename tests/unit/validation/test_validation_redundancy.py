"""Tasks that repeat each other."""

from __future__ import annotations

import json
import random
import re

import pytest
from validation_makers import DATA, needs_data, plan_of

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Plan, Task, TaskKind
from genesis_server.model.validation import DropTask, Finding, FindingKind, MergeTasks, Severity
from genesis_server.validation import redundancy
from genesis_server.validation.graph import graph_of_plan
from genesis_server.validation.policy import default_policy
from genesis_server.validation.redundancy import find_repeats, judge_redundancy


def _judge(plan: Plan) -> list[Finding]:
    return list(judge_redundancy(graph_of_plan(plan), default_policy().redundancy))


def test_a_literal_repeat_is_a_warning_that_can_be_mended() -> None:
    (finding,) = _judge(plan_of([Task("a", "Send the report"), Task("b", "send  the REPORT")]))
    assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.REPEATED_TASK, Severity.WARNING, ("a", "b"))
    assert finding.fix == DropTask("b")


def test_the_same_words_for_another_capability_or_input_are_no_repeat() -> None:
    tasks = [
        Task("a", "send it", capability="email"),
        Task("b", "send it", capability="fax"),
        Task("c", "send it", capability="email", inputs=(Artefact("invoice"),)),
        Task("d", "send it", capability="email"),
    ]
    (finding,) = _judge(plan_of(tasks))
    assert finding.task_ids == ("a", "d")


def test_each_repeat_is_told_once_with_the_first_task_it_repeats() -> None:
    assert [finding.task_ids for finding in _judge(plan_of([Task(name, "again") for name in "abc"]))] == [("a", "b"), ("a", "c")]


def test_a_repeat_with_work_in_between_is_left_alone() -> None:
    tasks = [Task("a", "open the door"), Task("x", "carry the box"), Task("b", "open the door")]
    (finding,) = _judge(plan_of(tasks, [("a", "x"), ("x", "b")]))
    assert finding.fix is None
    assert "if that is not meant" in finding.message


@pytest.mark.parametrize(
    "repeat",
    [
        Task("b", "open the door", outputs=(Artefact("draught"),)),
        Task("b", "open the door", parent_id="h"),
    ],
)
def test_a_repeat_that_does_something_more_is_left_alone(repeat: Task) -> None:
    plan = plan_of([Task("h", "heading", TaskKind.COMPOUND), Task("a", "open the door"), repeat])
    (finding,) = _judge(plan)
    assert finding.fix is None


def test_nearly_the_same_in_other_words() -> None:
    tasks = [
        Task("a", "Check the current balance of the savings account", capability="bank.balance"),
        Task("b", "As a next action, look up the savings account's current state", capability="bank.balance"),
        Task("c", "Check the balance of the credit card", capability="bank.balance"),
    ]
    (finding,) = _judge(plan_of(tasks))
    assert finding.task_ids == ("a", "b")
    assert "in other words" in finding.message
    assert finding.fix == MergeTasks("a", ("b",), tasks[0].goal)


def test_other_verbs_are_another_task() -> None:
    tasks = [Task(verb, f"{verb} the colourful leaflet of the team", capability="documents") for verb in ("create", "delete")]
    assert _judge(plan_of(tasks)) == []


def test_other_numbers_are_another_task() -> None:
    tasks = [Task(name, f"Check the current balance of account {name}", capability="bank") for name in ("1", "2")]
    assert _judge(plan_of(tasks)) == []


def test_without_a_capability_more_words_must_agree() -> None:
    first = Task("a", "find record companies for orchestras founded in old Vienna before the war")
    assert _judge(plan_of([first, Task("b", "find record companies for orchestras founded in old Berlin before the war")])) == []
    assert _judge(plan_of([first, Task("b", "for orchestras founded before the war in old Vienna, find record companies")]))


def test_near_repeats_are_not_looked_for_in_large_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redundancy, "MAX_TASKS_FOR_NEAR_REPEATS", 1)
    plan = plan_of([Task("a", "boil two big potatoes"), Task("b", "two big potatoes: boil")])
    assert find_repeats(graph_of_plan(plan), default_policy().redundancy) == []


def test_tasks_without_words_repeat_nothing() -> None:
    assert _judge(plan_of([Task("a", ""), Task("b", " ")])) == []


def test_a_guess_without_a_capability_is_only_a_note() -> None:
    tasks = [Task("a", "find cheap flights to Oslo"), Task("b", "get hold of low-cost flights to Oslo")]
    (finding,) = judge_redundancy(graph_of_plan(plan_of(tasks)), default_policy().redundancy.model_copy(update={"overlap": 0.2}))
    assert (finding.severity, finding.fix) == (Severity.INFO, None)


def test_a_word_that_stands_elsewhere_names_something_else() -> None:
    tasks = [
        Task("a", "calculate the total cost of the shirts"),
        Task("b", "calculate the total cost of the jeans"),
        Task("c", "add up the cost of shirts and jeans"),
    ]
    assert _judge(plan_of(tasks)) == []


def test_tasks_with_work_between_them_are_not_merged() -> None:
    """Merging would make a circle."""
    tasks = [
        Task("a", "check the balance of the savings account", capability="bank.balance"),
        Task("b", "pay the rent", capability="bank.pay"),
        Task("c", "look up the balance of the savings account", capability="bank.balance"),
    ]
    (finding,) = _judge(plan_of(tasks, [("a", "b"), ("b", "c")]))
    assert (finding.task_ids, finding.fix) == (("a", "c"), None)
    (finding,) = _judge(plan_of(tasks, [("a", "c"), ("b", "c")]))
    assert isinstance(finding.fix, MergeTasks)


def test_what_another_task_puts_out_too_is_subsumed() -> None:
    tasks = [
        Task("a", "weigh the parcel", capability="scales", outputs=(Artefact("weight"),)),
        Task("b", "measure everything", capability="scales", outputs=(Artefact("weight"), Artefact("size"))),
    ]
    (finding,) = _judge(plan_of(tasks))
    assert (finding.kind, finding.task_ids, finding.fix) == (FindingKind.SUBSUMED_TASK, ("b", "a"), DropTask("a"))


def test_an_output_nobody_needs_is_told_unless_the_goal_asks_for_it() -> None:
    tasks = [
        Task("a", "weigh the parcel", outputs=(Artefact("weight"),)),
        Task("b", "print a label", inputs=(Artefact("weight"),), outputs=(Artefact("label"),)),
        Task("c", "draw a cat", outputs=(Artefact("cat"),)),
    ]
    plan = graph_of_plan(plan_of(tasks))
    policy = default_policy().redundancy
    (finding,) = judge_redundancy(plan, policy, "weigh the parcel and print a label for it")
    assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.UNUSED_OUTPUT, Severity.WARNING, ("c",))
    assert list(judge_redundancy(plan, policy, "print a label with a cat on it")) == []
    assert list(judge_redundancy(plan, policy)) == []


@needs_data("ultratool")
def test_repeats_in_other_words_are_found_and_gold_plans_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """UltraTool's gold plans, intact and with one step said again in other words; figures are printed."""
    draw = random.Random(0)
    count = flagged = found = 0
    for line in (DATA / "ultratool" / "train.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        steps = [re.sub(r"^Step \d+ ", "", step) for step in record["task_steps"]]
        tasks = [
            Task(str(n), step, capability=node["task"]) for n, (step, node) in enumerate(zip(steps, record["task_nodes"], strict=False))
        ]
        again = draw.choice(tasks)
        words = re.sub(r"^Call \w+ to ", "", again.goal)
        mutant = [*tasks, Task("again", f"Please make sure to {words[0].lower()}{words[1:]} as requested", capability=again.capability)]
        count += 1
        flagged += bool(_judge(plan_of(tasks)))
        found += any("again" in finding.task_ids for finding in _judge(plan_of(mutant)))
    with capsys.disabled():
        print(f"\nredundancy on {count} gold plans: {flagged / count:.2%} flagged; a step said again is found in {found / count:.1%}")
    assert flagged / count <= 0.01
    assert found / count >= 0.90
