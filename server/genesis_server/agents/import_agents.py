"""Agents of other catalogues as entries of agents/schema.py.

A2A agent cards of protocol 0.3 and 1.0 (https://a2a-protocol.org), in camelCase or snake_case, and Genesis' own cards.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from unicodedata import combining, normalize

from genesis_server.agents.json_genesis import genesis_fields, snake_keys
from genesis_server.agents.json_reading import ImportMistake, Notes, Object, objects_of, text_of, texts_of
from genesis_server.agents.schema import AGENT_ID_PATTERN

_A2A_KEYS = {
    "url",
    "protocolVersion",
    "protocol_version",
    "supportedInterfaces",
    "supported_interfaces",
    "defaultInputModes",
    "default_input_modes",
    "capabilities",
    "preferredTransport",
    "preferred_transport",
    "provider",
}
_MAX_ID = 128
_MAX_SKILL_ID = 128
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._:/-]+")


def is_a2a_card(item: Object) -> bool:
    """Whether an object is an A2A agent card: skills, and a key that only such cards have."""
    return "skills" in item and not _A2A_KEYS.isdisjoint(item)


def a2a_card(item: Object, path: str, notes: Notes, mistakes: list[ImportMistake]) -> Object:
    """The entry of an A2A agent card; its id is made of its name. Models, region and data class are not in such cards."""
    name = text_of(item, "name", path, mistakes)
    skills = [_a2a_skill(skill, place, notes, mistakes) for place, skill in objects_of(item, "skills", path, mistakes)]
    return {
        "id": agent_id(name, f"{path}.name", notes),
        "name": notes.shortened(name, 200, f"{path}.name"),
        "description": notes.shortened(text_of(item, "description", path, mistakes), 4_000, f"{path}.description"),
        "version": notes.shortened(text_of(item, "version", path, mistakes), 64, f"{path}.version"),
        "skills": notes.first(skills, 200, f"{path}.skills"),
    }


def genesis_agent(item: Object, path: str, notes: Notes, mistakes: list[ImportMistake]) -> Object:
    """The entry of one of Genesis' own cards."""
    entry = genesis_fields(snake_keys(item), path, mistakes)
    if isinstance(entry.get("id"), str):
        entry["id"] = agent_id(entry["id"], f"{path}.id", notes)
    return entry


def agent_id(name: str, path: str, notes: Notes) -> str:
    """The name as an agent's id: where it is none, accents go and other characters become `-`; nothing left: a digest of it."""
    if not name or re.fullmatch(AGENT_ID_PATTERN, name):
        return name
    plain = "".join(character for character in normalize("NFKD", name) if not combining(character))
    made = _NOT_IN_IDS.sub("-", plain).strip("-._:/")[:_MAX_ID] or f"agent-{blake2b(name.encode(), digest_size=6).hexdigest()}"
    notes.add(path, f"{name[:60]!r} has the id {made!r} here")
    return made


def _a2a_skill(item: Object, path: str, notes: Notes, mistakes: list[ImportMistake]) -> Object:
    name = text_of(item, "name", path, mistakes)
    examples = [notes.shortened(text, 2_000, f"{path}.examples") for text in texts_of(item, "examples", path, mistakes)]
    tags = [notes.shortened(text, 200, f"{path}.tags") for text in texts_of(item, "tags", path, mistakes)]
    return {
        "id": notes.shortened(text_of(item, "id", path, mistakes) or name, _MAX_SKILL_ID, f"{path}.id"),
        "name": notes.shortened(name, 200, f"{path}.name"),
        "description": notes.shortened(text_of(item, "description", path, mistakes), 4_000, f"{path}.description"),
        "tags": notes.first(tags, 100, f"{path}.tags"),
        "examples": notes.first(examples, 200, f"{path}.examples"),
    }
