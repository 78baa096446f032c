"""The agents file: what is taken, and how mistakes are told."""

from importlib.resources import files

import pytest

from genesis_server.agents.loading import AgentsFileError, is_complete, load_agents
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money

SMALL = """
[[agents]]
id = "a"

[[agents.skills]]
id = "s"

[end]
"""
FULL = """
[[agents]]
id = "a/b:c.d_e-1"
name = "A"
description = "does"
version = "2"
max_concurrent_tasks = 3
region = "eu"
max_data_class = "restricted"
models = [{ id = "m", input_price_per_million_tokens = "0.25 EUR", output_price_per_million_tokens = "1 EUR", success_prior = 0.9 }]

[[agents.skills]]
id = "s"
name = "S"
description = "d"
tags = ["t"]
examples = ["e"]
inputs = [{ name = "i" }]
outputs = [{ name = "o", type = "doc" }]
expected_duration = "1.5h"

[[tools]]
name = "free text is a name"
cost_per_call = "0.000000001 EUR"
expected_duration = "250ms"

[end]
# a word after the end is allowed
"""


def _mistakes(text: str) -> list[str]:
    with pytest.raises(AgentsFileError) as caught:
        load_agents(text)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_what_is_left_out_has_the_defaults_of_the_contract() -> None:
    """A card needs an id and a skill, nothing else."""
    catalogue = load_agents(SMALL)
    assert catalogue.agents == (AgentCard("a", (Skill("s"),)),)
    assert catalogue.snapshot_id.startswith("cat_")


def test_every_key_arrives() -> None:
    """What is written in the file is what agents are."""
    card = AgentCard(
        id="a/b:c.d_e-1",
        name="A",
        description="does",
        version="2",
        max_concurrent_tasks=3,
        region="eu",
        max_data_class=DataClass.RESTRICTED,
        models=(Model("m", Money(250_000_000, "EUR"), Money(1_000_000_000, "EUR"), 0.9),),
        skills=(
            Skill("s", "S", "d", ("t",), ("e",), (Artefact("i"),), (Artefact("o", "doc"),), 5_400.0),
        ),
    )  # fmt: skip
    tool = Tool("free text is a name", cost_per_call=Money(1, "EUR"), expected_seconds=0.25)
    found = load_agents(FULL)
    assert found == Catalogue((card,), (tool,), found.snapshot_id)


