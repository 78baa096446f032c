"""`genesis rules`: check, test and explain a file on this machine; read, try and change what a server has in use."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from fake_server import FakeServer, Refusal

from genesis.admin.v1 import policy_service_pb2 as policy

RULES = """
[[rules]]
id = "no-small-models"
priority = 9
effect = "deny"
when = 'task.capability == "qa.test_run"'
who = 'agent.model == "small-1"'
explanation = "Small models may not run tests."

[end]
"""
SCENARIO = """
[[scenarios]]
name = "tests are not run by small models"
task = { capability = "qa.test_run", goal = "Run the tests" }
expect = { refused = ["qa/small-1"] }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture
def policies(fake: FakeServer) -> FakeServer:
    """A server on which a rulebook was changed once."""
    change = policy.RulebookChange(sequence=4, actor="acme/ann", from_version="rulebook_a", to_version="rulebook_b", cause="tests are hard")
    change.time.seconds = 1_700_000_000
    pages = [policy.PreviewRulebookResponse(version="rulebook_c", decision_count=200, changed_count=1, next_page_token="2")]
    found = pages[0].changes.add(decision_id="dec_1", task_id="a", rule_ids=["no-small-models"], text="because of no-small-models")
    found.before.id, found.before.model_id, found.after.id = "qa", "small-1", "build"
    pages.append(policy.PreviewRulebookResponse(version="rulebook_c", decision_count=3, skipped_decision_ids=["dec_2"]))
    fake.on("GetRulebook", policy.GetRulebookResponse(version="rulebook_b", text=RULES, in_use=True, rule_count=1, change=change))
    fake.on("PreviewRulebook", *pages)
    fake.on("ActivateRulebook", policy.ActivateRulebookResponse(change=change))
    fake.on("ListRulebookChanges", policy.ListRulebookChangesResponse(changes=[change]))
    return fake


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_rulebook_that_ships_has_no_findings_and_passes_its_scenarios(run) -> None:
    """Without any argument."""
    lint, test = run("rules", "lint"), run("rules", "test")
    assert lint.exit_code == 0, lint.output
    assert "usable rulebook_" in words(lint.stdout)
    assert test.exit_code == 0, test.output
    passed, _, total = words(test.stdout).split()[:3]
    assert int(passed) == int(total) >= 30


def test_every_mistake_of_a_file_is_told_with_its_line_and_exit_code_1(run, file: Path) -> None:
    """For a person, and for a program."""
    file.write_text(RULES.replace('"deny"', '"dney"').replace("priority = 9", "prio = 9"), encoding="utf-8")
    result = run("rules", "lint", str(file))
    assert result.exit_code == 1
    text = words(result.stdout)
    assert "line 4 mistake" in text
    assert "line 5 mistake" in text
    assert "cannot be used · 2 findings" in text
    told = json.loads(run("rules", "lint", str(file), "--json").stdout)
    assert [finding["line"] for finding in told["findings"]] == [4, 5]
    assert not told["valid"]


def test_a_rule_that_can_never_fire_is_exit_code_1(run, file: Path) -> None:
    """Although the file could be used."""
    file.write_text(RULES.replace('task.capability == "qa.test_run"', "task.difficulty > 1 and task.difficulty < 0"), encoding="utf-8")
    result = run("rules", "lint", "-", stdin=file.read_text())
    assert result.exit_code == 1
    assert "line 2 unreachable" in words(result.stdout)
    assert "usable" in result.stdout


def test_scenarios_of_a_file_are_run_and_one_that_fails_is_exit_code_1(run, file: Path, tmp_path: Path) -> None:
    """With its name, its line and what came out."""
    scenarios = tmp_path / "scenarios.toml"
    scenarios.write_text(SCENARIO, encoding="utf-8")
    good = run("rules", "test", str(file), "--scenarios", str(scenarios))
    assert good.exit_code == 0, good.output
    assert "1 of 1 scenarios come out as expected" in words(good.stdout)
    scenarios.write_text(SCENARIO.replace("qa.test_run", "qa.verify"), encoding="utf-8")
    bad = run("rules", "test", str(file), "--scenarios", str(scenarios))
    assert bad.exit_code == 1
    assert "line 2 tests are not run by small models" in words(bad.stdout)
    assert "0 of 1" in bad.stdout
    [told] = json.loads(run("rules", "test", str(file), "--scenarios", str(scenarios), "--json").stdout)
    assert told["failures"]


