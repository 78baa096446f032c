"""What a goal says beside what to do: conditions, demands, lengths of time, and the words that give the order."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import EdgeSource, GuardOperator, Task, TaskKind
from genesis_server.planning.actions import MAX_PER_ACTION, Action, Condition, split
from genesis_server.planning.joining import join_actions
from genesis_server.planning.methods import MethodLibrary
from genesis_server.planning.planner import ONLY_LOOKED_UP, plan_goal

GOALS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "goals_of_discourse.toml").read_text("utf-8"))["goals"]


def _guard(condition: Condition) -> str:
    decider = "-" if condition.decider is None else str(condition.decider)
    return " ".join(part for part in (decider, condition.artefact, condition.operator.name, condition.value) if part)


def _told(action: Action) -> dict[str, Any]:
    demands = [
        f"{one.kind.name} {one.text}" + (f" = {one.amount:g} {one.unit}" if one.amount is not None else "") for one in action.requirements
    ]
    told: dict[str, Any] = {
        "core": action.core,
        "after": [f"{place} {why.source.name} {why.text}" for place, why in zip(action.after, action.why_after, strict=True)],
        "guards": [_guard(one) for one in action.guards],
        "demands": demands,
        "seconds": action.expected_seconds,
        "deadline": action.deadline_seconds,
    }
    return {name: value for name, value in told.items() if value not in (None, [])}


def test_there_are_many_goals() -> None:
    assert len(GOALS) >= 60


@pytest.mark.parametrize("goal", GOALS, ids=[goal["text"][:50] for goal in GOALS])
def test_a_goal_says_this_of_its_actions(goal: dict[str, Any]) -> None:
    assert [_told(action) for action in split(goal["text"])] == goal["actions"]


@pytest.mark.parametrize(
    ("goal", "after"),
    [
        ("Mix the batter. Then bake the cake. Meanwhile, wash the dishes. Finally, serve it.", [(), (0,), (0,), (1, 2)]),
        ("Draft the post, then scan the photos and at the same time design the banner", [(), (0,), (0,)]),
        ("Book a flight, reserve a hotel and rent a car", [(), (), ()]),
        ("- buy paint\n- hire a ladder\n- call Ann", [(), (), ()]),
        ("Run the tests and lint the code in parallel, then deploy the app", [(), (), (0, 1)]),
        ("Run the tests. If they pass, deploy the app, otherwise call Ann. Then archive the logs.", [(), (0,), (0,), (1, 2)]),
        ("Save the table as prices.csv and paint the wall, then call Bob. Mail prices.csv to Ann.", [(), (), (0, 1), (0,)]),
    ],
)
def test_what_goes_on_beside_something_waits_for_the_same_as_that(goal: str, after: list[tuple[int, ...]]) -> None:
    assert [action.after for action in split(goal)] == after


def test_a_condition_in_front_is_of_the_whole_sentence_and_one_behind_of_its_action() -> None:
    front = split("Run the tests. If the tests pass, deploy the app and call Ann. Feed the cat.")
    assert [len(action.guards) for action in front] == [0, 1, 1, 0]
    behind = split("Run the tests. Deploy the app if the tests pass and call Ann.")
    assert [len(action.guards) for action in behind] == [0, 1, 0]


def test_otherwise_without_a_condition_only_waits() -> None:
    first, second = split("Try to reserve a table, otherwise cook at home")
    assert (first.guards, second.guards, second.after) == ((), (), (0,))
    assert second.why_after[0].text == "otherwise"


def test_a_question_and_a_courtesy_are_no_condition() -> None:
    for goal in ("Check if the tests pass and call Ann", "Find out if it rains and tell Bob", "If you can, book a table and call Ann"):
        assert all(not action.guards for action in split(goal))


def test_what_a_question_supposes_is_no_condition() -> None:
    assert split("If I sell 2000 dollars, how much do I get in euros?")[0].guards == ()


def test_actions_that_become_one_task_keep_what_is_said_of_all_of_them() -> None:
    actions = split("Ask Ann. Run the tests by Friday (2 hours). If they pass, deploy the app (1 hour) and if they pass, call Bob.")
    left, _ = join_actions(actions, [None, None, None, 2])
    assert [(guard.decider, guard.operator) for guard in left[2].guards] == [(1, GuardOperator.IS_TRUE)]
    inside, _ = join_actions(actions, [None, None, 1, 1])
    assert (inside[1].guards, inside[1].expected_seconds) == ((), 10_800.0)
    assert [demand.text for demand in inside[1].requirements] == ["by Friday"]
    for joined in (left, inside):
        assert all(len(action.after) == len(action.why_after) for action in joined)


def test_when_something_is_over_tells_the_time_and_no_condition() -> None:
    assert [len(action.guards) for action in split("Build the app. When the build is complete, clean the cache.")] == [0, 0]
    assert [len(action.guards) for action in split("Build the app. When the build fails, clean the cache.")] == [0, 1]


def test_quoted_words_demand_nothing() -> None:
    (action,) = split('Post "only 5 left, by Friday, if you must" on the wall')
    assert (action.requirements, action.guards) == ((), ())


def test_two_deadlines_are_the_earlier_one() -> None:
    (action,) = split("Finish the report within 3 hours, in any case within 2 hours")
    assert action.deadline_seconds == 7_200.0


def test_an_action_has_no_more_demands_than_the_contract_holds() -> None:
    (action,) = split("Buy bread " + ", at least 5 kg" * 150)
    assert len(action.requirements) == MAX_PER_ACTION


WORDS = [
    *("if", "unless", "otherwise", "else", "when", "once", "then", "and", "or", "not", "only", "must", "by", "within", "at most", "under"),
    *(
        "200 $",
        "€5",
        "20 minutes",
        "half an hour",
        "Friday",
        "5 pm",
        "2 hours",
        "everything",
        "done",
        "it",
        "they",
        "the tests",
        "pass",
        "fail",
    ),
    *("is", "above", "80 %", "run", "deploy", "book", "the app", "a flight", ",", ".", ";", "(", ")", '"', "meanwhile", "before", "after"),
    *(
        "in case of",
        "there are",
        "no",
        "errors",
        "contains",
        "takes",
        "for",
        "without",
        "except",
        "😀",
        "if not",
        "if so",
        "1.",
        "2.",
        "\n",
        "٣",
    ),
]


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)))
def test_all_that_is_read_stands_in_the_goal_and_order_has_no_cycle(goal: str) -> None:
    actions = split(goal)
    assert actions == split(goal)
    graph = nx.DiGraph()
    for place, action in enumerate(actions):
        spans = [*action.spans, *(why.span for why in action.why_after), *(guard.span for guard in action.guards)]
        spans += [one.span for one in action.requirements]
        for span in spans:
            assert span is None or goal[span.start : span.end] == span.text
        assert all(span is None or span.text for span in spans[len(action.spans) :])
        assert len(action.why_after) == len(action.after) == len(set(action.after))
        assert all(why.source in {EdgeSource.CUE, EdgeSource.REFERENCE} for why in action.why_after)
        for guard in action.guards:
            assert guard.decider is None or 0 <= guard.decider < place
            assert guard.operator is not GuardOperator.UNSPECIFIED
            assert len(guard.artefact) <= 200
        assert action.expected_seconds is None or action.expected_seconds > 0
        assert action.deadline_seconds is None or action.deadline_seconds > 0
        graph.add_edges_from((earlier, place) for earlier in action.after)
        graph.add_edges_from((guard.decider, place) for guard in action.guards if guard.decider is not None)
    assert nx.is_directed_acyclic_graph(graph)


def _planned(goal: str, index: CatalogueIndex, methods: MethodLibrary) -> list[Task]:
    return list(plan_goal(goal, index=index, methods=methods).plan.tasks)


def test_a_plan_has_the_guards_demands_and_times_of_its_goal(shipped_index: CatalogueIndex, methods: MethodLibrary) -> None:
    goal = "Paint the fence (2 hours). If the paint is dry, hang the lamps under 200 $ within 3 hours."
    plan = plan_goal(goal, index=shipped_index, methods=methods).plan
    fence, lamps = plan.tasks
    assert fence.expected_seconds == 7_200.0
    (guard,) = lamps.guards
    assert (guard.task_id, guard.artefact, guard.operator, guard.value) == (fence.id, "paint", GuardOperator.EQUAL, "dry")
    assert (guard.text, guard.span and guard.span.text) == ("If the paint is dry", "If the paint is dry")
    assert [demand.text for demand in lamps.requirements] == ["under 200 $", "within 3 hours"]
    assert lamps.constraints.deadline_seconds == 10_800.0
    assert lamps.constraints.max_cost is None
    (edge,) = plan.edges
    assert edge.origin is not None
    assert (edge.origin.source, edge.origin.text) == (EdgeSource.REFERENCE, "the paint")
    assert "If the paint is dry" in lamps.goal


def test_below_a_heading_the_last_task_decides(shipped_index: CatalogueIndex, methods: MethodLibrary) -> None:
    tasks = _planned("Fix the login bug. If it works, paint the fence.", shipped_index, methods)
    guarded = next(task for task in tasks if task.guards)
    decider = next(task for task in tasks if task.id == guarded.guards[0].task_id)
    assert decider.kind is TaskKind.PRIMITIVE
    assert decider.parent_id


def test_a_method_under_a_condition_is_a_heading_with_a_guard(shipped_index: CatalogueIndex, methods: MethodLibrary) -> None:
    tasks = _planned("Ask Ann. If she agrees by phone, fix the login bug within 2 days.", shipped_index, methods)
    heading = next(task for task in tasks if task.kind is TaskKind.COMPOUND)
    assert heading.guards
    assert heading.constraints.deadline_seconds == 172_800.0


def test_a_goal_that_is_not_english_says_that_it_was_only_looked_up(shipped_index: CatalogueIndex, methods: MethodLibrary) -> None:
    draft = plan_goal("Bitte buche einen Flug und fixe den Bug", index=shipped_index, methods=methods)
    assert draft.level_reason == ONLY_LOOKED_UP
    assert len(draft.plan.tasks) == 1
