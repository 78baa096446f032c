"""A caller's edits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from update_cases import REPLAN, after, assert_sound, heading, ids, plan, settling, states, task, when

from genesis_server.model.plan import Edge, EdgeKind, EdgeSource, Guard, GuardOperator, Plan, TaskKind, TaskOrigin, TaskSource, TaskState
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    ChangeTaskEdit,
    Edit,
    Known,
    PlanDiff,
    RemoveEdgeEdit,
    RemoveTaskEdit,
    UserEdit,
)
from genesis_server.planning.update.apply import update
from genesis_server.resilience.errors import GenesisError


def edited(start: Plan, *edits: Edit):
    return after(start, UserEdit(edits))


def problem(start: Plan, *edits: Edit, reason: str = "INVALID_EDIT") -> str:
    with pytest.raises(GenesisError) as caught:
        update(start, UserEdit(edits), known=Known(), replan=REPLAN)
    assert caught.value.reason == reason
    return caught.value.message


def test_a_task_is_put_in_below_its_heading_and_waits_as_told() -> None:
    new = replace(task("settle.check"), kind=TaskKind.UNSPECIFIED, state=TaskState.UNSPECIFIED, parent_id="settle", origin=None)
    updated = edited(
        settling(), AddTaskEdit(new), AddEdgeEdit(Edge("settle.read", "settle.check")), AddEdgeEdit(Edge("settle.check", "settle.pay"))
    )
    [added] = updated.diff.added_tasks
    assert (added.kind, added.state, added.depth) == (TaskKind.PRIMITIVE, TaskState.PENDING, 2)
    assert added.origin is not None
    assert added.origin.source is TaskSource.EDIT
    assert {(edge.from_id, edge.to_id) for edge in updated.diff.added_edges} == {
        ("settle.read", "settle.check"),
        ("settle.check", "settle.pay"),
    }
    assert all(edge.origin and edge.origin.source is EdgeSource.EDIT for edge in updated.diff.added_edges)
    assert (updated.replanned, updated.note, updated.plan.counters.tasks_created) == (True, "3 edits", 7)


def test_a_heading_and_its_tasks_come_together() -> None:
    top = replace(task("top"), kind=TaskKind.UNSPECIFIED)
    updated = edited(settling(), AddTaskEdit(top), AddTaskEdit(replace(task("below"), parent_id="top")))
    assert updated.diff.added_tasks[0].kind is TaskKind.COMPOUND
    assert_sound(updated.plan)


def test_a_removed_task_hands_its_waits_on() -> None:
    updated = edited(settling(), RemoveTaskEdit("settle.read"))
    assert updated.diff.removed_task_ids == ("settle.read",)
    assert [(edge.from_id, edge.to_id, edge.kind) for edge in updated.diff.added_edges] == [("settle.scan", "settle.pay", EdgeKind.ORDER)]
    whole = edited(settling(), RemoveTaskEdit("settle"))
    assert whole.diff.removed_task_ids == ("settle", "settle.scan", "settle.read", "settle.pay", "settle.thank")
    assert ids(whole.ready) == ["file"]
    assert whole.plan.counters.tasks_created == 6


def test_a_task_is_changed_in_its_place() -> None:
    [old] = [one for one in settling().tasks if one.id == "file"]
    updated = edited(settling(), ChangeTaskEdit(replace(old, goal="burn the receipt", kind=TaskKind.UNSPECIFIED)))
    assert updated.diff == PlanDiff(changed_tasks=(replace(old, goal="burn the receipt"),))


def test_an_edge_goes() -> None:
    updated = edited(settling(), RemoveEdgeEdit("settle.scan", "settle.read"))
    assert ids(updated.ready) == ["settle.scan", "settle.read", "settle.thank"]


def test_edits_that_change_nothing_make_a_version_and_no_update() -> None:
    updated = edited(settling(), AddEdgeEdit(Edge("settle.scan", "settle.read")))
    assert (updated.replanned, updated.diff, updated.plan.version, updated.plan.counters.updates) == (False, PlanDiff(), 2, 0)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (AddEdgeEdit(Edge("settle.pay", "settle.scan")), "wait for each other"),
        (AddEdgeEdit(Edge("file", "settle.thank")), "wait for each other"),
        (AddEdgeEdit(Edge("settle", "settle.scan")), "contain one another"),
        (AddTaskEdit(task("file")), "taken"),
        (AddTaskEdit(replace(task("n"), parent_id="file")), "no compound task"),
        (AddTaskEdit(replace(task("n"), state=TaskState.DONE)), "done or failed"),
        (AddTaskEdit(task("n", guards=(when("nobody"),))), "'nobody', which is not there"),
        (AddTaskEdit(task("n", guards=(Guard("", "", GuardOperator.IS_TRUE),))), "neither a task nor a fact"),
        (AddTaskEdit(task("n", parent_id="settle", guards=(when("settle"),))), "contains the other"),
        (ChangeTaskEdit(task("settle.scan")), "another heading"),
        (ChangeTaskEdit(task("settle")), "tasks below it"),
        (ChangeTaskEdit(replace(task("file"), error="x")), "done or failed"),
        (ChangeTaskEdit(task("settle.scan", parent_id="settle", guards=(when("file"),))), "wait for each other"),
        (RemoveEdgeEdit("file", "settle"), "no such edge"),
    ],
)
def test_an_edit_that_makes_no_sound_plan_is_refused_with_its_place_and_none_is_made(edit: Edit, words: str) -> None:
    message = problem(settling(), AddTaskEdit(task("first")), edit)
    assert words in message
    assert message.startswith("edit.edits[1]: ")


def test_what_has_ended_is_not_touched() -> None:
    start = settling(done=["scan"])
    scan = start.tasks[1]
    for edit in (
        ChangeTaskEdit(scan),
        RemoveTaskEdit("settle.scan"),
        RemoveTaskEdit("settle"),
        AddEdgeEdit(Edge("settle.thank", "settle.scan")),
    ):
        assert "stays as it is" in problem(start, edit, reason="TASK_ENDED")
    closed = replace(start, tasks=(replace(start.tasks[0], state=TaskState.DONE), *start.tasks[1:]))
    problem(closed, AddTaskEdit(replace(task("n"), parent_id="settle")), reason="TASK_ENDED")


def test_a_task_that_a_condition_asks_is_not_removed() -> None:
    start = plan([task("a"), task("b", guards=(when("a"),))])
    assert "condition of 'b'" in problem(start, RemoveTaskEdit("a"))
    assert states(edited(start, RemoveTaskEdit("b")).plan) == {"a": "PENDING"}
    ended = plan([task("a"), task("b", guards=(when("a"),), state=TaskState.SKIPPED), task("c")])
    assert states(edited(ended, RemoveTaskEdit("a")).plan) == {"b": "SKIPPED", "c": "PENDING"}


def test_a_plan_keeps_a_task() -> None:
    assert "at least one" in problem(plan([task("a")]), RemoveTaskEdit("a"))
    assert states(edited(plan([task("a")]), RemoveTaskEdit("a"), AddTaskEdit(task("b"))).plan) == {"b": "PENDING"}


def test_a_hub_is_not_removed_when_that_would_make_very_many_edges() -> None:
    many = [task(f"{side}{number}") for side in "ab" for number in range(33)]
    edges = [*((f"a{n}", "hub") for n in range(33)), *(("hub", f"b{n}") for n in range(33))]
    assert "remove some of its edges" in problem(plan([*many, task("hub")], *edges), RemoveTaskEdit("hub"))


def test_a_sixth_level_is_refused() -> None:
    levels = [heading(f"l{n}", parent_id=f"l{n - 1}" if n else "") for n in range(5)]
    start = plan([*levels, task("w")], ("w", "l0"))
    assert "at most 5 levels" in problem(start, AddTaskEdit(task("n", parent_id="l4", origin=TaskOrigin(TaskSource.EDIT))))


def test_a_plan_whose_conditions_go_in_a_circle_already_can_still_be_edited() -> None:
    start = plan([task("a", guards=(when("b"),)), task("b", guards=(when("a"),)), task("c")])
    assert edited(start, RemoveTaskEdit("c")).replanned
