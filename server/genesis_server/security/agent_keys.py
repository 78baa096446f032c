"""The keys agents sign their calls with: who has which, from a TOML file and from one text.

A file has one table for each key; an agent may have several at once, so that keys can be rotated without a gap:

    [[keys]]
    tenant = "acme"
    agent = "builder"
    key = "2026-11"                      # its id, which stands in every signed call
    secret = "…"                         # at least 32 characters
    not_before = 2026-11-01T00:00:00Z    # optional
    not_after = 2027-01-31T00:00:00Z     # optional

The text says the same in one line, `tenant/agent:key=secret`, several with commas between them: the tenant is what stands before the
first `/`, the key's id what stands after the last `:`, the secret what stands after the first `=`.

No mistake ever shows a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from genesis_server.security.tokens import TENANT_PATTERN
from genesis_server.text.toml_file import DataFileError, Mistake, TableSchema, check_schema, parse_toml

AGENT_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
"""An agent's id, as the contract has it."""
KEY_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A key's id."""
MIN_SECRET_CHARACTERS = 32
TEXT_NAME = "agent_keys"
"""What mistakes in the text are told under; their line is the number of the entry."""

_TENANT = "must be letters, digits, dots, dashes and underscores, at most 63"
_AGENT = "must be letters, digits, dots, dashes, underscores, colons and slashes, at most 128"
_KEY = "must be letters, digits, dots, dashes and underscores, at most 64"
_SECRET = f"must be a text of at least {MIN_SECRET_CHARACTERS} characters, else it can be guessed; take a longer random one"
_TWICE = "stands twice; give each key of an agent an id of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKey:
    """A key of an agent."""

    tenant: str
    agent: str
    id: str
    secret: bytes = field(repr=False)
    not_before: float | None = None
    """Seconds since the epoch; None: from ever."""
    not_after: float | None = None
    """Seconds since the epoch; None: for ever."""


class AgentKeys:
    """An immutable set of keys."""

    def __init__(self, keys: Iterable[AgentKey] = ()) -> None:
        """Take the keys; each (tenant, agent, id) is there once."""
        self._keys: dict[tuple[str, str], dict[str, AgentKey]] = {}
        for key in keys:
            self._keys.setdefault((key.tenant, key.agent), {})[key.id] = key

    def __len__(self) -> int:
        """How many keys there are."""
        return sum(map(len, self._keys.values()))

    def has(self, tenant: str, agent: str) -> bool:
        """Whether an agent has any key, valid now or not."""
        return (tenant, agent) in self._keys

    def find(self, tenant: str, agent: str, key: str) -> AgentKey | None:
        """The key of this id."""
        return self._keys.get((tenant, agent), {}).get(key)


def parse_key_file(source: str, name: str) -> tuple[AgentKey, ...]:
    """The keys of a TOML text. Raises DataFileError with every mistake."""
    file = parse_toml(source, name)
    content, mistakes = check_schema(file, _File)
    seen: set[tuple[Any, ...]] = set()
    for number, table in file.tables("keys"):
        secret = table.get("secret", "x" * MIN_SECRET_CHARACTERS)
        if not isinstance(secret, str) or len(secret) < MIN_SECRET_CHARACTERS:
            mistakes.append(file.mistake(("keys", number, "secret"), _SECRET))
        place = tuple(repr(table.get(part, number)) for part in ("tenant", "agent", "key"))
        if place in seen:
            mistakes.append(file.mistake(("keys", number, "key"), _TWICE))
        seen.add(place)
    if content is None or mistakes:
        raise DataFileError(mistakes)
    return tuple(
        AgentKey(
            tenant=found.tenant,
            agent=found.agent,
            id=found.key,
            secret=str(found.secret).encode(),
            not_before=None if found.not_before is None else found.not_before.timestamp(),
            not_after=None if found.not_after is None else found.not_after.timestamp(),
        )
        for found in content.keys
    )


def parse_key_text(text: str) -> tuple[AgentKey, ...]:
    """The keys of `tenant/agent:key=secret,…`. Raises DataFileError with every mistake."""
    keys: dict[tuple[str, str, str], AgentKey] = {}
    mistakes: list[Mistake] = []
    for number, entry in enumerate(text.split(","), 1):
        whose, equals, secret = entry.strip().partition("=")
        agent_and_tenant, colon, key = whose.rpartition(":")
        tenant, slash, agent = agent_and_tenant.partition("/")
        if not (equals and colon and slash):
            mistakes.append(Mistake(TEXT_NAME, number, "", "must be tenant/agent:key=secret"))
            continue
        checks: Mapping[str, bool] = {
            f"the tenant {_TENANT}": TENANT_PATTERN.fullmatch(tenant) is not None,
            f"the agent {_AGENT}": AGENT_PATTERN.fullmatch(agent) is not None,
            f"the key's id {_KEY}": KEY_PATTERN.fullmatch(key) is not None,
            f"the secret {_SECRET}": len(secret) >= MIN_SECRET_CHARACTERS,
            f"the key {_TWICE}": (tenant, agent, key) not in keys,
        }
        mistakes += [Mistake(TEXT_NAME, number, "", message) for message, good in checks.items() if not good]
        keys[tenant, agent, key] = AgentKey(tenant=tenant, agent=agent, id=key, secret=secret.encode())
    if mistakes:
        raise DataFileError(mistakes)
    return tuple(keys.values())


def together(file_keys: Iterable[AgentKey], text_keys: Iterable[AgentKey]) -> AgentKeys:
    """The keys of both sources. Raises DataFileError when a key stands in both."""
    merged = tuple(file_keys)
    known = {(key.tenant, key.agent, key.id) for key in merged}
    mistakes: list[Mistake] = []
    for number, key in enumerate(text_keys, 1):
        merged += (key,)
        if (key.tenant, key.agent, key.id) in known:
            mistakes.append(Mistake(TEXT_NAME, number, "", "the key stands in the file of keys too; give it an id of its own"))
    if mistakes:
        raise DataFileError(mistakes)
    return AgentKeys(merged)


def _matching(pattern: re.Pattern[str], otherwise: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(otherwise)
        return text

    return check


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must say its time zone, for example 2027-01-31T00:00:00Z")
    return moment


_Moment = Annotated[datetime, AfterValidator(_zoned)]


class _Key(TableSchema):
    tenant: Annotated[str, AfterValidator(_matching(TENANT_PATTERN, _TENANT))]
    agent: Annotated[str, AfterValidator(_matching(AGENT_PATTERN, _AGENT))]
    key: Annotated[str, AfterValidator(_matching(KEY_PATTERN, _KEY))]
    # Checked outside the schema, whose mistakes show the value.
    secret: object
    not_before: _Moment | None = None
    not_after: _Moment | None = None

    @model_validator(mode="after")
    def _valid_at_some_time(self) -> _Key:
        if self.not_before is not None and self.not_after is not None and self.not_before >= self.not_after:
            raise ValueError("not_before must be before not_after")
        return self


class _File(TableSchema):
    keys: Annotated[list[_Key], Field(min_length=1)]
