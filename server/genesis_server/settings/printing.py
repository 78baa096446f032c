"""Settings as a TOML file that says where each value is from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from genesis_server.settings.fields import MASK, Fields, masked
from genesis_server.settings.loading import Settings


def settings_as_toml(settings: Settings) -> str:
    """All settings with their description, value and origin; secrets and credentials in URLs are masked."""
    blocks: list[str] = []
    for name, field in Fields.model_fields.items():
        value: object = getattr(settings, name)
        setting = f"# {name} is not set" if value is None or value == () else f"{name} = {_toml(value)}"
        blocks.append(f"# {field.description}\n{setting}  # {settings.origin_of(name)}\n")
    return "\n".join(blocks)


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(int(value)) if value == int(value) else str(value)
        case SecretStr():
            return json.dumps(MASK)
        case tuple():
            return "[" + ", ".join(map(_toml, cast("Iterable[object]", value))) + "]"
        case _:
            shown = str(value) if isinstance(value, Path) else masked(str(value))
            return json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
