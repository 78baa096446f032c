"""Goals that the tasks do not cover."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace

import pytest
from validation_makers import DATA, errors, index_of, needs_data, plan_of

from genesis_server.model.catalogue import Artefact, Tool
from genesis_server.model.plan import Plan, Requirement, RequirementKind, Task, TaskKind, TaskOrigin, TaskSource
from genesis_server.model.span import Span
from genesis_server.model.validation import AddTask, DropTask, Finding, FindingKind, Redescribe, Severity, SplitTask
from genesis_server.resilience.remembering import remember
from genesis_server.validation import coverage
from genesis_server.validation.completeness import judge_completeness, why_not_judged
from genesis_server.validation.graph import graph_of_plan
from genesis_server.validation.policy import default_policy

GOAL = "Translate the contract into French, book a flight to Oslo for March 3, and order two pizzas."


def _judge(plan: Plan, goal: str = GOAL) -> list[Finding]:
    return list(judge_completeness(graph_of_plan(plan), goal, default_policy().completeness))


def _tasks(*goals: str) -> list[Task]:
    return [Task(f"t{number}", goal) for number, goal in enumerate(goals)]


def test_numbers_beside_other_digits_are_terms_of_their_own() -> None:
    """A small raised digit does not hide the number after it."""
    said = coverage.Coverage(graph_of_plan(plan_of(_tasks("order ²3 pizzas"))), {"²", "3", "²3"})
    assert [said.share([term]) for term in ("²", "3", "²3")] == [1.0, 1.0, 0.0]


def test_without_memory_the_findings_are_the_same() -> None:
    """`performance_optimizations_enabled` is off: the same answers, slower."""
    plan = plan_of(_tasks("translate the contract", "book a flight"))
    kept = _judge(plan)
    remember(False)
    try:
        assert _judge(plan) == kept
    finally:
        remember(True)


def test_tasks_that_say_what_the_goal_says_cover_it() -> None:
    assert _judge(plan_of(_tasks("Translate contract into French", "flights to Oslo, March 3: book one", "ordering of two pizzas"))) == []


def test_an_action_that_is_left_out_is_an_error_with_its_place_in_the_goal() -> None:
    (finding,) = _judge(plan_of(_tasks("translate the contract into French", "book a flight to Oslo for March 3")))
    assert (finding.kind, finding.severity) == (FindingKind.UNCOVERED_ELEMENT, Severity.ERROR)
    (span,) = finding.spans
    assert span.text == GOAL[span.start : span.end] == "order two pizzas"


def test_an_action_in_other_words_is_a_warning_when_there_are_tasks_enough() -> None:
    (finding,) = _judge(plan_of(_tasks("translate the contract into French", "book a flight to Oslo for March 3", "get dinner")))
    assert finding.severity is Severity.WARNING
    assert "in the words of the goal" in finding.message


def test_details_nobody_mentions_are_one_note() -> None:
    (finding,) = _judge(plan_of(_tasks("translate the contract", "book a flight", "order two pizzas")))
    assert finding.severity is Severity.INFO
    assert [span.text for span in finding.spans] == ["French", "Oslo", "March 3"]


def test_details_of_an_action_that_is_left_out_are_not_told_twice() -> None:
    found = _judge(plan_of(_tasks("translate the contract into French", "order two pizzas")))
    assert [finding.spans[0].text for finding in found] == ["book a flight to Oslo for March 3"]


def test_what_a_task_answers_by_its_origin_is_covered_whatever_its_words() -> None:
    origin = TaskOrigin(TaskSource.METHOD, method_id="dinner", spans=(Span(0, len(GOAL), GOAL),))
    assert _judge(plan_of([Task("a", "something else", origin=origin)])) == []


def test_spans_beyond_the_goal_cover_nothing_and_break_nothing() -> None:
    origin = TaskOrigin(TaskSource.CLAUSE, spans=(Span(4_000, 4_010, "x"), Span(5, 5, "")))
    assert errors(_judge(plan_of([Task("a", "something else", origin=origin)])))


def test_acceptance_capability_and_outputs_count_as_words() -> None:
    tasks = [
        Task("a", "", capability="contract_translate", acceptance="it is in French"),
        Task("b", "", capability="book_flight", acceptance="Oslo, 3 March"),
        Task("c", "order", outputs=(Artefact("two_pizzas"),)),
    ]
    assert _judge(plan_of(tasks)) == []


def test_verbs_that_support_another_action_need_no_task() -> None:
    assert _judge(plan_of(_tasks("order pizzas")), "Order pizzas and confirm the delivery address") == []


def test_large_plans_are_read_as_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "MAX_TASKS_ONE_BY_ONE", 1)
    assert _judge(plan_of(_tasks("flight to Oslo", "book 3 of March", "translate contract French", "order 2 pizzas two"))) == []


@pytest.mark.parametrize(("goal", "found"), [("Pay yuan", []), ("Pay 5,000 yuan", []), ("Pay 5,001 yuan", ["5,001"])])
def test_large_plans_say_the_numbers_they_say(goal: str, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the goal has numbers: they are left out of the reading where it has none."""
    monkeypatch.setattr(coverage, "MAX_TASKS_ONE_BY_ONE", 1)
    told = _judge(plan_of(_tasks("pay5000yuan", "step 1")), goal)
    assert [span.text for finding in told for span in finding.spans] == found


