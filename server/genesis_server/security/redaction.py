"""Secrets taken out of texts that leave for logs and error messages (data/redaction.toml).

`redact` is idempotent and linear: bearer tokens, JSON web tokens, API keys, passwords in URLs, private keys, and whatever
stands behind a key such as "password" or "api_key".
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, cast

from genesis_server.security.data_file import Complaints, bounded_expression

REDACTED = "<redacted>"
_KEYS = frozenset({"name", "needs", "pattern"})


class SecretPattern(NamedTuple):
    """One kind of secret."""

    name: str
    needs: tuple[str, ...]
    expression: re.Pattern[str]


def redact(text: str) -> str:
    """The text with every secret replaced by `<redacted>`."""
    lowered = text.lower()
    for _, needs, expression in shipped_secrets():
        if any(need in lowered for need in needs):
            text = expression.sub(_take_out, text)
    return text


def _take_out(match: re.Match[str]) -> str:
    start, end = next(match.span(group) for group in match.re.groupindex if match.start(group) >= 0)
    whole = match.group()
    return whole[: start - match.start()] + REDACTED + whole[end - match.start() :]


@lru_cache(maxsize=1)
def shipped_secrets() -> tuple[SecretPattern, ...]:
    """The patterns that ship with the server."""
    name = "redaction.toml"
    return parse_secrets((files("genesis_server") / "data" / name).read_text("utf-8"), name)


def parse_secrets(source: str, name: str) -> tuple[SecretPattern, ...]:
    """Read patterns. Raises ValueError naming every mistake with file and line."""
    complaints = Complaints(source, name)
    try:
        tables = tomllib.loads(source).get("secrets", [])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {error}") from error
    result: list[SecretPattern] = []
    if not isinstance(tables, list) or not tables:
        complaints.add("there must be at least one [[secrets]]")
    for table in cast("list[dict[str, Any]]", tables if isinstance(tables, list) else []):
        title, needs, text = table.get("name"), table.get("needs"), table.get("pattern")
        near = f'name = "{title}"'
        if table.keys() != _KEYS or not isinstance(title, str) or not isinstance(text, str) or not isinstance(needs, list):
            complaints.add(f"a secret has exactly name, needs and pattern, not {', '.join(table)}", near)
            continue
        try:
            expression = bounded_expression(text)
        except (ValueError, re.error) as error:
            complaints.add(f"secret {title}: {error}", near)
            continue
        if "secret" not in expression.groupindex:
            complaints.add(f"secret {title}: the pattern has no group named secret", near)
        result.append(SecretPattern(title, tuple(str(need).lower() for need in cast("list[object]", needs)), expression))
    complaints.raise_if_any()
    return tuple(result)