def test_zero_means_the_default_as_in_the_contract() -> None:
    """A prior of 0 is unknown, and 0 concurrent tasks are one."""
    text = SMALL.replace('id = "a"', 'id = "a"\nmax_concurrent_tasks = 0\nmodels = [{ id = "m", success_prior = 0 }]')
    (agent,) = load_agents(text).agents
    assert agent.max_concurrent_tasks == 1
    assert agent.models[0].success_prior == 0.7


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('id = "a"', 'id = "-a"', "agents.toml:3: agents[0].id: String should match pattern"),
        ('id = "a"', 'id = ""', "agents.toml:3: agents[0].id: String should match pattern"),
        ('id = "a"', 'id = "a"\nregion = 3', "agents.toml:4: agents[0].region: Input should be a valid string, not 3"),
        ('id = "a"', 'id = "a"\nmax_data_class = "secret"', "agents.toml:4: agents[0].max_data_class: Input should be 'public'"),
        ('id = "a"', 'id = "a"\nmax_concurrent_tasks = 1.5', "agents.toml:4: agents[0].max_concurrent_tasks: Input should be a valid int"),
        ('id = "a"', 'id = "a"\nmax_concurrent_tasks = -1', "agents.toml:4: agents[0].max_concurrent_tasks: Input should be greater"),
        ('id = "a"', 'id = "a"\nmodels = [{ id = "m", success_prior = nan }]', "agents.toml:4: agents[0].models[0].success_prior: "),
        (
            'id = "a"',
            'id = "a"\nmodels = [\n{ id = "m", input_price_per_million_tokens = "-1 USD" }]',
            "agents.toml:5: agents[0].models[0].input_price_per_million_tokens: must not be negative, not '-1 USD'",
        ),
        (
            'id = "a"',
            'id = "a"\nmodels = [{ id = "m", input_price_per_million_tokens = "cheap" }]',
            'agents.toml:4: agents[0].models[0].input_price_per_million_tokens: must be an amount such as "0.25 USD"',
        ),
        (
            'id = "a"',
            'id = "a"\nmodels = [{ id = "m", input_price_per_million_tokens = "9999999999999999 USD" }]',
            "agents.toml:4: agents[0].models[0].input_price_per_million_tokens: must be at most 9000000000000000 whole units",
        ),
        (
            'id = "a"',
            'id = "a"\nmodels = [{ id = "m" },\n{ id = "m" }]',
            "agents.toml:5: agents[0].models[1].id: 'm' is already the id of the model of this agent in line 4; choose another",
        ),
        ('id = "s"', 'id = "s"\ntags = "t"', "agents.toml:7: agents[0].skills[0].tags: Input should be a valid list"),
        ('id = "s"', 'id = "s"\nexpected_duration = "soon"', "agents.toml:7: agents[0].skills[0].expected_duration: must be a duration"),
        (
            'id = "s"',
            'id = "s"\nexpected_duration = "36601d"',
            "agents.toml:7: agents[0].skills[0].expected_duration: must be at most 36600",
        ),
        ('id = "s"', 'id = "s"\nexampels = []', "agents.toml:7: agents[0].skills[0].exampels: unknown key; did you mean 'examples'?"),
        (
            'id = "s"',
            'id = "s"\n[[agents.skills]]\nid = "s"',
            "agents.toml:8: agents[0].skills[1].id: 's' is already the id of the skill of this agent in line 5; choose another",
        ),
        (
            'id = "a"\n\n[[agents.skills]]\nid = "s"',
            'id = "a"\nskills = []',
            "agents.toml:4: agents[0].skills: List should have at least 1 item",
        ),
        ("[end]", "[end]\nagents = 1\n[end]", "agents.toml:10: no valid TOML: "),
        ("[end]", '[[tools]]\nname = ""\n[end]', "agents.toml:9: tools[0].name: String should have at least 1 character, not ''"),
        ("[end]", "", "agents.toml:9: the last line is not [end]: the file was cut short, or [end] is missing"),
    ],
)
def test_each_mistake_is_told_with_file_line_and_key(old: str, new: str, mistake: str) -> None:
    """A person can go straight to what is wrong."""
    text = SMALL.replace(old, new, 1)
    assert text != SMALL
    assert any(found.startswith(mistake) for found in _mistakes(text)), _mistakes(text)


def test_all_mistakes_are_told_at_once() -> None:
    """One start shows all there is to mend, in the order of the lines."""
    shipped = (files("genesis_server") / "data" / "agents.toml").read_text("utf-8")
    text = (
        shipped.replace('id = "build"\n', 'id = "spec"\n', 1)
        .replace('region = "us"', 'regoin = "us"', 1)
        .replace("max_concurrent_tasks = 12", 'max_concurrent_tasks = "x"', 1)
        .replace('"20.00 USD", success_prior = 0.92', '"20.00 EUR", success_prior = 0.92', 1)
        .removesuffix("[end]\n")
    )
    found = _mistakes(text)
    assert [line.split(": ", 2)[1] for line in found[:-1]] == [
        "agents[2].id",
        "agents[2].models[2].output_price_per_million_tokens",
        "agents[3].regoin",
        "agents[8].max_concurrent_tasks",
    ]
    assert "cut short" in found[-1]
    assert "EUR, but line" in found[1]


def test_an_empty_file_says_what_to_add() -> None:
    """Nothing at all is no catalogue."""
    assert any("add at least one [[agents]] or [[tools]]" in found for found in _mistakes("[end]\n"))
    assert any("cut short" in found for found in _mistakes(""))


def test_the_end_mark_must_be_the_last_line() -> None:
    """Whatever stands behind the mark would not be seen to be cut."""
    assert is_complete("a = 1\n[end]\n\n# bye\n")
    assert is_complete("[end]")
    assert not is_complete("[end]\nx = 1\n")
    assert not is_complete("# only a comment")
    assert not is_complete("")


def test_broken_toml_that_was_cut_short_tells_both() -> None:
    """The syntax error of half a file comes with its cause."""
    found = _mistakes('[[agents]]\nid = "a')
    assert "no valid TOML" in found[0]
    assert "cut short" in found[1]
