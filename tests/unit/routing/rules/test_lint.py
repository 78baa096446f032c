"""What somebody who lints a rulebook is told, and that it is true."""

from __future__ import annotations

import random

import pytest
from plain_rules import draw_candidate, draw_possible, draw_rule, fires

from genesis_server.model.routing import Fact
from genesis_server.model.validation import Severity
from genesis_server.routing.rules.facts import TASK_FACTS, TaskFacts
from genesis_server.routing.rules.lint import LintFinding, LintKind, lint
from genesis_server.routing.rules.loading import default_rulebook, load_rulebook
from genesis_server.routing.rules.rulebook import compile_rulebook


def found(*rules: str) -> list[LintFinding]:
    """Findings about rules given as `id: keys`."""
    text = ""
    for rule in rules:
        name, _, keys = rule.partition(": ")
        text += f"[[rules]]\nid = '{name}'\nexplanation = 'x'\n" + keys.replace("; ", "\n") + "\n"
    return list(lint(load_rulebook(text + "[end]\n")))


def kinds(*rules: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.kind.value, finding.rule_ids) for finding in found(*rules)]


def test_the_shipped_rulebook_has_no_finding() -> None:
    assert lint(default_rulebook()) == ()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("effect = 'deny'; when = 'time.hour < 6 and task.depth == 1 and time.hour > 20'", "time.hour < 6 and time.hour > 20 cannot hold"),
        ("effect = 'deny'; when = 'task.difficulty > 1'", "task.difficulty > 1 cannot hold"),
        ("effect = 'deny'; valid_until = '2026-01-01T00:00:00Z'; when = 'time.date > \"2026-06-01\"'", "cannot hold"),
        ("effect = 'deny'; who = 'agent.id == \"a\" and agent.id == \"b\"'", "changes nothing"),
        ("effect = 'require'; who = 'agent.id == \"a\" and agent.id == \"b\"'", "refuses everybody"),
        ("effect = 'prefer'; who = 'agent.kind in [\"agent\", \"tool\"]'", "changes nothing: every candidate"),
    ],
)
def test_a_rule_that_can_do_nothing_is_named_with_the_contradiction(keys: str, message: str) -> None:
    (finding,) = found(f"r: {keys}")
    assert (finding.kind, finding.severity, finding.line) == (LintKind.UNREACHABLE, Severity.WARNING, 1)
    assert message in finding.message


DENY_HARD = "hard: effect = 'deny'; priority = 2; when = 'task.difficulty > 0.5'"


@pytest.mark.parametrize(
    "rule",
    [
        "low: effect = 'deny'; priority = 1; when = 'task.difficulty > 0.7'; who = 'agent.id == \"a\"'",
        "low: effect = 'allow'; priority = 1; when = 'task.difficulty > 0.5'",
        "low: effect = 'allow'; priority = 2; when = 'task.difficulty > 0.5'",
        "low: effect = 'require'; priority = 1; when = 'task.difficulty == 0.6 and task.depth == 1'; who = 'agent.id == \"a\"'",
        "low: effect = 'deny'; priority = 2; when = 'task.difficulty > 0.5'",
    ],
)
def test_a_rule_that_another_leaves_nothing_to_decide_is_shadowed(rule: str) -> None:
    (finding,) = found(DENY_HARD, rule)
    assert (finding.kind, finding.rule_ids, finding.line) == (LintKind.SHADOWED, ("low", "hard"), 7)
    assert "task.difficulty" in {fact.name for fact in finding.witness}


@pytest.mark.parametrize(
    "rule",
    [
        "low: effect = 'deny'; priority = 1; when = 'task.difficulty >= 0.5'",
        "low: effect = 'prefer'; priority = 1; when = 'task.difficulty > 0.6'; who = 'agent.id == \"a\"'",
        "low: effect = 'deny'; priority = 3; when = 'task.difficulty > 0.6'",
        "low: effect = 'deny'; priority = 1; enabled = false; when = 'task.difficulty > 0.6'",
    ],
)
def test_a_rule_with_something_left_to_decide_is_not(rule: str) -> None:
    assert found(DENY_HARD, rule) == []


def test_a_window_that_is_open_longer_is_not_shadowed() -> None:
    short = "short: effect = 'deny'; priority = 1; valid_from = '2026-01-01T00:00:00Z'; valid_until = '2026-02-01T00:00:00Z'"
    assert kinds(short, "long: effect = 'deny'") == []
    assert kinds("high: effect = 'deny'; priority = 2", short) == [("shadowed", ("short", "high"))]


def test_preferences_that_split_alike_are_shadowed_and_other_ones_are_not() -> None:
    high = "high: effect = 'prefer'; priority = 2; who = 'agent.id == \"a\"'"
    assert kinds(high, "same: effect = 'prefer'; priority = 1; who = 'agent.id in [\"a\"]'") == [("shadowed", ("same", "high"))]
    assert kinds(high, "not-a: effect = 'prefer'; priority = 1; who = 'agent.id != \"a\"'") == [("shadowed", ("not-a", "high"))]
    assert kinds(high, "b: effect = 'prefer'; priority = 1; who = 'agent.id == \"b\"'") == []


