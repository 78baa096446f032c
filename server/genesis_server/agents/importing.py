"""Other people's catalogues as ours: MCP tool lists, OpenAI tool schemas, A2A agent cards, Genesis JSON, tool graphs.

Every source is turned into the entries of agents/schema.py first, so that one set of bounds holds for all. What can be mended
without changing the meaning is mended with a note; the rest is a mistake with its JSON path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError as SchemaError

from genesis_server.agents.import_agents import a2a_card, genesis_agent, is_a2a_card
from genesis_server.agents.import_tools import ToolFormat, format_of, tool_entry
from genesis_server.agents.json_reading import ImportMistake, Notes, Object, as_object
from genesis_server.agents.schema import AgentEntry, ToolEntry
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import AgentCard, Catalogue, Tool
from genesis_server.text.toml_file import dotted, explain

EXPECTED = (
    "expected an MCP tools/list result, OpenAI tool schemas, an A2A agent card, a Genesis catalogue or a tool graph "
    '({"tools": […]}, {"functions": […]}, {"agents": […]}, {"nodes": […]}, one card or tool, or a list of them)'
)


class CatalogueImportError(ValueError):
    """A catalogue cannot be imported; `mistakes` tells all of it."""

    def __init__(self, mistakes: Sequence[ImportMistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported catalogue."""

    catalogue: Catalogue
    formats: tuple[str, ...]
    """What the entries were, for example "MCP tool", each once."""
    notes: tuple[str, ...]
    """What was changed on the way, with JSON paths."""


def import_json(text: str) -> Imported:
    """The catalogue of a JSON text. Raises CatalogueImportError with every mistake."""
    try:
        return import_catalogue(json.loads(text))
    except json.JSONDecodeError as error:
        raise CatalogueImportError([ImportMistake("$", f"no valid JSON in line {error.lineno}: {error.msg}")]) from None
    except RecursionError:
        raise CatalogueImportError([ImportMistake("$", "is nested too deeply")]) from None


def import_catalogue(value: Any) -> Imported:
    """The catalogue of parsed JSON; what it is, is seen from its shape. Raises CatalogueImportError with every mistake."""
    reading = _Reading()
    for path, item in _items(value, reading):
        reading.take(path, item)
    if not reading.mistakes and not reading.agents and not reading.tools:
        reading.mistakes.append(ImportMistake("$", f"holds no agents and no tools; {EXPECTED}"))
    if reading.mistakes:
        raise CatalogueImportError(reading.mistakes)
    catalogue = make_catalogue(reading.agents, reading.tools)
    return Imported(catalogue, tuple(dict.fromkeys(reading.formats)), tuple(reading.notes.texts))


@dataclass(slots=True)
class _Reading:
    agents: list[AgentCard] = field(default_factory=list[AgentCard])
    tools: list[Tool] = field(default_factory=list[Tool])
    formats: list[str] = field(default_factory=list[str])
    notes: Notes = field(default_factory=Notes)
    mistakes: list[ImportMistake] = field(default_factory=list[ImportMistake])
    seen: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    currency: tuple[str, str] | None = None

    def take(self, path: str, item: Object) -> None:
        """Read one agent or tool."""
        if is_a2a_card(item):
            self.formats.append("A2A agent card")
            self._agent(path, a2a_card(item, path, self.notes, self.mistakes))
        elif "skills" in item:
            self.formats.append("Genesis agent")
            self._agent(path, genesis_agent(item, path, self.notes, self.mistakes))
        else:
            kind = format_of(item)
            if kind is ToolFormat.UNKNOWN:
                self.mistakes.append(ImportMistake(path, f"is neither a tool nor an agent; {EXPECTED}"))
                return
            self.formats.append(kind.value)
            entry = tool_entry(item, kind, path, self.notes, self.mistakes)
            tool = self._checked(path, entry, ToolEntry)
            if tool is not None and self._is_new("tool", "name", tool.name, path):
                self.tools.append(tool.build())
                self._same_currency(path, self.tools[-1].cost_per_call.nanos, self.tools[-1].cost_per_call.currency)

    def _agent(self, path: str, entry: Object) -> None:
        agent = self._checked(path, entry, AgentEntry)
        if agent is None or not self._is_new("agent", "id", agent.id, path):
            return
        card = agent.build()
        for noun, ids in (("skill", [skill.id for skill in card.skills]), ("model", [model.id for model in card.models])):
            for number, name in enumerate(ids):
                if name in ids[:number]:
                    self.mistakes.append(
                        ImportMistake(f"{path}.{noun}s[{number}].id", f"{name!r} is the id of an earlier {noun} of this agent")
                    )
        for model in card.models:
            self._same_currency(path, model.input_price.nanos, model.input_price.currency)
            self._same_currency(path, model.output_price.nanos, model.output_price.currency)
        self.agents.append(card)

    def _checked(self, path: str, entry: Object, schema: type[Any]) -> Any:
        try:
            return schema.model_validate(entry, strict=True)
        except SchemaError as error:
            for detail in error.errors(include_url=False):
                place = dotted(detail["loc"])
                self.mistakes.append(ImportMistake(f"{path}.{place}", explain(detail, schema)))
            return None

    def _is_new(self, noun: str, key: str, name: str, path: str) -> bool:
        first = self.seen.setdefault((noun, name), path)
        if first != path:
            self.mistakes.append(ImportMistake(f"{path}.{key}", f"{name!r} is already the {key} of the {noun} at {first}"))
        return first == path

    def _same_currency(self, path: str, nanos: int, currency: str) -> None:
        if nanos and self.currency is None:
            self.currency = (currency, path)
        elif nanos and self.currency is not None and self.currency[0] != currency:
            self.mistakes.append(
                ImportMistake(path, f"has a price in {currency}, but {self.currency[1]} has one in {self.currency[0]}; use one currency")
            )


def _items(value: Any, reading: _Reading) -> Iterator[tuple[str, Object]]:
    """The agents and tools of a document, with their paths."""
    path = "$"
    if isinstance(value, dict) and "result" in value and "jsonrpc" in value:
        value, path = value["result"], "$.result"  # pyright: ignore[reportUnknownVariableType]
    lists: list[tuple[str, Any]] = []
    if isinstance(value, list):
        lists = [(path, value)]
    else:
        root = as_object(value)
        if root is None:
            reading.mistakes.append(ImportMistake(path, f"is no object and no list; {EXPECTED}"))
            return
        if root.get("nextCursor"):
            reading.notes.add(f"{path}.nextCursor", "this is one page of several; import the others too")
        lists = [(f"{path}.{key}", root[key]) for key in ("agents", "tools", "functions", "nodes") if key in root]
        if not lists or is_a2a_card(root):
            yield path, root
            return
    for place, items in lists:
        if not isinstance(items, list):
            reading.mistakes.append(ImportMistake(place, "must be a list"))
            continue
        for number, item in enumerate(items):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            entry = as_object(item)
            if entry is None:
                reading.mistakes.append(ImportMistake(f"{place}[{number}]", "must be an object"))
            else:
                yield f"{place}[{number}]", entry
