"""Method files: what ships loads, and every mistake is told with file and line."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.agents.index import CatalogueIndex
from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.method_files import build_library, shipped_methods
from genesis_server.planning.methods import MethodLibrary

GOOD = """\
id = "make-tea"
title = "Make tea"
description = "Boil water and pour it."
needs = [{ name = "leaves", type = "tea" }]

[[intents]]
all = [["brew", "make"], ["tea"]]

[[steps]]
id = "boil"
goal = "Boil water for {goal}"
capability = "kitchen.boil"
outputs = [{ name = "water", type = "hot" }]
expected_minutes = 3

[[steps]]
id = "serve"
goal = "Serve"
after = ["boil"]

[[steps.steps]]
id = "pour"
goal = "Pour"
capability = "kitchen.pour"
inputs = [{ name = "water", type = "hot" }, { name = "leaves", type = "tea" }]
"""


def _mistakes(**texts: str) -> tuple[str, ...]:
    with pytest.raises(DataFileError) as refused:
        build_library({f"{name}.toml": text for name, text in texts.items()})
    return refused.value.mistakes


def _line(text: str, start: str, nth: int = 1) -> int:
    return [number for number, line in enumerate(text.splitlines(), start=1) if line.startswith(start)][nth - 1]


def test_a_file_becomes_a_method() -> None:
    (method,) = build_library({"tea.toml": GOOD}).methods
    assert (method.id, method.title, method.needs[0].name) == ("make-tea", "Make tea", "leaves")
    assert [step.capability for step in method.leaves()] == ["kitchen.boil", "kitchen.pour"]
    assert method.steps[0].expected_seconds == 180.0
    assert method.steps[1].after == ("boil",)


def test_a_step_says_whether_it_is_to_be_approved_how_long_and_how_often_it_is_tried() -> None:
    said = GOOD.replace("expected_minutes = 3", "needs_approval = true\ntimeout_seconds = 90\nmax_attempts = 5")
    boil, serve = build_library({"tea.toml": said}).methods[0].steps
    assert (boil.needs_approval, boil.timeout_seconds, boil.max_attempts) == (True, 90.0, 5)
    assert (serve.needs_approval, serve.timeout_seconds, serve.max_attempts) == (False, None, 0)


def test_of_what_ships_one_method_asks_for_an_approval_and_not_that_of_the_demo() -> None:
    asking = {method.id: [step.id for step in method.leaves() if step.needs_approval] for method in shipped_methods().methods}
    assert {method_id: steps for method_id, steps in asking.items() if steps} == {"hiring": ["answer"]}


def test_the_snapshot_id_follows_the_content_and_not_the_file() -> None:
    first, renamed = build_library({"a.toml": GOOD}), build_library({"b.toml": GOOD + "\n# a remark\n"})
    changed = build_library({"a.toml": GOOD.replace("Boil water for", "Heat water for")})
    assert first.snapshot_id == renamed.snapshot_id != changed.snapshot_id


@pytest.mark.parametrize(
    ("old", "new", "line_starts", "says"),
    [
        ('title = "Make tea"\n', "", "", "title: is missing"),
        ('title = "Make tea"', 'titel = "Make tea"', "titel", "did you mean 'title'"),
        ('id = "make-tea"', 'id = "Make Tea"', "id", "pattern"),
        ('["tea"]]', "[]]", "all", "a group without words"),
        ('["tea"]]', '["tea ... "]]', "all", "a part without a word"),
        ('"hot" }]\nexpected', '"hot" }]\ndifficulty = 2\nexpected', "difficulty", "less than or equal to 1"),
        ("expected_minutes = 3", 'expected_minutes = "3"', "expected_minutes", "number"),
        ('after = ["boil"]', 'after = ["boyl"]', "after", "no step 'boyl' beside it"),
        ('after = ["boil"]', 'after = ["serve"]', "after", "wait for each other"),
        ('id = "pour"', 'id = "pour"\nafter = ["boil"]', "after", "wait for each other|beside it"),
        ('capability = "kitchen.boil"\n', "", "[[steps]]", "either a capability or steps"),
        ("expected_minutes = 3", "timeout_seconds = 0", "timeout_seconds", "greater than 0"),
        ("expected_minutes = 3", "max_attempts = 101", "max_attempts", "less than or equal to 100"),
        ("expected_minutes = 3", 'needs_approval = "yes"', "needs_approval", "boolean"),
        ('goal = "Serve"', 'goal = "Serve"\nmax_attempts = 2', "max_attempts", "say it of the steps below"),
        ('goal = "Serve"', 'goal = "Serve"\ntimeout_seconds = 2.5', "timeout_seconds", "say it of the steps below"),
        ('goal = "Serve"', 'goal = "Serve"\ncapability = "kitchen.serve"', "[[steps]]", "either a capability or steps"),
        ('goal = "Serve"', 'goal = "Serve"\noutputs = [{ name = "cup" }]', "[[steps]]", "no inputs and outputs of its own"),
        ('{ name = "leaves", type = "tea" }]\n\n', '{ name = "sugar", type = "tea" }]\n\n', "inputs", "nothing produces 'leaves'"),
        (
            'capability = "kitchen.pour"',
            'capability = "kitchen.pour"\noutputs = [{ name = "water" }]',
            "outputs",
            "by another step already",
        ),
    ],
)
def test_each_mistake_names_its_line(old: str, new: str, line_starts: str, says: str) -> None:
    broken = GOOD.replace(old, new)
    assert broken != GOOD
    told = _mistakes(tea=broken)
    lines = {number for number, line in enumerate(broken.splitlines(), start=1) if line.startswith(line_starts)}
    found = [mistake for mistake in told if any(part in mistake for part in says.split("|"))]
    assert found, told
    assert int(found[0].split(":")[1]) in (lines if line_starts else {1})


def test_steps_that_need_each_other_are_told() -> None:
    broken = GOOD.replace('capability = "kitchen.boil"', 'capability = "kitchen.boil"\ninputs = [{ name = "cup" }]').replace(
        'capability = "kitchen.pour"', 'capability = "kitchen.pour"\noutputs = [{ name = "cup" }]'
    )
    assert any("waits for this step itself" in mistake for mistake in _mistakes(tea=broken))


def test_mistakes_of_all_files_are_told_at_once() -> None:
    twice = GOOD.replace('id = "serve"', 'id = "boil"').replace('after = ["boil"]\n', "")
    told = _mistakes(a=GOOD, b=GOOD.replace("goal =", "gaol ="), c="id = ", d=twice)
    assert {mistake.split(":")[0] for mistake in told} == {"b.toml", "c.toml", "d.toml"}
    assert "c.toml:1: no valid TOML: Invalid value" in told
    assert any(mistake.startswith(f"d.toml:{_line(twice, 'id', 3)}: steps[1].id: the step 'boil' is there already") for mistake in told)
    assert any("d.toml:1: id: the method 'make-tea' stands in a.toml already" in mistake for mistake in told)


def test_a_plan_has_five_levels_so_steps_nest_four_deep() -> None:
    deep = GOOD
    for level in range(2, 6):
        header = "steps" + ".steps" * level
        deep = deep.replace(
            'capability = "kitchen.pour"\ninputs', f'\n[[{header}]]\nid = "pour"\ngoal = "Pour"\ncapability = "kitchen.pour"\ninputs'
        )
    assert any("at most 5 levels" in mistake for mistake in _mistakes(tea=deep))


def test_an_empty_folder_is_an_empty_library() -> None:
    assert build_library({}).match("make tea") == []


def test_what_ships_asks_only_for_skills_that_ship(methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    asked = {step.capability for method in methods.methods for step in method.leaves()}
    assert asked <= {offer.capability for offer in shipped_index.offers}


def test_each_step_that_ships_says_when_it_is_done_well(methods: MethodLibrary) -> None:
    for method in methods.methods:
        for step in method.leaves():
            assert step.acceptance, (method.id, step.id)
            assert step.difficulty is not None
            assert step.expected_seconds
    folder = files("genesis_server") / "data" / "methods"
    assert len(methods.methods) == sum(entry.name.endswith(".toml") for entry in folder.iterdir())
