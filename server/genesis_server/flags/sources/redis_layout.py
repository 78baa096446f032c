"""How written flags lie in Redis; no input or output.

With the prefix `genesis:flags`:

    {genesis:flags}:written    hash: key of a flag → JSON {"version", "text", "actor", "time"}; an empty text: it was taken away
    {genesis:flags}:revision   counts the writes to all flags
    {genesis:flags}:changes    channel: for each write, the revision, how many flags there are, the key, and below them the value

The braces keep all of it on one node of a cluster. Nobody but `flag_put.lua` writes there; who does so by hand must raise the revision.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from genesis_server.flags.written import WrittenFlag


@dataclass(frozen=True, slots=True)
class Names:
    """What the parts are called."""

    prefix: str

    @property
    def written(self) -> str:
        """The hash of flags."""
        return f"{{{self.prefix}}}:written"

    @property
    def revision(self) -> str:
        """The counter of writes."""
        return f"{{{self.prefix}}}:revision"

    @property
    def changes(self) -> str:
        """The channel."""
        return f"{{{self.prefix}}}:changes"


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells without reading the flags whether they are others."""

    revision: int
    """0: nothing was ever written, or all was wiped."""
    count: int
    """How many flags there are, those taken away included."""


@dataclass(frozen=True, slots=True)
class News:
    """One write, as it is told."""

    mark: Mark
    """How it is after the write."""
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class _Value:
    version: Annotated[int, Field(strict=True, ge=1, lt=2**53)]
    text: str
    actor: str
    time: float


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(_Value)


def encode_flag(flag: WrittenFlag) -> bytes:
    """A flag as the hash holds it."""
    return json.dumps({"version": flag.version, "text": flag.text, "actor": flag.actor, "time": flag.time}).encode()


def decode_flag(key: str, value: bytes) -> WrittenFlag:
    """The flag of a value. Raises ValueError, in words, when somebody else wrote it."""
    try:
        found: _Value = _adapter().validate_json(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    return WrittenFlag(key, found.version, found.text, found.actor, found.time)


def decode_news(message: bytes) -> News | None:
    """A message of the channel; None when somebody else sent it."""
    head, _, value = message.partition(b"\n")
    try:
        revision, count, key = head.decode().split(" ", 2)
        return News(Mark(int(revision), int(count)), key, value)
    except ValueError:
        return None
