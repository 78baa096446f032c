"""How a goal finds its method."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.planning.methods import THRESHOLD, Intent, Method, MethodLibrary, Step, same_word
from genesis_server.planning.planner import plan_goal
from genesis_server.text.words import content_stems

GOALS: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "goals.toml").read_text("utf-8"))
UNRELATED = GOALS.pop("unrelated")


def _library(*intents: Intent, unless: tuple[str, ...] = ()) -> MethodLibrary:
    step = Step(id="do", goal="do it", capability="do")
    return MethodLibrary([Method("m", "Title", "What it is for", intents, (step,), unless=unless)], "methods-test")


def _scores(library: MethodLibrary, text: str) -> list[float]:
    return [round(match.score, 3) for match in library.match(text)]


def test_the_score_is_the_share_of_words_the_intent_accounts_for() -> None:
    library = _library(Intent((("ship", "push ... live"), ("feature",))))
    assert _scores(library, "ship the feature") == [0.5]
    assert _scores(library, "ship one blue shiny feature") == [0.4]
    assert _scores(library, "push our long awaited feature live") == [0.6]


def test_every_group_has_to_be_there() -> None:
    library = _library(Intent((("ship",), ("feature",))))
    assert _scores(library, "ship the parcel") == _scores(library, "describe the feature") == []


def test_a_word_that_tells_of_something_else_rules_it_out() -> None:
    library = _library(Intent((("ship",),), unless=("parcel",)), Intent((("send",),)), unless=("letter",))
    assert _scores(library, "ship it") == [0.25]
    assert _scores(library, "ship the parcel") == []
    assert _scores(library, "send the parcel") == [0.25]
    assert _scores(library, "send the letter") == []


def test_words_far_apart_do_not_make_an_intent() -> None:
    library = _library(Intent((("ship",), ("feature",))))
    assert _scores(library, "ship " + "the " * 22 + "feature") == [0.5]
    assert _scores(library, "ship " + "the " * 30 + "feature") == []


def test_a_few_words_in_a_long_text_are_not_enough() -> None:
    library = _library(Intent((("ship",),)))
    assert 1 / 8 >= THRESHOLD > 1 / 16
    others = [f"{letter}ood" for letter in "abcdefghijklmnopq"]
    assert _scores(library, " ".join(["ship", *others[:5]])) == [0.167]
    assert _scores(library, " ".join(["ship", *others])) == []


def test_a_gap_in_a_phrase_is_six_words_at_most() -> None:
    library = _library(Intent((("push ... live",),)))
    assert _scores(library, "push a b c d e f live")
    assert not _scores(library, "push a b c d e f g live")


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("hire", "hiring", True),
        ("ship", "shipped", True),
        ("study", "studies", True),
        ("client", "clients", True),
        ("engine", "engineer", False),
        ("position", "positive", False),
        ("ship", "shop", False),
    ],
)
def test_words_are_the_same_when_they_differ_by_inflection(a: str, b: str, same: bool) -> None:
    assert same_word(a, b) is same
    assert same_word(b, a) is same


def test_the_library_has_methods_of_many_kinds(methods: MethodLibrary) -> None:
    assert len(methods.methods) >= 12
    assert sum(sum(1 for _ in method.leaves()) >= 6 for method in methods.methods) >= 6
    assert any(step.steps for method in methods.methods for step in method.steps)
    assert {method.id for method in methods.methods} == set(GOALS)


@pytest.mark.parametrize("method_id", sorted(GOALS))
def test_each_method_is_reached_by_goals_in_other_words(method_id: str, methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    title = set(content_stems(next(method.title for method in methods.methods if method.id == method_id)))
    assert len(GOALS[method_id]) >= 5
    for goal in GOALS[method_id]:
        assert title.isdisjoint(content_stems(goal)), goal
        plan = plan_goal(goal, index=shipped_index, methods=methods).plan
        assert {task.origin.method_id for task in plan.tasks if task.origin and task.origin.method_id} == {method_id}, goal


def test_no_method_is_taken_for_goals_of_other_kinds(methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    assert len(UNRELATED) == 50
    for goal in UNRELATED:
        assert methods.match(goal) == [], goal
        plan = plan_goal(goal, index=shipped_index, methods=methods).plan
        assert not any(task.origin and task.origin.method_id for task in plan.tasks), goal


PLAIN_NAMES = [
    *("Release a feature", "Incident response", "Data pipeline", "Research report", "Marketing campaign", "Customer onboarding"),
    *("Security review", "Migrate the database", "Hire a developer", "Organise a company event", "Bug fix", "Audit our cloud costs"),
]


@pytest.mark.parametrize("title", PLAIN_NAMES)
def test_a_method_is_reached_by_its_plain_name_too(title: str, methods: MethodLibrary) -> None:
    assert methods.match(title)


@given(st.text(max_size=300))
def test_scores_are_shares_and_the_best_comes_first(text: str) -> None:
    library = _library(Intent((("ship", "a ... b"),)), Intent((("fix", "it"), ("now", "a"))), unless=("never",))
    scores = [match.score for match in library.match(text)]
    assert scores == sorted(scores, reverse=True)
    assert all(THRESHOLD <= score <= 1 for score in scores)
