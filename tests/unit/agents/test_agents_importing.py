"""Other people's catalogues as ours."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from drawn_catalogues import AGENTS, TOOLS
from google.protobuf import json_format
from hypothesis import assume, given
from hypothesis import strategies as st

from genesis_server.agents.exporting import to_toml
from genesis_server.agents.importing import CatalogueImportError, import_catalogue, import_json
from genesis_server.agents.loading import load_agents
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import AgentCard, Artefact, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money

MCP_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "title": "Weather",
    "description": "Current weather of a place",
    "inputSchema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "day": {"type": ["string", "null"], "format": "date"}},
        "required": ["city"],
    },
    "outputSchema": {
        "type": "object",
        "properties": {"celsius": {"type": "number"}, "notes": {"type": "array", "items": {"type": "string"}}},
    },
    "annotations": {"readOnlyHint": True},
}
WEATHER = Tool(
    "get_weather",
    "Current weather of a place",
    inputs=(Artefact("city", "string"),),
    outputs=(Artefact("celsius", "number"), Artefact("notes", "array<string>")),
)
PARAMETERS = {"type": "object", "properties": {"to": {"type": "string", "format": "email"}, "body": {"type": "string"}}}
SEND = Tool("send", "Sends", inputs=(Artefact("to", "email"), Artefact("body", "string")))
A2A_CARD: dict[str, Any] = {
    "name": "Recipe Agent",
    "description": "Cooks",
    "version": "1.2",
    "capabilities": {"streaming": True},
    "defaultInputModes": ["text/plain"],
    "skills": [
        {"id": "cook", "name": "Cook", "description": "Cooks food", "tags": ["food"], "examples": ["Make soup"], "inputModes": ["a"]}
    ],
}
RECIPES = AgentCard("Recipe-Agent", (Skill("cook", "Cook", "Cooks food", ("food",), ("Make soup",)),), "Recipe Agent", "Cooks", "1.2")


def _mistakes(value: Any) -> list[str]:
    with pytest.raises(CatalogueImportError) as caught:
        import_catalogue(value)
    assert str(caught.value) == "\n".join(str(mistake) for mistake in caught.value.mistakes)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    "document",
    [
        {"tools": [MCP_TOOL]},
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [MCP_TOOL]}},
        [MCP_TOOL],
        MCP_TOOL,
    ],
)
def test_mcp_tools_keep_their_types(document: Any) -> None:
    """A tools/list answer, with or without its envelope, becomes typed tools: what must be given goes in, what is promised comes out."""
    imported = import_catalogue(document)
    assert imported.catalogue.tools == (WEATHER,)
    assert imported.formats == ("MCP tool",)
    assert imported.notes == ()


@pytest.mark.parametrize(
    "document",
    [
        {"tools": [{"type": "function", "function": {"name": "send", "description": "Sends", "parameters": PARAMETERS, "strict": True}}]},
        [{"type": "function", "name": "send", "description": "Sends", "parameters": PARAMETERS}],
        {"functions": [{"name": "send", "description": "Sends", "parameters": PARAMETERS}], "function_call": "auto"},
        {"name": "send", "description": "Sends", "input_schema": PARAMETERS},
    ],
)
def test_openai_functions_of_every_style(document: Any) -> None:
    """Chat completions, responses, the older list and Anthropic's spelling give the same tool."""
    assert import_catalogue(document).catalogue.tools == (SEND,)


@pytest.mark.parametrize(
    "extra",
    [
        {"url": "https://x.example", "protocolVersion": "0.3.0"},
        {"supportedInterfaces": [{"url": "https://x.example", "protocolBinding": "GRPC", "protocolVersion": "1.0"}]},
        {"supported_interfaces": [], "protocol_version": "1.0"},
    ],
)
def test_a2a_cards_of_both_versions(extra: dict[str, Any]) -> None:
    """An agent card becomes an agent whose id is made of its name, and the note says so."""
    imported = import_catalogue(A2A_CARD | extra)
    assert imported.catalogue.agents == (RECIPES,)
    assert imported.formats == ("A2A agent card",)
    assert imported.notes == ("$.name: 'Recipe Agent' has the id 'Recipe-Agent' here",)


def test_a_list_may_mix_cards_and_tools() -> None:
    """What somebody collected in one file is sorted out by itself."""
    imported = import_catalogue([A2A_CARD, MCP_TOOL, {"id": "node", "desc": "A node", "input-type": ["text"], "output-type": ["image"]}])
    assert imported.catalogue.agents == (RECIPES,)
    assert imported.catalogue.tools == (WEATHER, Tool("node", "A node", (), (Artefact("text", "text"),), (Artefact("image", "image"),)))
    assert imported.formats == ("A2A agent card", "MCP tool", "tool graph node")


