"""Events of plans: what is ready, what counts as an update, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from update_cases import REPLAN, after, heading, ids, plan, settling, states, task, when

from genesis_server.model.plan import MAX_UPDATES_PER_PLAN, PlanCounters, PlanState, TaskState
from genesis_server.model.update import (
    AddTaskEdit,
    Cancel,
    Information,
    Known,
    Pause,
    PlanDiff,
    RemoveEdgeEdit,
    Resume,
    TaskDone,
    TaskFailed,
    UserEdit,
)
from genesis_server.planning.update.apply import update
from genesis_server.planning.update.ready import settle
from genesis_server.planning.update.values import MAX_KNOWN_BYTES, MAX_VALUES_BYTES
from genesis_server.resilience.errors import GenesisError


def refused(start, event, reason: str, known: Known | None = None) -> GenesisError:
    with pytest.raises(GenesisError) as caught:
        update(start, event, known=known or Known(), replan=REPLAN)
    assert caught.value.reason == reason
    return caught.value


def test_a_plan_can_be_driven_from_its_first_task_to_its_end_by_what_is_ready() -> None:
    current, known = settling(), Known()
    order: list[str] = []
    ready = settle(current, known).ready
    while ready:
        order.append(ready[0].id)
        updated = update(current, TaskDone(ready[0].id, {}), known=known, replan=REPLAN)
        current, known, ready = updated.plan, updated.known, updated.ready
    assert order == ["settle.scan", "settle.read", "settle.pay", "settle.thank", "file"]
    assert current.state is PlanState.DONE
    assert (current.version, current.counters.updates) == (6, 0)


def test_done_names_what_became_ready_and_nothing_else_changes() -> None:
    updated = after(settling(), TaskDone("settle.scan", {"invoice_scan": "s3://x"}))
    assert ids(updated.ready) == ["settle.read", "settle.thank"]
    assert (ids(updated.diff.changed_tasks), updated.diff.added_tasks, updated.diff.removed_task_ids) == (["settle.scan"], (), ())
    assert (updated.diff.added_edges, updated.diff.removed_edges, updated.diff.state) == ((), (), PlanState.UNSPECIFIED)
    assert (updated.replanned, updated.note) == (False, "settle.scan is done")
    assert updated.known.outputs == {"settle.scan": {"invoice_scan": "s3://x"}}


def test_a_heading_ends_with_its_last_task_and_opens_what_waits_for_it() -> None:
    updated = after(settling(done=["scan", "read", "pay"]), TaskDone("settle.thank", {}))
    assert ids(updated.diff.changed_tasks) == ["settle", "settle.thank"]
    assert ids(updated.ready) == ["file"]


def test_done_told_again_makes_no_version_and_with_other_outputs_it_is_refused() -> None:
    once = after(settling(), TaskDone("settle.scan", {"a": 1}))
    again = update(once.plan, TaskDone("settle.scan", {"a": 1}), known=once.known, replan=REPLAN)
    assert (again.is_new, again.plan, again.diff, ids(again.ready)) == (False, once.plan, PlanDiff(), ids(once.ready))
    for other in (2, True, 1.5, "1", None):
        assert refused(once.plan, TaskDone("settle.scan", {"a": other}), "TASK_ENDED", once.known).facts["state"] == "DONE"


def test_the_last_done_told_again_is_no_error_although_the_plan_has_ended() -> None:
    once = after(plan([task("a")]), TaskDone("a", {}))
    assert once.plan.state is PlanState.DONE
    assert not update(once.plan, TaskDone("a", {}), known=once.known, replan=REPLAN).is_new


def test_what_was_done_ahead_of_its_turn_is_accepted() -> None:
    updated = after(settling(), TaskDone("file", {}))
    assert states(updated.plan)["file"] == "DONE"


def test_a_heading_with_tasks_is_not_done_by_itself() -> None:
    assert "heading" in refused(settling(), TaskDone("settle", {}), "INVALID_FIELD").message
    empty = plan([heading("h"), task("a")], ("a", "h"))
    assert states(after(empty, TaskDone("h", {})).plan)["h"] == "DONE"
    assert after(empty, TaskDone("a", {})).plan.state is PlanState.DONE


def test_nothing_is_ready_while_paused_and_work_under_way_may_still_end() -> None:
    paused = after(settling(), Pause())
    assert (paused.plan.state, paused.ready, paused.diff.state) == (PlanState.PAUSED, (), PlanState.PAUSED)
    assert after(paused.plan, TaskDone("settle.scan", {})).ready == ()
    resumed = after(paused.plan, TaskDone("settle.scan", {}), Resume())
    assert ids(resumed.ready) == ["settle.read", "settle.thank"]
    assert (resumed.plan.version, resumed.plan.counters.updates) == (4, 0)


def test_a_plan_whose_last_task_ends_while_paused_is_done() -> None:
    assert after(plan([task("a")]), Pause(), TaskDone("a", {})).plan.state is PlanState.DONE


def test_cancel_ends_what_has_not_ended_and_then_nothing_is_taken_any_more() -> None:
    cancelled = after(settling(done=["scan"]), Cancel())
    assert set(states(cancelled.plan).values()) == {"DONE", "CANCELLED"}
    assert (cancelled.plan.state, cancelled.ready, cancelled.plan.counters.updates) == (PlanState.CANCELLED, (), 0)
    for event in (Cancel(), Resume(), TaskDone("file", {}), TaskFailed("file", ""), Information({"a": 1})):
        assert refused(cancelled.plan, event, "PLAN_ENDED").facts == {"plan_id": "p1", "state": "CANCELLED"}


def test_unknown_tasks_are_named() -> None:
    for event in (TaskDone("x", {}), TaskFailed("x", ""), Information({}, ("x",), "text"), UserEdit((RemoveEdgeEdit("x", "file"),))):
        assert refused(settling(), event, "TASK_NOT_FOUND").facts == {"plan_id": "p1", "task_id": "x"}


def test_values_that_are_too_large_are_refused_with_what_to_do() -> None:
    large = {"a": "x" * MAX_VALUES_BYTES}
    assert "URI" in refused(settling(), TaskDone("file", large), "INVALID_FIELD").message
    assert "URI" in refused(settling(), Information(large), "INVALID_FIELD").message
    full = Known({"other": {"a": "x" * MAX_KNOWN_BYTES}})
    assert "URI" in refused(settling(), TaskDone("file", {"a": 1}), "INVALID_FIELD", full).message
    assert update(settling(), TaskDone("file", {}), known=full, replan=REPLAN).is_new


def test_the_eleventh_update_is_refused_and_what_does_not_re_plan_is_not() -> None:
    spent = replace(settling(), counters=PlanCounters(6, MAX_UPDATES_PER_PLAN))
    for event in (Information({}, ("file",), "file it on paper"), UserEdit((AddTaskEdit(task("n")),))):
        assert refused(spent, event, "UPDATE_LIMIT").facts == {"counted": "updates", "limit": "10"}
    for event in (TaskDone("file", {}), Information({"a": 1}), Pause(), Resume(), Cancel()):
        assert after(spent, event).plan.counters.updates == MAX_UPDATES_PER_PLAN


@pytest.mark.parametrize(
    ("counters", "limit"),
    [
        (PlanCounters(6, MAX_UPDATES_PER_PLAN), "a plan is re-planned at most 10 times"),
        (PlanCounters(1000, 0), "a plan has at most 1000 tasks in its lifetime"),
    ],
)
def test_a_failure_only_a_repair_beyond_the_limits_would_mend_ends_what_needs_it(counters: PlanCounters, limit: str) -> None:
    failed = after(replace(settling(), counters=counters), TaskFailed("settle.scan", "jam"))
    assert (failed.plan.state, failed.replanned, failed.plan.counters) == (PlanState.ACTIVE, False, counters)
    why = "needs settle.scan, which failed"
    assert [(one.id, one.state, one.error) for one in failed.diff.changed_tasks] == [
        ("settle.scan", TaskState.FAILED, "jam"),
        *((one, TaskState.CANCELLED, why) for one in ("settle.read", "settle.pay", "file")),
    ]
    lost = "settle.read, settle.pay, file cancelled for want of what failed"
    assert failed.note == f"settle.scan failed; it is not repaired, for {limit}; {lost}"
    assert ids(failed.ready) == ["settle.thank"]


def test_a_failure_nothing_can_repair_does_not_count_even_when_updates_are_spent() -> None:
    spent = replace(plan([task("a", goal="zzz")]), counters=PlanCounters(1, MAX_UPDATES_PER_PLAN))
    failed = after(spent, TaskFailed("a", "no"))
    assert (failed.plan.state, failed.replanned) == (PlanState.FAILED, False)


def test_the_twenty_first_new_task_of_an_event_is_refused() -> None:
    def edits(count: int) -> UserEdit:
        return UserEdit(tuple(AddTaskEdit(task(f"n{number}")) for number in range(count)))

    assert refused(settling(), edits(21), "UPDATE_LIMIT").facts == {"counted": "new_tasks", "limit": "20"}
    updated = after(settling(), edits(20))
    assert (updated.plan.counters.tasks_created, updated.plan.counters.updates) == (26, 1)


def test_the_thousand_and_first_task_of_a_lifetime_is_refused() -> None:
    old = replace(settling(), counters=PlanCounters(1000, 0))
    assert refused(old, UserEdit((AddTaskEdit(task("n")),)), "UPDATE_LIMIT").facts == {"counted": "tasks", "limit": "1000"}


def test_a_failure_told_again_changes_nothing() -> None:
    once = after(settling(), TaskFailed("settle.scan", "jam"))
    assert not update(once.plan, TaskFailed("settle.scan", "jam"), known=once.known, replan=REPLAN).is_new
    refused(once.plan, TaskFailed("settle.scan", "another story"), "TASK_ENDED")
    refused(once.plan, TaskDone("settle.scan", {}), "TASK_ENDED")


def test_what_guards_skip_is_said() -> None:
    start = plan([task("a"), *(task(f"b{n}", guards=(when("a"),)) for n in range(7))], *(("a", f"b{n}") for n in range(7)))
    updated = after(start, TaskDone("a", {"ok": False}))
    assert updated.note == "a is done; b0, b1, b2, b3, b4 and 2 more skipped by a condition; the plan is done"
    assert updated.diff.state is PlanState.DONE
    assert {one.state for one in updated.plan.tasks} == {TaskState.DONE, TaskState.SKIPPED}