def test_a_task_is_explained_from_its_facts(run, file: Path) -> None:
    """Which rules fire, what keeps the others from it, and who is refused."""
    facts = ["--fact", "task.capability=qa.test_run", "--fact", "task.difficulty=0.9"]
    text = words(run("rules", "explain", str(file), *facts, "--at", "2026-01-31T22:00:00Z").stdout)
    assert "fires no-small-models deny: Small models may not run tests." in text
    told = json.loads(run("rules", "explain", str(file), *facts, "--json").stdout)
    assert [rule["rule_id"] for rule in told["fired"]] == ["no-small-models"]
    assert {one["candidate"] for one in told["candidates"] if one["refused_by"]} == {"qa/small-1"}
    blocked = json.loads(run("rules", "explain", str(file), "--fact", "task.capability=qa.verify", "--json").stdout)["blocked"]
    assert [(rule["rule_id"], rule["fact"], rule["value"]) for rule in blocked] == [("no-small-models", "task.capability", "qa.verify")]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["explain", "--fact", "agent.id=x"], "no fact 'agent.id'"),
        (["explain", "--fact", "task.colour=blue"], "colour"),
        (["explain", "--fact", "task.capability"], "give NAME=VALUE"),
        (["explain", "--fact", "task.difficulty=hard"], "difficulty"),
        (["explain", "--fact", "task.goal=null"], "facts has mistakes"),
        (["explain", "--at", "noon"], "mistakes"),
        (["lint", "missing.toml"], "No such file"),
        (["test", "missing.toml"], "No such file"),
        (["test", "--agents", "missing.toml"], "No such file"),
        (["preview", "missing.toml"], "is no file"),
        (["preview", "rulebook_a", "--pages", "0"], "greater than"),
        (["activate", "missing.toml", "--cause", "x"], "is no file"),
        (["activate", "rulebook_a"], "--cause"),
        (["rollback"], "--cause"),
        (["history", "--limit", "0"], "greater than"),
    ],
)  # fmt: skip
def test_wrong_input_is_exit_code_2_and_nothing_is_sent(policies: FakeServer, run, args: list[str], message: str) -> None:
    """With what is wrong and no stack trace."""
    result = run("rules", *args)
    assert result.exit_code == 2, result.output
    # The frame around a usage error breaks its lines.
    assert message in words(result.stderr.replace("│", " ")), result.stderr
    assert "Traceback" not in result.stderr
    assert not policies.requests