GENESIS: dict[str, Any] = {
    "agents": [
        {
            "id": "a",
            "skills": [{"id": "s", "expectedDuration": "3.5s", "inputs": [{"name": "i", "type": "t"}]}],
            "models": [{"id": "m", "inputPricePerMillionTokens": {"currencyCode": "EUR", "units": "1", "nanos": 5}, "successPrior": 0.9}],
            "maxConcurrentTasks": 3,
            "maxDataClass": "DATA_CLASS_RESTRICTED",
        }
    ],
    "tools": [{"name": "t", "costPerCall": {"currencyCode": "EUR", "units": 2}}],
}


def test_genesis_json_is_read_in_both_spellings() -> None:
    """Names in camelCase as protobuf writes it, snake_case as people do."""
    snake = json.loads(
        json.dumps(GENESIS)
        .replace("expectedDuration", "expected_duration")
        .replace("inputPricePerMillionTokens", "input_price_per_million_tokens")
        .replace("currencyCode", "currency_code")
        .replace("successPrior", "success_prior")
        .replace("maxConcurrentTasks", "max_concurrent_tasks")
        .replace('"maxDataClass": "DATA_CLASS_RESTRICTED"', '"max_data_class": 4')
        .replace("costPerCall", "cost_per_call")
    )
    imported = import_catalogue(GENESIS)
    assert imported == import_catalogue(snake)
    (agent,) = imported.catalogue.agents
    assert agent.models == (Model("m", Money(1_000_000_005, "EUR"), Money(), 0.9),)
    assert agent.skills == (Skill("s", inputs=(Artefact("i", "t"),), expected_seconds=3.5),)
    assert (agent.max_concurrent_tasks, agent.max_data_class) == (3, DataClass.RESTRICTED)
    assert imported.catalogue.tools == (Tool("t", cost_per_call=Money(2_000_000_000, "EUR")),)


@given(st.lists(AGENTS, max_size=3, unique_by=lambda agent: agent.id), st.lists(TOOLS, max_size=3, unique_by=lambda tool: tool.name))
def test_what_the_server_says_in_json_can_be_imported(agents: list[AgentCard], tools: list[Tool]) -> None:
    """`genesis agents --json` of one server is the catalogue of another, to the last nano."""
    from genesis_server.rpc.convert import catalogue_to_proto

    assume(agents or tools)
    whole = [  # a protobuf duration has no more than nanoseconds
        AgentCard(**{**_fields(agent), "skills": tuple(Skill(**{**_fields(skill), "expected_seconds": 2.5}) for skill in agent.skills)})
        for agent in agents
    ]
    catalogue = make_catalogue(whole, [Tool(**{**_fields(tool), "expected_seconds": 0.25}) for tool in tools])
    assert import_json(json_format.MessageToJson(catalogue_to_proto(catalogue))).catalogue == catalogue


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": ["string", "integer"]}, ""),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "array"}, "array"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "array<array<number>>"),
        ({"$ref": "#/$defs/Invoice"}, "Invoice"),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "boolean"),
        ({"oneOf": [{"type": "string"}, {"type": "boolean"}]}, ""),
        (True, ""),
        ({}, ""),
    ],
)
def test_types_of_json_schemas(schema: Any, kind: str) -> None:
    """A type is a name that can be compared; what allows anything has none."""
    tool = {"name": "t", "inputSchema": {"type": "object", "properties": {"x": schema}}}
    assert import_catalogue([tool]).catalogue.tools[0].inputs == (Artefact("x", kind),)


@pytest.mark.parametrize(
    ("schema", "outputs"),
    [({"type": "string"}, (Artefact("result", "string"),)), ({"type": "object"}, ()), (None, ())],
)
def test_outputs_without_properties(schema: Any, outputs: tuple[Artefact, ...]) -> None:
    """A tool that gives one plain value gives a result."""
    assert import_catalogue([MCP_TOOL | {"outputSchema": schema}]).catalogue.tools[0].outputs == outputs


def test_what_can_be_mended_is_mended_with_a_note() -> None:
    """Long texts are cut, blanks trimmed, pages announced; nothing of it in silence."""
    document = {
        "nextCursor": "abc",
        "tools": [
            {
                "name": " a\tb\n",
                "description": "d" * 9_000,
                "inputSchema": {"type": "object", "properties": {f"p{n}": {} for n in range(101)}},
            }
        ],
    }
    imported = import_catalogue(document)
    (tool,) = imported.catalogue.tools
    assert tool.name == "ab"
    assert len(tool.description) == 8_000
    assert len(tool.inputs) == 100
    assert imported.notes == (
        "$.nextCursor: this is one page of several; import the others too",
        "$.tools[0].name: renamed to 'ab'",
        "$.tools[0].description: cut from 9000 to 8000 characters",
        "$.tools[0].inputSchema.properties: only the first 100 of 101 are kept",
    )
    load_agents(to_toml(imported.catalogue))


def test_ids_that_are_none_become_some() -> None:
    """An agent with blanks in its id is renamed, and the note says to what."""
    imported = import_catalogue({"agents": [{"id": "my agent!", "skills": [{"id": "s"}]}]})
    assert imported.catalogue.agents[0].id == "my-agent"
    assert imported.notes == ("$.agents[0].id: 'my agent!' has the id 'my-agent' here",)


