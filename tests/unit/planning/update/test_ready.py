"""What is ready, what guards exclude, and what would decide them."""

from __future__ import annotations

from dataclasses import replace

from update_cases import after, heading, ids, plan, states, task, when

from genesis_server.model.plan import Guard, GuardOperator, PlanState, TaskState
from genesis_server.model.update import Cancel, Information, Known, TaskDone, UndecidedGuard
from genesis_server.planning.update.ready import settle

BRANCH = plan(
    [
        task("test"),
        heading("release", guards=(when("test", "passed"),)),
        task("build", parent_id="release"),
        task("ship", parent_id="release"),
        task("fix", guards=(when("test", "passed", GuardOperator.IS_FALSE),)),
        task("tell"),
    ],
    ("test", "release"),
    ("test", "fix"),
    ("build", "ship"),
    ("release", "tell"),
    ("fix", "tell"),
)


def test_one_branch_is_taken_the_other_skipped_and_what_follows_both_is_unblocked() -> None:
    passed = after(BRANCH, TaskDone("test", {"passed": True}))
    assert (ids(passed.ready), states(passed.plan)["fix"]) == (["build"], "SKIPPED")
    assert ids(after(passed.plan, TaskDone("build", {}), TaskDone("ship", {}), known=passed.known).ready) == ["tell"]
    failed = after(BRANCH, TaskDone("test", {"passed": False}))
    assert [states(failed.plan)[one] for one in ("release", "build", "ship", "fix")] == ["SKIPPED", "SKIPPED", "SKIPPED", "PENDING"]
    assert ids(failed.ready) == ["fix"]
    assert ids(after(failed.plan, TaskDone("fix", {}), known=failed.known).ready) == ["tell"]


def test_an_undecided_guard_waits_and_says_what_would_decide_it() -> None:
    silent = after(BRANCH, TaskDone("test", {}))
    assert silent.ready == ()
    assert silent.undecided == (
        UndecidedGuard("release", "if test is passed", "passed"),
        UndecidedGuard("fix", "if test is passed", "passed"),
    )
    assert silent.plan.state is PlanState.ACTIVE
    told = after(silent.plan, Information({"passed": "yes"}))
    assert (ids(told.ready), told.undecided, told.replanned) == (["build"], (), False)


def test_nothing_is_asked_of_a_guard_before_its_turn() -> None:
    settled = settle(BRANCH, Known(facts={"passed": False}))
    assert (ids(settled.ready), settled.undecided, settled.plan) == (["test"], (), BRANCH)


def test_a_guard_makes_its_task_wait_although_no_edge_says_so() -> None:
    loose = plan([task("a"), task("b", guards=(when("a"),))])
    assert (ids(settle(loose, Known()).ready), settle(loose, Known()).undecided) == (["a"], ())
    assert ids(after(loose, TaskDone("a", {"ok": True})).ready) == ["b"]


def test_a_guard_on_a_heading_asks_what_was_put_out_below_it() -> None:
    start = plan([heading("h"), task("x", parent_id="h"), task("b", guards=(when("h", "count", GuardOperator.GREATER, "3"),))], ("h", "b"))
    assert ids(after(start, TaskDone("x", {"count": 5})).ready) == ["b"]
    assert states(after(start, TaskDone("x", {"count": 2})).plan)["b"] == "SKIPPED"


def test_a_guard_on_what_was_skipped_is_decided_by_a_fact_or_excludes_its_task() -> None:
    def chain(artefact: str) -> list:
        guard = Guard("b", artefact, GuardOperator.EQUAL, "green", text="if it is green")
        return [task("a"), task("b", guards=(when("a"),)), task("c", guards=(guard,))]

    named = after(plan(chain("light"), ("a", "b"), ("b", "c")), TaskDone("a", {"ok": False}))
    assert [one.artefact for one in named.undecided] == ["light"]
    assert ids(after(named.plan, Information({"light": "green"})).ready) == ["c"]
    unnamed = after(plan(chain(""), ("a", "b"), ("b", "c")), TaskDone("a", {"ok": False}))
    assert (states(unnamed.plan)["c"], unnamed.plan.state) == ("SKIPPED", PlanState.DONE)


def test_a_heading_of_skipped_tasks_is_skipped_and_one_that_has_begun_is_not_asked_again() -> None:
    start = plan([task("a"), heading("h"), task("x", parent_id="h", guards=(when("a"),))], ("a", "h"))
    assert states(after(start, TaskDone("a", {"ok": False})).plan)["h"] == "SKIPPED"
    begun = after(BRANCH, TaskDone("build", {}), TaskDone("test", {"passed": False}))
    assert ids(begun.ready) == ["ship", "fix"]


def test_every_guard_of_a_task_must_hold() -> None:
    start = plan([task("a"), task("b", guards=(when("a", "one"), when("a", "two")))], ("a", "b"))
    assert states(after(start, TaskDone("a", {"one": True, "two": False})).plan)["b"] == "SKIPPED"
    assert [one.artefact for one in after(start, TaskDone("a", {"one": True})).undecided] == ["two"]
    assert states(after(start, TaskDone("a", {"two": False})).plan)["b"] == "SKIPPED"


def test_a_plan_that_has_ended_has_nothing_ready() -> None:
    cancelled = after(BRANCH, Cancel()).plan
    assert settle(cancelled, Known()).ready == ()
    done = replace(BRANCH, tasks=tuple(replace(one, state=TaskState.DONE) for one in BRANCH.tasks))
    assert settle(done, Known()).plan.state is PlanState.DONE
