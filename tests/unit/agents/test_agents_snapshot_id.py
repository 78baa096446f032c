"""Ids of catalogues."""

from dataclasses import fields, replace

import pytest

from genesis_server.agents.snapshot_id import catalogue_snapshot_id
from genesis_server.model.catalogue import AgentCard, Artefact, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money

SKILL = Skill("s", "n", "d", ("t",), ("e",), (Artefact("i", "x"),), (Artefact("o"),), 5.0)
MODEL = Model("m", Money(1), Money(2), 0.5)
AGENT = AgentCard("a", (SKILL,), "n", "d", "v", (MODEL,), 2, "eu", DataClass.PUBLIC)
TOOL = Tool("t", "d", ("e",), (Artefact("i"),), (Artefact("o"),), Money(3), 4.0)
OTHER = {
    str: "other",
    bool: True,
    int: 77,
    float: 0.25,
    Money: Money(9),
    DataClass: DataClass.RESTRICTED,
}


def _others(value: object) -> object:
    if isinstance(value, tuple):
        return ()
    return OTHER[type(value)]


def test_equal_content_has_equal_ids() -> None:
    """Two clients that send the same catalogue share its index."""
    assert catalogue_snapshot_id([AGENT], [TOOL]) == catalogue_snapshot_id((replace(AGENT),), (replace(TOOL),))


@pytest.mark.parametrize("name", [field.name for field in fields(AgentCard)])
def test_every_field_of_an_agent_counts(name: str) -> None:
    """No change of a card goes unnoticed."""
    changed = replace(AGENT, **{name: _others(getattr(AGENT, name))})
    assert catalogue_snapshot_id([changed], []) != catalogue_snapshot_id([AGENT], [])


@pytest.mark.parametrize("name", [field.name for field in fields(Skill)])
def test_every_field_of_a_skill_counts(name: str) -> None:
    """No change of a skill goes unnoticed."""
    changed = replace(AGENT, skills=(replace(SKILL, **{name: _others(getattr(SKILL, name))}),))
    assert catalogue_snapshot_id([changed], []) != catalogue_snapshot_id([AGENT], [])


@pytest.mark.parametrize("name", [field.name for field in fields(Model)])
def test_every_field_of_a_model_counts(name: str) -> None:
    """No change of a price goes unnoticed."""
    changed = replace(AGENT, models=(replace(MODEL, **{name: _others(getattr(MODEL, name)) if name != "success_prior" else 0.1}),))
    assert catalogue_snapshot_id([changed], []) != catalogue_snapshot_id([AGENT], [])


@pytest.mark.parametrize("name", [field.name for field in fields(Tool)])
def test_every_field_of_a_tool_counts(name: str) -> None:
    """No change of a tool goes unnoticed."""
    changed = replace(TOOL, **{name: _others(getattr(TOOL, name))})
    assert catalogue_snapshot_id([], [changed]) != catalogue_snapshot_id([], [TOOL])


def test_the_order_counts() -> None:
    """Ties of a text match go by the order, so that another order is another catalogue."""
    other = replace(AGENT, id="b")
    assert catalogue_snapshot_id([AGENT, other], []) != catalogue_snapshot_id([other, AGENT], [])
