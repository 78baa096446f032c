"""What the search for concrete facts promises: what it finds is true, and what it does not find is nowhere."""

from __future__ import annotations

import random

import pytest
from plain_rules import CANDIDATE_NAMES, TASK_NAMES, draw_condition, draw_possible, holds

from genesis_server.routing.rules.condition import Condition, atoms_of
from genesis_server.routing.rules.facts import CANDIDATE_FACTS, TASK_FACTS, CandidateFacts, TaskFacts
from genesis_server.routing.rules.parsing import parse_condition
from genesis_server.routing.rules.situations import find_situation


def draw_small(rng: random.Random, names: tuple[str, ...]) -> Condition:
    condition = draw_condition(rng, names)
    while sum(1 for _ in atoms_of(condition)) > 5:
        condition = draw_condition(rng, names)
    return condition


@pytest.mark.parametrize("scope", ["task", "agent"])
def test_facts_that_are_found_do_what_is_wanted_and_where_none_are_found_no_random_ones_do(scope: str) -> None:
    rng = random.Random(3)
    kinds, names = (TASK_FACTS, TASK_NAMES) if scope == "task" else (CANDIDATE_FACTS, CANDIDATE_NAMES)
    found_none = 0
    for _ in range(800):
        # Few facts, so that the comparisons get in each other's way.
        some = tuple(rng.sample(names, 2))
        wanted = [(draw_small(rng, some), rng.random() < 0.6) for _ in range(2)]
        situation = find_situation(wanted)
        if situation is not None:
            facts = TaskFacts.of(situation, 0.0) if scope == "task" else CandidateFacts.of(situation)
            assert all(holds(condition, facts) is outcome for condition, outcome in wanted)
            continue
        found_none += 1
        for _ in range(60):
            values = draw_possible(rng, kinds)
            drawn = TaskFacts.of(values, 0.0) if scope == "task" else CandidateFacts.of(values)
            assert not all(holds(condition, drawn) is outcome for condition, outcome in wanted)
    assert found_none > 50


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        ('time.date == "2026-12-24" and time.weekday == "thu"', True),
        ('time.date == "2026-12-24" and time.weekday == "fri"', False),
        ('time.now >= "2026-12-24T10:30:00Z" and time.now < "2026-12-24T11:00:00Z" and time.hour != 10', False),
        ('time.now >= "2026-12-24T10:30:00Z" and time.now <= "2026-12-24T11:00:00Z" and time.hour != 10', True),
        ('time.hour == 3 and time.weekday == "sun"', True),
        ("time.hour > 23", False),
        ("time.hour > 4 and time.hour < 5", False),
        ("task.difficulty > 0.4 and task.difficulty < 0.41", True),
        ("task.difficulty > 1", False),
        ("not task.difficulty >= 0", False),
        ("not task.max_cost >= 0", True),
        ('task.goal prefix "ab" and task.goal contains "ba" and not task.goal contains "aba"', True),
        ('task.goal prefix "ab" and task.goal != "ab" and not task.goal contains "a"', False),
        ('task.words contains "delete" and not task.words in ["deleting", "drop"]', False),
        ('task.inputs prefix "a" and not task.inputs contains "a"', True),
        ('task.data_class > "public" and task.data_class < "confidential" and task.data_class != "internal"', False),
        ("caller.anonymous != true and caller.anonymous != false", False),
        ("not caller.anonymous == true and not caller.anonymous == false", True),
    ],
)
def test_known_cases_are_told_apart(condition: str, possible: bool) -> None:
    assert (find_situation([(parse_condition(condition), True)]) is not None) is possible
