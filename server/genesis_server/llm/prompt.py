"""What the model is told: instructions from data/prompts/draft.toml, and the brief as JSON.

The instructions are the operator's side, the JSON is material; the two never mix in one text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import StringConstraints

from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import Brief
from genesis_server.text.toml_file import TableSchema, read_toml

FILE_NAME = "draft.toml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Prompt(TableSchema):
    """The file."""

    instructions: Text
    tool_description: Text


@lru_cache(maxsize=1)
def shipped_prompt() -> Prompt:
    """The prompt that ships."""
    return read_prompt((files("genesis_server") / "data" / "prompts" / FILE_NAME).read_text("utf-8"), FILE_NAME)


def read_prompt(text: str, name: str) -> Prompt:
    """A prompt file. Raises DataFileError with every mistake, each with its line."""
    return read_toml(text, name, Prompt)[0]


def request_text(brief: Brief) -> str:
    """The brief as the user's message."""
    entries = [
        {
            "name": entry.name,
            **({"description": entry.description} if entry.description else {}),
            **({"inputs": _artefacts(entry.inputs)} if entry.inputs else {}),
            **({"outputs": _artefacts(entry.outputs)} if entry.outputs else {}),
        }
        for entry in brief.entries
    ]
    told = {"goal": brief.goal, "catalogue": entries, "there": _artefacts(brief.givens)}
    # Half a surrogate pair cannot be sent; a question mark stands for it.
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _artefacts(artefacts: Sequence[Artefact]) -> list[str]:
    return [f"{artefact.name}: {artefact.type}" if artefact.type else artefact.name for artefact in artefacts]
