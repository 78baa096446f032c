"""How a plan that is carried out is drawn: the live tree, lines for logs, tables, bars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_samples import NOW, attempt, drawn

from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis.v1 import plan_pb2, update_pb2, work_pb2
from genesis_server.cli.picture import RunPicture, counts
from genesis_server.cli.show.balance import bar_parts, exhausted
from genesis_server.cli.show.run_lines import change_lines
from genesis_server.cli.show.run_tree import run_view
from genesis_server.cli.show.standing import WAITS, cost, standing, why


def _change(version: int = 1, **fields: object) -> update_pb2.WatchPlanResponse:
    change = update_pb2.WatchPlanResponse(version=version, state=plan_pb2.PLAN_STATE_ACTIVE, **fields)  # type: ignore[arg-type]
    change.time.FromSeconds(1_700_000_000)
    return change


def _lines(before: RunPicture, change: update_pb2.WatchPlanResponse) -> list[str]:
    return [line.plain for line in change_lines(before, before.after(change), change, NOW)]


def test_the_live_tree_tells_of_each_task_who_how_far_and_why(stored: pb2.GetPlanResponse) -> None:
    """And the budget below it."""
    text = drawn(run_view(RunPicture.of(stored), NOW), width=160)
    for words in (
        "Release the billing feature",
        "plan_1 · version 1 · active · 4 tasks: 1 done, 1 running, 1 waiting, 1 failed",
        "✓ 1.1 Write the code · quick → steady · 2 attempts · 0.02 USD",
        "▶ 1.2 Test the code · quick · 5 s · 40 % testing",
        "◌ 2.1 Deploy · for steady · steady does 2 of 2 tasks",
        "✗ 2.2 Tell the customers · quick · given up: all 3 attempts failed · 0.01 USD",
        "0.03 USD of 0.25 USD, 0.01 USD set aside",
        "3 attempts, 1 under way · no limit",
        "10 s of 10 min",
    ):
        assert words in text, text


def test_a_tree_that_does_not_fit_folds_what_has_ended_and_counts_the_rest(stored: pb2.GetPlanResponse) -> None:
    """What is under way stays in sight."""
    for task in stored.plan.tasks:
        if task.id in {"a", "b"}:
            task.state = plan_pb2.TASK_STATE_DONE
    stored.runs[1].attempts[-1].outcome = work_pb2.ATTEMPT_OUTCOME_DONE
    text = drawn(run_view(RunPicture.of(stored), NOW, max_lines=9))
    assert "1 Build it · 2 tasks" in text
    assert "1.1 Write" not in text
    assert "2.1 Deploy" in text
    assert len(text.splitlines()) <= 9
    short = drawn(run_view(RunPicture.of(stored), NOW, max_lines=7))
    assert "… and 3 more lines: 1 waiting, 1 failed" in short
    assert len(short.splitlines()) <= 7


@given(st.integers(2, 30), st.integers(0, 30), st.integers(7, 40))
def test_the_live_tree_never_takes_more_room_than_there_is(tasks: int, done: int, room: int) -> None:
    """A terminal would scroll, and leave pieces behind."""
    plan = plan_pb2.Plan(id="p", goal="Do it", tasks=[plan_pb2.Task(id=str(n), goal="x" * 200) for n in range(tasks)])
    for number in range(1, tasks):
        plan.tasks[number].parent_id = str((number - 1) // 3)
        plan.tasks[number].state = plan_pb2.TASK_STATE_DONE if number <= done else plan_pb2.TASK_STATE_PENDING
    text = drawn(run_view(RunPicture.of(pb2.GetPlanResponse(plan=plan)), NOW, max_lines=room), width=80)
    assert len(text.splitlines()) <= room


def test_where_there_is_no_room_for_all_what_is_worked_on_stays() -> None:
    """With its heading; what has ended goes first, and is counted."""
    plan = plan_pb2.Plan(id="p", goal="Do it", tasks=[plan_pb2.Task(id=str(n), goal=f"Part {n}") for n in range(300)])
    for task in plan.tasks[:280]:
        task.state = plan_pb2.TASK_STATE_DONE
    plan.tasks.add(id="heading", goal="The rest")
    for task in plan.tasks[290:300]:
        task.parent_id = "heading"
    run = work_pb2.TaskRun(task_id="295")
    attempt(run, "steady", work_pb2.ATTEMPT_OUTCOME_RUNNING, begin=6)
    picture = RunPicture.of(pb2.GetPlanResponse(plan=plan, runs=[run]))
    text = drawn(run_view(picture, NOW, max_lines=9))
    assert "Part 295" in text
    assert "The rest" in text
    assert "Part 280" in text
    assert "Part 0" not in text
    assert "280 done" in text.partition("more lines: ")[2]


def test_each_event_is_a_line(stored: pb2.GetPlanResponse) -> None:
    """Handed out, tells its progress, ended, waits, given up: with the task's number."""
    before = RunPicture.of(stored)
    b, c = stored.runs[1], work_pb2.TaskRun(task_id="c")
    after = work_pb2.TaskRun()
    after.CopyFrom(b)
    after.attempts[0].outcome, after.attempts[0].error = work_pb2.ATTEMPT_OUTCOME_TIMED_OUT, "10 s are over"
    after.waiting_for = work_pb2.WAITING_FOR_RETRY
    running = attempt(c, "steady", work_pb2.ATTEMPT_OUTCOME_RUNNING, begin=6)
    running.progress, running.progress_message = 0.25, "unpacking"
    assert _lines(before, _change(runs=[after, c])) == [
        "22:13:20 1.2 Test the code timed out by quick: 10 s are over",
        f"22:13:20 1.2 Test the code waits: {WAITS[work_pb2.WAITING_FOR_RETRY]}",
        "22:13:20 2.1 Deploy goes to steady",
        "22:13:20 2.1 Deploy 25 % unpacking",
    ]
    then = before.after(_change(runs=[after, c]))
    attempt(after, "steady", work_pb2.ATTEMPT_OUTCOME_DONE, begin=7, end=8, cents=3)
    after.waiting_for = work_pb2.WAITING_FOR_UNSPECIFIED
    c.dead_letter = "no agent is left"
    assert _lines(then, _change(runs=[after, c])) == [
        "22:13:20 1.2 Test the code goes to steady, attempt 2",
        "22:13:20 1.2 Test the code done by steady, 0.03 USD",
        "22:13:20 2.1 Deploy is given up: no agent is left",
    ]
    assert _lines(then, _change()) == []
    untimed = update_pb2.WatchPlanResponse(
        version=1, state=plan_pb2.PLAN_STATE_ACTIVE, runs=[work_pb2.TaskRun(task_id="x", dead_letter="no")]
    )
    assert _lines(then, untimed) == ["22:13:30 x is given up: no"]