def test_opposite_rules_of_equal_priority_are_in_conflict_with_facts_that_show_it() -> None:
    allow = "may: effect = 'allow'; when = 'task.depth >= 3'; who = 'agent.region == \"eu\"'"
    (finding,) = found(allow, "not: effect = 'deny'; when = 'task.difficulty > 0.5'; who = 'agent.kind == \"agent\"'")
    assert (finding.kind, finding.rule_ids) == (LintKind.CONFLICTING, ("may", "not"))
    assert "may allows and not refuses the same candidate" in finding.message
    names = {fact.name for fact in finding.witness}
    assert names == {"task.depth", "task.difficulty", "agent.region", "agent.kind"}
    assert Fact("agent.region", "eu") in finding.witness
    assert kinds(allow, "not: effect = 'deny'; when = 'task.depth < 3'") == []
    assert kinds(allow, "not: effect = 'deny'; when = 'task.difficulty > 0.5'; who = 'agent.region == \"us\"'") == []
    assert kinds(allow, "only: effect = 'require'; when = 'task.difficulty > 0.5'; who = 'agent.id == \"a\"'") == [
        ("conflicting", ("may", "only"))
    ]


def test_two_rules_that_together_leave_nobody_are_in_conflict() -> None:
    only_a = "only-a: effect = 'require'; priority = 1; when = 'task.depth == 1'; who = 'agent.id == \"a\"'"
    assert kinds(only_a, "only-b: effect = 'require'; when = 'task.difficulty > 0.5'; who = 'agent.id == \"b\"'") == [
        ("conflicting", ("only-a", "only-b"))
    ]
    assert kinds(only_a, "no-a: effect = 'deny'; when = 'task.difficulty > 0.5'; who = 'agent.id == \"a\"'") == [
        ("conflicting", ("only-a", "no-a"))
    ]
    assert kinds(only_a, "no-b: effect = 'deny'; when = 'task.difficulty > 0.5'; who = 'agent.region == \"eu\"'") == []
    assert kinds(only_a, "only-b: effect = 'require'; when = 'task.depth == 2'; who = 'agent.id == \"b\"'") == []
    assert kinds(only_a, "nobody: effect = 'deny'; when = 'task.difficulty > 0.5'") == []


def test_preferences_for_different_candidates_at_equal_priority_are_in_conflict() -> None:
    a = "a: effect = 'prefer'; when = 'task.depth == 1'; who = 'agent.id == \"a\"'"
    assert kinds(a, "b: effect = 'prefer'; who = 'agent.id == \"b\"'") == [("conflicting", ("a", "b"))]
    assert kinds(a, "eu: effect = 'prefer'; who = 'agent.region == \"eu\"'") == []


def test_a_rule_with_more_than_eight_comparisons_is_listed_as_not_checked() -> None:
    many = " or ".join(f"task.depth == {number}" for number in range(9))
    (finding,) = found(f"r: effect = 'deny'; when = '{many}'", "s: effect = 'deny'; priority = 9")
    assert (finding.kind, finding.severity, finding.rule_ids) == (LintKind.NOT_CHECKED, Severity.INFO, ("r",))


def test_what_is_said_of_random_rules_is_true_of_random_facts() -> None:
    rng = random.Random(11)
    seen = dict.fromkeys(LintKind, 0)
    for _ in range(150):
        rules = [draw_rule(rng, number) for number in range(5)]
        rulebook = compile_rulebook(rules)
        findings = lint(rulebook)
        candidates = [draw_candidate(rng) for _ in range(5)]
        columns = rulebook.columns(candidates)
        by_id = {rule.id: rule for rule in rules}
        drawn = [draw_possible(rng, TASK_FACTS) for _ in range(40)]
        for finding in findings:
            seen[finding.kind] += 1
            view = rulebook.without({finding.rule_ids[0]})
            for values in drawn:
                facts = TaskFacts.of(values, float(values["time.now"] or 0))
                if finding.kind is LintKind.UNREACHABLE and "never fires" in finding.message:
                    assert not fires(by_id[finding.rule_ids[0]], facts)
                if finding.kind is LintKind.SHADOWED:
                    mine, other = columns.outcome(rulebook.fired(facts)), columns.outcome(view.fired(facts))
                    assert mine.refused.tolist() == other.refused.tolist()
                    assert (mine.preference.argsort(kind="stable") == other.preference.argsort(kind="stable")).all()
    assert all(seen.values()), seen


def test_windows_at_both_ends_of_the_calendar_are_looked_at_like_any_other() -> None:
    ever = "ever: effect = 'deny'; valid_from = '0001-01-01T00:00:00Z'; valid_until = '9999-12-31T23:59:59Z'"
    assert kinds(ever, "last: effect = 'deny'; priority = -1; when = 'time.date == \"9999-12-31\"'") == []
    assert kinds("never: effect = 'deny'; when = 'time.date > \"9999-12-31\"'") == [("unreachable", ("never",))]