def test_numbers_are_compared_without_thousands_separators() -> None:
    assert _judge(plan_of(_tasks("pay 5000 yuan")), "Pay 5,000 yuan") == []
    assert _judge(plan_of(_tasks("pay 500 yuan")), "Pay 5,000 yuan")


def test_why_completeness_cannot_be_judged() -> None:
    minimal = graph_of_plan(plan_of([Task("a", GOAL, origin=TaskOrigin(TaskSource.GOAL))]))
    assert "minimal level" in why_not_judged(minimal, GOAL)
    assert "no goal" in why_not_judged(minimal, " \n")
    assert not why_not_judged(graph_of_plan(plan_of(_tasks("a", "b"))), GOAL)


TOOLS = index_of(
    Tool("translate_text", "Translates texts"), Tool("book_flight", "Books flights"), Tool("order_pizza", "Orders pizzas from a restaurant")
)


def _judge_with_tools(plan: Plan, goal: str = GOAL) -> list[Finding]:
    return list(judge_completeness(graph_of_plan(plan), goal, default_policy().completeness, TOOLS))


def test_what_is_left_out_comes_with_a_task_of_who_offers_it() -> None:
    (finding,) = errors(_judge_with_tools(plan_of(_tasks("translate the contract into French", "book a flight to Oslo for March 3"))))
    assert isinstance(finding.fix, AddTask)
    assert finding.fix.task.capability == "order_pizza"
    assert "'order_pizza'" in finding.message


def test_what_nobody_offers_says_so_and_has_no_fix() -> None:
    goal = "Translate the contract into French and repair the old lawnmower of Mr. Smith"
    (finding,) = errors(_judge_with_tools(plan_of(_tasks("translate the contract into French")), goal))
    assert finding.fix is None
    assert "none of the catalogue fits" in finding.message


def test_an_added_task_waits_for_who_makes_what_it_needs() -> None:
    index = index_of(Tool("order_pizza", "Orders pizzas", inputs=(Artefact("menu"),)))
    tasks = [
        Task("added_1", "translate the contract into French", outputs=(Artefact("menu"),)),
        Task("b", "book a flight to Oslo, March 3"),
    ]
    found = errors(judge_completeness(graph_of_plan(plan_of(tasks)), GOAL, default_policy().completeness, index))
    (fix,) = [finding.fix for finding in found]
    assert isinstance(fix, AddTask)
    assert (fix.task.id, [(edge.from_id, edge.to_id) for edge in fix.edges]) == ("added_2", [("added_1", "added_2")])


def test_a_plan_that_merely_repeats_a_goal_of_several_actions_fails() -> None:
    (finding,) = _judge(plan_of([Task("a", GOAL.lower())]))
    assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.REPEATED_GOAL, Severity.ERROR, ("a",))
    assert isinstance(finding.fix, SplitTask)
    assert len(finding.fix.tasks) == 3


def test_one_task_for_one_action_passes() -> None:
    assert _judge(plan_of([Task("a", "Translate the contract into French")]), "Translate the contract into French") == []


def test_a_task_that_repeats_the_goal_beside_others_can_go_and_covers_nothing() -> None:
    found = _judge(plan_of([Task("a", GOAL), *_tasks("translate the contract into French", "book a flight to Oslo for March 3")]))
    assert [finding.kind for finding in found] == [FindingKind.REPEATED_GOAL, FindingKind.UNCOVERED_ELEMENT]
    assert found[0].fix == DropTask("a")


def test_an_action_that_takes_up_the_one_before_is_no_second_one() -> None:
    """One call of an alarm tool for "adjust … change it to …" is not told to become two."""
    goal = "Adjust the alarm for tonight, then change it to 21:30"
    assert _judge(plan_of([Task("a", goal)]), goal) == []
    both = "Adjust the alarm for tonight, then change the meeting to 21:30"
    assert [finding.kind for finding in _judge(plan_of([Task("a", both)]), both)] == [FindingKind.REPEATED_GOAL]
    unlike = "Write the letter, then send it to Mary"
    assert [finding.kind for finding in _judge(plan_of([Task("a", unlike)]), unlike)] == [FindingKind.REPEATED_GOAL]


def test_a_task_that_alone_answers_an_action_is_not_to_be_dropped() -> None:
    """The booking that says the whole goal stays beside the search that comes before it."""
    whole = Span(0, len(GOAL), GOAL)
    booking = Task("a", GOAL, origin=TaskOrigin(TaskSource.CLAUSE, spans=(whole,)))
    search = Task("b", "look up who delivers", origin=TaskOrigin(TaskSource.CATALOGUE))
    assert FindingKind.REPEATED_GOAL not in {finding.kind for finding in _judge(plan_of([booking, search]))}