def test_every_mistake_is_told_with_its_path() -> None:
    """One run shows all there is to mend in a foreign file."""
    document = {
        "tools": [
            {"name": "", "inputSchema": 3},
            {"foo": 1},
            4,
            {"name": "x", "costPerCall": {"units": -1}},
            {"name": "x"},
            {"name": 5, "inputSchema": {"properties": []}},
            {"type": "function", "function": "f"},
            {"name": "y", "costPerCall": {"units": 1, "currencyCode": "EUR", "cents": 2}},
            {"name": "z", "costPerCall": {"units": 1}},
            {"name": "zz", "costPerCall": "1 USD", "colour": "red"},
        ],
        "agents": [
            {"id": "a", "skills": [{"id": "s"}, {"id": "s"}], "models": [{"id": "m"}, {"id": "m"}], "maxDataClass": "secret"},
            {"id": "b", "skills": []},
            A2A_CARD | {"skills": [3, {"id": "c", "name": "c", "tags": [1], "examples": "e"}]},
        ],
        "nodes": "n",
    }
    found = _mistakes(document)
    for start in (
        "$.tools[0].inputSchema: must be a JSON schema",
        "$.tools[0].name: String should have at least 1 character, not ''",
        "$.tools[1]: is neither a tool nor an agent",
        "$.tools[2]: must be an object",
        "$.tools[3].cost_per_call: units must be a whole number from 0",
        "$.tools[4].name: 'x' is already the name of the tool at $.tools[3]",
        "$.tools[5].name: must be a text",
        "$.tools[5].inputSchema.properties: must be an object",
        "$.tools[6].function: must be an object",
        "$.tools[7].cost_per_call.cents: unknown key",
        "$.tools[8]: has a price in USD, but $.tools[7] has one in EUR",
        "$.tools[9].cost_per_call: must be an amount",
        "$.tools[9].colour: unknown key",
        "$.agents[0].skills[1].id: 's' is the id of an earlier skill",
        "$.agents[0].models[1].id: 'm' is the id of an earlier model",
        "$.agents[0].max_data_class: 'secret' is no data class; use one of DATA_CLASS_UNSPECIFIED",
        "$.agents[1].skills: List should have at least 1 item",
        "$.agents[2].skills[0]: must be an object",
        "$.agents[2].skills[1].tags[0]: must be a text",
        "$.agents[2].skills[1].examples: must be a list",
        "$.nodes: must be a list",
    ):
        assert any(mistake.startswith(start) for mistake in found), (start, found)


@pytest.mark.parametrize("value", [3, "text", None, {"jsonrpc": "2.0", "result": 1}])
def test_what_is_no_catalogue_says_what_was_expected(value: Any) -> None:
    """Somebody with the wrong file learns which files are right."""
    (mistake,) = _mistakes(value)
    assert "expected an MCP tools/list result" in mistake


@pytest.mark.parametrize("value", [[], {"tools": []}])
def test_an_empty_catalogue_is_told(value: Any) -> None:
    """Nothing in, nothing to import."""
    assert _mistakes(value)[0].startswith("$: holds no agents and no tools")


def test_what_is_no_json_is_told_with_its_line() -> None:
    """A broken file is found by its line; endless nesting is refused."""
    with pytest.raises(CatalogueImportError, match="no valid JSON in line 2"):
        import_json('{"tools":\n]')
    with pytest.raises(CatalogueImportError, match="nested too deeply"):
        import_json("[" * 100_000)


DATA = Path(os.environ.get("GENESIS_DATA", Path(__file__).parents[3].parent / "shared" / "data"))


@pytest.mark.skipif(not (DATA / "bfcl").is_dir(), reason="GENESIS_DATA names no folder with bfcl/ and ultratool/")
def test_published_catalogues_are_taken() -> None:
    """Function lists and a tool graph that somebody else wrote, as they are."""
    for line in (DATA / "bfcl" / "BFCL_v4_multiple.json").read_text("utf-8").splitlines():
        functions = json.loads(line)["function"]
        assert len(import_catalogue(functions).catalogue.tools) == len(functions)
    graph = json.loads((DATA / "ultratool" / "tool_desc.json").read_text("utf-8"))
    assert len(import_catalogue(graph).catalogue.tools) == len(graph["nodes"])


def test_agents_named_in_any_script_get_ids_of_their_own() -> None:
    """Accents go, and a name without a Latin letter gets an id that stays the same and differs from others'."""
    cards = [
        {"name": name, "url": "https://x", "skills": [{"id": "s", "name": "s"}]} for name in ("Größe prüfen", "日本", "中国", "日本語 v2")
    ]
    imported = import_catalogue(cards)
    first, second, third, fourth = [agent.id for agent in imported.catalogue.agents]
    assert (first, fourth) == ("Gro-e-prufen", "v2")
    assert second != third
    assert {name.rpartition("-")[0] for name in (second, third)} == {"agent"}
    assert [agent.id for agent in import_catalogue(cards).catalogue.agents] == [first, second, third, fourth]