def test_a_new_version_tells_what_came_went_waits_for_people_and_ended(stored: pb2.GetPlanResponse) -> None:
    """And that the budget is exhausted, once."""
    before = RunPicture.of(stored)
    change = _change(2)
    change.state = plan_pb2.PLAN_STATE_FAILED
    change.diff.added_tasks.add(id="e", goal="Call them", parent_id="h2")
    change.diff.removed_task_ids.append("b")
    change.diff.changed_tasks.add(id="c", goal="Deploy", parent_id="h2", state=plan_pb2.TASK_STATE_AWAITING_APPROVAL)
    change.balance.exhausted.append("cost")
    lines = _lines(before, change)
    assert lines == [
        "22:13:20 2.3 Call them came into the plan",
        "22:13:20 1.2 Test the code went out of the plan",
        "22:13:20 2.1 Deploy awaits approval",
        "22:13:20 the budget is exhausted: cost",
        "22:13:20 the plan is failed",
    ]
    assert _lines(before.after(change), change) == []


def test_a_change_that_is_known_changes_nothing_but_the_work(stored: pb2.GetPlanResponse) -> None:
    """A stream that is taken up again tells some of it twice."""
    before = RunPicture.of(stored)
    old = _change(1, runs=[work_pb2.TaskRun(task_id="c", dead_letter="gone")])
    old.diff.removed_task_ids.append("a")
    after = before.after(old)
    assert after.plan == before.plan
    assert after.runs["c"].dead_letter == "gone"
    assert after.balance == before.balance


