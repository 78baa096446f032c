"""The scenarios that ship, and what somebody who runs scenarios is told."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.agents.loading import load_agents
from genesis_server.routing.rules.building import catalogue_candidates
from genesis_server.routing.rules.loading import default_rulebook, load_rulebook
from genesis_server.routing.rules.scenario_file import FILE_NAME, load_scenarios
from genesis_server.routing.rules.scenarios import ScenarioResult, run_scenarios
from genesis_server.text.toml_file import DataFileError

DATA = files("genesis_server") / "data"
SHIPPED = load_scenarios((DATA / FILE_NAME).read_text("utf-8"))
AGENTS = catalogue_candidates(load_agents((DATA / "agents.toml").read_text("utf-8")))
RESULTS = run_scenarios(default_rulebook(), SHIPPED, AGENTS)

RULES = load_rulebook("""
[[rules]]
id = "no-b"
effect = "deny"
when = 'task.words contains "build" or task.inputs contains "spec"'
who = 'agent.id == "b"'
explanation = "x"

[[rules]]
id = "small-first"
effect = "weight"
weight = 0.5
who = 'agent.model == "small"'
explanation = "x"

[[rules]]
id = "late"
effect = "deny"
when = 'time.hour > 20 or plan.goal contains "never" or caller.anonymous == true'
explanation = "x"

[end]
""")


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.scenario.name)
def test_a_shipped_scenario_comes_out_as_it_says(result: ScenarioResult) -> None:
    assert result.failures == ()


@pytest.mark.parametrize("rule_id", [rule.id for rule in default_rulebook().rules])
def test_without_any_one_shipped_rule_a_shipped_scenario_is_decided_otherwise(rule_id: str) -> None:
    without = run_scenarios(default_rulebook().without({rule_id}), SHIPPED, AGENTS)
    assert [each.decision for each in without] != [each.decision for each in RESULTS]
    assert any(each.failures for each in without)


def test_shipped_scenarios_have_names_of_their_own() -> None:
    assert len({scenario.name for scenario in SHIPPED}) == len(SHIPPED)


def run(keys: str) -> ScenarioResult:
    candidates = 'candidates = [{ id = "a", model = "small" }, { id = "a", model = "large" }, { id = "b", model = "small" }]'
    (scenario,) = load_scenarios(f'[[scenarios]]\nname = "s"\n{candidates}\n{keys}\n')
    (result,) = run_scenarios(RULES, [scenario], AGENTS)
    return result


BUILDING = 'task = { goal = "Building it" }\n'


@pytest.mark.parametrize(
    ("expect", "failures"),
    [
        ('refused = ["b", "b/small"], allowed = ["a"], first = "a/small", fired = ["no-b"], blocked = ["late"]', []),
        ('first = "a"', []),
        ('first = "a/large"', ["a/large should go first, but it is a/small"]),
        ('first = ""', ["nobody should go first, but it is a/small"]),
        ('refused = ["a"]', ["a is not refused: nothing keeps it from a/small, a/large"]),
        ('allowed = ["b"]', ["b is refused by no-b"]),
        ('allowed = ["c"]', ["c is no candidate"]),
        ('fired = ["late"], blocked = ["no-b"]', ["late did not fire", "no-b fired"]),
    ],
)
def test_what_does_not_come_out_is_told(expect: str, failures: list[str]) -> None:
    assert list(run(f"{BUILDING}expect = {{ {expect} }}").failures) == failures


@pytest.mark.parametrize("facts", ['at = "2026-01-07T21:00:00Z"', 'plan = { goal = "NEVER do it" }', "caller = { anonymous = true }"])
def test_facts_of_time_plan_and_caller_count(facts: str) -> None:
    assert run(f'{facts}\nexpect = {{ first = "", refused = ["a", "b"] }}').failures == ()
    assert list(run(f'{facts}\nexpect = {{ first = "a" }}').failures) == ["a should go first, but it is nobody"]


def test_sets_are_given_as_lists_and_words_are_stemmed() -> None:
    assert run('task = { inputs = ["spec"], difficulty = 1 }\nexpect = { refused = ["b"] }').failures == ()
    assert run('task = { words = ["builds"] }\nexpect = { refused = ["b"] }').failures == ()


def test_a_tie_of_two_agents_is_not_one_going_first() -> None:
    assert list(run('expect = { first = "b" }').failures) == ["b should go first, but it is a/small, b/small"]


def test_every_mistake_in_a_scenario_is_told_with_its_line() -> None:
    text = """
[[scenarios]]
name = "s"
task = { goale = "x", difficulty = "hard", data_class = "secret", words = "x", goal = 1 }
caller = { anonymous = 1 }
candidates = [{ region = "eu" }]
expect = { firts = "a" }
"""
    with pytest.raises(DataFileError) as caught:
        load_scenarios(text)
    assert str(caught.value).splitlines() == [
        "rule_scenarios.toml:4: scenarios[0].task.data_class: must be one of public, internal, confidential, restricted",
        "rule_scenarios.toml:4: scenarios[0].task.difficulty: must be a number",
        "rule_scenarios.toml:4: scenarios[0].task.goal: must be a text",
        "rule_scenarios.toml:4: scenarios[0].task.goale: there is no fact task.goale",
        "rule_scenarios.toml:4: scenarios[0].task.words: must be a list of texts",
        "rule_scenarios.toml:5: scenarios[0].caller.anonymous: must be true or false",
        "rule_scenarios.toml:6: scenarios[0].candidates[0]: needs an id",
        "rule_scenarios.toml:7: scenarios[0].expect.firts: unknown key; did you mean 'first'?",
    ]
