"""Capabilities that do not fit the tasks that name them."""

from __future__ import annotations

from validation_makers import index_of, plan_of

from genesis_server.model.catalogue import Tool
from genesis_server.model.plan import Plan, Task, TaskOrigin, TaskSource
from genesis_server.model.routing import Target, TargetKind
from genesis_server.model.validation import Finding, FindingKind, Principle, Reallocate, Severity
from genesis_server.validation import misfit
from genesis_server.validation.graph import graph_of_plan
from genesis_server.validation.misfit import misfits
from genesis_server.validation.policy import default_policy

GOAL = "Book a flight to Oslo and water the plants"
INDEX = index_of(
    Tool("book_flight", "Books airline tickets"),
    Tool("water_plants", "Waters plants in the house"),
    Tool("pet_care", "Feeds cats and dogs"),
)


def _judge(plan: Plan) -> list[Finding]:
    return list(misfits(graph_of_plan(plan), GOAL, INDEX, default_policy().solvability))


def test_a_capability_without_a_word_of_task_or_goal_is_told_with_the_nearest() -> None:
    (finding,) = _judge(plan_of([Task("a", "book a flight to Oslo", capability="pet_care")]))
    assert (finding.kind, finding.principle, finding.severity) == (FindingKind.UNFIT_TARGET, Principle.SOLVABILITY, Severity.WARNING)
    assert "'book_flight'" in finding.message
    assert finding.fix == Reallocate("a", Target(TargetKind.TOOL, "book_flight"))


def test_what_fits_the_task_or_the_whole_goal_is_left_alone() -> None:
    fine = [Task("a", "book a flight", capability="book_flight"), Task("b", "confirm the details", capability="book_flight")]
    assert _judge(plan_of(fine)) == []


def test_a_step_of_a_method_is_trusted_to_whoever_wrote_the_method() -> None:
    step = Task("a", "book a flight to Oslo", capability="pet_care", origin=TaskOrigin(TaskSource.METHOD, method_id="journey"))
    assert _judge(plan_of([step])) == []


def test_unknown_capabilities_and_words_nobody_has_are_not_compared() -> None:
    assert _judge(plan_of([Task("a", "book a flight", capability="unheard"), Task("b", "zzz", capability="pet_care")])) == []


def test_large_plans_are_not_compared() -> None:
    tasks = [Task(f"t{number}", "book a flight", capability="pet_care") for number in range(misfit.MAX_TASKS + 1)]
    assert _judge(plan_of(tasks)) == []