def test_edges_that_come_and_go_move_with_the_plan(stored: pb2.GetPlanResponse) -> None:
    """So that the tree stays right."""
    change = _change(2)
    change.diff.removed_edges.add(from_task_id="a", to_task_id="b")
    change.diff.added_edges.add(from_task_id="c", to_task_id="d")
    plan = RunPicture.of(stored).after(change).plan
    assert {(edge.from_task_id, edge.to_task_id) for edge in plan.edges} == {("h1", "h2"), ("c", "d")}
    assert (plan.version, plan.goal, plan.id) == (2, stored.plan.goal, "plan_1")


def test_a_plan_moves_while_a_task_runs_or_waits_for_its_time(stored: pb2.GetPlanResponse) -> None:
    """Waiting for an agent is no moving."""
    assert RunPicture.of(stored).moving()
    stored.runs[1].attempts[-1].outcome = work_pb2.ATTEMPT_OUTCOME_LOST
    assert not RunPicture.of(stored).moving()
    stored.runs[2].waiting_for = work_pb2.WAITING_FOR_RETRY
    assert RunPicture.of(stored).moving()


@pytest.mark.parametrize(
    ("state", "run", "word", "reason"),
    [
        (plan_pb2.TASK_STATE_PENDING, None, "pending", ""),
        (plan_pb2.TASK_STATE_SKIPPED, None, "skipped", ""),
        (plan_pb2.TASK_STATE_CANCELLED, None, "cancelled", ""),
        (plan_pb2.TASK_STATE_AWAITING_APPROVAL, None, "awaiting approval", "somebody has to approve it"),
        (
            plan_pb2.TASK_STATE_AWAITING_APPROVAL,
            work_pb2.TaskRun(waiting_for=work_pb2.WAITING_FOR_APPROVAL, waiting_message="Ada has to look at it"),
            "awaiting approval",
            "Ada has to look at it",
        ),
        (plan_pb2.TASK_STATE_PENDING, work_pb2.TaskRun(waiting_for=work_pb2.WAITING_FOR_AGENT), "waiting", "no live agent can do it"),
        (plan_pb2.TASK_STATE_PENDING, work_pb2.TaskRun(waiting_for=9), "waiting", "9"),  # type: ignore[arg-type]
    ],
)
def test_a_task_has_one_standing(state: plan_pb2.TaskState, run: work_pb2.TaskRun | None, word: str, reason: str) -> None:
    """With words of its own where the server has none; what a newer server says is shown as it is."""
    task = plan_pb2.Task(id="t", state=state)
    assert standing(task, run).word == word
    assert why(task, run) == reason


def test_costs_of_attempts_are_added_each_currency_for_itself() -> None:
    """Nothing is converted."""
    run = work_pb2.TaskRun()
    for cents in (60, 70):
        attempt(run, "x", work_pb2.ATTEMPT_OUTCOME_DONE, begin=0, end=1, cents=cents)
    assert cost(run) == "1.30 USD"
    run.attempts[1].usage.cost.currency_code = "EUR"
    assert cost(run) == "0.60 USD + 0.70 EUR"
    assert cost(None) == ""


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(0, 1e12))
def test_bars_are_never_longer_than_they_may_be(spent: float, reserved: float, limit: float) -> None:
    """And a use that there is can be seen."""
    used, aside = bar_parts(spent, reserved, limit)
    assert 0 <= used <= 24
    assert 0 <= aside <= 24 - used
    assert not spent or used


def test_what_is_exhausted_is_said_in_words() -> None:
    """Joined as one says it."""
    assert exhausted(work_pb2.RunBalance(exhausted=["cost", "time"])) == "cost and time"
    assert counts(["failed", "done", "done"]) == "2 done, 1 failed"