@pytest.mark.parametrize("option", ["--scenarios", "--agents"])
def test_a_file_with_mistakes_is_exit_code_2_with_each_of_them(run, tmp_path: Path, option: str) -> None:
    """By its name and line; a rulebook likewise."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("colour = 3\n", encoding="utf-8")
    for args in ([option, str(wrong)], [str(wrong)]):
        result = run("rules", "test", *args)
        assert result.exit_code == 2, result.output
        assert "wrong.toml has mistakes" in words(result.stderr)
        assert "wrong.toml:1" in result.stderr


def test_the_rulebook_in_use_is_printed_as_it_is(policies: FakeServer, run) -> None:
    """So that it can be kept in a file; what it is stands on the side."""
    result = run("rules", "show", "rulebook_b")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == RULES.strip()
    assert "rulebook_b, 1 rules, in use" in words(result.stderr)
    assert policies.asked("GetRulebook")[0].version == "rulebook_b"
    assert json.loads(run("rules", "show", "--json").stdout)["version"] == "rulebook_b"


def test_a_preview_goes_through_the_pages_and_says_what_would_change(policies: FakeServer, run, file: Path) -> None:
    """Of a file."""
    result = run("rules", "preview", str(file), "--plan", "plan_1")
    assert result.exit_code == 0, result.output
    text = words(result.stdout)
    for part in ("dec_1", "qa · small-1", "build", "because of no-small-models", "1 of 203 recorded routings would change", "1 could not"):
        assert part in text, text
    first, second = policies.asked("PreviewRulebook")
    assert (first.text, first.plan_id, first.page_size, first.page_token, second.page_token) == (RULES, "plan_1", 200, "", "2")


def test_a_preview_in_json_is_one_answer_over_all_pages(policies: FakeServer, run) -> None:
    """Of a version that was in use; `next_page_token` tells when there is more."""
    told = json.loads(run("rules", "preview", "rulebook_c", "--json").stdout)
    assert (told["decisionCount"], told["changedCount"], told["skippedDecisionIds"], told["nextPageToken"]) == (203, 1, ["dec_2"], "")
    assert policies.asked("PreviewRulebook")[0].version == "rulebook_c"


def test_an_activation_tells_the_server_why_and_shows_the_entry(policies: FakeServer, run, file: Path) -> None:
    """A file or a version, at most from the one that is believed to be in use."""
    result = run("rules", "activate", str(file), "--cause", "tests are hard", "--expected-version", "rulebook_a", "--request-id", "mine")
    assert result.exit_code == 0, result.output
    for part in ("4", "rulebook_a", "rulebook_b", "2023-11-14 22:13:20 UTC", "acme/ann", "tests are hard"):
        assert part in result.stdout
    [request] = policies.asked("ActivateRulebook")
    assert (request.text, request.cause, request.expected_version, request.request_id) == (RULES, "tests are hard", "rulebook_a", "mine")


def test_a_rollback_goes_to_a_version_or_to_the_one_before(policies: FakeServer, run) -> None:
    """The one before is what the last change came from, and nobody may have changed it since."""
    assert run("rules", "rollback", "rulebook_x", "--cause", "too dear").exit_code == 0
    assert run("rules", "rollback", "--cause", "too dear", "--json").exit_code == 0
    named, before = policies.asked("ActivateRulebook")
    assert (named.version, named.expected_version) == ("rulebook_x", "")
    assert (before.version, before.expected_version, before.cause) == ("rulebook_a", "rulebook_b", "too dear")


def test_there_is_nothing_to_go_back_to_before_the_first_change(policies: FakeServer, run) -> None:
    """And that is said."""
    policies.on("ListRulebookChanges", policy.ListRulebookChangesResponse())
    result = run("rules", "rollback", "--cause", "x")
    assert result.exit_code == 4
    assert "never changed" in result.stderr
    assert not policies.asked("ActivateRulebook")


def test_the_history_says_who_changed_what_when_and_why(policies: FakeServer, run) -> None:
    """Newest first, and not more than asked for."""
    result = run("rules", "history", "--limit", "7")
    assert result.exit_code == 0
    for part in ("rulebook_a", "rulebook_b", "acme/ann", "tests are hard"):
        assert part in result.stdout
    assert policies.asked("ListRulebookChanges")[0].page_size == 7
    assert [one["sequence"] for one in json.loads(run("rules", "history", "--json").stdout)["changes"]] == ["4"]


def test_a_refusal_lists_the_mistakes_and_is_exit_code_4(policies: FakeServer, run, file: Path) -> None:
    """One line for each."""
    mistakes = [("text", "rulebook.toml:4: no", ""), ("text", "rulebook.toml:9: neither", "")]
    policies.on("ActivateRulebook", Refusal(grpc.StatusCode.INVALID_ARGUMENT, "it has mistakes", "INVALID_RULEBOOK", violations=mistakes))
    result = run("rules", "activate", str(file), "--cause", "x")
    assert result.exit_code == 4
    text = words(result.stderr)
    assert "INVALID_RULEBOOK: it has mistakes" in text
    assert "rulebook.toml:4: no" in text
    assert "rulebook.toml:9: neither" in text
