"""Who can do what."""

from __future__ import annotations

import pytest
from validation_makers import index_of, plan_of, skill

from genesis_server.model.catalogue import AgentCard, Artefact, Tool
from genesis_server.model.plan import Task, TaskKind
from genesis_server.model.validation import Finding, FindingKind, Severity
from genesis_server.routing.policy import default_policy as default_routing_policy
from genesis_server.validation import solvability
from genesis_server.validation.graph import graph_of_plan
from genesis_server.validation.judge import judge_plan
from genesis_server.validation.policy import default_policy
from genesis_server.validation.solvability import Solvability, below

INDEX = index_of(
    AgentCard("writer", (skill("write.report", "writes reports and summaries about findings"),)),
    Tool("book_flight", "books a flight from one city to another"),
)


def _findings(*tasks: Task) -> list[Finding]:
    return list(Solvability(graph_of_plan(plan_of(tasks)), INDEX, default_policy().solvability.text_threshold).findings())


def test_a_task_is_solvable_by_its_capability_or_by_its_words() -> None:
    assert _findings(Task("a", "anything at all", capability="write.report"), Task("b", "book a flight from Rome to Oslo")) == []


def test_a_task_nobody_can_do_is_an_error_with_who_comes_nearest() -> None:
    shared = "walk the dogs round the lake, feed the cats, water the plants and report to the neighbours what happened"
    none, near = _findings(Task("a", "peel potatoes", capability="cook"), Task("b", shared))
    assert (none.kind, none.severity, none.task_ids) == (FindingKind.UNSOLVABLE_TASK, Severity.ERROR, ("a",))
    assert "'cook'" in none.message
    assert "none shares a word" in none.message
    assert "'write.report' of 'writer', similar by 0." in near.message


def test_an_unknown_capability_whose_words_help_is_a_warning() -> None:
    (finding,) = _findings(Task("a", "book a flight from Rome to Oslo", capability="bok_flight"))
    assert finding.severity is Severity.WARNING
    assert "'book_flight' of 'book_flight' would do" in finding.message


def test_headings_need_nobody() -> None:
    assert _findings(Task("a", "peel potatoes", TaskKind.COMPOUND)) == []


def test_the_words_of_too_many_tasks_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solvability, "MAX_TASKS_BY_WORDS", 1)
    tasks = [Task("a", "peel"), Task("b", "boil"), Task("c", "", capability="write.report")]
    check = Solvability(graph_of_plan(plan_of(tasks)), INDEX, 0.15)
    assert check.too_many
    assert list(check.findings()) == []
    assert check.undoable == {0, 1}


def test_the_validator_and_the_router_draw_the_same_line() -> None:
    """Else a task the router gives away could be called unsolvable."""
    assert default_policy().solvability.text_threshold == default_routing_policy().match.text_threshold


def test_the_nearest_miss_says_what_it_lacks() -> None:
    index = index_of(
        Tool(
            "weigh_parcel",
            "weighs parcels and letters for the post office counter",
            inputs=(Artefact("parcel"),),
            outputs=(Artefact("weight"),),
        )
    )
    task = Task(
        "a",
        "paint the counter and every door turquoise with soft brushes tonight",
        inputs=(Artefact("paint"),),
        outputs=(Artefact("wall"),),
    )
    (finding,) = [f for f in judge_plan(plan_of([task]), index=index).findings if f.kind is FindingKind.UNSOLVABLE_TASK]
    assert "the nearest is 'weigh_parcel'" in finding.message
    assert "'turquoise'" in finding.message
    assert "the outputs 'wall'" in finding.message
    assert "asks for the inputs 'parcel'" in finding.message


def test_a_similarity_just_below_the_limit_is_not_told_as_the_limit() -> None:
    """Similar by 0.15 where 0.15 are needed would be no reason."""
    assert [below(0.1499, 0.15), below(0.12, 0.15), below(0.1499999999, 0.15)] == ["0.1499", "0.12", "0.15000"]