def test_a_task_that_is_only_the_goal_itself_beside_others_is_a_repetition() -> None:
    whole = Span(0, len(GOAL), GOAL)
    goal = Task("a", GOAL, origin=TaskOrigin(TaskSource.GOAL, spans=(whole,)))
    found = _judge(plan_of([goal, *_tasks("translate the contract into French")]))
    assert FindingKind.REPEATED_GOAL in {finding.kind for finding in found}


def test_a_task_whose_actions_others_answer_too_is_a_repetition() -> None:
    whole = TaskOrigin(TaskSource.CLAUSE, spans=(Span(0, len(GOAL), GOAL),))
    parts = [replace(task, origin=whole) for task in _tasks("translate the contract into French", "book a flight to Oslo for March 3")]
    found = _judge(plan_of([Task("a", GOAL, origin=whole), *parts]))
    assert [finding.fix for finding in found if finding.kind is FindingKind.REPEATED_GOAL] == [DropTask("a")]


def test_parents_cover_nothing() -> None:
    tasks = [
        Task("top", "order two pizzas", TaskKind.COMPOUND),
        *_tasks("translate the contract into French", "book a flight to Oslo, March 3"),
    ]
    assert errors(_judge(plan_of(tasks)))
    covering = TaskOrigin(TaskSource.METHOD, spans=(Span(0, len(GOAL), GOAL),))
    assert errors(_judge(plan_of([Task("top", "", TaskKind.COMPOUND, origin=covering), *tasks[1:]])))


def test_a_detail_a_task_lost_from_its_clause_can_be_put_back() -> None:
    goal = "Book a flight to Oslo for March 3"
    clause = TaskOrigin(TaskSource.CLAUSE, spans=(Span(0, len(goal), goal),))
    (finding,) = _judge(plan_of([Task("a", "book a flight to Oslo", origin=clause)]), goal)
    assert finding.fix == Redescribe("a", "book a flight to Oslo (March 3)")
    assert _judge(plan_of([Task("a", "book a flight", origin=clause), Task("b", "it leaves March 3", origin=clause)]), goal) == []


def test_constraints_and_things_no_task_mentions_are_told() -> None:
    goal = "Book a hotel near the harbour with at most three guests"
    warning, note = _judge(plan_of([Task("a", "book a hotel")]), goal)
    assert (warning.severity, note.severity) == (Severity.WARNING, Severity.INFO)
    assert {span.text for span in warning.spans} == {"at most three guests"}
    assert {span.text for span in note.spans} == {"harbour", "guests"}


def test_a_detail_is_missed_only_in_plans_that_say_details() -> None:
    """Steps that leave every figure to the arguments of a call are sound; one figure that is left out where others stand is not."""
    goal = "Order 12 chairs and deliver 7 tables"
    (note,) = _judge(plan_of([Task("a", "order chairs"), Task("b", "deliver tables")]), goal)
    assert (note.severity, len(note.spans)) == (Severity.INFO, 2)
    (warning,) = _judge(plan_of([Task("a", "order 12 chairs"), Task("b", "deliver tables")]), goal)
    assert (warning.severity, [span.text for span in warning.spans]) == (Severity.WARNING, ["7"])


def test_the_numbers_of_a_list_are_nothing_to_mention() -> None:
    goal = "1. Order chairs. 2. Deliver tables.\n3) Paint doors"
    tasks = [Task("a", "order chairs"), Task("b", "deliver tables"), Task("c", "paint doors")]
    assert _judge(plan_of(tasks), goal) == []


def test_guards_and_requirements_count_as_words() -> None:
    demand = Requirement(RequirementKind.AT_MOST, "at most three guests")
    task = Task("a", "book a hotel near the harbour", requirements=(demand,))
    assert _judge(plan_of([task]), "Book a hotel near the harbour with at most three guests") == []


@needs_data("ultratool")
def test_gold_plans_are_rarely_rejected_and_dropped_steps_often_found(capsys: pytest.CaptureFixture[str]) -> None:
    """UltraTool's 3 027 gold plans, each intact and with one step dropped at random; figures are printed."""
    draw = random.Random(0)
    count = gold_rejected = mutants_rejected = mutants_told = 0
    for line in (DATA / "ultratool" / "train.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        steps = [re.sub(r"^Step \d+ ", "", step) for step in record["task_steps"]]
        tasks = [
            Task(str(n), step, capability=node["task"]) for n, (step, node) in enumerate(zip(steps, record["task_nodes"], strict=False))
        ]
        if len(tasks) < 2:
            continue
        dropped = draw.randrange(len(tasks))
        gold = _judge(plan_of(tasks), record["user_request"])
        mutant = _judge(plan_of([*tasks[:dropped], *tasks[dropped + 1 :]]), record["user_request"])
        count += 1
        gold_rejected += bool(errors(gold))
        mutants_rejected += bool(errors(mutant))
        mutants_told += {f.message for f in mutant} != {f.message for f in gold}
    with capsys.disabled():
        print(
            f"\ncompleteness on {count} gold plans: {gold_rejected / count:.1%} rejected; "
            f"with a step dropped {mutants_rejected / count:.1%} rejected, {mutants_told / count:.1%} with other findings than intact"
        )
    assert gold_rejected / count <= 0.06
    assert mutants_rejected / count >= 0.30
    assert mutants_told / count >= 0.60
