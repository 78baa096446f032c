"""Ids of catalogues, derived from their content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.model.money import Money


def catalogue_snapshot_id(agents: Sequence[AgentCard], tools: Sequence[Tool]) -> str:
    """`cat_` and 128 bits of BLAKE2b over the content; equal content in equal order has equal ids.

    The order counts, because ties of a text match go by it.
    """
    content = [[_agent(card) for card in agents], [_tool(tool) for tool in tools]]
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return f"cat_{blake2b(text.encode('ascii'), digest_size=16).hexdigest()}"


def make_catalogue(agents: Iterable[AgentCard], tools: Iterable[Tool]) -> Catalogue:
    """A catalogue that knows its id."""
    agents, tools = tuple(agents), tuple(tools)
    return Catalogue(agents, tools, catalogue_snapshot_id(agents, tools))


def _agent(card: AgentCard) -> list[object]:
    return [
        card.id,
        card.name,
        card.description,
        card.version,
        [_skill(skill) for skill in card.skills],
        [[m.id, _money(m.input_price), _money(m.output_price), m.success_prior] for m in card.models],
        card.max_concurrent_tasks,
        card.region,
        card.max_data_class.value,
        # Only when it is, so that catalogues nobody has joined keep the ids they always had.
        *(["live"] if card.live else []),
    ]


def _skill(skill: Skill) -> list[object]:
    return [
        skill.id,
        skill.name,
        skill.description,
        skill.tags,
        skill.examples,
        _artefacts(skill.inputs),
        _artefacts(skill.outputs),
        skill.expected_seconds,
    ]


def _tool(tool: Tool) -> list[object]:
    return [
        tool.name,
        tool.description,
        tool.examples,
        _artefacts(tool.inputs),
        _artefacts(tool.outputs),
        _money(tool.cost_per_call),
        tool.expected_seconds,
    ]


def _artefacts(artefacts: tuple[Artefact, ...]) -> list[tuple[str, str]]:
    return [(artefact.name, artefact.type) for artefact in artefacts]


def _money(money: Money) -> tuple[int, str]:
    return money.nanos, money.currency
