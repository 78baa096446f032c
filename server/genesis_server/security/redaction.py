"""Secrets taken out of texts that leave for logs and error messages (data/redaction.toml).

`redact` is idempotent and linear: bearer tokens, JSON web tokens, API keys, passwords in URLs, private keys, and whatever
stands behind a key such as "password" or "api_key".
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints, field_validator

from genesis_server.security.patterns import BoundedPattern
from genesis_server.text.toml_file import TableSchema, read_toml

FILE_NAME = "redaction.toml"
REDACTED = "<redacted>"


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


class _Secret(TableSchema):
    name: Annotated[str, StringConstraints(min_length=1)]
    needs: Annotated[list[Annotated[str, StringConstraints(min_length=1, to_lower=True)]], Field(min_length=1)]
    pattern: BoundedPattern

    @field_validator("pattern")
    @classmethod
    def _names_the_secret(cls, pattern: re.Pattern[str]) -> re.Pattern[str]:
        if "secret" not in pattern.groupindex:
            raise ValueError("has no group named secret")
        return pattern


class _File(TableSchema):
    secrets: Annotated[list[_Secret], Field(min_length=1)]


@lru_cache(maxsize=1)
def shipped_secrets() -> tuple[SecretPattern, ...]:
    """The patterns that ship with the server."""
    return parse_secrets((files("genesis_server") / "data" / FILE_NAME).read_text("utf-8"))


def parse_secrets(source: str, name: str = FILE_NAME) -> tuple[SecretPattern, ...]:
    """Read patterns. Raises DataFileError with every mistake."""
    content, _ = read_toml(source, name, _File)
    return tuple(SecretPattern(secret.name, tuple(secret.needs), secret.pattern) for secret in content.secrets)
