"""Tools of other catalogues as entries of agents/schema.py.

MCP: https://modelcontextprotocol.io/specification (tools/list). OpenAI: function tools of chat completions and of responses, and
the older `functions` list. Tool graphs are the `nodes` of TaskBench and its kin.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, cast

from genesis_server.agents.json_genesis import genesis_fields, snake_keys
from genesis_server.agents.json_reading import ImportMistake, Notes, Object, as_object, text_of, texts_of

_MAX_DESCRIPTION = 8_000
_MAX_NAME = 200
_MAX_ARTEFACTS = 100


class ToolFormat(Enum):
    """How a tool is written."""

    MCP = "MCP tool"
    OPENAI = "OpenAI function"
    GENESIS = "Genesis tool"
    NODE = "tool graph node"
    UNKNOWN = ""


def format_of(item: Object) -> ToolFormat:
    """How a tool is written, as its keys tell."""
    if "inputSchema" in item or "input_schema" in item:
        return ToolFormat.MCP
    if "function" in item or "parameters" in item or item.get("type") == "function":
        return ToolFormat.OPENAI
    if "name" in item:
        return ToolFormat.GENESIS
    return ToolFormat.NODE if "id" in item else ToolFormat.UNKNOWN


def tool_entry(item: Object, kind: ToolFormat, path: str, notes: Notes, mistakes: list[ImportMistake]) -> Object:
    """The entry of one tool."""
    if kind is ToolFormat.GENESIS:
        return genesis_fields(snake_keys(item), path, mistakes)
    if kind is ToolFormat.NODE:
        return _node(item, path, notes, mistakes)
    if "function" in item:
        inner = as_object(item["function"])
        if inner is None:
            mistakes.append(ImportMistake(f"{path}.function", "must be an object"))
            return {"name": "unreadable"}
        item, path = inner, f"{path}.function"
    input_key = next((key for key in ("inputSchema", "input_schema", "parameters") if key in item), "parameters")
    output_key = "output_schema" if "output_schema" in item else "outputSchema"
    title = text_of(item, "title", path, mistakes)
    description = text_of(item, "description", path, mistakes) or title
    return {
        "name": _name(item, "name", path, notes, mistakes),
        "description": notes.shortened(description, _MAX_DESCRIPTION, f"{path}.description"),
        "inputs": _artefacts(item, input_key, path, notes, mistakes, required_only=True),
        "outputs": _artefacts(item, output_key, path, notes, mistakes, required_only=False),
    }


def _node(item: Object, path: str, notes: Notes, mistakes: list[ImportMistake]) -> Object:
    description = text_of(item, "desc", path, mistakes) or text_of(item, "description", path, mistakes)
    return {
        "name": _name(item, "id", path, notes, mistakes),
        "description": notes.shortened(description, _MAX_DESCRIPTION, f"{path}.desc"),
        "inputs": [{"name": kind, "type": kind} for kind in texts_of(item, "input-type", path, mistakes)],
        "outputs": [{"name": kind, "type": kind} for kind in texts_of(item, "output-type", path, mistakes)],
    }


def _name(item: Object, key: str, path: str, notes: Notes, mistakes: list[ImportMistake]) -> str:
    """The name without control characters and outer blanks, cut to what the contract allows."""
    name = text_of(item, key, path, mistakes)
    clean = "".join(character for character in name if character.isprintable()).strip()
    if clean != name:
        notes.add(f"{path}.{key}", f"renamed to {clean!r}")
    return notes.shortened(clean, _MAX_NAME, f"{path}.{key}")


def _artefacts(item: Object, key: str, path: str, notes: Notes, mistakes: list[ImportMistake], *, required_only: bool) -> list[Object]:
    """The properties of a JSON schema: of an input the required ones, or all when the schema does not say which."""
    value = item.get(key)
    if value is None:
        return []
    schema = as_object(value)
    if schema is None:
        mistakes.append(ImportMistake(f"{path}.{key}", "must be a JSON schema, which is an object"))
        return []
    properties = as_object(schema.get("properties"))
    if properties is None:
        if schema.get("properties") is not None:
            mistakes.append(ImportMistake(f"{path}.{key}.properties", "must be an object"))
        kind = schema_type(schema, schema)
        return [] if required_only or kind in {"", "object"} else [{"name": "result", "type": kind}]
    names = [name for name in properties if name]
    if required_only and isinstance(schema.get("required"), list):
        required = cast("list[Any]", schema["required"])
        names = [name for name in names if name in required]
    names = notes.first(names, _MAX_ARTEFACTS, f"{path}.{key}.properties")
    return [
        {
            "name": notes.shortened(name, _MAX_NAME, f"{path}.{key}.properties"),
            "type": notes.shortened(schema_type(properties[name], schema), _MAX_NAME, f"{path}.{key}.properties"),
        }
        for name in names
    ]


def schema_type(value: Any, root: Object) -> str:
    """The type a JSON schema allows, by name: a format such as "date", "array<…>", the last part of a reference; empty for any."""
    schema = as_object(value)
    if schema is None:
        return ""
    if isinstance(reference := schema.get("$ref"), str):
        return reference.rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf"):
        kinds = {schema_type(option, root) for option in _list(schema.get(key))} - {"null", ""}
        if kinds:
            return kinds.pop() if len(kinds) == 1 else ""
    kind = schema.get("type")
    names = [name for name in _list(kind) if isinstance(name, str) and name != "null"]
    name = kind if isinstance(kind, str) else names[0] if len(names) == 1 else ""
    if name == "string" and isinstance(schema.get("format"), str):
        return str(schema["format"])
    if name == "array":
        inner = schema_type(schema.get("items"), root)
        return f"array<{inner}>" if inner else "array"
    return name


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
