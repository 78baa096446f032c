"""A catalogue as the text of an agents file; `load_agents` reads the same catalogue back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal

from genesis_server.agents.loading import END_MARK
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Model, Skill, Tool
from genesis_server.model.money import Money


def to_toml(catalogue: Catalogue) -> str:
    """The agents file of a catalogue: what has its default is left out."""
    lines: list[str] = []
    for agent in catalogue.agents:
        lines += ["[[agents]]", *_agent(agent), ""]
    for tool in catalogue.tools:
        lines += ["[[tools]]", *_tool(tool), ""]
    return "\n".join([*lines, END_MARK, ""])


def _agent(agent: AgentCard) -> Iterator[str]:
    default = AgentCard(agent.id, ())
    yield f"id = {_text(agent.id)}"
    yield from _texts(agent, default, "name", "description", "version")
    if agent.max_concurrent_tasks != default.max_concurrent_tasks:
        yield f"max_concurrent_tasks = {agent.max_concurrent_tasks}"
    yield from _texts(agent, default, "region")
    if agent.max_data_class.effective != default.max_data_class:
        yield f"max_data_class = {_text(agent.max_data_class.name.lower())}"
    if agent.models:
        yield from ["models = [", *[f"    {_model(model)}," for model in agent.models], "]"]
    for skill in agent.skills:
        yield from ["", "[[agents.skills]]", *_skill(skill)]


def _skill(skill: Skill) -> Iterator[str]:
    default = Skill(skill.id)
    yield f"id = {_text(skill.id)}"
    yield from _texts(skill, default, "name", "description")
    yield from _lists(skill, "tags", "examples")
    yield from _artefacts("inputs", skill.inputs)
    yield from _artefacts("outputs", skill.outputs)
    if skill.expected_seconds != default.expected_seconds:
        yield f"expected_duration = {_duration(skill.expected_seconds)}"


def _tool(tool: Tool) -> Iterator[str]:
    default = Tool(tool.name)
    yield f"name = {_text(tool.name)}"
    yield from _texts(tool, default, "description")
    yield from _lists(tool, "examples")
    yield from _artefacts("inputs", tool.inputs)
    yield from _artefacts("outputs", tool.outputs)
    if tool.cost_per_call.nanos:
        yield f"cost_per_call = {_money(tool.cost_per_call)}"
    if tool.expected_seconds != default.expected_seconds:
        yield f"expected_duration = {_duration(tool.expected_seconds)}"


def _model(model: Model) -> str:
    parts = [f"id = {_text(model.id)}"]
    for key, price in (("input", model.input_price), ("output", model.output_price)):
        if price.nanos:
            parts.append(f"{key}_price_per_million_tokens = {_money(price)}")
    parts.append(f"success_prior = {float(model.success_prior)!r}")
    return f"{{ {', '.join(parts)} }}"


def _texts(owner: object, default: object, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(owner, name)
        if value != getattr(default, name):
            yield f"{name} = {_text(value)}"


def _lists(owner: object, *names: str) -> Iterator[str]:
    for name in names:
        values: Sequence[str] = getattr(owner, name)
        if values:
            yield f"{name} = [{', '.join(_text(value) for value in values)}]"


def _artefacts(name: str, artefacts: Sequence[Artefact]) -> Iterator[str]:
    if artefacts:
        entries = [
            f"{{ name = {_text(artefact.name)}, type = {_text(artefact.type)} }}"
            if artefact.type
            else f"{{ name = {_text(artefact.name)} }}"
            for artefact in artefacts
        ]
        yield f"{name} = [{', '.join(entries)}]"


def _text(value: str) -> str:
    """A TOML basic string, which is a JSON string but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _money(amount: Money) -> str:
    return _text(str(amount))


def _duration(seconds: float) -> str:
    return _text(f"{Decimal(repr(float(seconds))).normalize():f}s")
