"""How well goals in the words of many people are understood: shares of a collection, for language has no end."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel
from genesis_server.planning.actions import split
from genesis_server.planning.methods import MethodLibrary
from genesis_server.planning.planner import plan_goal
from genesis_server.text.words import content_stems

GOALS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "goals_of_many_people.toml").read_text("utf-8"))
ASKING: dict[str, list[str]] = GOALS["asking_for_a_method"]
COUNTED: list[tuple[int, str]] = [(int(count), goal) for count, goals in GOALS["of_actions"].items() for goal in goals]
UNRELATED: list[str] = GOALS["unrelated"]["goals"]


def _methods_in(plan: Plan) -> set[str]:
    return {task.origin.method_id for task in plan.tasks if task.origin and task.origin.method_id}


@pytest.mark.parametrize("method_id", sorted(ASKING))
def test_a_method_is_reached_by_five_in_six_who_ask_for_it(method_id: str, methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    title = set(content_stems(next(method.title for method in methods.methods if method.id == method_id)))
    assert all(title.isdisjoint(content_stems(goal)) for goal in ASKING[method_id])
    missed = [goal for goal in ASKING[method_id] if _methods_in(plan_goal(goal, index=shipped_index, methods=methods).plan) != {method_id}]
    assert len(missed) <= len(ASKING[method_id]) / 6, missed


def test_nobody_who_wants_something_else_gets_a_method(methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    assert len(UNRELATED) >= 200
    taken = {goal: found for goal in UNRELATED if (found := _methods_in(plan_goal(goal, index=shipped_index, methods=methods).plan))}
    assert taken == {}


def test_nearly_every_goal_of_several_actions_gets_a_task_for_each(methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    several = [(count, goal) for count, goal in COUNTED if count > 1]
    missed: list[str] = []
    for count, goal in several:
        draft = plan_goal(goal, index=shipped_index, methods=methods)
        if draft.level is not DegradationLevel.HEURISTIC or len(draft.plan.tasks) < count:
            missed.append(goal)
    assert len(several) >= 140
    assert len(missed) <= 0.07 * len(several), missed


def test_goals_are_not_torn_into_more_actions_than_they_name() -> None:
    torn = [goal for count, goal in COUNTED if len(split(goal)) > (count + 1 if count > 1 else 1)]
    assert torn == []
