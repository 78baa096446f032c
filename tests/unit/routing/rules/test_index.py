"""The index asks few rules, and never leaves one out that fires (which the comparison of both engines shows on random rules)."""

from __future__ import annotations

import pytest

from genesis_server.routing.rules.facts import TaskFacts
from genesis_server.routing.rules.index import RuleIndex, keys_of
from genesis_server.routing.rules.parsing import parse_condition


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ('task.kind == "primitive" and task.capability == "a"', {("task.capability", "a")}),
        ('task.data_class == "public" and task.capability in ["a", "b"]', {("task.capability", "a"), ("task.capability", "b")}),
        ('task.words contains "deleting"', {("task.words", "delet")}),
        ('task.capability == "a" or plan.goal == "X"', {("task.capability", "a"), ("plan.goal", "x")}),
        ('task.capability == "a" or task.depth > 1', None),
        ('not task.capability == "a"', None),
        ('task.goal contains "a"', None),
        ("time.hour == 3 and caller.anonymous == true", {("time.hour", 3.0)}),
        ("caller.anonymous == true", {("caller.anonymous", True)}),
        ("", None),
    ],
)
def test_a_rule_waits_under_the_values_that_the_fewest_tasks_have(condition: str, keys: set[object] | None) -> None:
    assert keys_of(parse_condition(condition)) == keys


def test_only_rules_whose_value_is_there_are_asked_each_once_and_in_order() -> None:
    texts = ['task.words in ["fix", "bug"]', 'task.capability == "a"', "task.depth > 1", 'task.capability == "b"']
    index = RuleIndex(enumerate(parse_condition(text) for text in texts))
    facts = TaskFacts.of({"task.words": frozenset({"fix", "bug", "now"}), "task.capability": "b"}, 0.0)
    assert index.candidates(facts.values) == [0, 2, 3]
    assert index.candidates(TaskFacts.of({}, 0.0).values) == [2]
