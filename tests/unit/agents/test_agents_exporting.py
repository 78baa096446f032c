"""Catalogues written as agents files."""

from drawn_catalogues import AGENTS, TOOLS
from hypothesis import assume, given
from hypothesis import strategies as st

from genesis_server.agents.exporting import to_toml
from genesis_server.agents.loading import load_agents
from genesis_server.agents.registry import AgentRegistry
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import AgentCard, Skill, Tool


def test_the_shipped_agents_come_back_as_they_were() -> None:
    """Exporting what ships and loading it changes nothing, not even its id."""
    catalogue = AgentRegistry().catalogue
    assert load_agents(to_toml(catalogue)) == catalogue


@given(st.lists(AGENTS, max_size=3, unique_by=lambda agent: agent.id), st.lists(TOOLS, max_size=3, unique_by=lambda tool: tool.name))
def test_any_catalogue_comes_back_as_it_was(agents: list[AgentCard], tools: list[Tool]) -> None:
    """Names in any script, control characters, prices to a billionth: nothing is lost on the way."""
    assume(agents or tools)
    catalogue = make_catalogue(agents, tools)
    assert load_agents(to_toml(catalogue)) == catalogue


def test_defaults_are_not_written() -> None:
    """The file shows what somebody decided, not what nobody did."""
    text = to_toml(make_catalogue([AgentCard("a", (Skill("s"),))], [Tool("t")]))
    assert text == '[[agents]]\nid = "a"\n\n[[agents.skills]]\nid = "s"\n\n[[tools]]\nname = "t"\n\n[end]\n'
