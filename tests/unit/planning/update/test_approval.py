"""Tasks that somebody has to approve before they are done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from update_cases import AGENTS, INDEX, METHODS, REPLAN, after, heading, ids, plan, settling, states, task, when

from genesis_server.model.plan import Plan, PlanState, RetryPolicy, Task, TaskState
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Approve,
    ChangeTaskEdit,
    Edge,
    Information,
    Known,
    Pause,
    PlanEvent,
    RemoveEdgeEdit,
    Resume,
    TaskDone,
    TaskFailed,
    UserEdit,
)
from genesis_server.model.work import ArtefactReference
from genesis_server.planning.methods import MethodLibrary
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.apply import update
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError

NO_METHODS = Replan(INDEX, MethodLibrary((), "none"), targets={"t": AGENTS[0].id}, capabilities={"t": "translate"})


def asking(**more: object) -> Plan:
    """A text is written, then translated when somebody approved it, then filed."""
    start = plan([task("a"), task("t", goal="translate a text", needs_approval=True, **more), task("z")], ("a", "t"), ("t", "z"))
    tasks = tuple([replace(one, capability="translate") if one.id == "t" else one for one in start.tasks])
    return replace(start, tasks=tasks)


def the(task_id: str, of: Plan) -> Task:
    return next(one for one in of.tasks if one.id == task_id)


def refused(start: Plan, event: PlanEvent, reason: str, known: Known | None = None) -> GenesisError:
    with pytest.raises(GenesisError) as caught:
        update(start, event, known=known or Known(), replan=REPLAN)
    assert caught.value.reason == reason
    return caught.value


def test_a_task_awaits_its_approval_when_it_could_be_worked_on_and_is_ready_when_it_has_it() -> None:
    waiting = after(asking(), TaskDone("a", {}))
    assert (states(waiting.plan)["t"], waiting.ready, waiting.plan.state) == ("AWAITING_APPROVAL", (), PlanState.ACTIVE)
    assert ids(waiting.diff.changed_tasks) == ["a", "t"]
    approved = after(waiting.plan, Approve("t", "ann"))
    assert (states(approved.plan)["t"], the("t", approved.plan).approved_by, ids(approved.ready)) == ("PENDING", "ann", ["t"])
    assert (approved.replanned, approved.note) == (False, "t was approved by ann")
    assert after(waiting.plan, Approve("t", "ann", comment="the list is right")).note == "t was approved by ann: the list is right"
    assert states(after(approved.plan, TaskDone("t", {})).plan)["t"] == "DONE"


def test_only_what_awaits_approval_is_approved_and_only_once() -> None:
    assert refused(asking(), Approve("t", "ann"), "NOT_AWAITING_APPROVAL").facts == {"task_id": "t", "state": "PENDING"}
    approved = after(asking(), TaskDone("a", {}), Approve("t", "ann")).plan
    assert "ann approved it already" in refused(approved, Approve("t", "bob"), "NOT_AWAITING_APPROVAL").message
    refused(approved, Approve("a", "ann"), "NOT_AWAITING_APPROVAL")
    refused(approved, Approve("nobody", "ann"), "TASK_NOT_FOUND")


def test_work_told_of_without_its_approval_is_refused() -> None:
    waiting = after(asking(), TaskDone("a", {})).plan
    for start in (asking(), waiting):
        assert "approved first" in refused(start, TaskDone("t", {}), "NOT_APPROVED").message
    assert refused(waiting, TaskDone("t", {}), "NOT_APPROVED").facts == {"task_id": "t", "state": "AWAITING_APPROVAL"}
    below = plan([heading("h", needs_approval=True), task("x", parent_id="h")])
    assert "'h' needs an approval" in refused(below, TaskDone("x", {}), "NOT_APPROVED").message


def test_nothing_below_a_heading_begins_before_it_is_approved() -> None:
    start = plan([heading("h", needs_approval=True), task("x", parent_id="h"), task("y")])
    waiting = after(start, TaskDone("y", {}))
    assert (waiting.ready, states(waiting.plan)) == ((), {"h": "AWAITING_APPROVAL", "x": "PENDING", "y": "DONE"})
    approved = after(waiting.plan, Approve("h", "ann"))
    assert ids(approved.ready) == ["x"]
    assert after(approved.plan, TaskDone("x", {})).plan.state is PlanState.DONE


def test_what_cannot_be_worked_on_any_more_awaits_nothing() -> None:
    start = plan([task("t", needs_approval=True), task("late")])
    waiting = settle(start, Known()).plan
    assert states(waiting)["t"] == "AWAITING_APPROVAL"
    behind = after(waiting, UserEdit((AddEdgeEdit(Edge("late", "t")),)))
    assert states(behind.plan)["t"] == "PENDING"
    assert states(after(behind.plan, UserEdit((RemoveEdgeEdit("late", "t"),))).plan)["t"] == "AWAITING_APPROVAL"
    free = after(waiting, UserEdit((ChangeTaskEdit(replace(the("t", waiting), needs_approval=False)),)))
    assert ids(free.ready) == ["t", "late"]


def test_pausing_changes_nothing_about_who_awaits_approval() -> None:
    paused = after(asking(), Pause(), TaskDone("a", {}))
    assert states(paused.plan)["t"] == "AWAITING_APPROVAL"
    approved = after(paused.plan, Approve("t", "ann"))
    assert (approved.ready, approved.plan.state) == ((), PlanState.PAUSED)
    assert ids(after(approved.plan, Resume()).ready) == ["t"]


def test_a_condition_is_asked_before_anybody_is() -> None:
    start = plan([task("a"), task("t", needs_approval=True, guards=(when("a"),))], ("a", "t"))
    assert states(after(start, TaskDone("a", {"ok": False})).plan)["t"] == "SKIPPED"
    undecided = after(start, TaskDone("a", {}))
    assert (states(undecided.plan)["t"], len(undecided.undecided)) == ("PENDING", 1)
    assert states(after(undecided.plan, Information({"ok": True})).plan)["t"] == "AWAITING_APPROVAL"


def test_a_refusal_is_a_failure_and_the_same_work_by_somebody_else_is_no_repair() -> None:
    waiting = after(asking(), TaskDone("a", {}), replan=NO_METHODS).plan
    refusal = after(waiting, Approve("t", "ann", refused=True, comment="not now"), replan=NO_METHODS)
    assert (the("t", refusal.plan).state, the("t", refusal.plan).error) == (TaskState.FAILED, "refused by ann: not now")
    assert refusal.plan.state is PlanState.FAILED
    nobody = "nobody else can do it, and no other method fits"
    assert refusal.note == f"t was refused; {nobody}; z cancelled for want of what failed; the plan is failed"
    silent = after(waiting, Approve("t", "ann", refused=True), replan=NO_METHODS)
    assert the("t", silent.plan).error == "refused by ann"
    refused(refusal.plan, Approve("t", "ann", refused=True), "PLAN_ENDED")


def test_nobody_is_asked_about_what_needs_a_failure_and_about_everything_else_somebody_is() -> None:
    start = plan([task("t", needs_approval=True), task("x", goal="zzz"), task("y", needs_approval=True)], ("x", "y"))
    assert states(after(start, TaskFailed("x", "no")).plan) == {"t": "AWAITING_APPROVAL", "x": "FAILED", "y": "CANCELLED"}


def test_nobody_is_asked_in_a_stored_plan_that_has_ended() -> None:
    ended = plan([task("t", needs_approval=True, state=TaskState.AWAITING_APPROVAL)], state=PlanState.FAILED)
    assert states(settle(ended, Known()).plan) == {"t": "PENDING"}


def test_the_same_work_by_somebody_else_keeps_approval_retry_and_time() -> None:
    start = asking(retry=RetryPolicy(5), timeout_seconds=7.0)
    failed = after(start, TaskDone("a", {}), Approve("t", "ann"), TaskFailed("t", "jam"), replan=NO_METHODS)
    [new] = failed.diff.added_tasks
    assert (new.id, new.needs_approval, new.approved_by, ids(failed.ready)) == ("t~2", True, "ann", ["t~2"])
    assert (new.retry, new.timeout_seconds, new.error) == (RetryPolicy(5), 7.0, "")
    assert the("t", failed.plan).error == "jam"


def test_another_way_to_do_it_is_approved_anew() -> None:
    tasks = tuple([replace(one, needs_approval=one.id == "settle.scan") for one in settling().tasks])
    start = after(replace(settling(), tasks=tasks), Information({})).plan
    failed = after(start, Approve("settle.scan", "ann"), TaskFailed("settle.scan", "jam"), replan=Replan(INDEX, METHODS))
    new = [one for one in failed.diff.added_tasks if one.kind.name == "PRIMITIVE"]
    assert new
    assert all(one.needs_approval and not one.approved_by for one in new)
    assert failed.ready == () or all(not one.needs_approval for one in failed.ready)


def test_an_approval_holds_for_the_words_and_the_capability_it_was_given_to() -> None:
    approved = after(asking(), TaskDone("a", {}), Approve("t", "ann")).plan
    old = the("t", approved)
    kept = after(approved, UserEdit((ChangeTaskEdit(replace(old, approved_by="eve", retry=RetryPolicy(9), timeout_seconds=3.0)),)))
    assert (the("t", kept.plan).approved_by, the("t", kept.plan).retry, the("t", kept.plan).timeout_seconds) == ("ann", RetryPolicy(9), 3.0)
    for changed in (replace(old, goal="other"), replace(old, capability="other")):
        edited = after(approved, UserEdit((ChangeTaskEdit(changed),)))
        assert (the("t", edited.plan).approved_by, states(edited.plan)["t"]) == ("", "AWAITING_APPROVAL")
    reworded = after(approved, Information({}, ("t",), "xyzzy"))
    assert states(reworded.plan)["t"] == "AWAITING_APPROVAL"


def test_an_edit_approves_nothing() -> None:
    new = task("n", needs_approval=True, approved_by="eve", retry=RetryPolicy(2), timeout_seconds=1.0)
    added = the("n", after(asking(), UserEdit((AddTaskEdit(new),))).plan)
    assert (added.state, added.approved_by, added.retry, added.timeout_seconds) == (
        TaskState.AWAITING_APPROVAL,
        "",
        RetryPolicy(2),
        1.0,
    )


def test_a_task_that_is_said_again_as_it_awaits_approval_is_no_update() -> None:
    waiting = after(asking(), TaskDone("a", {})).plan
    assert not after(waiting, UserEdit((ChangeTaskEdit(the("t", waiting)),))).replanned


def test_a_task_of_which_nothing_is_said_is_refused() -> None:
    for edit in (AddTaskEdit(replace(task("n"), goal=" ")), ChangeTaskEdit(replace(the("a", asking()), goal=""))):
        assert "give it a goal" in refused(asking(), UserEdit((edit,)), "INVALID_EDIT").message


def test_references_are_kept_and_compared() -> None:
    reference = ArtefactReference("s3://x", "0" * 64, "text/plain")
    once = after(plan([task("a"), task("b")]), TaskDone("a", {"n": 1}, {"scan": reference}))
    assert (once.known.outputs, once.known.references) == ({"a": {"n": 1}}, {"a": {"scan": reference}})
    assert not after(once.plan, TaskDone("a", {"n": 1}, {"scan": reference}), known=once.known).is_new
    for other in ({}, {"scan": replace(reference, sha256="1" * 64)}):
        refused(once.plan, TaskDone("a", {"n": 1}, other), "TASK_ENDED", once.known)
    kept = after(once.plan, TaskDone("b", {}, {"more": reference}), known=once.known).known
    assert set(kept.references) == {"a", "b"}
    assert after(once.plan, Information({"f": 1}), known=once.known).known.references == once.known.references
