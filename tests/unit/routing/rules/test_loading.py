"""What somebody who writes a rulebook is told, and the rulebook that ships."""

from __future__ import annotations

import pytest

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.rules.condition import print_condition
from genesis_server.routing.rules.facts import parse_instant
from genesis_server.routing.rules.loading import default_rulebook, load_rulebook
from genesis_server.text.toml_file import DataFileError

GOOD = """
# a comment
[[rules]]
id = "night"
description = "why"
priority = 7
effect = "weight"
weight = -0.5
when = 'time.hour >= 22 and task.words in ["deleting", "drop"]'
who = 'agent.region == "eu"'
explanation = "it is {time.hour}"
enabled = false
valid_from = "2026-01-01T00:00:00Z"
valid_until = "2026-02-01T00:00:00+01:00"

[end]
"""

BROKEN = """
[[rules]]
id = "a"
effect = "denny"
explanation = "x"
when = 'task.goale == "x" and task.difficulty > "y"'

[[rules]]
id = "a"
effect = "weight"
explanation = "{task.gaol} {nope} }"
who = 'task.goal == "x"'
colour = 1

[[rules]]
id = "c"
effect = "prefer"
weight = 2
valid_from = "2026-01-01T00:00:00Z"
valid_until = "2026-01-01T00:00:00Z"
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(DataFileError) as caught:
        load_rulebook(text)
    return str(caught.value).splitlines()


def test_a_rule_is_read_with_all_it_says() -> None:
    rulebook = load_rulebook(GOOD)
    (rule,) = rulebook.rules
    assert (rule.id, rule.description, rule.priority, rule.effect, rule.weight) == ("night", "why", 7, RuleEffect.WEIGHT, -0.5)
    assert print_condition(rule.when) == 'time.hour >= 22 and task.words in ["deleting", "drop"]'
    assert print_condition(rule.who) == 'agent.region == "eu"'
    assert (rule.enabled, rule.explanation, rule.line) == (False, "it is {time.hour}", 3)
    assert rule.valid_from == parse_instant("2026-01-01T00:00:00Z")
    assert rule.valid_until == parse_instant("2026-01-31T23:00:00Z")
    assert rulebook.text == GOOD


def test_comments_and_spaces_do_not_change_the_version_but_words_do() -> None:
    same = GOOD.replace("# a comment", "").replace("time.hour >= 22 and", "time.hour   >=22 and")
    assert load_rulebook(same).version == load_rulebook(GOOD).version
    assert load_rulebook(GOOD.replace("22", "23")).version != load_rulebook(GOOD).version


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    assert mistakes(BROKEN) == [
        "rulebook.toml:4: rules[0].effect: Input should be 'allow', 'deny', 'require', 'prefer' or 'weight', not 'denny'",
        "rulebook.toml:6: rules[0].when: column 1: unknown fact task.goale; did you mean task.goal?",
        "rulebook.toml:6: rules[0].when: column 41: task.difficulty is a number; compare it with a number",
        "rulebook.toml:9: rules[1].id: 'a' is already the id of the rule in line 3; choose another",
        "rulebook.toml:10: rules[1].effect: needs a weight from -1 to 1 that is not 0",
        "rulebook.toml:11: rules[1].explanation: has a brace that stands alone; write facts as {task.goal}",
        "rulebook.toml:11: rules[1].explanation: unknown fact {nope}; name a fact of task, plan, caller or time",
        "rulebook.toml:11: rules[1].explanation: unknown fact {task.gaol}; did you mean {task.goal}?",
        "rulebook.toml:12: rules[1].who: column 1: task.goal cannot be read here; only facts of agent can",
        "rulebook.toml:13: rules[1].colour: unknown key; remove it",
        "rulebook.toml:15: rules[2].explanation: is missing",
        "rulebook.toml:17: rules[2].effect: prefer without `who` is about everybody and changes nothing; say who",
        "rulebook.toml:18: rules[2].weight: Input should be less than or equal to 1, not 2",
        'rulebook.toml:18: rules[2].weight: only goes with effect = "weight"; remove it',
        "rulebook.toml:20: rules[2].valid_until: is not after valid_from, so that the rule is never valid",
        "rulebook.toml:21: the last line is not [end]: the file was cut short, or [end] is missing",
    ]


def test_values_of_a_wrong_type_are_mistakes_and_nothing_worse() -> None:
    found = mistakes('[[rules]]\nid = 1\neffect = 2\nwhen = 3\nwho = []\nexplanation = {}\nvalid_from = 4\nvalid_until = "x"\n[end]\n')
    assert [line.split(":")[1] for line in found] == ["2", "3", "4", "5", "6", "7", "8"]


def test_a_file_that_was_cut_short_is_no_rulebook() -> None:
    assert len(mistakes(GOOD[: GOOD.index("who =")])) == 2
    assert "no valid TOML" in mistakes("[[rules")[0]


def test_a_rulebook_may_be_empty() -> None:
    assert load_rulebook("[end]").rules == ()


def test_the_rulebook_that_ships_has_at_least_thirty_rules_that_are_all_on() -> None:
    rules = default_rulebook().rules
    assert len(rules) >= 30
    assert all(rule.enabled for rule in rules)
    assert {rule.effect for rule in rules} == set(RuleEffect) - {RuleEffect.UNSPECIFIED}
